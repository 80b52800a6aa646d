// Which of a GPUJob's Jobs have served their time. A Job is deleted only after its run's end is recorded in status, and a
// finished one not before a former leader must have noticed that it lost the lease (design rule 8).
import type { Job } from '../../runtime/kubernetes.ts';
import { claimKindFor } from '../../placement/allocation/backend.ts';
import type { BackendName } from '../../placement/model.ts';
import type { Effect } from '../effects.ts';
import type { Observation } from '../observation.ts';
import { reservationOf } from '../reservation.ts';
import { earliest } from './deadline.ts';
import { endOf, hasEnded, isDeleting, isFinished, ownJobs, runOf } from './run.ts';

export interface Cleanup {
  readonly effects: readonly Effect[];
  /** When the next Job will have served its time; undefined where none will. */
  readonly againInMilliseconds: number | undefined;
}

export function cleanUp(o: Observation): Cleanup {
  const waits = ownJobs(o)
    .filter((job) => !isDeleting(job))
    .map((job) => ({ job, milliseconds: untilDeletion(o, job) }));
  const due = waits.filter((wait) => wait.milliseconds <= 0).map((wait) => wait.job);
  return {
    effects: due.flatMap((job) => deleteRun(o, job)),
    againInMilliseconds: earliest(...waits.map((wait) => wait.milliseconds).filter((left) => left > 0)),
  };
}

/** The others first: while the Job is there, a crash in between is seen and mended. */
function deleteRun(o: Observation, job: Job): Effect[] {
  const { name, uid, resourceVersion } = job.metadata;
  const deleteJob: Effect = { kind: 'DeleteJob', name, uid, resourceVersion };
  return [
    ...(o.spec.workers > 1 ? [{ kind: 'DeleteService', name } as const] : []),
    ...deleteClaims(o, name, reservationOf(job)?.placement.backend),
    deleteJob,
  ];
}

/** Of a run that was placed this way. */
export function deleteClaims(o: Observation, name: string, backend: BackendName | undefined): Effect[] {
  return backend === 'DRA' ? [{ kind: 'DeleteClaims', name, of: claimKindFor(o.spec.workers) }] : [];
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
