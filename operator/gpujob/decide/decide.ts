// The one decision about a GPUJob: from what is observed to what is to be done. Pure and total. Every run's end is recorded
// before its Job is deleted, every child is made before status speaks of it.
import type { Decision } from '../effects.ts';
import type { Observation } from '../observation.ts';
import { cleanUp } from './children.ts';
import { earliest } from './deadline.ts';
import { followRun } from './follow-run.ts';
import { isDeleting, isFinished, openRun } from './run.ts';
import { afterTheEnd, withRetryNoted } from './retry.ts';
import { startRun } from './start-run.ts';
import { conclude } from './status.ts';

export function decide(o: Observation): Decision {
  if (isDeleting(o.gpujob)) return { effects: [], queued: false };
  const clean = cleanUp(o);
  const decision = decideRun(o);
  const again = earliest(clean.againInMilliseconds, decision.againInMilliseconds);
  return {
    effects: [...clean.effects, ...decision.effects, ...clean.releases],
    queued: decision.queued,
    ...(again === undefined ? {} : { againInMilliseconds: again }),
  };
}

function decideRun(o: Observation): Decision {
  if (isFinished(o)) return conclude(o, afterTheEnd(o));
  const run = openRun(o);
  return conclude(o, run ? followRun(o, run) : withRetryNoted(o, startRun(o)));
}
