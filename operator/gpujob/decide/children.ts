// Which of a GPUJob's Jobs and claims have served their time. A Job is deleted only after its run's end is recorded in status,
// and a finished one not before a former leader must have noticed that it lost the lease (design rule 8).
import type { Job, ResourceClaim } from '../../runtime/kubernetes.ts';
import { claimKindOf } from '../../placement/allocation/backend.ts';
import type { Placement } from '../../placement/model.ts';
import type { Effect } from '../effects.ts';
import type { Observation } from '../observation.ts';
import { reservationOf } from '../reservation.ts';
import { earliest } from './deadline.ts';
import { endOf, hasEnded, isDeleting, isFinished, ownClaims, ownJobs, runOf } from './run.ts';

export interface Cleanup {
  readonly effects: readonly Effect[];
  /** What comes last: nothing waits for it. */
  readonly releases: readonly Effect[];
  /** When the next Job or claim will have served its time; undefined where none will. */
  readonly againInMilliseconds: number | undefined;
}

export function cleanUp(o: Observation): Cleanup {
  const jobs = ownJobs(o)
    .filter((job) => !isDeleting(job))
    .map((job) => ({ job, milliseconds: untilDeletion(o, job) }));
  const due = jobs.filter((wait) => wait.milliseconds <= 0).map((wait) => wait.job);
  const claims = ownClaims(o)
    .filter((claim) => !isDeleting(claim))
    .map((claim) => ({ claim, milliseconds: untilRelease(o, claim, due) }));
  const idle = claims.filter((wait) => wait.milliseconds <= 0).map((wait) => wait.claim);
  return {
    effects: due.flatMap((job) => deleteRun(o, job)),
    releases: idle.map((claim) => ({ kind: 'DeleteClaim', claim })),
    againInMilliseconds: earliest(...[...jobs, ...claims].map((wait) => wait.milliseconds).filter((left) => left > 0)),
  };
}

/** The others first: while the Job is there, a crash in between is seen and mended. */
function deleteRun(o: Observation, job: Job): Effect[] {
  const { name, uid, resourceVersion } = job.metadata;
  const deleteJob: Effect = { kind: 'DeleteJob', name, uid, resourceVersion };
  return [
    ...(o.spec.workers > 1 ? [{ kind: 'DeleteService', name } as const] : []),
    ...(madeTemplate(job) ? [{ kind: 'DeleteClaimTemplate', name } as const] : []),
    deleteJob,
  ];
}

function madeTemplate(job: Job): boolean {
  const placement = reservationOf(job)?.placement;
  return placement !== undefined && claimKindOf(placement) === 'ResourceClaimTemplate';
}

/** Where nobody can say any more it does. */
function usesClaim(placement: Placement | undefined): boolean {
  return placement === undefined || claimKindOf(placement) === 'ResourceClaim';
}

/**
 * A claim counts in its namespace's quota for as long as it exists, whether it holds a card or not: it goes with the life of its
 * Job, which stays after its end. Without a Job it is what a crash left, or about to have one.
 */
function untilRelease(o: Observation, claim: ResourceClaim, dueJobs: readonly Job[]): number {
  const job = ownJobs(o).find(({ metadata }) => metadata.name === claim.metadata.name);
  if (job) {
    const isOver = endOf(job) !== undefined || isDeleting(job) || dueJobs.includes(job);
    return isOver || !usesClaim(reservationOf(job)?.placement) ? 0 : Number.POSITIVE_INFINITY;
  }
  const isToStart = o.verdict?.kind === 'Placed' && runOf(claim) === o.workload.run && usesClaim(o.verdict.placement);
  if (isToStart) return Number.POSITIVE_INFINITY;
  const made = Date.parse(claim.metadata.creationTimestamp ?? '');
  return made + o.settings.leaseDurationMilliseconds - o.nowMilliseconds;
}

/** Infinity: stays. */
function untilDeletion(o: Observation, job: Job): number {
  const status = o.gpujob.status ?? {};
  const current = status.run ?? 0;
  const run = runOf(job);
  if (run < current) return sinceEnd(o, job);
  if (run === current && hasEnded(status, run)) return sinceLastEnd(o, job);
  const expected = run === current || (run === current + 1 && !isFinished(o));
  return expected ? Number.POSITIVE_INFINITY : 0;
}

/** A run that another one has replaced; one that has left the ten recorded attempts ended long ago. */
function sinceEnd(o: Observation, job: Job): number {
  const attempt = (o.gpujob.status?.attempts ?? []).find((candidate) => candidate.run === runOf(job));
  if (attempt === undefined || endOf(job) === undefined) return 0;
  return Date.parse(attempt.endTime ?? '') + o.settings.leaseDurationMilliseconds - o.nowMilliseconds;
}

/** The last run: kept for its logs until the next one starts or, when there will be none, for the time the user asked for. */
function sinceLastEnd(o: Observation, job: Job): number {
  // Undone, suspended or past its deadline: it must not go on, and its cards are promised to others.
  if (endOf(job) === undefined) return 0;
  const finished = o.gpujob.status?.completionTime;
  if (finished === undefined) return Number.POSITIVE_INFINITY;
  return (
    Date.parse(finished) +
    Math.max(o.spec.ttlSecondsAfterFinished * 1000, o.settings.leaseDurationMilliseconds) -
    o.nowMilliseconds
  );
}
