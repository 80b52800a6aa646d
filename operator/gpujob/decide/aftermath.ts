// What follows a run that is over: which counter it moves, whether the job is tried again, and with how much VRAM. The
// table is in shared/design.md, "Failure rules".
import type { Attempt, GPUJobStatus } from '../../resources/gpujob.ts';
import { formatMebibytes, parseMebibytes } from '../../resources/quantity.ts';
import type { Effect, Fact } from '../effects.ts';
import { runBillOf } from '../../policy/bill/run-bill.ts';
import { nextVRAM } from '../evidence/grow.ts';
import type { Observation } from '../observation.ts';
import { backOffEndMilliseconds, endsInARow } from './backoff.ts';
import type { Standing } from './conditions.ts';
import { activeSecondsSoFar, activeSince } from './deadline.ts';
import { attemptOf, type Ending, withAttempt } from './ending.ts';
import { countedAttempts } from './retry.ts';
import { lastFinish, type OpenRun } from './run.ts';
import { asked, type Outcome, placementStatus, type StatusChange } from './status.ts';
import { timestamp } from '../../resources/timestamp.ts';

type Failures = NonNullable<GPUJobStatus['failures']>;

/** From the third neighbour in a row on it is taken for the job's own: its processes share a card, or its words aren't true. */
const neighboursBelieved = 2;

/** The counter that the last attempt moves; the first two spend retries. */
function counterOf(attempts: readonly Attempt[]): keyof Failures | undefined {
  switch (attempts.at(-1)?.outcome) {
    case 'OutOfMemory':
      return 'outOfMemory';
    case 'ApplicationError':
    case 'HostOutOfMemory':
      return 'application';
    case 'NeighbourOutOfMemory':
      return endsInARow(attempts) > neighboursBelieved ? 'application' : 'disruption';
    case 'Disrupted':
      return 'disruption';
    default:
      return undefined;
  }
}

const noFailures: Failures = { application: 0, outOfMemory: 0, disruption: 0 };

/** Records the end of a run, and where the job stands because of it. */
export function closeRun(o: Observation, run: OpenRun, ending: Ending): Outcome {
  const attempt = attemptOf(o, run, ending);
  const attempts = withAttempt(o.gpujob.status?.attempts ?? [], attempt);
  const recent = countedAttempts(o.gpujob.status, attempts);
  const failures = counted(o.gpujob.status?.failures ?? noFailures, counterOf(recent));
  const next = whatFollows(o, attempt, recent, failures);
  const finished = next.standing.kind === 'Complete' || next.standing.kind === 'Failed';
  const change: StatusChange = {
    run: run.number,
    attempts,
    failures,
    ...asked(o),
    startTime: activeSince(o, run),
    ...(finished
      ? { ...placedBy(run), completionTime: attempt.endTime, queue: undefined }
      : { placement: undefined, queue: { since: attempt.endTime } }),
    ...(next.standing.kind === 'Suspended' ? pausedClock(o, run) : {}),
    ...next.change,
  };
  const facts: Fact[] = [{ kind: 'RunEnded', attempt, message: attempt.message ?? '' }, ...(next.facts ?? [])];
  if (finished) facts.push(finish(next.standing));
  const children = [...lessonOf(o, run, attempt), ...settlementOf(o, run, attempt)];
  return { standing: next.standing, change, facts, children, againInMilliseconds: next.againInMilliseconds };
}

/** Only the job's own out-of-memory teaches: a neighbour's says nothing about the choice of card. */
function lessonOf(o: Observation, run: OpenRun, attempt: Attempt): Effect[] {
  if (attempt.outcome !== 'OutOfMemory') return [];
  const { policyName } = o.spec;
  return [{ kind: 'Learn', lesson: { cause: 'OutOfMemory', run: run.number, policyName } }];
}

/** From the start of its first Pod to the end of its last container, where that is known. */
function settlementOf(o: Observation, run: OpenRun, attempt: Attempt): Effect[] {
  const { startTime, product, endTime = '' } = attempt;
  if (product === undefined) return [];
  const bill = runBillOf(o.gpujob, { number: run.number, product, workers: o.spec.workers, startTime });
  if (!bill) return [];
  const until = Date.parse(lastFinish(run.pods) ?? endTime);
  return [{ kind: 'Settle', bill, until: Math.max(until, bill.since) }];
}

/** From the run's Job: a crash may have swallowed the status that was to tell of the run's beginning. */
function placedBy({ placement }: OpenRun): StatusChange {
  return placement ? { placement: placementStatus(placement) } : {};
}

function counted(failures: Failures, counter: keyof Failures | undefined): Failures {
  return counter === undefined ? failures : { ...failures, [counter]: failures[counter] + 1 };
}

function pausedClock(o: Observation, run: OpenRun): StatusChange {
  return { startTime: undefined, activeSecondsBeforeSuspension: activeSecondsSoFar(o, run), queue: undefined };
}

function finish(standing: Standing): Fact {
  const succeeded = standing.kind === 'Complete';
  const reason = standing.kind === 'Failed' ? standing.reason : 'Complete';
  return { kind: 'Finished', reason, succeeded, message: standing.message };
}

type Next = Pick<Outcome, 'change' | 'facts' | 'againInMilliseconds'> & { readonly standing: Standing };

