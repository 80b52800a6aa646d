// One table of updates, allowed and refused, that runs through the transitions in TypeScript (unit) and through the real
// API server (e2e).
import {
  type PlainObject,
  container,
  job,
  modelled,
  withContainer,
  withPod,
  withTemplateMetadata,
} from './builders.ts';

export interface Update {
  readonly name: string;
  readonly before: PlainObject;
  readonly after: PlainObject;
  /** Absent: no run has started. */
  readonly run?: number;
  /** Absent: the update is allowed. */
  readonly says?: string;
}

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
  {
    name: 'a model after the first run',
    before: plain,
    after: job({ model: 'llama' }),
    run: 1,
    says: cannotChange('model'),
  },
  {
    name: 'requiredVRAM for a model after the first run',
    before: modelled(),
    after: { ...modelled(), spec: { ...(modelled()['spec'] as PlainObject), requiredVRAM: '16Gi' } },
    run: 1,
    says: cannotChange('requiredVRAM'),
  },
  { name: 'the same model again', before: modelled(), after: modelled(), run: 1 },
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
