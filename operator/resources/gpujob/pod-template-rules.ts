// What a pod template may not say, because the operator says it or because it would take cards past the scheduler. Each
// rule is CEL and TypeScript in one; messages say what to write instead.
import { dnsLabelPattern } from '../fields.ts';
import { matching, type Rule } from '../rules.ts';

/** How the resource names of cards begin, by vendor. Network devices such as nvidia.com/hostdev are none. */
export const cardResourcePrefixes = [
  'nvidia.com/gpu',
  'nvidia.com/mig-',
  'nvidia.com/vgpu',
  'nvidia.com/pgpu',
  'amd.com/gpu',
  'amd.com/spx',
  'amd.com/dpx',
  'amd.com/qpx',
  'amd.com/tpx',
  'amd.com/cpx',
  'gpu.intel.com/',
  'habana.ai/',
  'huawei.com/Ascend',
  'cambricon.com/',
  'hygon.com/',
  'iluvatar.ai/',
  'metax-tech.com/',
  'mthreads.com/',
  'enflame.com/',
  'volcano.sh/vgpu',
  'aliyun.com/gpu',
] as const;

/** Variables by which a container runtime hands out cards that nobody counted. */
export const cardEnvironment = ['NVIDIA_VISIBLE_DEVICES', 'AMD_VISIBLE_DEVICES', 'HABANA_VISIBLE_DEVICES'] as const;

/** Labels and annotations that only the operator or the Job controller may set. */
export const reservedKeyPrefixes = ['orquanta.io/', 'batch.kubernetes.io/'] as const;
const reservedKeys = ['controller-uid', 'job-name'] as const;

type Amounts = Record<string, string | number>;

export const resourceNameRules: readonly Rule<Amounts>[] = [
  {
    cel: `self.all(name, !${celList(cardResourcePrefixes)}.exists(card, name.startsWith(card)))`,
    message: 'cards are not asked for here: the operator sets them from requiredVRAM and gpus; remove the GPU resource',
    holds: (amounts) => Object.keys(amounts).every((name) => !startsWithAny(name, cardResourcePrefixes)),
  },
];

interface Variable {
  name: string;
  value?: string | undefined;
  valueFrom?: unknown;
}

export const envRules: readonly Rule<Variable>[] = [
  {
    cel: `!(self.name in ${celList(cardEnvironment)}) || (has(self.value) && self.value in ['', 'none', 'void'])`,
    message:
      'this variable takes GPUs past the scheduler: remove it (or write none); the chosen container sees its cards anyway',
    holds: ({ name, value }) => !includes(cardEnvironment, name) || includes(['', 'none', 'void'], value),
  },
];

/** No pattern of the schema: its words would be "should match", and these say what to write. */
export const containerNameRule = matching(
  dnsLabelPattern,
  'a container name has lower-case letters, digits and "-", and starts and ends with a letter or digit: write e.g. main',
);

function onlyNever(message: string): Rule<string> {
  return { cel: "self == 'Never'", message, holds: (policy) => policy === 'Never' };
}

export const containerRestartRule = onlyNever(
  'containers are not restarted in place: remove restartPolicy and use spec.retry (a sidecar goes under initContainers)',
);

export const podRestartRule = onlyNever(
  'restartPolicy must be Never or left out: a run that fails is tried again by spec.retry',
);

export const initContainerRestartRule: Rule<string> = {
  cel: "self in ['Always', 'Never']",
  message:
    'an init container has no restartPolicy, or Always to make it a sidecar: remove OnFailure and use spec.retry',
  holds: (policy) => includes(['Always', 'Never'], policy),
};

/** Stands on the field itself: the API server asks a rule only where its field is there, and pays for each it asks. */
function never(message: string): Rule<unknown> {
  return { cel: 'false', message, holds: () => false };
}

/** Fields that must not be there, with what to do instead. */
export const refusals = {
  claims: never('resources.claims is set by the operator from requiredVRAM and gpus: remove it'),
  restartPolicyRules: never('containers are not restarted in place: remove restartPolicyRules and use spec.retry'),
  nodeName: never('the operator chooses the node: remove nodeName; to narrow its choice use nodeSelector or affinity'),
  schedulerName: never('the operator chooses the node and kube-scheduler binds it: remove schedulerName'),
  schedulingGates: never('remove schedulingGates: to hold a job back set spec.suspend to true'),
  resourceClaims: never('remove resourceClaims: the operator claims the cards from requiredVRAM and gpus'),
  activeDeadlineSeconds: never(
    'remove activeDeadlineSeconds here: set spec.activeDeadlineSeconds of the GPUJob, which holds over all runs',
  ),
  ephemeralContainers: never(
    'remove ephemeralContainers: a template has none; add one to a running Pod with kubectl debug',
  ),
} as const;

interface PodSpec {
  containers: { name: string }[];
  initContainers?: { name: string }[] | undefined;
}

export const podRules: readonly Rule<PodSpec>[] = [
  {
    cel: '!has(self.initContainers) || !self.initContainers.exists(i, self.containers.exists(c, c.name == i.name))',
    message: 'an init container has the name of a container: give it another one',
    fieldPath: '.initContainers',
    holds: ({ containers, initContainers = [] }) =>
      !initContainers.some((init) => containers.some(({ name }) => name === init.name)),
  },
];

/** Of the labels or the annotations. */
export function reservedKeysRule(field: 'labels' | 'annotations'): Rule<Record<string, string>> {
  return {
    cel: `self.all(key, !(key in ${celList(reservedKeys)}) && !${celList(reservedKeyPrefixes)}.exists(prefix, key.startsWith(prefix)))`,
    message: `${field} under orquanta.io/ and batch.kubernetes.io/ (and controller-uid, job-name) are set by the operator and the Job: remove them`,
    holds: (map) =>
      Object.keys(map).every((key) => !includes(reservedKeys, key) && !startsWithAny(key, reservedKeyPrefixes)),
  };
}

function celList(values: readonly string[]): string {
  return `[${values.map((value) => `'${value}'`).join(', ')}]`;
}

function startsWithAny(name: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => name.startsWith(prefix));
}

function includes(values: readonly string[], value: string | undefined): boolean {
  return value !== undefined && values.includes(value);
}
