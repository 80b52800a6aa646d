// The newest known state of a collection, in memory. Only reflectors and the answers to our own writes change it, and
// it never goes back in time: nothing older replaces what is newer, nothing deleted comes back under its old uid.
import type { Version, WatchEvent } from './client.ts';
import { abortReason } from './clock.ts';
import { type Feed, FeedProgress, type Listing } from './feed.ts';
import type { KubernetesObject } from './kubernetes.ts';
import { keyOf } from './resource.ts';
import { isNewer } from './resource-version.ts';
import { StoreIndex } from './store-index.ts';

export interface Change<T> {
  type: 'added' | 'modified' | 'deleted';
  key: string;
  object: T;
  /** What stood there before a 'modified'. */
  previous?: T;
}

export interface StoreOptions<T> {
  /** By name: the values under which an object is found. A pure function of the (transformed) object. */
  indexes?: Readonly<Record<string, (object: T) => readonly string[]>>;
  /** Drops what nobody reads, before anything is kept. Must keep metadata's name, namespace, uid and resourceVersion. */
  transform?: (object: T) => T;
}

/** The feed of all namespaces. */
const everywhere = '';

interface Waiter {
  condition: () => boolean;
  resolve: () => void;
}

export class Store<T extends KubernetesObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes: ReadonlyMap<string, StoreIndex<T>>;
  readonly #transform: (object: T) => T;
  readonly #listeners = new Set<(change: Change<T>) => void>();
  readonly #waiters = new Set<Waiter>();
  /** By the namespace of the feed. */
  readonly #progress = new Map<string, FeedProgress>();

  constructor(options: StoreOptions<T> = {}) {
    const indexes = Object.entries(options.indexes ?? {});
    this.#indexes = new Map(indexes.map(([name, valuesOf]) => [name, new StoreIndex(valuesOf)]));
    this.#transform = options.transform ?? ((object) => object);
  }

  /** A first listing of each feed is complete. */
  get synced(): boolean {
    const all = [...this.#progress.values()];
    return all.length > 0 && all.every(({ synced }) => synced);
  }

  get size(): number {
    return this.#objects.size;
  }

  /** By 'namespace/name', or 'name' for what has no namespace. */
  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): Iterable<T> {
    return this.#objects.values();
  }

  byIndex(index: string, value: string): readonly T[] {
    return this.#index(index).get(value);
  }

  /** Every value under which an index finds something. */
  valuesOf(index: string): readonly string[] {
    return this.#index(index).values();
  }

  #index(name: string): StoreIndex<T> {
    const found = this.#indexes.get(name);
    if (!found) throw new TypeError(`this store has no index "${name}"`);
    return found;
  }

  /** Called after each change, before anything else happens. Returns how to stop it. */
  subscribe(listener: (change: Change<T>) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Resolves as soon as the condition holds; it is asked again after each change and each progress of the version. */
  async until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (condition()) return;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const waiter: Waiter = {
      condition,
      resolve: () => {
        resolve(undefined);
      },
    };
    const onAbort = () => {
      reject(abortReason(signal));
    };
    this.#waiters.add(waiter);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await promise;
    } finally {
      this.#waiters.delete(waiter);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** The answer to a write of our own: nothing older than it is seen from here on. */
  absorb(object: T): void {
    this.#put(object, this.#progressOf(object.metadata));
    this.#wake();
  }

  /** A DELETE of our own succeeded and left nothing behind: events still on their way can't bring the object back. */
  absorbDelete(metadata: Version): void {
    const current = this.#objects.get(keyOf(metadata));
    const isHere = current?.metadata.uid === metadata.uid;
    const progress = this.#progressOf(metadata);
    // The watch has told the end already; a mark would never be taken away.
    if (!isHere && !progress.isNews(metadata)) return;
    progress.absorbDelete(metadata);
    if (isHere) this.#remove(current);
    this.#wake();
  }

  /**
   * For a reflector; the same one for the same namespace. A store has one feed of everything, or one for each of some
   * namespaces: versions of different watches can't be compared, so each feed has its own.
   */
  feed(namespace: string = everywhere): Feed<T> {
    const progress = this.#progress.get(namespace) ?? new FeedProgress();
    this.#progress.set(namespace, progress);
    const ours = () => this.#objectsOf(namespace);
    return {
      get synced() {
        return progress.synced;
      },
      get resourceVersion() {
        return progress.resourceVersion;
      },
      list: ours,
      apply: (event) => {
        this.#apply(event, progress);
      },
      startListing: () => this.#startListing(progress, ours),
    };
  }

  /** Of the feed that tells of an object; what no feed tells of is known from our own writes alone. */
  #progressOf({ namespace = everywhere }: Version): FeedProgress {
    return this.#progress.get(namespace) ?? this.#progress.get(everywhere) ?? new FeedProgress();
  }

  *#objectsOf(namespace: string): Generator<T, void, undefined> {
    for (const object of this.#objects.values()) {
      if (namespace === everywhere || object.metadata.namespace === namespace) yield object;
    }
  }

  #apply(event: WatchEvent<T>, progress: FeedProgress): void {
    if (event.type === 'BOOKMARK') {
      this.#advance(progress, event.resourceVersion);
      return;
    }
    if (event.type === 'DELETED') this.#deleted(event.object, progress);
    else this.#put(event.object, progress);
    this.#advance(progress, event.object.metadata.resourceVersion);
  }

  #startListing(progress: FeedProgress, ours: () => Iterable<T>): Listing<T> {
    const listed = new Set<string>();
    return {
      add: (items) => {
        for (const item of items) {
          listed.add(item.metadata.uid);
          this.#put(item, progress);
        }
      },
      finish: (resourceVersion) => {
        this.#removeUnlisted(listed, resourceVersion, ours());
        progress.wasListed(listed, resourceVersion);
        progress.synced = true;
        this.#advance(progress, resourceVersion);
      },
    };
  }

  #put(object: T, progress: FeedProgress): void {
    if (!progress.isNews(object.metadata)) return;
    const current = this.#objects.get(keyOf(object.metadata));
    if (current && !isNewer(object.metadata.resourceVersion, current.metadata.resourceVersion)) return;
    const kept = this.#transform(object);
    if (current?.metadata.uid === kept.metadata.uid) {
      this.#modify(current, kept);
      return;
    }
    // A new uid under an old name: the old object's end was missed, or is still on its way.
    if (current) this.#remove(current);
    this.#add(kept);
  }

  #deleted(object: T, progress: FeedProgress): void {
    progress.deleteIsTold(object.metadata.uid);
    const current = this.#objects.get(keyOf(object.metadata));
    if (current?.metadata.uid === object.metadata.uid) this.#remove(current);
  }

  #removeUnlisted(listed: ReadonlySet<string>, resourceVersion: string, ours: Iterable<T>): void {
    for (const object of ours) {
      const { uid, resourceVersion: own } = object.metadata;
      if (!listed.has(uid) && !isNewer(own, resourceVersion)) this.#remove(object);
    }
  }

  #add(object: T): void {
    const key = keyOf(object.metadata);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) index.add(key, object);
    this.#tell({ type: 'added', key, object });
  }

  #modify(previous: T, object: T): void {
    const key = keyOf(object.metadata);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) {
      index.remove(key, previous);
      index.add(key, object);
    }
    this.#tell({ type: 'modified', key, object, previous });
  }

  #remove(object: T): void {
    const key = keyOf(object.metadata);
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) index.remove(key, object);
    this.#tell({ type: 'deleted', key, object });
  }

  #tell(change: Change<T>): void {
    for (const listener of this.#listeners) listener(change);
  }

  #advance(progress: FeedProgress, resourceVersion: string): void {
    progress.advance(resourceVersion);
    this.#wake();
  }

  #wake(): void {
    for (const waiter of this.#waiters) if (waiter.condition()) waiter.resolve();
  }
}
