// The good half of the table in objects.ts.
import {
  type PlainObject,
  job,
  modelled,
  named,
  withContainer,
  withInitContainer,
  withLimits,
  withPod,
  withTemplateMetadata,
} from './builders.ts';

export interface GoodObject {
  readonly name: string;
  readonly object: PlainObject;
}

export const goodGPUJobs: readonly GoodObject[] = [
  { name: 'the smallest there is', object: job({}) },
  {
    name: 'every field of the spec',
    object: withPod(
      {},
      {
        intent: 'Fine-tune the support model',
        requiredVRAM: '38Gi',
        gpus: 8,
        workers: 4,
        isolation: 'Exclusive',
        products: { allow: ['NVIDIA-A100-SXM4-80GB'], deny: ['Tesla-T4'] },
        allocation: 'DevicePlugin',
        policyName: 'default',
        container: 'main',
        suspend: true,
        whenNeverFits: 'Wait',
        retry: { maxFailures: 0, onOutOfMemory: 'Fail', maxVRAM: '80Gi' },
        activeDeadlineSeconds: 1,
        ttlSecondsAfterFinished: 0,
      },
    ),
  },
  {
    name: 'a model in place of requiredVRAM',
    object: modelled(),
  },
  { name: 'a name of 50 characters', object: named('n'.repeat(50)) },
  { name: 'a name of one letter', object: named('n') },
  { name: 'exactly 64Mi', object: job({ requiredVRAM: '64Mi' }) },
  { name: 'decimal units', object: job({ requiredVRAM: '16G' }) },
  { name: 'a fraction', object: job({ requiredVRAM: '1.5Gi' }) },
  { name: 'a bare number of bytes', object: job({ requiredVRAM: 17_179_869_184 }) },
  { name: 'maxVRAM equal to requiredVRAM in other words', object: job({ retry: { maxVRAM: '16384Mi' } }) },
  { name: 'an empty container means the first', object: job({ container: '' }) },
  { name: 'empty product lists', object: job({ products: { allow: [], deny: [] } }) },
  { name: 'shares of two cards', object: job({ isolation: 'Shared', gpus: 2 }) },
  { name: 'a host name without a gang', object: withPod({ hostname: 'alone', subdomain: 'web' }, { workers: 1 }) },
  { name: 'restartPolicy Never', object: withPod({ restartPolicy: 'Never' }) },
  { name: 'a sidecar', object: withInitContainer({ restartPolicy: 'Always' }) },
  {
    name: 'CPU, memory and a network device beside the cards',
    object: withLimits({ cpu: 8, memory: '64Gi', 'nvidia.com/hostdev': '1', 'rdma/hca': 1 }),
  },
  {
    name: 'a variable that keeps GPUs away',
    object: withContainer({ env: [{ name: 'NVIDIA_VISIBLE_DEVICES', value: 'void' }] }),
  },
  {
    name: 'labels, annotations and a null creationTimestamp as kubectl writes it',
    object: withTemplateMetadata({
      labels: { 'app.kubernetes.io/name': 'train' },
      annotations: { 'play.orquanta.io/peak-vram': '30Gi' },
      creationTimestamp: null,
    }),
  },
  {
    name: 'what the schema does not describe',
    object: withPod({
      affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } },
      volumes: [{ name: 'shm', emptyDir: { medium: 'Memory' } }],
      tolerations: [{ operator: 'Exists' }],
      fieldOfALaterKubernetes: { anything: [1, 'two'] },
    }),
  },
];
