// One book in its ConfigMap. Changes that come while a write is under way go out together in the next one; who is overtaken
// by another writer reads again and makes the same changes again. A book that can't be read is never written over.
import { backoffMilliseconds } from '../../runtime/backoff.ts';
import type { ApiClient } from '../../runtime/client.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import { isApiError } from '../../runtime/errors.ts';
import type { ConfigMap } from '../../runtime/kubernetes.ts';
import type { Log } from '../../runtime/log.ts';
import { configMaps } from '../../runtime/resource.ts';
import {
  type BilledRun,
  type Book,
  type Change,
  emptyBook,
  isClosed,
  type SettledRun,
  withChanges,
  withoutSettled,
} from './book.ts';
import { bookName, manifestOf, readBook, textOf } from './book-map.ts';

export interface PageOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Log;
  /** In [0, 1). */
  readonly random: () => number;
  /** How long a first change waits for others before it is written. */
  readonly gatherMilliseconds: number;
  readonly mayForget: (key: string, settled: SettledRun) => boolean;
}

/** Somebody wrote into a bill what is no book: nothing is billed there until it is mended. */
export class UnreadableBookError extends Error {
  override readonly name = 'UnreadableBookError';

  constructor(namespace: string, name: string, words: string) {
    super(
      `ConfigMap ${namespace}/${name} is no book that can be read (${words}): mend it, or delete it to begin it anew`,
    );
  }
}

interface Waiting {
  readonly change: Change;
  /** With what the book bills of the run. */
  readonly resolve: (cost: number) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A write is at least so many gathering times after the one before: in a burst each holds more, and the last thing that a run waits for
 * comes no later than this.
 */
const gatherTimesApart = 3;
const backoff = { firstMilliseconds: 500, maxMilliseconds: 5_000 };

export class Page {
  readonly month: string;
  readonly policy: string;
  readonly #options: PageOptions;
  readonly #signal: AbortSignal;
  /** As the API server had it last; undefined: there was none. */
  #stored: ConfigMap | undefined;
  #durable: Book;
  #fault: UnreadableBookError | undefined;
  /** Those of a write under way are at the front. */
  #waiting: Waiting[] = [];
  #isWriting = false;
  /** Monotonic. */
  #writtenAt = Number.NEGATIVE_INFINITY;
  #current: Book | undefined;

  /** `signal` ends the writing. */
  constructor(policy: string, month: string, options: PageOptions, signal: AbortSignal) {
    this.policy = policy;
    this.month = month;
    this.#options = options;
    this.#signal = signal;
    this.#durable = emptyBook(policy, month, '');
  }

  /** What is wrong with the ConfigMap. */
  get fault(): UnreadableBookError | undefined {
    return this.#fault;
  }

  /** '' before the first change. */
  get currency(): string {
    return this.#durable.currency;
  }

  /** With all changes, also those that aren't durable yet. */
  get book(): Book {
    this.#current ??= withChanges(
      this.#durable,
      this.#waiting.map(({ change }) => change),
    );
    return this.#current;
  }

  /** As `book.open` has it, without making the book for it. */
  openRun(key: string): BilledRun | undefined {
    const isIt = ({ change }: Waiting) => change.kind === 'Open' && change.key === key;
    return this.#durable.open.get(key) ?? this.#waiting.find(isIt)?.change.run;
  }

  /** What was read of the API server. */
  adopt(configMap: ConfigMap): void {
    const book = readBook(configMap);
    const { namespace } = this.#options;
    this.#current = undefined;
    this.#stored = configMap;
    this.#fault =
      typeof book === 'string' ? new UnreadableBookError(namespace, configMap.metadata.name, book) : undefined;
    if (typeof book !== 'string') this.#durable = book;
  }

