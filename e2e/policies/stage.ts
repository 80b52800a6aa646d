// What tests about learning need: a policy of their own, its ledger as it stands on the API server, and jobs that run out of
// GPU memory at once. It reads the ledger with the operator's own eyes and checks the links of the chain with other ones.
import { createHash, randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { Api, KubernetesObject } from '../../hack/api/client.ts';
import { waitForObject } from '../setup/surroundings.ts';
import { gpujob, gpujobsOf, type GPUJobState } from '../robustness/jobs.ts';

export const policiesPath = '/apis/orquanta.io/v1alpha1/sovereignpolicies';
export const ledgerPath = '/apis/apps/v1/namespaces/orquanta-system/controllerrevisions';

export interface PolicyState extends KubernetesObject {
  metadata: KubernetesObject['metadata'] & {
    uid: string;
    generation: number;
    managedFields: { manager: string; subresource?: string }[];
  };
  status: {
    observedGeneration?: number;
    version?: number;
    hash?: string;
    mode?: string;
    effectiveWeights?: { name: string; partsPerMillion: number }[];
    effectiveHeadroomPermille?: number;
    lastCause?: string;
    conditions?: { type: string; status: string; reason: string; message: string }[];
    breakers?: { image: string; failures: number }[];
    lastHandledRollback?: string;
    lastHandledReset?: string;
  };
}

export interface Setting {
  weights: Record<string, number>;
  headroom: number;
}

export interface VersionState {
  version: number;
  cause: { kind: string; uid?: string; name?: string };
  held?: string;
  effective: Setting;
  oldest: { version: number; previousHash: string };
  previousHash: string;
  hash: string;
}

interface RevisionState extends KubernetesObject {
  revision: number;
  data: VersionState;
}

export const shippedWeights = [
  { name: 'Fit', permille: 350 },
  { name: 'Packing', permille: 250 },
  { name: 'Cost', permille: 200 },
  { name: 'Reliability', permille: 150 },
  { name: 'Heat', permille: 50 },
];

/** Room for 400 failures of one namespace, so that each of them moves the weights. */
export const openHanded = {
  historyLimit: 1000,
  learning: { maxNamespaceShiftPermille: 1000, maxHeadroomPermille: 1000 },
  headroomPermille: 0,
  impacts: [
    {
      cause: 'OutOfMemory',
      headroomPermille: 1,
      weights: [
        { name: 'Fit', permille: -1 },
        { name: 'Reliability', permille: 1 },
      ],
    },
  ],
};

export function policyNamed(name: string, spec: Record<string, unknown> = {}): KubernetesObject {
  return {
    apiVersion: 'orquanta.io/v1alpha1',
    kind: 'SovereignPolicy',
    metadata: { name },
    spec: { weights: shippedWeights, ...spec },
  };
}

/** A name that nobody had, whose policy and ledger go when the test ends. */
export function policyNameFor(api: Api, words: string): string {
  const name = `t-${words}-${randomBytes(3).toString('hex')}`;
  onTestFinished(async () => {
    await api.delete(`${policiesPath}/${name}`);
    for (const { metadata } of await revisionsOf(api, name)) await api.delete(`${ledgerPath}/${metadata.name}`);
  });
  return name;
}

export async function policyFor(api: Api, words: string, spec: Record<string, unknown> = {}): Promise<string> {
  const name = policyNameFor(api, words);
  await api.create(policiesPath, policyNamed(name, spec));
  return name;
}

export function untilPolicy(
  api: Api,
  name: string,
  what: string,
  until: (policy: PolicyState) => boolean,
): Promise<PolicyState> {
  return waitForObject<PolicyState>(api, policiesPath, name, { what, timeoutMilliseconds: 60_000, until });
}

export function conditionOf({ status }: PolicyState, type: string): { status: string; message: string } | undefined {
  return status.conditions?.find((condition) => condition.type === type);
}

/** Until the job stands there: the reason of Ready. */
export function untilReason(api: Api, namespace: string, name: string, reason: string): Promise<GPUJobState> {
  return waitForObject<GPUJobState>(api, gpujobsOf(namespace), name, {
    what: `to say ${reason}`,
    timeoutMilliseconds: 30_000,
    until: (job) => readyOf(job)?.reason === reason,
  });
}

export function messageOf(job: GPUJobState): string | undefined {
  return readyOf(job)?.message;
}

function readyOf({ status }: GPUJobState) {
  return status.conditions?.find(({ type }) => type === 'Ready');
}

export async function revisionsOf(api: Api, policy: string): Promise<RevisionState[]> {
  const { items } = await api.get<{ items: RevisionState[] }>(
    `${ledgerPath}?labelSelector=orquanta.io/policy=${policy}`,
  );
  return items.sort((a, b) => a.revision - b.revision);
}

export async function versionsOf(api: Api, policy: string): Promise<VersionState[]> {
  return (await revisionsOf(api, policy)).map(({ data }) => data);
}

/** What is wrong with the links of the chain, computed from the objects alone. */
export function brokenLinks(versions: readonly VersionState[]): string[] {
  return versions.flatMap((version, index) => {
    const { hash, ...content } = version;
    const before = versions[index - 1];
    return [
      ...(hashOf(content) === hash ? [] : [`version ${version.version} is not what its hash says`]),
      ...(before === undefined || before.hash === version.previousHash
        ? []
        : [`version ${version.version} follows nobody`]),
      ...(before === undefined || before.version + 1 === version.version
        ? []
        : [`${version.version} after ${before.version}`]),
    ];
  });
}

function hashOf(content: unknown): string {
  const inOrder = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(inOrder);
    if (value === null || typeof value !== 'object') return value;
    const entries = Object.entries(value).map(([key, inner]) => [key, inOrder(inner)] as const);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  return createHash('sha256')
    .update(JSON.stringify(inOrder(content)))
    .digest('hex');
}

/** Jobs that die of an out-of-memory in their first run and are not tried again; each an image of its own. */
export function dyingJobs(count: number, policyName: string, image = (index: number) => `example.com/train-${index}`) {
  return Array.from({ length: count }, (_, index) => {
    const job = gpujob({
      name: `job-${index}`,
      requiredVRAM: '20Gi',
      play: { 'peak-vram': '30Gi', 'run-seconds': '0.5' },
      spec: { policyName, retry: { onOutOfMemory: 'Fail' }, intent: `attempt ${index}` },
    });
    const { template } = job['spec'] as { template: { spec: { containers: { image: string }[] } } };
    template.spec.containers[0]!.image = image(index);
    return job;
  });
}

export const versionCaused = ({ status }: GPUJobState): unknown => status.attempts?.[0]?.['policyVersion'];

export function countTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}
