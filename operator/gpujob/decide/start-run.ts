// No run is open: is there a reason not to start one, are there cards, and what does the job wait for? The first answer wins.
import type { Placement, WaitReason } from '../../placement/model.ts';
import { reservationFor } from '../../placement/queue/planner.ts';
import { gpujobs } from '../../resources/gpujob.ts';
import type { Reason } from '../../resources/gpujob/conditions.ts';
import type { Effect } from '../effects.ts';
import { buildClaims, buildJob, buildService, runName } from '../job.ts';
import type { Observation } from '../observation.ts';
import { standingAfter, suspended } from './aftermath.ts';
import { backOffEndMilliseconds, refusalEndMilliseconds } from './backoff.ts';
import type { Standing } from './conditions.ts';
import { earliest, pastDeadline, untilDeadlineMilliseconds } from './deadline.ts';
import { controllerOf, isBound, isOver, isOf, type OpenRun, runOf } from './run.ts';
import { countedAttempts, cutShort } from './retry.ts';
import { adopted, placedMessage, runStarted } from './started.ts';
import { alreadySays, asked, type Outcome } from './status.ts';
import { timestamp } from '../../resources/timestamp.ts';

export function startRun(o: Observation): Outcome {
  if (o.spec.suspend) return { standing: suspended, change: { ...asked(o), queue: undefined } };
  const late = pastDeadline(o, undefined);
  if (late) return failed(o, 'DeadlineExceeded', late.message);
  const outcome = hold(o) ?? placeRun(o);
  return {
    ...outcome,
    againInMilliseconds: earliest(outcome.againInMilliseconds, untilDeadlineMilliseconds(o, undefined)),
  };
}

/** Reasons not to ask for cards yet. */
function hold(o: Observation): Outcome | undefined {
  return cutShort(o, backsOff(o)) ?? modelNotFound(o) ?? lingering(o) ?? cutShort(o, refused(o)) ?? namesake(o);
}

function backsOff(o: Observation): Outcome | undefined {
  const attempts = countedAttempts(o.gpujob.status);
  const end = backOffEndMilliseconds(attempts, o.settings, o.gpujob.status?.vram);
  if (end === undefined || end <= o.nowMilliseconds) return undefined;
  return { standing: standingAfter(o, attempts, undefined), againInMilliseconds: end - o.nowMilliseconds };
}

/** Waits for the catalogue: an administrator may add the model. */
function modelNotFound(o: Observation): Outcome | undefined {
  if (o.modelNotFound === undefined) return undefined;
  const standing: Standing = { kind: 'Waiting', ...o.modelNotFound, stalled: true };
  const outcome = waiting(o, standing, undefined);
  return { ...outcome, change: { ...outcome.change, vram: undefined }, queued: false };
}

/** A Pod that may still run, on a node that doesn't answer for instance, is not replaced before it is gone. */
function lingering(o: Observation): Outcome | undefined {
  const pod = o.pods.find((candidate) => isOf(o.gpujob, candidate) && isBound(candidate) && !isOver(candidate));
  if (!pod) return undefined;
  const where = pod.spec?.nodeName ?? 'its node';
  const message = `Pod ${pod.metadata.name} of run ${runOf(pod)} is still on ${where}; run ${o.workload.run} waits until it is gone`;
  return waiting(o, { kind: 'Waiting', reason: 'BackingOff', message }, undefined);
}

/** What the API server refused stays refused until the spec changes, for a while, or until somebody asks for a retry. */
function refused(o: Observation): Outcome | undefined {
  const { refusal } = o;
  if (!refusal || refusal.run !== o.workload.run) return undefined;
  if (refusal.lastHandledRetry !== o.gpujob.status?.lastHandledRetry) return undefined;
  if (refusal.kind === 'InvalidTemplate') {
    return refusal.generation === o.gpujob.metadata.generation
      ? failed(o, 'InvalidTemplate', refusal.message)
      : undefined;
  }
  const end = refusalEndMilliseconds(refusal, o.settings);
  if (end <= o.nowMilliseconds) return undefined;
  const message = `${refusal.message}; the next try is at ${timestamp(end)}`;
  const stalled = refusal.kind === 'NameTaken';
  return waiting(o, { kind: 'Waiting', reason: refusal.kind, message, stalled }, end - o.nowMilliseconds);
}

/** A GPUJob made again under the same name: the former one's Job is still being collected, and its end is watched. */
function namesake(o: Observation): Outcome | undefined {
  const name = runName(o.gpujob.metadata.name, o.workload.run);
  const job = o.jobs.find(
    (candidate) => candidate.metadata.name === name && controllerOf(candidate)?.uid !== o.gpujob.metadata.uid,
  );
  if (!job) return formerClaim(o, name);
  const former = controllerOf(job)?.kind === gpujobs.kind;
  const message = former
    ? `the Job ${name} of an earlier GPUJob with this name is being deleted`
    : `the Job ${name} carries this GPUJob's labels and isn't its own: delete it`;
  return waiting(o, { kind: 'Waiting', reason: 'NameTaken', message, stalled: !former }, undefined);
}

