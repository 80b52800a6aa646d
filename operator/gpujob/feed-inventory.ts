// Keeps the inventory at what the stores say, leading or not, so that a standby can begin at once. A Job counts only where
// it is really the run of a GPUJob: labels and annotations can be written by anybody who may make Jobs.
import type { Inventory } from '../placement/inventory/inventory.ts';
import type { Reservation } from '../placement/model.ts';
import { nodeFacts } from '../placement/inventory/node-facts.ts';
import { readSlices } from '../placement/cards/slices.ts';
import { claimFacts } from '../placement/inventory/claim-facts.ts';
import { podFacts } from '../placement/inventory/pod-facts.ts';
import { labels } from '../resources/labels.ts';
import { type GPUJob, gpujobDefaults } from '../resources/gpujob.ts';
import type { Job } from '../runtime/kubernetes.ts';
import { keyOf } from '../runtime/resource.ts';
import type { Change } from '../runtime/store.ts';
import { type Collections, indexes } from './collections.ts';
import { endOf, isRunOf, runOf } from './decide/run.ts';
import { isNews } from './news.ts';
import { reservationOf, runKey, runKeyPrefix } from './reservation.ts';
import { workerCount } from '../placement/worker-count.ts';

export function feedInventory(collections: Collections, inventory: Inventory): void {
  feedDevices(collections, inventory);
  const jobs = new FeedJobs(collections, inventory);
  collections.nodes.store.subscribe((change) => {
    if (!isNews(change)) return;
    if (change.type === 'deleted') inventory.removeNode(change.object.metadata.name);
    else inventory.setNode(nodeFacts(change.object));
  });
  collections.pods.store.subscribe((change) => {
    if (!isNews(change)) return;
    if (change.type === 'deleted') inventory.removePod(change.object.metadata.uid);
    else inventory.setPod(podFacts(change.object, labels));
  });
  collections.jobs.store.subscribe((change) => {
    if (isNews(change)) jobs.feed(change);
  });
  collections.gpujobs.store.subscribe((change) => {
    if (change.type !== 'modified') jobs.feedRunsOf(change);
  });
}

/** A node's slices are read together; all of them again when a class comes or goes, which is rare. */
function feedDevices({ resourceSlices, resourceClaims, deviceClasses }: Collections, inventory: Inventory): void {
  const classNames = new Set<string>();
  const read = (node: string): void => {
    inventory.setDevices(node, readSlices(resourceSlices.store.byIndex(indexes.node, node), classNames));
  };
  resourceSlices.store.subscribe(({ object, previous }) => {
    const nodes = new Set([object.spec.nodeName, previous?.spec.nodeName]);
    for (const node of nodes) if (node) read(node);
  });
  deviceClasses.store.subscribe(({ type, object: { metadata } }) => {
    if (type === 'modified') return;
    if (type === 'deleted') classNames.delete(metadata.name);
    else classNames.add(metadata.name);
    for (const node of resourceSlices.store.valuesOf(indexes.node)) read(node);
  });
  resourceClaims.store.subscribe(({ type, object }) => {
    if (type === 'deleted') inventory.removeClaim(object.metadata.uid);
    else inventory.setClaim(claimFacts(object, labels));
  });
}

class FeedJobs {
  readonly #collections: Collections;
  readonly #inventory: Inventory;
  /** By the Job's uid: the run that it stood for, as long as it did. Orphaned, it no longer says so itself. */
  readonly #runs = new Map<string, string>();

  constructor(collections: Collections, inventory: Inventory) {
    this.#collections = collections;
    this.#inventory = inventory;
  }

  feed({ type, object: job }: Change<Job>): void {
    const name = job.metadata.labels?.[labels.gpujob] ?? '';
    const gpujob = this.#collections.gpujobs.store.get(keyOf({ namespace: job.metadata.namespace ?? '', name }));
    if (!gpujob || !isRunOf(gpujob, job)) {
      this.#release(job);
      return;
    }
    const key = runKey(gpujob.metadata.uid, runOf(job));
    const reservation = type === 'deleted' || endOf(job) !== undefined ? undefined : boundedReservation(gpujob, job);
    this.#runs.set(job.metadata.uid, key);
    if (reservation) this.#inventory.setReservation({ ...reservation, run: key });
    else this.#release(job);
  }

  /** At the start Jobs may come before their GPUJobs; and a GPUJob that goes takes its runs' reservations along. */
  feedRunsOf({ type, key, object: gpujob }: Change<GPUJob>): void {
    for (const job of this.#collections.jobs.store.byIndex(indexes.gpujob, key)) {
      if (type === 'added') this.feed({ type, key: keyOf(job.metadata), object: job });
      else if (this.#runs.get(job.metadata.uid)?.startsWith(runKeyPrefix(gpujob.metadata.uid)) === true)
        this.#release(job);
    }
  }

  #release({ metadata }: Job): void {
    const key = this.#runs.get(metadata.uid);
    if (key === undefined) return;
    this.#runs.delete(metadata.uid);
    this.#inventory.removeReservation(key);
  }
}

/** No more than the GPUJob itself asks for. */
function boundedReservation(gpujob: GPUJob, job: Job): Reservation | undefined {
  const reservation = reservationOf(job);
  if (!reservation) return undefined;
  const { workers, gpus } = gpujobDefaults(gpujob.spec);
  const reserved = workerCount(reservation.placement.workers);
  const { claim, resourceName } = reservation.placement;
  const cards = claim?.gpus ?? reservation.perWorker[resourceName] ?? 0;
  return reserved <= workers && cards <= gpus ? reservation : undefined;
}
