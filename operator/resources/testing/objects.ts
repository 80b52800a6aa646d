// One table of good and bad GPUJobs, and of updates, that runs through zod (unit) and through the real API server (e2e):
// what one accepts and the other refuses is a rule without its twin. Objects are plain, as a user's YAML is.

export type PlainObject = Record<string, unknown>;

export interface GoodObject {
  readonly name: string;
  readonly object: PlainObject;
}

export interface BadObject extends GoodObject {
  /** Verbatim part of the message. From a rule: in zod's issue as well as in the API server's answer. */
  readonly says: string;
  /** True where the words are the API server's own (a bound, an enum, a type): zod only has to refuse. */
  readonly inServersWords?: boolean;
}

export interface Update {
  readonly name: string;
  readonly before: PlainObject;
  readonly after: PlainObject;
  /** Absent: no run has started. */
  readonly run?: number;
  /** Absent: the update is allowed. */
  readonly says?: string;
}

const container = { name: 'main', image: 'registry.example/train:1' };

const job = (spec: PlainObject, metadata: PlainObject = { name: 'train' }): PlainObject => ({
  apiVersion: 'orquanta.io/v1alpha1',
  kind: 'GPUJob',
  metadata,
  spec: { requiredVRAM: '16Gi', template: { spec: { containers: [container] } }, ...spec },
});
const named = (name: string) => job({}, { name });
const withPod = (pod: PlainObject, spec: PlainObject = {}) =>
  job({ ...spec, template: { spec: { containers: [container], ...pod } } });
const withContainer = (fields: PlainObject) => withPod({ containers: [{ ...container, ...fields }] });
const withInitContainer = (fields: PlainObject) =>
  withPod({ initContainers: [{ name: 'fetch', image: 'registry.example/fetch:1', ...fields }] });
const withLimits = (limits: PlainObject) => withContainer({ resources: { limits } });
const withTemplateMetadata = (metadata: PlainObject) =>
  job({ template: { metadata, spec: { containers: [container] } } });
const without = (field: string): PlainObject => {
  const { [field]: _, ...spec } = job({})['spec'] as PlainObject;
  return { ...job({}), spec };
};

const cards = 'the operator sets them from requiredVRAM and gpus; remove the GPU resource';
const exactName = 'write e.g. NVIDIA-A100-SXM4-80GB';
const nameCharacters = 'metadata.name must have lower-case letters, digits and "-" only';
const notInPlace = 'containers are not restarted in place';
const reservedKey = 'are set by the operator and the Job: remove them';
const takesGPUs = 'this variable takes GPUs past the scheduler: remove it';
const noContainerOfThatName = 'container names no container of the template';
const gangNames = 'the workers of a gang find each other by names that the operator sets';

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
  { name: 'a name of 50 characters', object: named('n'.repeat(50)) },
  { name: 'a name of one letter', object: named('n') },
  { name: 'exactly 64Mi', object: job({ requiredVRAM: '64Mi' }) },
  { name: 'decimal units', object: job({ requiredVRAM: '16G' }) },
  { name: 'a fraction', object: job({ requiredVRAM: '1.5Gi' }) },
  { name: 'a bare number of bytes', object: job({ requiredVRAM: 17_179_869_184 }) },
  { name: 'maxVRAM equal to requiredVRAM in other words', object: job({ retry: { maxVRAM: '16384Mi' } }) },
  { name: 'an empty container means the first', object: job({ container: '' }) },
  { name: 'empty product lists', object: job({ products: { allow: [], deny: [] } }) },
  { name: 'one GPU from a share', object: job({ isolation: 'Shared', gpus: 1 }) },
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

