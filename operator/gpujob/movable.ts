// The runs that could be moved to make room: running ones of a single worker, the youngest first, as they would lose least.
import type { Movable } from '../placement/advice/move.ts';
import { type GPUJob, gpujobDefaults } from '../resources/gpujob.ts';
import { labels } from '../resources/labels.ts';
import type { Pod, PodTemplate } from '../runtime/kubernetes.ts';
import { keyOf } from '../runtime/resource.ts';
import type { Collections } from './collections.ts';
import { conditionIsTrue } from './decide/conditions.ts';
import { isDeleting, isOf, runOf } from './decide/run.ts';
import { priorityOf } from './observe.ts';
import { runKey } from './reservation.ts';
import { workloadOf } from './workload.ts';

/** Each is tried out: the advice is worth some milliseconds, not more. */
const mostMovable = 32;

/** Begins at the Pods, which know when they started: to look up those of each of ten thousand GPUJobs takes thrice as long. */
export function movableRuns(collections: Collections): Movable[] {
  const movables: Movable[] = [];
  for (const pod of workersYoungestFirst(collections.pods.store.list())) {
    if (movables.length === mostMovable) break;
    const movable = movableOn(pod, collections);
    if (movable !== undefined) movables.push(movable);
  }
  return movables;
}

function workersYoungestFirst(pods: Iterable<Pod>): Pod[] {
  const workers: Pod[] = [];
  for (const pod of pods) if (isRunningWorker(pod)) workers.push(pod);
  return workers.sort((one, other) => compare(startOf(other), startOf(one)) || compare(nameOf(one), nameOf(other)));
}

function isRunningWorker(pod: Pod): boolean {
  const { phase, startTime } = pod.status ?? {};
  return phase === 'Running' && startTime !== undefined && labels.gpujob in (pod.metadata.labels ?? {});
}

function startOf({ status }: Pod): string {
  return status?.startTime ?? '';
}

function nameOf({ metadata }: Pod): string {
  return metadata.name;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function movableOn(pod: Pod, { gpujobs, priorityClasses }: Collections): Movable | undefined {
  const { namespace = '', labels: own } = pod.metadata;
  const gpujob = gpujobs.store.get(keyOf({ namespace, name: own?.[labels.gpujob] ?? '' }));
  const node = pod.spec?.nodeName;
  if (gpujob === undefined || node === undefined || !isItsWorker(gpujob, pod) || !mayMove(gpujob)) return undefined;
  const workload = askedBy(gpujob, priorityOf(gpujob.spec.template as PodTemplate, priorityClasses.store));
  if (workload === undefined) return undefined;
  return {
    workload,
    run: runKey(gpujob.metadata.uid, runOf(pod)),
    node,
    startedAtMilliseconds: Date.parse(startOf(pod)),
  };
}

function isItsWorker(gpujob: GPUJob, pod: Pod): boolean {
  return isOf(gpujob, pod) && runOf(pod) === gpujob.status?.run && !isDeleting(pod);
}

function mayMove({ spec, status }: GPUJob): boolean {
  return (spec.workers ?? 1) === 1 && spec.suspend !== true && conditionIsTrue(status?.conditions, 'Placed');
}

/** Where the spec names a model, the status says what that came to. */
function askedBy(gpujob: GPUJob, priority: number): Movable['workload'] | undefined {
  const spec = gpujobDefaults(gpujob.spec);
  const requiredVRAM = spec.requiredVRAM ?? gpujob.status?.vram;
  return requiredVRAM === undefined ? undefined : workloadOf(gpujob, { ...spec, requiredVRAM }, priority);
}
