// One round of a bench: many jobs at once into an empty namespace, until the last one is complete; and the clean-up after
// it. It knows no kind: what to create and when it is complete is passed in.
import { performance } from 'node:perf_hooks';
import { type Api, ApiRefusal, type KubernetesObject } from '../api/client.ts';
import { inParallel } from '../api/parallel.ts';
import { waitFor, waitForEach } from '../api/wait.ts';

/** So many requests at a time: more than two cores can answer. */
const clients = 32;

export interface Placed {
  readonly collection: string;
  readonly object: KubernetesObject;
}

export interface Round<T extends KubernetesObject> {
  /** The path of the collection, which must be empty. */
  readonly collection: string;
  readonly count: number;
  readonly manifest: (index: number) => KubernetesObject;
  /** What is made before it. */
  readonly first?: (index: number) => readonly Placed[];
  readonly isComplete: (object: T) => boolean;
  readonly onProgress: (complete: number) => void;
  readonly signal: AbortSignal;
}

/** Seconds from the first request to the last end. */
export async function completeAll<T extends KubernetesObject>(api: Api, round: Round<T>): Promise<number> {
  const { collection, count, manifest, first = () => [], isComplete, onProgress, signal } = round;
  const manifests = Array.from({ length: count }, (_, index) => manifest(index));
  const all = manifests.map((object, index) => [...first(index), { collection, object }]);
  const started = performance.now();
  const created = inParallel(all, clients, async (objects) => {
    signal.throwIfAborted();
    for (const placed of objects) await api.create(placed.collection, placed.object);
  });
  const completed = waitForEach<T>(api, collection, {
    names: new Set(manifests.map(({ metadata }) => metadata.name)),
    isDone: isComplete,
    onProgress,
    what: `${count} jobs to complete in ${collection}`,
    timeoutMilliseconds: 120_000 + count * 500,
    signal,
  });
  await Promise.all([completed, created]);
  return (performance.now() - started) / 1_000;
}

/** Creates a namespace that takes Pods. */
export async function createNamespace(api: Api, name: string): Promise<void> {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
  await api.create('/api/v1/namespaces', namespace).catch((error: unknown) => {
    if (!(error instanceof ApiRefusal && error.status === 409)) throw error;
  });
  await waitFor(api, `/api/v1/namespaces/${name}/serviceaccounts`, {
    what: `the default service account of ${name}`,
    timeoutMilliseconds: 30_000,
    until: (seen) => seen.length > 0,
  });
}

/**
 * Deletes what a round left; returns when the last Pod and claim are gone, which the garbage collector deletes in its own time: the
 * next round is neither to pay for it nor to find its names taken.
 */
export async function emptyNamespace(api: Api, namespace: string, collections: readonly string[]): Promise<void> {
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const claims = `/apis/resource.k8s.io/v1/namespaces/${namespace}/resourceclaims`;
  for (const collection of collections) await deleteEach(api, collection, { propagationPolicy: 'Background' });
  // Nothing in them has to stop: without a grace period no kubelet has to be asked.
  await deleteEach(api, pods, { gracePeriodSeconds: 0 });
  for (const collection of [...collections, pods, claims]) {
    await waitFor(api, collection, {
      what: `${collection} to be empty`,
      timeoutMilliseconds: 180_000,
      until: (seen) => seen.length === 0,
    });
  }
}

/** One by one: the server deletes a collection in a single request, one object after the other, which takes too long. */
async function deleteEach(api: Api, collection: string, options: object): Promise<void> {
  const { items } = await api.get<{ items: KubernetesObject[] }>(collection);
  await inParallel(items, clients, async ({ metadata }) => {
    await api.delete(`${collection}/${metadata.name}`, options).catch((error: unknown) => {
      if (!(error instanceof ApiRefusal && error.status === 404)) throw error;
    });
  });
}
