// The bare one-Pod batch/v1 Job: how many of them a cluster completes a second with nobody else at work is its ceiling, and
// every other figure is said beside it. Only objects; round.ts sends them.
import type { KubernetesObject } from '../api/client.ts';

export interface JobState extends KubernetesObject {
  status?: { succeeded?: number; conditions?: { type: string; status: string }[] };
}

export function bareJob(name: string): KubernetesObject {
  return jobOf(name, { limits: { 'nvidia.com/gpu': '1' } });
}

/** Its Pod's claim is made from a template. */
export function claimingJob(name: string, resourceClaimTemplateName: string): KubernetesObject {
  const claim = 'card';
  return jobOf(name, { claims: [{ name: claim }] }, { resourceClaims: [{ name: claim, resourceClaimTemplateName }] });
}

function jobOf(name: string, resources: object, podSpec: object = {}): KubernetesObject {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      backoffLimit: 0,
      template: {
        metadata: { annotations: { 'play.orquanta.io/run-seconds': '1' } },
        spec: {
          ...podSpec,
          restartPolicy: 'Never',
          containers: [{ name: 'main', image: 'example.com/train', resources }],
        },
      },
    },
  };
}

export const isComplete = (job: JobState): boolean =>
  job.status?.conditions?.some(({ type, status }) => type === 'Complete' && status === 'True') ?? false;
