// Which run of a GPUJob is open, and how far its Job and Pods are. Reads; decides nothing.
import type { Placement } from '../../placement/model.ts';
import { labels } from '../../resources/labels.ts';
import type { GPUJob, GPUJobStatus } from '../../resources/gpujob.ts';
import type { Job, KubernetesObject, Pod, ResourceClaim } from '../../runtime/kubernetes.ts';
import type { Observation } from '../observation.ts';
import { runName } from '../job.ts';
import { conditionIsTrue } from './conditions.ts';
import { reservationOf } from '../reservation.ts';

export interface OpenRun {
  readonly number: number;
  /** Undefined: the Job has vanished. */
  readonly job: Job | undefined;
  readonly pods: readonly Pod[];
  /** From the Job; undefined where the Job has vanished, or somebody edited it. */
  readonly placement: Placement | undefined;
}

export type JobEnd = 'Complete' | 'Failed';

export function runOf(object: { metadata: { labels?: Record<string, string> } }): number {
  return Number(object.metadata.labels?.[labels.run] ?? Number.NaN);
}

/** The Jobs that this very GPUJob owns; a namesake's from before a deletion isn't ours. */
export function ownJobs(o: Observation): Job[] {
  return o.jobs.filter((job) => controllerOf(job)?.uid === o.gpujob.metadata.uid);
}

/** Of runs of one worker. The claims of a gang are made for its Pods, and owned by them. */
export function ownClaims(o: Observation): ResourceClaim[] {
  return o.claims.filter((claim) => controllerOf(claim)?.uid === o.gpujob.metadata.uid);
}

/** By name and owner: two Jobs can't have one name, so nobody else's can stand in for a run. */
export function isRunOf(gpujob: GPUJob, job: Job): boolean {
  return (
    controllerOf(job)?.uid === gpujob.metadata.uid && job.metadata.name === runName(gpujob.metadata.name, runOf(job))
  );
}

export function controllerOf({
  metadata,
}: Pick<KubernetesObject, 'metadata'>): { kind: string; uid: string } | undefined {
  return metadata.ownerReferences?.find((owner) => owner.controller === true);
}

/** By label: a Pod's owner is its Job. */
export function isOf(gpujob: GPUJob, pod: Pod): boolean {
  return pod.metadata.labels?.[labels.gpujobUID] === gpujob.metadata.uid;
}

export function podsOfRun(gpujob: GPUJob, run: number, pods: readonly Pod[]): Pod[] {
  return pods.filter((pod) => runOf(pod) === run && isOf(gpujob, pod));
}

/** Its containers have ended, whatever becomes of the object. */
export function isOver(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** The recorded end of a run is what closes it; until then it is open, whatever its Job looks like. */
export function hasEnded(status: GPUJobStatus, run: number): boolean {
  return (status.attempts ?? []).some((attempt) => attempt.run === run);
}

/** A job that ended before its first run may be mended: an edit of its spec makes it a new question. */
export function isFinished(o: Observation): boolean {
  const status = o.gpujob.status;
  if (!conditionIsTrue(status?.conditions, 'Finished')) return false;
  return (status?.run ?? 0) > 0 || status?.observedGeneration === o.gpujob.metadata.generation;
}

export function openRun(o: Observation): OpenRun | undefined {
  const status = o.gpujob.status ?? {};
  const current = status.run ?? 0;
  if (current > 0 && !hasEnded(status, current)) return runWithNumber(o, current);
  // A crash between creating the Job and writing the status leaves a Job that status doesn't know yet.
  const next = runWithNumber(o, current + 1);
  return next.job && !isDeleting(next.job) ? next : undefined;
}

function runWithNumber(o: Observation, number: number): OpenRun {
  const job = ownJobs(o).find((candidate) => candidate.metadata.name === runName(o.gpujob.metadata.name, number));
  return {
    number,
    job,
    pods: podsOfRun(o.gpujob, number, o.pods),
    placement: job && reservationOf(job)?.placement,
  };
}

/** Set by the Job controller only when no Pod runs any more (since Kubernetes 1.31, KEP-3939). */
export function endOf(job: Job): JobEnd | undefined {
  const isTrue = (type: JobEnd): boolean =>
    (job.status?.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');
  if (isTrue('Complete')) return 'Complete';
  return isTrue('Failed') ? 'Failed' : undefined;
}

export function isDeleting(object: { metadata: { deletionTimestamp?: string } }): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

export function isBound(pod: Pod): boolean {
  return (pod.spec?.nodeName ?? '') !== '';
}

/** When the first container of the run started; undefined while none has. */
export function firstStart(pods: readonly Pod[]): string | undefined {
  return pods
    .map((pod) => pod.status?.startTime)
    .filter((time) => time !== undefined)
    .sort()[0];
}

/** When the last container of the run ended; undefined while one of its Pods isn't over, or none tells. */
export function lastFinish(pods: readonly Pod[]): string | undefined {
  if (!pods.every(isOver)) return undefined;
  return pods
    .flatMap((pod) => pod.status?.containerStatuses ?? [])
    .map(({ state }) => state?.terminated?.finishedAt)
    .filter((time) => time !== undefined)
    .sort()
    .at(-1);
}

/** Since when all workers run; undefined while one doesn't. */
export function runningSinceMilliseconds(pods: readonly Pod[], workers: number): number | undefined {
  const running = pods.filter((pod) => pod.status?.phase === 'Running');
  if (running.length < workers) return undefined;
  return Math.max(...running.map((pod) => Date.parse(pod.status?.startTime ?? pod.metadata.creationTimestamp ?? '')));
}
