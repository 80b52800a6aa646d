// The GPUJob that is measured beside the bare Job: the same Pod, cards asked for by VRAM. Only objects; round.ts sends them.
import type { KubernetesObject } from '../api/client.ts';

/** On nodes of one card model every card fits. */
const requiredVRAM = '30Gi';

export interface GPUJobOptions {
  readonly gpus?: number;
  /** Seconds, or "forever". */
  readonly runSeconds?: string;
  readonly isolation?: 'Exclusive' | 'Shared';
}

export function gpuJob(
  name: string,
  { gpus = 1, runSeconds = '1', isolation = 'Exclusive' }: GPUJobOptions = {},
): KubernetesObject {
  return {
    apiVersion: 'orquanta.io/v1alpha1',
    kind: 'GPUJob',
    metadata: { name },
    spec: {
      requiredVRAM,
      gpus,
      isolation,
      template: {
        metadata: { annotations: { 'play.orquanta.io/run-seconds': runSeconds } },
        spec: { containers: [{ name: 'main', image: 'example.com/train' }] },
      },
    },
  };
}

export const gpuJobsOf = (namespace: string): string => `/apis/orquanta.io/v1alpha1/namespaces/${namespace}/gpujobs`;
export const jobsOf = (namespace: string): string => `/apis/batch/v1/namespaces/${namespace}/jobs`;
export const podsOf = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;
