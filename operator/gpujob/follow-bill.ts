// Tells the bill of every run whose first Pod has started, and of GPUJobs that are gone. It follows the stores and decides
// nothing.
import type { Billing } from '../policy/bill/billing.ts';
import { runBillOf } from '../policy/bill/run-bill.ts';
import { labels } from '../resources/labels.ts';
import type { GPUJob } from '../resources/gpujob.ts';
import type { Pod } from '../runtime/kubernetes.ts';
import { keyOf } from '../runtime/resource.ts';
import type { Collections } from './collections.ts';
import { hasEnded, isOf, isOver, runOf } from './decide/run.ts';
import { runName } from './job.ts';
import { reservationOf } from './reservation.ts';
import { workerCount } from '../placement/worker-count.ts';

/** Returns how to stop. Call it when the stores have caught up and the books are read. */
export function followBill({ gpujobs, jobs, pods }: Collections, billing: Billing): () => void {
  const look = (pod: Pod): void => {
    if (pod.status?.startTime === undefined || isOver(pod)) return;
    const name = pod.metadata.labels?.[labels.gpujob];
    const gpujob = name && gpujobs.store.get(keyOf({ namespace: pod.metadata.namespace ?? '', name }));
    if (!gpujob || !isOf(gpujob, pod)) return;
    const bill = billOfPod(gpujob, pod);
    if (bill) billing.open(gpujob, bill);
  };
  const billOfPod = (gpujob: GPUJob, pod: Pod) => {
    const number = runOf(pod);
    const { namespace, name } = gpujob.metadata;
    const job = jobs.store.get(keyOf({ namespace, name: runName(name, number) }));
    const placement = job && reservationOf(job)?.placement;
    if (!placement || hasEnded(gpujob.status ?? {}, number)) return undefined;
    const workers = workerCount(placement.workers);
    return runBillOf(gpujob, { number, product: placement.product, workers, startTime: pod.status?.startTime });
  };
  const settleGone = (): void => {
    const there = new Set([...gpujobs.store.list()].map(({ metadata }) => metadata.uid));
    void billing.settleGone((uid) => there.has(uid));
  };
  const stops = [
    pods.store.subscribe(({ type, object, previous }) => {
      const isNew = previous?.status?.startTime === undefined;
      if (type !== 'deleted' && isNew) look(object);
    }),
    gpujobs.store.subscribe(({ type }) => {
      if (type === 'deleted') settleGone();
    }),
  ];
  for (const pod of pods.store.list()) look(pod);
  settleGone();
  return () => {
    for (const stop of stops) stop();
  };
}
