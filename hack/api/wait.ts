// Waits until a collection is as wanted, by watching it: it returns within the moment of the change, and on a time-out
// says what it last saw.
import type { Api, KubernetesObject } from './client.ts';
import { follow } from './follow.ts';

export interface Wait<T> {
  /** Asked after the first list and after every single change: no state in between is missed. */
  until: (objects: readonly T[]) => boolean;
  /** For the error message: "3 nodes to be ready". */
  what: string;
  timeoutMilliseconds: number;
  /** Ends the message of a time-out; default: the names seen. */
  describe?: (objects: readonly T[]) => string;
}

const keyOf = ({ metadata }: KubernetesObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;

const names = (objects: readonly KubernetesObject[]): string =>
  `${objects.length} objects there: ${objects.slice(0, 10).map(keyOf).join(' ')}`;

/** The objects as they were when the condition held. path may carry a label or field selector. */
export async function waitFor<T extends KubernetesObject>(api: Api, path: string, wait: Wait<T>): Promise<T[]> {
  const seen = new Map<string, T>();
  const stop = new AbortController();
  const state: { met: boolean; failure?: Error } = { met: false };
  const look = (): void => {
    if (stop.signal.aborted) return;
    try {
      state.met = wait.until([...seen.values()]);
    } catch (error) {
      state.failure = error instanceof Error ? error : new Error(String(error)); // the condition can never hold
    }
    if (state.met || state.failure !== undefined) stop.abort();
  };
  const timer = setTimeout(() => {
    stop.abort();
  }, wait.timeoutMilliseconds);
  await follow<T>(
    api,
    path,
    {
      onList(items) {
        seen.clear();
        for (const item of items) seen.set(keyOf(item), item);
        look();
      },
      onChange(type, object) {
        if (type === 'DELETED') seen.delete(keyOf(object));
        else seen.set(keyOf(object), object);
        look();
      },
    },
    stop.signal,
  );
  clearTimeout(timer);
  if (state.failure !== undefined) throw state.failure;
  const objects = [...seen.values()];
  if (state.met) return objects;
  const last = (wait.describe ?? names)(objects);
  throw new Error(`waited ${wait.timeoutMilliseconds / 1_000} s for ${wait.what}; ${last}`);
}

export interface WaitForEach<T> {
  readonly names: ReadonlySet<string>;
  readonly isDone: (object: T) => boolean;
  /** Of how many of them it holds now. */
  readonly onProgress?: (done: number) => void;
  readonly what: string;
  readonly timeoutMilliseconds: number;
  readonly signal?: AbortSignal;
}

/**
 * Waits until the condition holds for each of the named objects, all at the same time. It looks at one object for each
 * event, so that thousands of them cost this machine little.
 */
export async function waitForEach<T extends KubernetesObject>(
  api: Api,
  path: string,
  { names, isDone, onProgress, what, timeoutMilliseconds, signal }: WaitForEach<T>,
): Promise<void> {
  const done = new Set<string>();
  const stop = new AbortController();
  const look = (object: T, isThere = true): void => {
    const { name } = object.metadata;
    if (!names.has(name)) return;
    if (isThere && isDone(object)) done.add(name);
    else done.delete(name);
    onProgress?.(done.size);
    if (done.size === names.size) stop.abort();
  };
  const onList = (items: T[]): void => {
    done.clear();
    for (const item of items) look(item);
  };
  const onChange = (type: string, object: T): void => {
    look(object, type !== 'DELETED');
  };
  const limit = AbortSignal.any([stop.signal, AbortSignal.timeout(timeoutMilliseconds), ...(signal ? [signal] : [])]);
  await follow<T>(api, path, { onList, onChange }, limit);
  if (stop.signal.aborted) return;
  signal?.throwIfAborted();
  throw new Error(`waited ${timeoutMilliseconds / 1_000} s for ${what}; so far ${done.size} of ${names.size}`);
}
