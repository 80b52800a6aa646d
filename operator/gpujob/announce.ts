// Tells the world what happened to a GPUJob: an event on the object, a line in the log, a count in the metrics. Facts only;
// nothing is decided here and nothing here can fail a reconcile.
import type { GPUJob } from '../resources/gpujob.ts';
import { gpujobAPIVersion, gpujobs } from '../resources/gpujob.ts';
import type { EventNote } from '../runtime/events.ts';
import type { Log } from '../runtime/log.ts';
import { keyOf } from '../runtime/resource.ts';
import type { Fact } from './effects.ts';
import type { GPUJobMetrics } from './metrics.ts';

export interface Audience {
  readonly events: { record(event: EventNote): void };
  readonly log: Log;
  readonly metrics: GPUJobMetrics;
}

type Telling = Pick<EventNote, 'type' | 'reason' | 'action' | 'note'>;

/** Ends of a run that are nobody's fault, or asked for. */
const expected: ReadonlySet<string> = new Set(['Complete', 'Suspended']);

function telling(fact: Fact): Telling {
  switch (fact.kind) {
    case 'RunStarted':
      return { type: 'Normal', reason: 'Placed', action: 'Place', note: fact.message };
    case 'RunEnded': {
      const { outcome, run } = fact.attempt;
      const note = `run ${run}: ${fact.message}`;
      return { type: expected.has(outcome) ? 'Normal' : 'Warning', reason: outcome, action: 'EndRun', note };
    }
    case 'VRAMGrown':
      return { type: 'Normal', reason: 'VRAMGrown', action: 'Grow', note: fact.message };
    case 'Waiting':
      return { type: 'Normal', reason: fact.reason, action: 'Wait', note: fact.message };
    case 'CatalogueWarning':
      return { type: 'Warning', reason: fact.kind, action: 'Judge', note: fact.message };
    case 'RetryIgnored':
      return { type: 'Warning', reason: fact.kind, action: 'Retry', note: fact.message };
    case 'Finished':
      return {
        type: fact.succeeded ? 'Normal' : 'Warning',
        reason: 'Finished',
        action: 'Finish',
        note: `${fact.reason}: ${fact.message}`,
      };
  }
}

/** The end of a good run is the end of the job: one event and one line say both. */
function isSaidTwice(fact: Fact): boolean {
  return fact.kind === 'RunEnded' && fact.attempt.outcome === 'Complete';
}

export function announce(gpujob: GPUJob, fact: Fact, { events, log, metrics }: Audience): void {
  metrics.count(fact);
  if (isSaidTwice(fact)) return;
  const { type, reason, action, note } = telling(fact);
  log.info({ gpujob: keyOf(gpujob.metadata), reason, note }, 'gpujob');
  const { namespace, name, uid } = gpujob.metadata;
  // The API's limit for a note is 1 kB (events.k8s.io/v1).
  const regarding = { apiVersion: gpujobAPIVersion, kind: gpujobs.kind, namespace, name, uid };
  events.record({ regarding, type, reason, action, note: note.slice(0, 1000) });
}