  /**
   * Resolves with what the book bills of the run (0 while it is open) once that is durable. A failed write rejects what was
   * to be settled, and its caller tries again; what was to be opened stays, and goes out with the next try. The currency
   * counts only for a book that isn't begun yet.
   */
  change(change: Change, currency: string): Promise<number> {
    if (this.#durable.currency === '') this.#durable = { ...this.#durable, currency };
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#waiting.push({ change, resolve, reject });
    this.#current = undefined;
    if (!this.#isWriting) void this.#write();
    return promise;
  }

  /**
   * Deletes the ConfigMap, unless something in the book goes on or is still asked for, or somebody has just written to it; true:
   * it is gone. One that can't be read may hold runs that go on, so it stays.
   */
  async discard(): Promise<boolean> {
    const stored = this.#stored;
    if (!stored || this.#fault || this.#isWriting || !isClosed(this.#durable, this.#options.mayForget)) return false;
    // What comes while it is deleted waits, and begins the book anew.
    this.#isWriting = true;
    try {
      return (await this.#delete(stored)) && this.#waiting.length === 0;
    } finally {
      this.#isWriting = false;
      if (this.#waiting.length > 0) void this.#write();
    }
  }

  /** False: somebody has written to it since it was read. */
  async #delete({ metadata }: ConfigMap): Promise<boolean> {
    const { uid, resourceVersion } = metadata;
    const preconditions = { uid, resourceVersion, propagationPolicy: 'Background' } as const;
    try {
      await this.#options.client.delete(configMaps, metadata, preconditions, this.#signal);
    } catch (error) {
      if (!isApiError(error, 'NotFound', 'Conflict')) throw error;
      if (error.kind === 'Conflict') {
        await this.#read();
        return false;
      }
    }
    this.#stored = undefined;
    this.#durable = emptyBook(this.policy, this.month, this.#durable.currency);
    this.#current = undefined;
    return true;
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    let failures = 0;
    while (this.#waiting.length > 0) {
      try {
        await sleep(this.#options.clock, this.#pauseMilliseconds(failures), this.#signal);
        await this.#writeBatch();
        failures = 0;
      } catch (error) {
        failures += 1;
        this.#failed(error);
      }
    }
    this.#isWriting = false;
  }

  #pauseMilliseconds(failures: number): number {
    const { gatherMilliseconds, clock, random } = this.#options;
    if (failures > 0) return backoffMilliseconds(backoff, failures, random());
    const notBefore = this.#writtenAt + gatherTimesApart * gatherMilliseconds;
    return Math.max(gatherMilliseconds, notBefore - clock.monotonic());
  }

  async #writeBatch(): Promise<void> {
    const batch = [...this.#waiting];
    const book = await this.#commit(batch.map(({ change }) => change));
    this.#writtenAt = this.#options.clock.monotonic();
    this.#waiting.splice(0, batch.length);
    this.#current = undefined;
    for (const { change, resolve } of batch) resolve(book.settled.get(change.key)?.cost ?? 0);
  }

  #failed(error: unknown): void {
    const { log } = this.#options;
    // Also those that came while the write was under way: they'd meet the same fate.
    const all = this.#waiting;
    const isOver = this.#signal.aborted;
    this.#waiting = isOver ? [] : all.filter(({ change }) => change.kind === 'Open');
    this.#current = undefined;
    if (!isOver) log.warn({ err: error, policy: this.policy, month: this.month }, 'the bill could not be written');
    for (const { change, reject } of all) if (isOver || change.kind === 'Settle') reject(error);
  }

  /** The book with the changes, before anything was forgotten. */
  async #commit(changes: readonly Change[]): Promise<Book> {
    if (this.#fault) await this.#read();
    for (;;) {
      const changed = withChanges(this.#durable, changes);
      if (changed === this.#durable) return changed;
      const book = withoutSettled(changed, this.#options.mayForget);
      try {
        this.#stored = await this.#put(book);
        this.#durable = book;
        return changed;
      } catch (error) {
        if (!isApiError(error, 'Conflict', this.#stored ? 'NotFound' : 'AlreadyExists')) throw error;
        await this.#read();
      }
    }
  }

  #put(book: Book): Promise<ConfigMap> {
    const { client, namespace } = this.#options;
    if (!this.#stored) return client.create(configMaps, manifestOf(book, namespace), {}, this.#signal);
    const data = { ...this.#stored.data, book: textOf(book) };
    return client.replace(configMaps, { ...this.#stored, data }, this.#signal);
  }

  /** A book that somebody deleted is begun anew with all that is known of it here: nothing is billed twice or lost. */
  async #read(): Promise<void> {
    const { client, namespace } = this.#options;
    try {
      const key = { namespace, name: bookName(this.policy, this.month) };
      this.adopt(await client.get(configMaps, key, this.#signal));
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
      this.#stored = undefined;
      this.#fault = undefined;
    }
    if (this.#fault) throw this.#fault;
  }
}
