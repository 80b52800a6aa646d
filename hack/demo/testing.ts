// GPUJobs as the API server would show them, for the tests of the demo.
import type { Attempt, GPUJobCondition } from '../../operator/resources/gpujob.ts';
import type { SeenGPUJob } from './history.ts';
import type { Claim } from './holdings.ts';

function condition(type: string, status: GPUJobCondition['status'], reason: string, message = ''): GPUJobCondition {
  return { type, status, reason, message, lastTransitionTime: '2025-11-21T09:00:00Z' };
}

function gpujob(name: string, status: NonNullable<SeenGPUJob['status']>): SeenGPUJob {
  const template = { spec: { containers: [{ name: 'main', image: 'example.com/trainer:1' }] } };
  return { metadata: { name }, spec: { requiredVRAM: '20Gi', template }, status };
}

export function waitingJob(name: string, { reason = 'CardsBusy', message = '' }): SeenGPUJob {
  return gpujob(name, { conditions: [condition('Ready', 'Unknown', reason, message)] });
}

export function runningJob(
  name: string,
  {
    nodes,
    product,
    vram = '20Gi',
    reason = 'Running',
  }: { nodes: string[]; product: string; vram?: string; reason?: string },
): SeenGPUJob {
  return gpujob(name, {
    vram,
    run: 1,
    placement: { nodes, product, cardVRAM: '22888Mi', policyVersion: 0, decisionID: 'd' },
    conditions: [condition('Ready', 'Unknown', reason, 'run 1'), condition('Placed', 'True', reason)],
  });
}

/** Complete, where its last attempt is; else failed for the reason. */
export function finishedJob(name: string, attempts: Attempt[], reason = 'RetriesExhausted', message = ''): SeenGPUJob {
  const complete = attempts.at(-1)?.outcome === 'Complete';
  const why = complete ? 'Complete' : reason;
  return gpujob(name, {
    run: attempts.length,
    attempts,
    conditions: [
      condition('Ready', complete ? 'True' : 'False', why, message),
      condition(complete ? 'Complete' : 'Failed', 'True', why, message),
      condition('Finished', 'True', why, message),
    ],
  });
}

/** Allocated, where it is said what it holds; without memory a card that isn't divided. */
export function claimOf(job: string, held: { run?: number; card: string; memory?: string } | undefined): Claim {
  const labels = { 'orquanta.io/gpujob': job, 'orquanta.io/run': String(held?.run ?? 1) };
  const name = `${job}-${held?.run ?? 1}`;
  const metadata = { name, uid: `uid-${name}`, labels };
  if (held === undefined) return { metadata, status: {} };
  const [pool = '', device = ''] = held.card.split('/');
  const consumed = held.memory === undefined ? {} : { consumedCapacity: { memory: held.memory } };
  return { metadata, status: { allocation: { devices: { results: [{ pool, device, ...consumed }] } } } };
}
