// Keeps the inventory at what the stores say, leading or not, so that a standby can begin at once. A Job counts only where
// it is really the run of a GPUJob: labels and annotations can be written by anybody who may make Jobs.
import type { Inventory } from '../placement/inventory.ts';
import type { Reservation } from '../placement/model.ts';
import { nodeFacts } from '../placement/node-facts.ts';
import { podFacts } from '../placement/pod-facts.ts';
import { labels } from '../resources/labels.ts';
import { type GPUJob, gpujobDefaults } from '../resources/gpujob.ts';
import type { Job } from '../runtime/kubernetes.ts';
import { keyOf } from '../runtime/resource.ts';
import type { Change } from '../runtime/store.ts';
import { type Collections, indexes } from './collections.ts';
import { controllerOf, endOf, runOf } from './decide/run.ts';
import { runName } from './job.ts';
import { isNews } from './news.ts';
import { reservationOf, runKey } from './reservation.ts';

export function feedInventory(collections: Collections, inventory: Inventory): void {
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
    if (isNews(change)) feedJob(collections, inventory, change);
  });
  collections.gpujobs.store.subscribe((change) => {
    if (change.type !== 'modified') feedRunsOf(collections, inventory, change);
  });
}

function feedJob(collections: Collections, inventory: Inventory, { type, object: job }: Change<Job>): void {
  const name = job.metadata.labels?.[labels.gpujob] ?? '';
  const gpujob = collections.gpujobs.store.get(keyOf({ namespace: job.metadata.namespace ?? '', name }));
  if (!gpujob || !isRunOf(gpujob, job)) return;
  const key = runKey(gpujob.metadata.uid, runOf(job));
  const reservation = type === 'deleted' || endOf(job) !== undefined ? undefined : boundedReservation(gpujob, job);
  if (reservation) inventory.setReservation({ ...reservation, run: key });
  else inventory.removeReservation(key);
}

/** At the start Jobs may come before their GPUJobs; and a GPUJob that goes takes its runs' reservations along. */
function feedRunsOf(
  collections: Collections,
  inventory: Inventory,
  { type, key, object: gpujob }: Change<GPUJob>,
): void {
  for (const job of collections.jobs.store.byIndex(indexes.gpujob, key)) {
    if (type === 'added') feedJob(collections, inventory, { type, key: keyOf(job.metadata), object: job });
    else if (isRunOf(gpujob, job)) inventory.removeReservation(runKey(gpujob.metadata.uid, runOf(job)));
  }
}

/** By name and owner: two Jobs can't have one name, so nobody else's can stand in for a run. */
function isRunOf(gpujob: GPUJob, job: Job): boolean {
  return (
    controllerOf(job)?.uid === gpujob.metadata.uid && job.metadata.name === runName(gpujob.metadata.name, runOf(job))
  );
}

/** No more than the GPUJob itself asks for. */
function boundedReservation(gpujob: GPUJob, job: Job): Reservation | undefined {
  const reservation = reservationOf(job);
  if (!reservation) return undefined;
  const { workers, gpus } = gpujobDefaults(gpujob.spec);
  const reserved = reservation.placement.workers.reduce((sum, { count }) => sum + count, 0);
  const cards = reservation.perWorker[reservation.placement.resourceName] ?? 0;
  return reserved <= workers && cards <= gpus ? reservation : undefined;
}
