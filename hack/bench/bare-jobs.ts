// The two kinds of job a bench compares, with the same Pods: the bare batch/v1 Job, which is the cluster's ceiling, and
// the GPUJob. Only objects; round.ts sends them.
import type { KubernetesObject } from '../api/client.ts';

export interface JobState extends KubernetesObject {
  status: { succeeded?: number; conditions?: { type: string; status: string }[] };
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
  job.status.conditions?.some(({ type, status }) => type === 'Complete' && status === 'True') ?? false;
