// Follows a collection: everything there is, then every change, for as long as the signal allows. It lists again when the
// server has forgotten where it was, and waits when the server is away; it keeps no copy of the objects.
import { setTimeout as delay } from 'node:timers/promises';
import { type Api, ApiRefusal, type KubernetesObject, type WatchEvent } from './client.ts';

export interface Follower<T extends KubernetesObject> {
  /** All objects of a fresh list; what isn't in it any more is gone. */
  onList(items: T[]): void;
  onChange(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void;
}

const pauseMilliseconds = 250;

async function list<T extends KubernetesObject>(
  api: Api,
  path: string,
  to: Follower<T>,
  signal: AbortSignal,
): Promise<string> {
  const { items, metadata } = await api.get<{ items: T[]; metadata: { resourceVersion: string } }>(path, signal);
  to.onList(items);
  return metadata.resourceVersion;
}

function deliver<T extends KubernetesObject>({ type, object }: WatchEvent<T>, to: Follower<T>): string | undefined {
  if (type === 'ERROR') return undefined; // 410: the server no longer has that version
  if (type !== 'BOOKMARK') to.onChange(type, object);
  return object.metadata.resourceVersion;
}

/** Returns when the signal fires; path may carry a selector. */
export async function follow<T extends KubernetesObject>(
  api: Api,
  path: string,
  to: Follower<T>,
  signal: AbortSignal,
): Promise<void> {
  let resourceVersion: string | undefined;
  while (!signal.aborted) {
    try {
      resourceVersion ??= await list(api, path, to, signal);
      for await (const event of api.watchOnce<T>(path, resourceVersion, signal)) {
        resourceVersion = deliver(event, to);
        if (resourceVersion === undefined) break;
      }
    } catch (error) {
      if (error instanceof ApiRefusal && error.status === 410) resourceVersion = undefined;
      await delay(pauseMilliseconds, undefined, { signal }).catch(() => undefined);
    }
  }
}