function whatFollows(o: Observation, attempt: Attempt, attempts: Attempt[], failures: Failures): Next {
  switch (attempt.outcome) {
    case 'Complete':
      return { standing: { kind: 'Complete', message: `run ${attempt.run} is complete` } };
    case 'DeadlineExceeded':
      return { standing: { kind: 'Failed', reason: 'DeadlineExceeded', message: attempt.message ?? '' } };
    case 'Suspended':
      return { standing: suspended };
    case 'OutOfMemory':
      return afterOutOfMemory(o, attempt, attempts, failures);
    case 'ApplicationError':
    case 'HostOutOfMemory':
    case 'NeighbourOutOfMemory':
      return isExhausted(o, failures) ? exhausted(o, attempt, failures) : backOff(o, attempts);
    case 'Disrupted':
    case 'Unschedulable':
    case 'PodsRefused':
      return backOff(o, attempts);
  }
}

export const suspended: Standing = {
  kind: 'Suspended',
  message: 'spec.suspend is true; set it to false to run',
};

function isExhausted(o: Observation, failures: Failures): boolean {
  return failures.application + failures.outOfMemory > o.spec.retry.maxFailures;
}

/** Without any retry allowed the failure itself is the more precise reason. */
function exhausted(o: Observation, attempt: Attempt, failures: Failures): Next {
  const { maxFailures } = o.spec.retry;
  const count = failures.application + failures.outOfMemory;
  const own = `run ${attempt.run} failed: ${attempt.message ?? ''}`;
  if (maxFailures === 0)
    return { standing: { kind: 'Failed', reason: reasonOfOutcome(attempt.outcome), message: own } };
  const message = `${own}; ${count} failures, and retry.maxFailures lets it survive ${maxFailures}`;
  return { standing: { kind: 'Failed', reason: 'RetriesExhausted', message } };
}

function reasonOfOutcome(outcome: Attempt['outcome']): 'OutOfMemory' | 'HostOutOfMemory' | 'ApplicationError' {
  return outcome === 'OutOfMemory' || outcome === 'HostOutOfMemory' ? outcome : 'ApplicationError';
}

function afterOutOfMemory(o: Observation, attempt: Attempt, attempts: Attempt[], failures: Failures): Next {
  const { onOutOfMemory, maxVRAM } = o.spec.retry;
  if (onOutOfMemory === 'Fail') {
    const message = `run ${attempt.run} failed: ${attempt.message ?? ''}; retry.onOutOfMemory is Fail`;
    return { standing: { kind: 'Failed', reason: 'OutOfMemory', message } };
  }
  if (isExhausted(o, failures)) return exhausted(o, attempt, failures);
  if (o.breakerIsOpen) return backOff(o, attempts);
  const growth = nextVRAM({
    currentMebibytes: parseMebibytes(attempt.vram),
    failedCardMebibytes: optionalMebibytes(attempt.cardVRAM),
    // Recorded only where the evidence's numbers could be trusted.
    neededMebibytes: optionalMebibytes(attempt.evidence?.needed),
    cardSizesMebibytes: o.cardSizesMebibytes,
    maxVRAMMebibytes: optionalMebibytes(maxVRAM),
    shared: o.spec.isolation === 'Shared',
  });
  if (growth.kind === 'LimitReached') {
    return { standing: { kind: 'Failed', reason: 'VRAMLimitReached', message: growth.message } };
  }
  const vram = formatMebibytes(growth.vramMebibytes);
  const fact: Fact = {
    kind: 'VRAMGrown',
    from: attempt.vram,
    to: vram,
    message: `${attempt.message ?? ''}; the next run asks for ${vram} on each GPU instead of ${attempt.vram}`,
  };
  return { standing: standingAfter(o, attempts, vram), change: { vram }, facts: [fact] };
}

function backOff(o: Observation, attempts: Attempt[]): Next {
  const end = backOffEndMilliseconds(attempts, o.settings, o.gpujob.status?.vram);
  const againInMilliseconds = end === undefined ? undefined : end - o.nowMilliseconds;
  return { standing: standingAfter(o, attempts, undefined), againInMilliseconds };
}

/** Also what an out-of-memory that was not followed by growth means later, when status alone is left. */
const breakerWords =
  'not grown, because jobs of this image and command ran out of memory again and again: look at its memory use, or see the breakers of its policy';

/** Where a job stands between a run that is over and the next one: a function of what status says, so that it stays. */
export function standingAfter(o: Observation, attempts: readonly Attempt[], grownTo: string | undefined): Standing {
  const last = attempts.at(-1);
  if (!last) return { kind: 'Waiting', reason: 'Starting', message: '' };
  const what = `run ${last.run}: ${last.message ?? last.outcome}`;
  const vram = grownTo ?? o.gpujob.status?.vram ?? last.vram;
  if (last.outcome === 'OutOfMemory' && vram !== last.vram) {
    return { kind: 'Waiting', reason: 'OutOfMemory', message: `${what}; run ${last.run + 1} asks for ${vram}` };
  }
  const end = backOffEndMilliseconds(attempts, o.settings, vram);
  const when = end === undefined ? '' : `; the next try is at ${timestamp(end)}`;
  const reason = last.outcome === 'Unschedulable' || last.outcome === 'PodsRefused' ? last.outcome : 'BackingOff';
  const why = last.outcome === 'OutOfMemory' ? `; ${breakerWords}` : '';
  return { kind: 'Waiting', reason, message: `${what}${why}${when}` };
}

function optionalMebibytes(quantity: string | undefined): number | undefined {
  return quantity === undefined ? undefined : parseMebibytes(quantity);
}
