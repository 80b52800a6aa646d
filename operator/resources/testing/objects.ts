// One table of good and bad GPUJobs that runs through zod (unit) and through the real API server (e2e): what one accepts
// and the other refuses is a rule without its twin.
import {
  container,
  job,
  named,
  withContainer,
  withInitContainer,
  withLimits,
  withPod,
  withTemplateMetadata,
  without,
} from './builders.ts';
import type { GoodObject } from './good-objects.ts';

export { type GoodObject, goodGPUJobs } from './good-objects.ts';

export interface BadObject extends GoodObject {
  /** Verbatim part of the message. From a rule: in zod's issue as well as in the API server's answer. */
  readonly says: string;
  /** True where the words are the API server's own (a bound, an enum, a type): zod only has to refuse. */
  readonly inServersWords?: boolean;
}

const cards = 'the operator sets them from requiredVRAM and gpus; remove the GPU resource';
const exactName = 'write e.g. NVIDIA-A100-SXM4-80GB';
const nameCharacters = 'metadata.name must have lower-case letters, digits and "-" only';
const notInPlace = 'containers are not restarted in place';
const reservedKey = 'are set by the operator and the Job: remove them';
const takesGPUs = 'this variable takes GPUs past the scheduler: remove it';
const noContainerOfThatName = 'container names no container of the template';
const gangNames = 'the workers of a gang find each other by names that the operator sets';

