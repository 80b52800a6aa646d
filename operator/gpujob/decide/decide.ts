// The one decision about a GPUJob: from what is observed to what is to be done. Pure and total; a chain of questions whose
// first answer wins. Every run's end is recorded before its Job is deleted, every child is made before status speaks of it.
import type { Placement } from '../../placement/model.ts';
import { reservationFor } from '../../placement/planner.ts';
import type { Reason } from '../../resources/conditions.ts';
import { formatCapacity, formatMebibytes } from '../../resources/quantity.ts';
import type { Decision, Effect, Fact } from '../effects.ts';
import { buildJob, buildService, runName } from '../job.ts';
import type { Observation } from '../observation.ts';
import { closeRun, standingAfter, suspended } from './aftermath.ts';
import { backOffEndMilliseconds, refusalEndMilliseconds } from './backoff.ts';
import { cleanUp } from './children.ts';
import type { Standing } from './conditions.ts';
import { untilDeadlineMilliseconds } from './deadline.ts';
import { endingOfFailedRun, type Ending } from './ending.ts';
import {
  controllerOf,
  endOf,
  isBound,
  isDeleting,
  isFinished,
  isOver,
  isOwn,
  type OpenRun,
  openRun,
  runningSinceMilliseconds,
  runOf,
} from './run.ts';
import { alreadySays, conclude, type Outcome, placementStatus, timestamp } from './status.ts';
import { unbound } from './unbound.ts';

export function decide(o: Observation): Decision {
  if (isDeleting(o.gpujob)) return { effects: [], queued: false };
  const clean = cleanUp(o);
  const decision = decideRun(o);
  const times = [clean.againInMilliseconds, decision.againInMilliseconds].filter((time) => time !== undefined);
  return {
    effects: [...clean.effects, ...decision.effects],
    queued: decision.queued,
    ...(times.length > 0 ? { againInMilliseconds: Math.min(...times) } : {}),
  };
}

function decideRun(o: Observation): Decision {
  if (isFinished(o)) return { effects: [], queued: false };
  const run = openRun(o);
  return conclude(o, run ? followRun(o, run) : startRun(o));
}

// A run is open.

function followRun(o: Observation, run: OpenRun): Outcome {
  const ending = endingOfRun(o, run);
  return ending ? closeRun(o, run, ending) : keepRun(o, run);
}

function endingOfRun(o: Observation, run: OpenRun): Ending | undefined {
  const end = run.job && endOf(run.job);
  if (end === 'Complete') return { outcome: 'Complete', message: 'all workers ended well' };
  if (end === 'Failed') return endingOfFailedRun(o, run);
  if (!run.job)
    return { outcome: 'Disrupted', message: `the Job ${runName(o.gpujob.metadata.name, run.number)} was deleted` };
  if (isDeleting(run.job)) return undefined;
  if (o.spec.suspend) return { outcome: 'Suspended', message: 'spec.suspend was set' };
  return pastDeadline(o, run) ?? unbound(o, run)?.ending;
}

function pastDeadline(o: Observation, run: OpenRun | undefined): Ending | undefined {
  const left = untilDeadlineMilliseconds(o, run);
  if (left === undefined || left > 0) return undefined;
  const seconds = o.spec.activeDeadlineSeconds ?? 0;
  return {
    outcome: 'DeadlineExceeded',
    message: `the job was active for longer than its activeDeadlineSeconds of ${seconds}`,
  };
}

function keepRun(o: Observation, run: OpenRun): Outcome {
  const started = runningSinceMilliseconds(run.pods, o.spec.workers);
  const untilRunning =
    started === undefined ? undefined : started + o.settings.runningAfterMilliseconds - o.nowMilliseconds;
  const runs = untilRunning !== undefined && untilRunning <= 0;
  const standing: Standing = { kind: 'Placed', reason: runs ? 'Running' : 'Starting', message: placedMessage(o, run) };
  const waits = [
    untilDeadlineMilliseconds(o, run),
    runs ? undefined : untilRunning,
    unbound(o, run)?.againInMilliseconds,
  ];
  const times = waits.filter((time): time is number => time !== undefined && Number.isFinite(time));
  return {
    standing,
    change: adopted(o, run),
    facts: runStarted(o, run, standing),
    againInMilliseconds: times.length > 0 ? Math.min(...times) : undefined,
  };
}

/** What status has to say of a run from its first moment on; for one made just before a crash too. */
function adopted(o: Observation, run: OpenRun): NonNullable<Outcome['change']> {
  const { placement } = run;
  return {
    run: run.number,
    ...asked(o),
    completionTime: undefined,
    failures: o.gpujob.status?.failures ?? { application: 0, outOfMemory: 0, disruption: 0 },
    queue: undefined,
    ...(placement ? { placement: placementStatus(placement) } : {}),
  };
}

