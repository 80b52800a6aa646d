// GPUJobs as the API server would show them, for the tests of the demo.
import type { Attempt, GPUJobCondition } from '../../operator/resources/gpujob.ts';
import type { SeenGPUJob } from './history.ts';

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