export const badGPUJobs: readonly BadObject[] = [
  { name: 'a name with an upper-case letter', object: named('Train'), says: 'lower case', inServersWords: true },
  { name: 'a name that starts with a digit', object: named('7b-train'), says: nameCharacters },
  { name: 'a name with a dot', object: named('train.7b'), says: nameCharacters },
  { name: 'a name of 51 characters', object: named('n'.repeat(51)), says: 'must have at most 50 characters' },

  {
    name: 'neither requiredVRAM nor a model',
    object: without('requiredVRAM'),
    says: "the job doesn't say what it needs: write requiredVRAM, e.g. 16Gi, or model",
  },
  { name: 'no template', object: without('template'), says: 'spec.template: Required value', inServersWords: true },
  { name: 'no spec', object: { ...job({}), spec: undefined }, says: 'spec: Required value', inServersWords: true },
  { name: 'a model with a space', object: job({ model: 'llama 3' }), says: 'the name of a model has letters' },
  { name: 'a bare 38', object: job({ requiredVRAM: 38 }), says: 'requiredVRAM must be at least 64Mi: write e.g. 16Gi' },
  {
    name: 'less than 64Mi',
    object: job({ requiredVRAM: '63Mi' }),
    says: 'requiredVRAM must be at least 64Mi: write e.g. 16Gi',
  },
  {
    name: 'a negative amount',
    object: job({ requiredVRAM: '-16Gi' }),
    says: 'requiredVRAM must be at least 64Mi: write e.g. 16Gi',
  },
  {
    name: 'milli-bytes',
    object: job({ requiredVRAM: '16m' }),
    says: 'requiredVRAM must be at least 64Mi: write e.g. 16Gi',
  },
  {
    name: '16GB',
    object: job({ requiredVRAM: '16GB' }),
    says: 'requiredVRAM must be a Kubernetes quantity: write e.g. 16Gi',
  },
  {
    name: 'a space before the unit',
    object: job({ requiredVRAM: '16 Gi' }),
    says: 'requiredVRAM must be a Kubernetes quantity',
  },
  { name: 'an empty amount', object: job({ requiredVRAM: '' }), says: 'requiredVRAM must be a Kubernetes quantity' },
  {
    name: 'more than a card can have',
    object: job({ requiredVRAM: '17Ti' }),
    says: 'requiredVRAM must be at most 16Ti',
  },
  {
    name: 'an amount that is a list',
    object: job({ requiredVRAM: ['16Gi'] }),
    says: 'spec.requiredVRAM',
    inServersWords: true,
  },

  { name: 'no GPU', object: job({ gpus: 0 }), says: 'spec.gpus', inServersWords: true },
  { name: 'half a GPU', object: job({ gpus: 0.5 }), says: 'spec.gpus', inServersWords: true },
  { name: 'GPUs as text', object: job({ gpus: '1' }), says: 'spec.gpus', inServersWords: true },
  { name: '65 GPUs for a worker', object: job({ gpus: 65 }), says: 'spec.gpus', inServersWords: true },
  { name: 'no worker', object: job({ workers: 0 }), says: 'spec.workers', inServersWords: true },
  { name: '513 workers', object: job({ workers: 513 }), says: 'spec.workers', inServersWords: true },
  {
    name: 'an isolation there is not',
    object: job({ isolation: 'exclusive' }),
    says: 'supported values: "Exclusive", "MIG", "Shared"',
    inServersWords: true,
  },
  {
    name: 'an allocation there is not',
    object: job({ allocation: 'HAMi' }),
    says: 'supported values: "Auto", "DevicePlugin"',
    inServersWords: true,
  },
  {
    name: 'a whenNeverFits there is not',
    object: job({ whenNeverFits: 'Never' }),
    says: 'supported values: "Fail", "Wait"',
    inServersWords: true,
  },

  { name: 'a product as a pattern', object: job({ products: { allow: ['NVIDIA-A100*'] } }), says: exactName },
  {
    name: "a product in nvidia-smi's words",
    object: job({ products: { deny: ['NVIDIA A100-SXM4-80GB'] } }),
    says: exactName,
  },
  {
    name: 'an empty product',
    object: job({ products: { allow: [''] } }),
    says: 'spec.products.allow[0]',
    inServersWords: true,
  },
  {
    name: 'a product twice',
    object: job({ products: { allow: ['Tesla-T4', 'Tesla-T4'] } }),
    says: 'Duplicate value',
    inServersWords: true,
  },
  {
    name: 'a product allowed and denied',
    object: job({ products: { allow: ['Tesla-T4'], deny: ['Tesla-T4'] } }),
    says: 'a product stands in both allow and deny',
  },

  {
    name: 'a policy name with a space',
    object: job({ policyName: 'my policy' }),
    says: 'policyName must be the name of a SovereignPolicy',
  },
  {
    name: 'an empty policy name',
    object: job({ policyName: '' }),
    says: 'policyName must be the name of a SovereignPolicy',
  },
  { name: 'a container that is not there', object: job({ container: 'trainer' }), says: noContainerOfThatName },
  {
    name: 'a container that can be none',
    object: job({ container: 'My Trainer' }),
    says: 'container must be the name of a container in the template',
  },
  {
    name: 'an init container as the one with the cards',
    object: withPod({ initContainers: [{ name: 'fetch', image: 'registry.example/fetch:1' }] }, { container: 'fetch' }),
    says: noContainerOfThatName,
  },
  {
    name: 'an intent of two lines',
    object: job({ intent: 'one\ntwo' }),
    says: 'intent is shown in lists: write one line',
  },
  {
    name: 'an intent too long',
    object: job({ intent: 'i'.repeat(257) }),
    says: 'spec.intent: Too long',
    inServersWords: true,
  },
  { name: 'suspend as text', object: job({ suspend: 'yes' }), says: 'spec.suspend', inServersWords: true },

  {
    name: 'maxVRAM below requiredVRAM',
    object: job({ retry: { maxVRAM: '15Gi' } }),
    says: 'retry.maxVRAM is below requiredVRAM',
  },
  {
    name: 'maxVRAM that is no amount',
    object: job({ retry: { maxVRAM: 'unlimited' } }),
    says: 'maxVRAM must be a Kubernetes quantity',
  },
  {
    name: 'a bare number as maxVRAM',
    object: job({ retry: { maxVRAM: 80 } }),
    says: 'maxVRAM must be at least 64Mi',
  },
  { name: 'a boundless maxVRAM', object: job({ retry: { maxVRAM: '1Pi' } }), says: 'maxVRAM must be at most 16Ti' },
  {
    name: 'negative maxFailures',
    object: job({ retry: { maxFailures: -1 } }),
    says: 'spec.retry.maxFailures',
    inServersWords: true,
  },
  {
    name: 'onOutOfMemory there is not',
    object: job({ retry: { onOutOfMemory: 'Retry' } }),
    says: 'supported values: "Grow", "Fail"',
    inServersWords: true,
  },
  {
    name: 'a deadline of 0',
    object: job({ activeDeadlineSeconds: 0 }),
    says: 'spec.activeDeadlineSeconds',
    inServersWords: true,
  },
  {
    name: 'a deadline as text',
    object: job({ activeDeadlineSeconds: '24h' }),
    says: 'spec.activeDeadlineSeconds',
    inServersWords: true,
  },
  {
    name: 'a negative ttl',
    object: job({ ttlSecondsAfterFinished: -1 }),
    says: 'spec.ttlSecondsAfterFinished',
    inServersWords: true,
  },

  {
    name: 'no container',
    object: withPod({ containers: [] }),
    says: 'spec.template.spec.containers',
    inServersWords: true,
  },
  {
    name: 'a container without an image',
    object: withPod({ containers: [{ name: 'main' }] }),
    says: 'image: Required value',
    inServersWords: true,
  },
  {
    name: 'a container without a name',
    object: withPod({ containers: [{ image: 'a' }] }),
    says: 'name: Required value',
    inServersWords: true,
  },
  {
    name: 'a container name with a capital',
    object: withContainer({ name: 'Main' }),
    says: 'a container name has lower-case letters',
  },
  {
    name: 'two containers of one name',
    object: withPod({ containers: [container, container] }),
    says: 'Duplicate value',
    inServersWords: true,
  },
  {
    name: 'an init container with the name of a container',
    object: withInitContainer({ name: 'main' }),
    says: 'an init container has the name of a container',
  },
  {
    name: 'nodeName',
    object: withPod({ nodeName: 'node-1' }),
    says: 'remove nodeName; to narrow its choice use nodeSelector or affinity',
  },
  { name: 'schedulerName', object: withPod({ schedulerName: 'default-scheduler' }), says: 'remove schedulerName' },
  {
    name: 'schedulingGates',
    object: withPod({ schedulingGates: [{ name: 'a/b' }] }),
    says: 'to hold a job back set spec.suspend to true',
  },
  {
    name: 'resourceClaims',
    object: withPod({ resourceClaims: [{ name: 'gpu', resourceClaimName: 'mine' }] }),
    says: 'remove resourceClaims',
  },
  {
    name: 'claims of a container',
    object: withContainer({ resources: { claims: [{ name: 'gpu' }] } }),
    says: 'resources.claims is set by the operator',
  },
  {
    name: "the template's own deadline",
    object: withPod({ activeDeadlineSeconds: 60 }),
    says: 'set spec.activeDeadlineSeconds of the GPUJob',
  },
  {
    name: 'ephemeral containers',
    object: withPod({ ephemeralContainers: [{ name: 'debug', image: 'a' }] }),
    says: 'remove ephemeralContainers',
  },
  {
    name: 'restartPolicy OnFailure',
    object: withPod({ restartPolicy: 'OnFailure' }),
    says: 'restartPolicy must be Never or left out',
  },
  {
    name: 'restartPolicy Always',
    object: withPod({ restartPolicy: 'Always' }),
    says: 'restartPolicy must be Never or left out',
  },
  { name: 'a container that restarts in place', object: withContainer({ restartPolicy: 'Always' }), says: notInPlace },
  {
    name: 'rules to restart a container',
    object: withContainer({ restartPolicyRules: [{ action: 'Restart' }] }),
    says: notInPlace,
  },
  {
    name: 'an init container with restartPolicy OnFailure',
    object: withInitContainer({ restartPolicy: 'OnFailure' }),
    says: 'or Always to make it a sidecar',
  },

  { name: "NVIDIA's cards", object: withLimits({ 'nvidia.com/gpu': 1 }), says: cards },
  { name: 'a MIG slice', object: withLimits({ 'nvidia.com/mig-1g.10gb': '1' }), says: cards },
  { name: "a vendor's memory share", object: withLimits({ 'nvidia.com/gpumem': 4096 }), says: cards },
  { name: 'shared cards', object: withLimits({ 'nvidia.com/gpu.shared': 1 }), says: cards },
  { name: "AMD's cards", object: withLimits({ 'amd.com/gpu': 1 }), says: cards },
  { name: "Intel's cards", object: withLimits({ 'gpu.intel.com/xe': 1 }), says: cards },
  { name: "Habana's cards", object: withLimits({ 'habana.ai/gaudi': 1 }), says: cards },
  {
    name: 'cards among the requests',
    object: withContainer({ resources: { requests: { 'nvidia.com/gpu': 1 } } }),
    says: cards,
  },
  {
    name: 'cards in an init container',
    object: withInitContainer({ resources: { limits: { 'nvidia.com/gpu': 1 } } }),
    says: cards,
  },
  { name: 'cards of the whole Pod', object: withPod({ resources: { limits: { 'nvidia.com/gpu': 1 } } }), says: cards },
  {
    name: 'a variable that takes all cards',
    object: withContainer({ env: [{ name: 'NVIDIA_VISIBLE_DEVICES', value: 'all' }] }),
    says: takesGPUs,
  },
  {
    name: 'a variable that takes cards named elsewhere',
    object: withInitContainer({
      env: [{ name: 'NVIDIA_VISIBLE_DEVICES', valueFrom: { configMapKeyRef: { name: 'a', key: 'b' } } }],
    }),
    says: takesGPUs,
  },

  { name: 'a host name in a gang', object: withPod({ hostname: 'worker' }, { workers: 2 }), says: gangNames },
  { name: 'a subdomain in a gang', object: withPod({ subdomain: 'mine' }, { workers: 2 }), says: gangNames },
  {
    name: "the operator's label",
    object: withTemplateMetadata({ labels: { 'orquanta.io/run': '1' } }),
    says: reservedKey,
  },
  {
    name: "the operator's annotation",
    object: withTemplateMetadata({ annotations: { 'orquanta.io/placement': '{}' } }),
    says: reservedKey,
  },
  {
    name: "the Job's label",
    object: withTemplateMetadata({ labels: { 'batch.kubernetes.io/job-name': 'x' } }),
    says: reservedKey,
  },
  {
    name: "the Job's old label",
    object: withTemplateMetadata({ labels: { 'controller-uid': 'x' } }),
    says: reservedKey,
  },
  {
    name: 'a label value too long',
    object: withTemplateMetadata({ labels: { app: 'x'.repeat(64) } }),
    says: 'spec.template.metadata.labels',
    inServersWords: true,
  },
];
