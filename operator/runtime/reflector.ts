// Keeps a store equal to a collection on the API server: list, then watch, then watch again from where it was. A state
// machine after kube-rs' watcher: `step` makes one transition and hides no retry, `afterFailure` says where to go on, and
// the back-off is a wrapper around both. It never gives up and never drops a resourceVersion it could resume from.
import { backoffMilliseconds } from './backoff.ts';
import type { Backoff } from './backoff.ts';
import { catchUp } from './catch-up.ts';
import type { ApiClient, WatchEvent } from './client.ts';
import { sleep } from './clock.ts';
import type { Clock } from './clock.ts';
import { ApiError, isApiError } from './errors.ts';
import { FailureLog } from './failure-log.ts';
import type { KubernetesObject } from './kubernetes.ts';
import type { Log } from './log.ts';
import type { Resource, Selection } from './resource.ts';
import { noVersion } from './resource-version.ts';
import type { Feed, Listing } from './feed.ts';
import type { Store } from './store.ts';

export interface ReflectorOptions<T extends KubernetesObject> extends Selection {
  client: ApiClient;
  resource: Resource<T>;
  store: Store<T>;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  log: Log;
  /** false: the server keeps no watch cache for it (events), so a quiet watch brings no byte at all. */
  sendsBookmarks?: boolean;
  /** A server that doesn't know the kind has none of it; it is asked again from time to time, as it may be upgraded. */
  optional?: boolean;
}

type State<T> =
  | { kind: 'empty'; paged: boolean }
  | { kind: 'listing'; paged: boolean; listing: Listing<T>; continue?: string }
  | { kind: 'listed'; resourceVersion: string }
  | Watching<T>;

interface Watching<T> {
  kind: 'watching';
  resourceVersion: string;
  events: AsyncGenerator<WatchEvent<T>, void, undefined>;
  /** Monotonic; undefined once an event has come. */
  silentSince: number | undefined;
  renewal: Renewal | undefined;
}

/** A short watch that somebody waits for. */
type Renewal = PromiseWithResolvers<void>;

/** An API server that comes back is noticed within 5 s; client-go's cap of 30 s serves thousands of clients. */
const backoff: Backoff = { firstMilliseconds: 200, maxMilliseconds: 5_000 };

/** At most so many objects of raw JSON are alive at a time. client-go's pager takes the same. */
const pageSize = 500;

/** How long a watch lasts: at least, and up to so much more, in seconds. */
const withBookmarks = [300, 300] as const;
/** Ended by the server before silence makes us take it for dead. */
const withoutBookmarks = [60, 60] as const;

/** kube-apiserver sends a bookmark two seconds before a watch's end (nextBookmarkTime in its cacher). */
const renewedWatchSeconds = 3;

/** A kind that isn't served now may be after an upgrade, and to ask costs next to nothing. */
const absentMilliseconds = 20_000;

const notServedAnyMore =
  'the server does not have this kind any more; what is known of it stays until it is back or this process starts anew';

/** The reason why a watch was ended by ourselves. */
const renewed = new Error('the watch begins anew');

/** A watch that ends sooner without an event wasn't one (client-go calls it a very short watch). */
const shortestWatchMilliseconds = 1_000;

