// The ceiling of a cluster: how many one-Pod batch/v1 Jobs a second it brings to Complete with nobody else at work.
// Every other figure is said beside this one, measured in the same run.
import { performance } from 'node:perf_hooks';
import { Api, type KubernetesObject } from '../api/client.ts';
import { inParallel } from '../api/parallel.ts';
import { waitFor } from '../api/wait.ts';

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

/** Jobs a second, from the first request to the last Complete. The namespace must be empty of Jobs. */
export async function bareJobsPerSecond(api: Api, namespace: string, count: number): Promise<number> {
  const jobs = `/apis/batch/v1/namespaces/${namespace}/jobs`;
  const started = performance.now();
  const created = inParallel(
    Array.from({ length: count }, (_, index) => index),
    32,
    async (index) => {
      await api.create(jobs, bareJob(`bare-${index}`));
    },
  );
  const completed = waitFor<JobState>(api, jobs, {
    what: `${count} bare Jobs to complete`,
    timeoutMilliseconds: 60_000 + count * 100,
    until: (seen) => seen.length === count && seen.every(isComplete),
    describe: (seen) => `${seen.filter(isComplete).length} of ${seen.length} are complete`,
  });
  await Promise.all([created, completed]);
  return count / ((performance.now() - started) / 1_000);
}
