// Waits until a store holds all that had happened by now to what one feed brings it, so that a new leader acts on nothing older
// than its predecessor's last write. It reads the server's newest version itself and changes nothing.
import { backoffMilliseconds } from './backoff.ts';
import type { ApiClient } from './client.ts';
import { sleep } from './clock.ts';
import type { Clock } from './clock.ts';
import { isApiError } from './errors.ts';
import type { KubernetesObject, ObjectMeta } from './kubernetes.ts';
import type { Log } from './log.ts';
import { keyOf } from './resource.ts';
import type { Resource, Selection } from './resource.ts';
import { compareVersions } from './resource-version.ts';
import type { Feed } from './feed.ts';
import type { Store } from './store.ts';

export interface CatchUpOptions<T extends KubernetesObject> {
  client: ApiClient;
  resource: Resource<T>;
  store: Store<T>;
  feed: Feed<T>;
  selection: Selection;
  clock: Clock;
  random: () => number;
  log: Log;
  /**
   * Has the store's watch begin anew, so shortly that the server says within seconds how far it is; resolves at its end.
   * Absent where the server never says it.
   */
  renewWatch?: () => Promise<void>;
  /** Whether an error says that the server has nothing of the kind: then there is nothing to catch up with. */
  isAbsent?: (error: unknown) => boolean;
}

type Position = Pick<Feed<KubernetesObject>, 'resourceVersion'>;

type MetadataPage = Awaited<ReturnType<ApiClient['listMetadata']>>;

/** Each object's version at one moment, and that moment. */
interface Snapshot {
  versions: ReadonlyMap<string, string>;
  resourceVersion: string;
}

const backoff = { firstMilliseconds: 100, maxMilliseconds: 2_000 };
const pageSize = 500;

/** Tries until it is done or the signal is aborted: a leader that can't read must not write either. */
export async function catchUp<T extends KubernetesObject>(
  options: CatchUpOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 1; ; failures++) {
    try {
      await catchUpOnce(options, signal);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (options.isAbsent?.(error) === true) return;
      if (!isApiError(error)) throw error;
      options.log.warn({ err: error, failures }, 'catching up failed and will be tried again');
      await sleep(options.clock, backoffMilliseconds(backoff, failures, options.random()), signal);
    }
  }
}

async function catchUpOnce<T extends KubernetesObject>(options: CatchUpOptions<T>, signal: AbortSignal): Promise<void> {
  const { client, resource, store, feed, selection } = options;
  await store.until(() => feed.synced, signal);
  const newest = await client.listMetadata(resource, { ...selection, limit: 1 }, signal);
  if (hasReached(feed, newest.resourceVersion)) return;
  // The version is that of the whole cluster and this collection may be quiet: its own version then moves with the next
  // bookmark only, a minute later. A few objects are compared one by one, within milliseconds; to read 10,000 takes longer
  // than to have the bookmark come early.
  const page = await client.listMetadata(resource, { ...selection, limit: pageSize }, signal);
  if (page.continue !== undefined && (await isToldByBookmark(options, newest.resourceVersion, signal))) return;
  const snapshot = await takeSnapshot(options, page, signal);
  const behind = keysBehind(store, feed, snapshot);
  await store.until(() => hasReached(feed, snapshot.resourceVersion) || behind.next().done === true, signal);
}

/** False: the watch ended and the store isn't there. Another API server may have answered it, one that is behind. */
async function isToldByBookmark<T extends KubernetesObject>(
  { store, feed, renewWatch }: CatchUpOptions<T>,
  resourceVersion: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (!renewWatch) return false;
  const enough = new AbortController();
  const reached = store.until(() => hasReached(feed, resourceVersion), AbortSignal.any([signal, enough.signal]));
  try {
    await Promise.race([reached, renewWatch()]);
    return hasReached(feed, resourceVersion);
  } finally {
    reached.catch(() => undefined);
    enough.abort();
  }
}

function hasReached(feed: Position, resourceVersion: string): boolean {
  return compareVersions(feed.resourceVersion, resourceVersion) >= 0;
}

async function takeSnapshot<T extends KubernetesObject>(
  { client, resource, selection }: CatchUpOptions<T>,
  first: MetadataPage,
  signal: AbortSignal,
): Promise<Snapshot> {
  const versions = new Map<string, string>();
  for (let page = first; ;) {
    for (const { metadata } of page.items) versions.set(keyOf(metadata), metadata.resourceVersion);
    if (page.continue === undefined) return { versions, resourceVersion: page.resourceVersion };
    page = await client.listMetadata(resource, { ...selection, limit: pageSize, continue: page.continue }, signal);
  }
}

/**
 * The keys at which the store is behind the snapshot, over and over the same one until it no longer is: a store doesn't
 * go back, so what has been passed need not be looked at again.
 */
function* keysBehind<T extends KubernetesObject>(
  store: Store<T>,
  feed: Feed<T>,
  snapshot: Snapshot,
): Generator<string, void, undefined> {
  const gone = [...feed.list()].map(({ metadata }) => metadata).filter((one) => isGone(one, snapshot));
  for (const [key, version] of snapshot.versions) while (!hasAtLeast(store, key, version)) yield key;
  for (const { uid, ...metadata } of gone) {
    const key = keyOf(metadata);
    while (store.get(key)?.metadata.uid === uid) yield key;
  }
}

function isGone(metadata: ObjectMeta, { versions, resourceVersion }: Snapshot): boolean {
  return !versions.has(keyOf(metadata)) && compareVersions(metadata.resourceVersion, resourceVersion) <= 0;
}

function hasAtLeast<T extends KubernetesObject>(store: Store<T>, key: string, version: string): boolean {
  const object = store.get(key);
  return object !== undefined && compareVersions(object.metadata.resourceVersion, version) >= 0;
}