function runStarted(o: Observation, run: OpenRun, standing: Standing): Fact[] {
  if (o.gpujob.status?.run === run.number || !run.placement) return [];
  const since = o.gpujob.status?.queue?.since ?? o.gpujob.metadata.creationTimestamp;
  const waitedMilliseconds = since === undefined ? 0 : Math.max(0, o.nowMilliseconds - Date.parse(since));
  return [
    { kind: 'RunStarted', run: run.number, placement: run.placement, waitedMilliseconds, message: standing.message },
  ];
}

function placedMessage(o: Observation, run: OpenRun): string {
  const { placement } = run;
  if (!placement) return `run ${run.number}`;
  const [first, ...others] = placement.workers.map((worker) => worker.node);
  const where = others.length > 0 ? `${first ?? ''} and ${others.length} more` : (first ?? '');
  const cards = o.spec.workers > 1 ? `${o.spec.workers} workers with ${o.spec.gpus} each` : String(o.spec.gpus);
  return `run ${run.number} on ${where}: ${cards} x ${placement.product} (${formatCapacity(placement.cardVRAMMebibytes)})`;
}

// No run is open.

function startRun(o: Observation): Outcome {
  if (o.spec.suspend) return { standing: suspended, change: { ...asked(o), queue: undefined } };
  const late = pastDeadline(o, undefined);
  if (late) return failed(o, 'DeadlineExceeded', late.message);
  return hold(o) ?? placeRun(o);
}

/** Reasons not to ask for cards yet. */
function hold(o: Observation): Outcome | undefined {
  const attempts = o.gpujob.status?.attempts ?? [];
  const end = backOffEndMilliseconds(attempts, o.settings);
  if (end !== undefined && end > o.nowMilliseconds) {
    return { standing: standingAfter(o, attempts, undefined), againInMilliseconds: end - o.nowMilliseconds };
  }
  return lingering(o) ?? refused(o) ?? namesake(o);
}

/** A Pod that may still run, on a node that doesn't answer for instance, is not replaced before it is gone. */
function lingering(o: Observation): Outcome | undefined {
  const pod = o.pods.find((candidate) => isOwn(o, candidate) && isBound(candidate) && !isOver(candidate));
  if (!pod) return undefined;
  const where = pod.spec?.nodeName ?? 'its node';
  const message = `Pod ${pod.metadata.name} of run ${runOf(pod)} is still on ${where}; run ${o.workload.run} waits until it is gone`;
  return waiting(o, { kind: 'Waiting', reason: 'BackingOff', message }, undefined);
}

/** What the API server refused stays refused until the spec changes, or for a while. */
function refused(o: Observation): Outcome | undefined {
  const { refusal } = o;
  if (!refusal || refusal.run !== o.workload.run) return undefined;
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
  if (!job) return undefined;
  const former = controllerOf(job)?.kind === o.gpujob.kind;
  const message = former
    ? `the Job ${name} of an earlier GPUJob with this name is being deleted`
    : `the Job ${name} carries this GPUJob's labels and isn't its own: delete it`;
  return waiting(o, { kind: 'Waiting', reason: 'NameTaken', message, stalled: !former }, undefined);
}

function placeRun(o: Observation): Outcome {
  const { verdict } = o;
  if (!verdict) return { standing: undefined, queued: true };
  if (verdict.kind === 'Placed') return createRun(o, verdict.placement);
  const { reason, message } = verdict;
  if (reason === 'NeverFits' && o.spec.whenNeverFits === 'Fail') return failed(o, reason, message);
  const standing: Standing = { kind: 'Waiting', reason, message, fleeting: true };
  const outcome = waiting(o, standing, o.settings.messageIntervalMilliseconds);
  return { ...outcome, children: tryOnce(o), queued: true };
}

/** Once for each generation that has to wait: what the server would refuse is said now and not when cards are free. */
function tryOnce(o: Observation): Effect[] {
  const status = o.gpujob.status;
  const tried = status?.observedGeneration === o.gpujob.metadata.generation && status?.conditions !== undefined;
  if (tried) return [];
  const { run } = o.workload;
  return [{ kind: 'TryJob', run, job: buildJob(o.gpujob, o.spec, run, undefined) }];
}

function createRun(o: Observation, placement: Placement): Outcome {
  const run: OpenRun = { number: o.workload.run, job: undefined, pods: [], placement };
  const standing: Standing = { kind: 'Placed', reason: 'Starting', message: placedMessage(o, run) };
  const job = buildJob(o.gpujob, o.spec, run.number, reservationFor(o.workload, placement));
  const children: Effect[] = [{ kind: 'CreateJob', run: run.number, job }];
  if (o.spec.workers > 1) {
    children.unshift({ kind: 'CreateService', run: run.number, service: buildService(o.gpujob, run.number) });
  }
  return { standing, change: adopted(o, run), facts: runStarted(o, run, standing), children, queued: true };
}

// Where a job stands while no run is open.

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

/** What the job asks for now, and in total. */
function asked(o: Observation): NonNullable<Outcome['change']> {
  return {
    vram: o.gpujob.status?.vram ?? formatMebibytes(o.workload.vramMebibytes),
    gpus: o.spec.gpus * o.spec.workers,
  };
}