export const badGPUJobs: readonly BadObject[] = [
  { name: 'a name with an upper-case letter', object: named('Train'), says: 'lower case', inServersWords: true },
  { name: 'a name that starts with a digit', object: named('7b-train'), says: nameCharacters },
  { name: 'a name with a dot', object: named('train.7b'), says: nameCharacters },
  { name: 'a name of 51 characters', object: named('n'.repeat(51)), says: 'must have at most 50 characters' },

  {
    name: 'no requiredVRAM',
    object: without('requiredVRAM'),
    says: 'spec.requiredVRAM: Required value',
    inServersWords: true,
  },
  { name: 'no template', object: without('template'), says: 'spec.template: Required value', inServersWords: true },
  { name: 'no spec', object: { ...job({}), spec: undefined }, says: 'spec: Required value', inServersWords: true },
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
    object: job({ allocation: 'DRA' }),
    says: 'supported values: "Auto", "DevicePlugin"',
    inServersWords: true,
  },
  {
    name: 'two GPUs from shares',
    object: job({ isolation: 'Shared', gpus: 2 }),
    says: 'two shares may lie on one card',
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

const cannotChange = (field: string) => `can't change once a run has started: ${field}; set it back`;
const plain = job({});

export const updates: readonly Update[] = [
  { name: 'anything may change before the first run', before: plain, after: job({ requiredVRAM: '38Gi', gpus: 2 }) },
  { name: 'a run of 0 is no run', before: plain, after: job({ gpus: 2 }), run: 0 },
  {
    name: 'suspend, retry, deadline and ttl may change',
    before: plain,
    after: job({
      suspend: true,
      retry: { maxFailures: 5, maxVRAM: '80Gi' },
      activeDeadlineSeconds: 60,
      ttlSecondsAfterFinished: 60,
    }),
    run: 1,
  },
  {
    name: 'writing out the defaults is no change',
    before: plain,
    after: job({
      intent: '',
      gpus: 1,
      workers: 1,
      isolation: 'Exclusive',
      products: { allow: [], deny: [] },
      allocation: 'Auto',
      policyName: 'default',
      container: '',
      whenNeverFits: 'Fail',
    }),
    run: 1,
  },
  { name: 'the same amount in other words', before: plain, after: job({ requiredVRAM: '16384Mi' }), run: 1 },
  {
    name: 'products in another order',
    before: job({ products: { allow: ['A', 'B'] } }),
    after: job({ products: { allow: ['B', 'A'] } }),
    run: 1,
  },
  {
    name: 'more VRAM',
    before: plain,
    after: job({ requiredVRAM: '17Gi' }),
    run: 1,
    says: cannotChange('requiredVRAM'),
  },
  { name: 'another intent', before: plain, after: job({ intent: 'x' }), run: 1, says: cannotChange('intent') },
  { name: 'more GPUs', before: plain, after: job({ gpus: 2 }), run: 1, says: cannotChange('gpus') },
  { name: 'fewer workers', before: job({ workers: 4 }), after: plain, run: 3, says: cannotChange('workers') },
  {
    name: 'another isolation',
    before: plain,
    after: job({ isolation: 'MIG' }),
    run: 1,
    says: cannotChange('isolation'),
  },
  {
    name: 'another allocation',
    before: plain,
    after: job({ allocation: 'DevicePlugin' }),
    run: 1,
    says: cannotChange('allocation'),
  },
  {
    name: 'another policy',
    before: plain,
    after: job({ policyName: 'other' }),
    run: 1,
    says: cannotChange('policyName'),
  },
  {
    name: 'another container',
    before: plain,
    after: job({ container: 'main' }),
    run: 1,
    says: cannotChange('container'),
  },
  {
    name: 'waiting after all',
    before: plain,
    after: job({ whenNeverFits: 'Wait' }),
    run: 1,
    says: cannotChange('whenNeverFits'),
  },
  {
    name: 'a product more',
    before: job({ products: { allow: ['A'] } }),
    after: job({ products: { allow: ['A', 'B'] } }),
    run: 1,
    says: cannotChange('products'),
  },
  {
    name: 'another image',
    before: plain,
    after: withContainer({ image: 'registry.example/train:2' }),
    run: 1,
    says: cannotChange('template'),
  },
  {
    name: 'containers in another order',
    before: withPod({ containers: [container, { ...container, name: 'side' }] }),
    after: withPod({ containers: [{ ...container, name: 'side' }, container] }),
    run: 1,
    says: cannotChange('template'),
  },
  {
    name: 'another variable',
    before: withContainer({ env: [{ name: 'SEED', value: '1' }] }),
    after: withContainer({ env: [{ name: 'SEED', value: '2' }] }),
    run: 1,
    says: cannotChange('template'),
  },
  {
    name: 'another volume, deep inside what is not described',
    before: withPod({ volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'a' } }] }),
    after: withPod({ volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'b' } }] }),
    run: 1,
    says: cannotChange('template'),
  },
  {
    name: 'one kind of affinity for another',
    before: withPod({ affinity: { nodeAffinity: {} } }),
    after: withPod({ affinity: { podAffinity: {} } }),
    run: 1,
    says: cannotChange('template'),
  },
  {
    name: 'one optional field of the Pod for another',
    before: withPod({ dnsPolicy: 'Default' }),
    after: withPod({ hostNetwork: true }),
    run: 1,
    says: cannotChange('template'),
  },
  {
    name: 'a null that nobody describes in place of a field',
    before: withPod({ securityContext: { runAsUser: 1000 } }),
    after: withPod({ fieldOfALaterKubernetes: null }),
    run: 1,
    says: cannotChange('template'),
  },
  {
    name: 'one optional field of a container for another',
    before: withContainer({ lifecycle: {} }),
    after: withContainer({ securityContext: { privileged: true } }),
    run: 1,
    says: cannotChange('template'),
  },
  {
    name: 'several fields at once, all named',
    before: plain,
    after: job({ gpus: 2, isolation: 'MIG', suspend: true }),
    run: 1,
    says: cannotChange('gpus; isolation'),
  },
  {
    name: 'a label of the Pods',
    before: plain,
    after: withTemplateMetadata({ labels: { team: 'a' } }),
    run: 1,
    says: cannotChange('template'),
  },
];
