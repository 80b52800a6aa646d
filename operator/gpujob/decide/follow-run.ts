// A run is open: has it ended, must it be ended, and what does status say of it meanwhile? The first reason to end it wins.
import { runName } from '../job.ts';
import type { Observation } from '../observation.ts';
import { closeRun } from './aftermath.ts';
import type { Standing } from './conditions.ts';
import { earliest, pastDeadline, untilDeadlineMilliseconds } from './deadline.ts';
import { endingOfFailedRun, type Ending } from './ending.ts';
import { endOf, isDeleting, type OpenRun, runningSinceMilliseconds } from './run.ts';
import { withRetryNoted } from './retry.ts';
import { adopted, placedMessage, runStarted } from './started.ts';
import type { Outcome } from './status.ts';
import { unbound } from './unbound.ts';

export function followRun(o: Observation, run: OpenRun): Outcome {
  const ending = endingOfRun(o, run);
  // What a retry means to a run that has just ended is seen when its end is written.
  return ending ? closeRun(o, run, ending) : withRetryNoted(o, keepRun(o, run));
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

function keepRun(o: Observation, run: OpenRun): Outcome {
  const started = runningSinceMilliseconds(run.pods, o.spec.workers);
  const untilRunning =
    started === undefined ? undefined : started + o.settings.runningAfterMilliseconds - o.nowMilliseconds;
  const runs = wasRunning(o, run) || (untilRunning !== undefined && untilRunning <= 0);
  const waiting = unbound(o, run);
  const message = [placedMessage(o, run), ...(waiting?.words === undefined ? [] : [waiting.words])].join('; ');
  const standing: Standing = { kind: 'Placed', reason: runs ? 'Running' : 'Starting', message };
  return {
    standing,
    change: adopted(o, run),
    facts: runStarted(o, run, standing),
    againInMilliseconds: earliest(
      // Whoever deleted its Job has ended it: no deadline will.
      run.job && isDeleting(run.job) ? undefined : untilDeadlineMilliseconds(o, run),
      runs ? undefined : untilRunning,
      waiting?.againInMilliseconds,
    ),
  };
}

/** A run that was called Running stays so until it is over, although its Pods end one after the other. */
function wasRunning(o: Observation, run: OpenRun): boolean {
  const { status } = o.gpujob;
  return status?.run === run.number && status.conditions?.find(({ type }) => type === 'Ready')?.reason === 'Running';
}