export class Reflector<T extends KubernetesObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #feed: Feed<T>;
  readonly #selection: Selection;
  readonly #log: Log;
  readonly #failures: FailureLog;
  /** Ends the present watch. */
  #watch = new AbortController();
  /** Asked for, not yet begun. */
  #renewal: Renewal | undefined;
  #served: boolean | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#feed = options.store.feed(options.namespace);
    this.#selection = selectionOf(options);
    this.#log = options.log.child({ resource: options.resource.plural, ...this.#selection });
    this.#failures = new FailureLog(this.#log, options.clock, options.resource);
  }

  /** Whether the server knows the kind; undefined until it has answered. */
  get isServed(): boolean | undefined {
    return this.#served;
  }

  /** What is watched, as its kind is called in paths. */
  get plural(): string {
    return this.#options.resource.plural;
  }

  get synced(): boolean {
    return this.#feed.synced;
  }

  /** Resolves when a first listing is complete. */
  untilSynced(signal: AbortSignal): Promise<void> {
    return this.#options.store.until(() => this.#feed.synced, signal);
  }

  /** Until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    let state: State<T> = { kind: 'empty', paged: true };
    let failures = 0;
    let expired = false;
    while (!signal.aborted) {
      try {
        const next = await this.#step(state, signal);
        if (state.kind === 'watching') {
          failures = 0;
          expired = false;
        }
        state = next;
      } catch (error) {
        // No change of the signal is visible to the compiler across the await.
        if ((signal as { aborted: boolean }).aborted) return;
        if (error === renewed && state.kind === 'watching') {
          state = { kind: 'listed', resourceVersion: state.resourceVersion };
          continue;
        }
        if (this.#isAbsent(error)) {
          state = await this.#none(state, signal);
          continue;
        }
        if (isApiError(error, 'Expired') && !expired) {
          // The server is back and doesn't know our version any more: the outage before is no reason to wait again.
          expired = true;
          failures = 0;
        }
        state = await this.#afterFailure(state, error);
        await this.#wait(++failures, error, signal);
      }
    }
  }

  #isAbsent(error: unknown): boolean {
    return this.#options.optional === true && isApiError(error, 'NotFound');
  }

  /**
   * A kind that was served before may be missing on one API server of several, an older one in the middle of an upgrade: what
   * is known of it stays.
   */
  async #none(state: State<T>, signal: AbortSignal): Promise<State<T>> {
    if (state.kind === 'watching') {
      state.renewal?.resolve();
      await state.events.return();
    }
    const listing = state.kind === 'listing' ? state.listing : this.#feed.startListing();
    listing.finish(noVersion);
    this.#setServed(false);
    await sleep(this.#options.clock, absentMilliseconds, signal).catch(() => undefined);
    return { kind: 'empty', paged: true };
  }

  /** The first answer is for whoever asks; that it is another one than before, nobody would ask. */
  #setServed(served: boolean): void {
    const before = this.#served;
    this.#served = served;
    if (before === undefined || before === served) return;
    if (served) this.#log.info({}, 'the server has this kind now');
    else this.#log.warn({}, notServedAnyMore);
  }

  /** Resolves when the store holds everything that had happened to the collection when this was called. */
  catchUp(signal: AbortSignal): Promise<void> {
    const { client, resource, store, clock, random, sendsBookmarks } = this.#options;
    return catchUp(
      {
        ...{ client, resource, store, feed: this.#feed, clock, random, log: this.#log, selection: this.#selection },
        ...(this.#options.optional === true ? { isAbsent: (error: unknown) => this.#isAbsent(error) } : {}),
        ...(sendsBookmarks === false ? {} : { renewWatch: () => this.#renewWatch() }),
      },
      signal,
    );
  }

  /** Resolves when the short watch has ended, whatever it brought. */
  #renewWatch(): Promise<void> {
    this.#renewal ??= Promise.withResolvers();
    this.#watch.abort(renewed);
    return this.#renewal.promise;
  }

  #step(state: State<T>, signal: AbortSignal): Promise<State<T>> | State<T> {
    switch (state.kind) {
      case 'empty':
        return { kind: 'listing', paged: state.paged, listing: this.#feed.startListing() };
      case 'listing':
        return this.#listPage(state, signal);
      case 'listed':
        return this.#startWatching(state.resourceVersion, signal);
      case 'watching':
        return this.#nextEvent(state);
    }
  }

  /**
   * Asks for the newest version, which a server since 1.34 answers from its watch cache, pages too: with
   * resourceVersion=0 it ignores the limit and sends all at once (measured on 1.36.3).
   */
  async #listPage(state: State<T> & { kind: 'listing' }, signal: AbortSignal): Promise<State<T>> {
    const { client, resource } = this.#options;
    const { paged, listing } = state;
    const page = await client.list(
      resource,
      {
        ...this.#selection,
        ...(paged ? { limit: pageSize } : {}),
        ...(state.continue === undefined ? {} : { continue: state.continue }),
      },
      signal,
    );
    listing.add(page.items);
    if (page.continue !== undefined) return { kind: 'listing', paged, listing, continue: page.continue };
    listing.finish(page.resourceVersion);
    this.#setServed(true);
    return { kind: 'listed', resourceVersion: page.resourceVersion };
  }

  #startWatching(resourceVersion: string, signal: AbortSignal): Watching<T> {
    const { client, resource, clock } = this.#options;
    const renewal = this.#renewal;
    this.#renewal = undefined;
    this.#watch = new AbortController();
    const timeoutSeconds = renewal ? renewedWatchSeconds : this.#watchSeconds();
    const selection = { ...this.#selection, resourceVersion, timeoutSeconds };
    const events = client.watch(resource, selection, AbortSignal.any([signal, this.#watch.signal]));
    return { kind: 'watching', resourceVersion, events, silentSince: clock.monotonic(), renewal };
  }

  /** At random, so that not all watches of all processes are renewed at the same time. */
  #watchSeconds(): number {
    const [least, spread] = this.#options.sendsBookmarks === false ? withoutBookmarks : withBookmarks;
    return least + Math.floor(this.#options.random() * spread);
  }

  async #nextEvent(state: Watching<T>): Promise<State<T>> {
    const { clock } = this.#options;
    const { done, value: event } = await state.events.next();
    if (done) {
      const { silentSince, resourceVersion, renewal } = state;
      renewal?.resolve();
      if (silentSince !== undefined && clock.monotonic() - silentSince < shortestWatchMilliseconds) {
        throw new ApiError('Unavailable', 'the watch ended at once, without an event');
      }
      return { kind: 'listed', resourceVersion };
    }
    this.#feed.apply(event);
    const resourceVersion = event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion;
    return { ...state, resourceVersion, silentSince: undefined };
  }

  async #afterFailure(state: State<T>, error: unknown): Promise<State<T>> {
    if (state.kind === 'watching') {
      state.renewal?.resolve();
      await state.events.return();
    }
    if (isApiError(error, 'Expired')) {
      // A listing whose pages expire under our hands is tried whole, as client-go's pager does.
      return { kind: 'empty', paged: state.kind !== 'listing' };
    }
    return state.kind === 'watching' ? { kind: 'listed', resourceVersion: state.resourceVersion } : state;
  }

  async #wait(failures: number, error: unknown, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    const retryAfter = isApiError(error) ? (error.retryAfterMilliseconds ?? 0) : 0;
    const waitMilliseconds = Math.max(backoffMilliseconds(backoff, failures, random()), retryAfter);
    this.#failures.tell(error, failures, waitMilliseconds);
    await sleep(clock, waitMilliseconds, signal).catch(() => undefined);
  }
}

function selectionOf({ namespace, labelSelector, fieldSelector }: Selection): Selection {
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  };
}