/** It holds its card until its Pod is over, however long that takes to end. */
function formerClaim(o: Observation, name: string): Outcome | undefined {
  const claim = o.claims.find(({ metadata }) => metadata.name === name);
  const owner = claim && controllerOf(claim);
  if (owner?.kind !== gpujobs.kind || owner.uid === o.gpujob.metadata.uid) return undefined;
  const message = `the ResourceClaim ${name} of an earlier GPUJob with this name is being deleted`;
  const standing: Standing = { kind: 'Waiting', reason: 'NameTaken', message, stalled: false };
  // Its end is watched; that it is somebody else's now, or nobody's, is seen only by looking.
  return waiting(o, standing, o.settings.messageIntervalMilliseconds);
}

function placeRun(o: Observation): Outcome {
  const { verdict } = o;
  if (!verdict) return { standing: undefined, queued: true };
  if (verdict.kind === 'Placed') return createRun(o, verdict.placement);
  const { reason, message } = verdict;
  if (reason === 'NeverFits' && o.spec.whenNeverFits === 'Fail') return withLesson(o, failed(o, reason, message));
  const standing: Standing = {
    kind: 'Waiting',
    reason,
    message: `${message}${adviceAfter(o, reason)}`,
    fleeting: true,
  };
  const outcome = waiting(o, standing, o.settings.messageIntervalMilliseconds);
  const waits = { ...outcome, children: tryOnce(o), queued: true };
  return reason === 'NeverFits' ? withLesson(o, waits) : waits;
}

/** Nothing is moved by itself: it would end somebody's run. */
function adviceAfter(o: Observation, reason: WaitReason): string {
  const advice = reason === 'CardsBusy' || reason === 'WaitingForGang' ? o.advice : undefined;
  return advice === undefined ? '' : `; ${advice}`;
}

/** A job that no card here could ever hold is an out-of-memory by capacity (requirement S7): it teaches, once for each run. */
function withLesson(o: Observation, outcome: Outcome): Outcome {
  const { run } = o.workload;
  if (o.gpujob.status?.neverFits?.run === run) return outcome;
  const { policyName } = o.spec;
  const lesson: Effect = { kind: 'Learn', lesson: { cause: 'NeverFits', run, policyName } };
  return {
    ...outcome,
    change: { ...outcome.change, neverFits: { run } },
    children: [...(outcome.children ?? []), lesson],
  };
}

/** Once for each generation that has to wait: what the server would refuse is said now and not when cards are free. */
function tryOnce(o: Observation): Effect[] {
  const { status, metadata } = o.gpujob;
  const { run } = o.workload;
  // The template of a job that has run can't change any more.
  const tried = run > 1 || (status?.observedGeneration === metadata.generation && status?.conditions !== undefined);
  return tried ? [] : [{ kind: 'TryJob', run, job: buildJob(o.gpujob, o.spec, run, undefined) }];
}

function createRun(o: Observation, placement: Placement): Outcome {
  const run: OpenRun = { number: o.workload.run, job: undefined, pods: [], placement };
  const standing: Standing = { kind: 'Placed', reason: 'Starting', message: placedMessage(o, run) };
  const reservation = reservationFor(o.workload, placement);
  const job = buildJob(o.gpujob, o.spec, run.number, reservation);
  const claims = buildClaims(o.gpujob, run.number, reservation);
  const children: Effect[] = [{ kind: 'CreateJob', run: run.number, job }];
  if (claims) children.unshift({ kind: 'CreateClaims', run: run.number, claims });
  if (o.spec.workers > 1) {
    children.unshift({ kind: 'CreateService', run: run.number, service: buildService(o.gpujob, run.number) });
  }
  return { standing, change: adopted(o, run), facts: runStarted(o, run, standing), children, queued: true };
}

function waiting(
  o: Observation,
  standing: Extract<Standing, { kind: 'Waiting' }>,
  againInMilliseconds: number | undefined,
): Outcome {
  const { status } = o.gpujob;
  const { reason, message } = standing;
  return {
    standing,
    change: {
      ...asked(o),
      completionTime: undefined,
      queue: status?.queue ?? { since: timestamp(o.nowMilliseconds) },
    },
    facts: alreadySays(o, standing) ? [] : [{ kind: 'Waiting', reason, message }],
    againInMilliseconds,
  };
}

function failed(o: Observation, reason: Reason, message: string): Outcome {
  return {
    standing: { kind: 'Failed', reason, message },
    change: {
      ...asked(o),
      completionTime: timestamp(o.nowMilliseconds),
      queue: undefined,
    },
    facts: [{ kind: 'Finished', reason, succeeded: false, message }],
  };
}
