// The way into a store for what one watch is told: of all objects, or of those of one namespace. Versions of different watches
// can't be compared, so each has its own progress; the objects themselves are the store's.
import type { Version, WatchEvent } from './client.ts';
import { isNewer, noVersion } from './resource-version.ts';

/** A listing under way. It may come in pages: each is stored at once, so only one page of raw JSON is ever alive. */
export interface Listing<T> {
  add(items: readonly T[]): void;
  /** The listing is complete: what it doesn't hold and isn't newer than it is gone. */
  finish(resourceVersion: string): void;
}

export interface Feed<T> {
  /** A first listing is complete. */
  readonly synced: boolean;
  /** Everything that happened to its objects up to this version is in the store; '0' before the first listing. */
  readonly resourceVersion: string;
  list(): Iterable<T>;
  /** One event of the watch, in the watch's order. */
  apply(event: WatchEvent<T>): void;
  /** A listing begins. One that is never finished changes nothing but what it brought. */
  startListing(): Listing<T>;
}

/** How far a feed is, and what was deleted by ourselves that it hasn't told yet. */
export class FeedProgress {
  /** By uid, with the version at which it was deleted. */
  readonly #absorbedDeletes = new Map<string, string>();
  #resourceVersion = noVersion;
  synced = false;

  get resourceVersion(): string {
    return this.#resourceVersion;
  }

  advance(resourceVersion: string): void {
    if (isNewer(resourceVersion, this.#resourceVersion)) this.#resourceVersion = resourceVersion;
  }

  /** What is at or below the feed's own version can't tell it anything: the store has it, or knows its end. */
  isNews({ resourceVersion, uid }: Version): boolean {
    return isNewer(resourceVersion, this.#resourceVersion) && !this.#absorbedDeletes.has(uid);
  }

  absorbDelete({ uid, resourceVersion }: Version): void {
    this.#absorbedDeletes.set(uid, resourceVersion);
  }

  deleteIsTold(uid: string): void {
    this.#absorbedDeletes.delete(uid);
  }

  /** A complete listing of that version tells the end of all that it doesn't hold. */
  wasListed(listed: ReadonlySet<string>, resourceVersion: string): void {
    for (const [uid, own] of this.#absorbedDeletes) {
      if (!listed.has(uid) && !isNewer(own, resourceVersion)) this.#absorbedDeletes.delete(uid);
    }
  }
}
