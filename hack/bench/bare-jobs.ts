// The bare one-Pod batch/v1 Job: how many of them a cluster completes a second with nobody else at work is its ceiling, and
// every other figure is said beside it. Only objects; round.ts sends them.
import type { KubernetesObject } from '../api/client.ts';

export interface JobState extends KubernetesObject {
  status?: { succeeded?: number; conditions?: { type: string; status: string }[] };
}

export function bareJob(name: string, cards = 1, runSeconds = '1'): KubernetesObject {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      backoffLimit: 0,
      template: {
        metadata: { annotations: { 'play.orquanta.io/run-seconds': runSeconds } },
        spec: {
          restartPolicy: 'Never',
          containers: [
            { name: 'main', image: 'example.com/train', resources: { limits: { 'nvidia.com/gpu': String(cards) } } },
          ],
        },
      },
    },
  };
}

export const isComplete = (job: JobState): boolean =>
  job.status?.conditions?.some(({ type, status }) => type === 'Complete' && status === 'True') ?? false;
