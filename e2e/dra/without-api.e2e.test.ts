// A cluster without the API by which cards are claimed, which gets it with an upgrade, first without shares of cards, and then an
// operator whose role is older than all of that. On a control plane of its own: its API server comes back with other flags.
import { readFileSync } from 'node:fs';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, type KubernetesObject } from '../../hack/api/client.ts';
import { type Cluster } from '../../hack/cluster/cluster.ts';
import { until } from '../../hack/cluster/until.ts';
import { createDRANodes, createNodes } from '../../hack/nodes/create.ts';
import { gpuNode, nvidiaCards } from '../../hack/nodes/node.ts';
import { draNode } from '../../hack/nodes/slices.ts';
import { installCRDs, installRights, kubeconfigPathOf, serviceAccount } from '../../hack/operator/install.ts';
import { type OperatorProcess, startOperator, type StartOptions } from '../../hack/operator/process.ts';
import type { GPUJobSpec } from '../../operator/resources/gpujob.ts';
import { audited, isByAnyOperator } from '../robustness/ledger.ts';
import { metricsOf } from '../robustness/metrics.ts';
import { createUnlearningDefault } from '../setup/default-policy.ts';
import { type GPUJob, isTrue, messageOf, type Pod, reasonOf } from '../setup/gpujobs.ts';
import { freshCluster } from '../setup/fresh-cluster.ts';
import { ownCluster, waitForObject } from '../setup/surroundings.ts';

const { a10 } = nvidiaCards;
const gpujobs = '/apis/orquanta.io/v1alpha1/namespaces/default/gpujobs';
const pods = '/api/v1/namespaces/default/pods';
const slices = '/apis/resource.k8s.io/v1/resourceslices';
const role = '/apis/rbac.authorization.k8s.io/v1/clusterroles/orquanta-operator';
const claimKinds = ['deviceclasses', 'resourceclaims', 'resourceslices'];

/** As Kubernetes 1.33 comes. A server of 1.36 with the API merely turned off never gets ready: it reads the slices itself. */
const without = ['--emulated-version=1.33'];
const withoutAPI = { 'kube-apiserver': without, 'kube-controller-manager': without, 'kube-scheduler': without };

const whole = ['--feature-gates=DRAConsumableCapacity=false'];
const withoutShares = { 'kube-apiserver': whole, 'kube-scheduler': whole };

interface LogLine {
  level: string;
  time: string;
  msg: string;
  resource?: string;
  [field: string]: unknown;
}

let cluster: Cluster;
let api: Api;
let operator: OperatorProcess;

async function startOwn(options: Pick<StartOptions, 'name' | 'waitUntilReady'>): Promise<void> {
  const { directory } = cluster;
  const kubeconfig = kubeconfigPathOf(cluster, serviceAccount());
  operator = await startOperator({ ...options, directory, kubeconfig, signal: AbortSignal.timeout(60_000) });
}

function told(): LogLine[] {
  const lines = readFileSync(operator.logFile, 'utf8').split('\n');
  return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as LogLine);
}

function submit(name: string, spec: Partial<GPUJobSpec>): Promise<GPUJob> {
  const container = { name: 'main', image: 'example.com/trainer:1' };
  const metadata = { annotations: { 'play.orquanta.io/run-seconds': '0.5' } };
  const template = { metadata, spec: { containers: [container] } };
  return api.create(gpujobs, {
    apiVersion: 'orquanta.io/v1alpha1',
    kind: 'GPUJob',
    metadata: { name },
    spec: { requiredVRAM: '8Gi', template, ...spec },
  });
}

function seen(name: string, what: string, holds: (gpujob: GPUJob) => boolean): Promise<GPUJob> {
  return waitForObject(api, gpujobs, name, { what, timeoutMilliseconds: 60_000, until: holds });
}

const untilComplete = (name: string) => seen(name, 'to be complete', (gpujob) => isTrue(gpujob, 'Complete'));
const untilReason = (name: string, reason: string) =>
  seen(name, `to be ${reason}`, (gpujob) => reasonOf(gpujob) === reason);

/** Of the Pods of a GPUJob: what they claim, and what they have of a device plugin. */
async function heldBy(name: string): Promise<{ claims: number; plugin: number }> {
  const { items } = await api.get<{ items: Pod[] }>(`${pods}?labelSelector=orquanta.io/gpujob=${name}`);
  const resources = items.map(({ spec }) => spec.containers[0]?.resources ?? {});
  return {
    claims: resources.reduce((sum, one) => sum + ((one as { claims?: unknown[] }).claims?.length ?? 0), 0),
    plugin: resources.reduce((sum, { limits }) => sum + Number(limits?.['nvidia.com/gpu'] ?? 0), 0),
  };
}

/** By the server's account: for each kind that it hasn't once to start, once to take the lead (again after an outage), then three times a minute. */
function expectNoStorm(minutes: number): void {
  const missed = audited(cluster).filter(({ responseStatus }) => responseStatus?.code === 404);
  const kinds = missed
    .filter(isByAnyOperator)
    .flatMap(({ requestURI }) => /^\/apis\/resource\.k8s\.io\/v1\/(\w+)/.exec(requestURI)?.[1] ?? []);
  expect([...new Set(kinds)].sort()).toEqual(claimKinds);
  for (const kind of claimKinds) {
    const times = kinds.filter((one) => one === kind).length;
    expect(times).toBeGreaterThanOrEqual(2);
    expect(times).toBeLessThanOrEqual(4 + 3 * minutes);
  }
}

async function foundByMetrics(): Promise<string[]> {
  const lines = (await metricsOf(operator)).split('\n');
  return lines.filter((line) => /^orquanta_(dra_served|gpu_nodes)/.test(line));
}

async function readiness(): Promise<string> {
  const { statusCode, body } = await request(`http://${operator.healthAddress}/readyz`);
  return `${statusCode} ${await body.text()}`;
}

describe.runIf(ownCluster() !== undefined)('a cluster', () => {
  beforeAll(async () => {
    cluster = await freshCluster({ flags: withoutAPI });
    await installCRDs(cluster);
    await installRights(cluster);
    api = Api.fromKubeconfig(cluster.kubeconfig, 'e2e');
    await createUnlearningDefault(api);
    await createNodes(api, [gpuNode({ name: 'plugin', cards: a10(1) })]);
    await startOwn({ name: 'operator' });
  });
  afterAll(async () => {
    await api.close();
    await cluster.stop();
  });

  it('without the API runs on device plugins, and says what it lacks in one line and one metric', async () => {
    expect((await api.get<{ groups: { name: string }[] }>('/apis')).groups.map(({ name }) => name)).not.toContain(
      'resource.k8s.io',
    );
    for (const [name, spec] of Object.entries({ plain: {}, plugin: { allocation: 'DevicePlugin' } } as const)) {
      await submit(name, spec);
      await untilComplete(name);
      expect(await heldBy(name)).toEqual({ claims: 0, plugin: 1 });
    }
    await submit('claims', { allocation: 'DRA' });
    expect(messageOf(await untilReason('claims', 'NoMatchingCards'))).toBe(
      '0 of 1 nodes have cards of the right kind: 1 offered by device plugin only',
    );
    expect(told().filter((line) => JSON.stringify(line).includes('resource.k8s.io'))).toEqual([
      {
        level: 'info',
        time: expect.any(String) as string,
        'resource.k8s.io/v1': 'not served',
        ...{ devicePlugin: 1, dra: 0, both: 0, shares: 0 },
        msg: 'GPU nodes by how their cards are held',
      },
    ]);
    expect(told().filter(({ level }) => level !== 'info')).toEqual([]);
    expect(await foundByMetrics()).toEqual([
      'orquanta_gpu_nodes{allocation="DevicePlugin"} 1',
      'orquanta_gpu_nodes{allocation="DRA"} 0',
      'orquanta_gpu_nodes{allocation="Both"} 0',
      'orquanta_gpu_nodes{allocation="Shares"} 0',
      'orquanta_dra_served 0',
    ]);
  });

  it('that gets the API with an upgrade has its cards claimed, whole while it has no shares', async () => {
    const startedAt = Date.parse(told()[0]?.time ?? '');
    await cluster.restartWith(withoutShares);
    await createDRANodes(api, [draNode({ name: 'claims' }, a10(1))]);
    const { spec } = await api.get<KubernetesObject & { spec: { devices: object[] } }>(`${slices}/claims-gpus`);
    expect(spec.devices).toMatchObject([{ name: 'gpu-0', capacity: { memory: { value: '23028Mi' } } }]);
    expect(JSON.stringify(spec.devices)).not.toMatch(/allowMultipleAllocations|requestPolicy/);

    // It has waited for a node like this one.
    await untilComplete('claims');
    expect(await heldBy('claims')).toEqual({ claims: 1, plugin: 0 });
    await submit('exclusive', { allocation: 'DRA', isolation: 'Exclusive' });
    await untilComplete('exclusive');
    await submit('shared', { isolation: 'Shared' });
    expect(messageOf(await untilReason('shared', 'NoMatchingCards'))).toMatch(
      /^0 of 2 nodes have cards of the right kind: 2 without Shared cards \(Exclusive here\); for shares by DRA the driver must publish them, /,
    );
    expect(await foundByMetrics()).toEqual([
      'orquanta_gpu_nodes{allocation="DevicePlugin"} 1',
      'orquanta_gpu_nodes{allocation="DRA"} 1',
      'orquanta_gpu_nodes{allocation="Both"} 0',
      'orquanta_gpu_nodes{allocation="Shares"} 0',
      'orquanta_dra_served 1',
    ]);
    const come = told().filter(({ msg }) => msg === 'the server has this kind now');
    expect(come.map(({ resource }) => resource).sort()).toEqual(claimKinds);
    expectNoStorm((Date.now() - startedAt) / 60_000);
  });

  it('that gives its operator an older role is left alone, and told which right is missing, until it is granted', async () => {
    await operator.stop();
    const { rules } = await api.get<KubernetesObject & { rules: { apiGroups: string[] }[] }>(role);
    await api.patch(role, { rules: rules.filter(({ apiGroups }) => !apiGroups.includes('resource.k8s.io')) });
    await startOwn({ name: 'older-role', waitUntilReady: false });
    await submit('later', {});
    const refused = () => told().filter(({ level }) => level === 'error');
    await until(() => Promise.resolve(refused().length >= claimKinds.length), {
      what: 'the word of every missing right',
      timeoutMilliseconds: 30_000,
      signal: AbortSignal.timeout(60_000),
    });
    const byKind = refused().sort((one, other) => ((one.resource ?? '') < (other.resource ?? '') ? -1 : 1));
    expect(byKind.map(({ msg, needs }) => [msg, needs])).toEqual(
      claimKinds.map((kind) => [
        'list or watch is refused: the role lacks a right; once it is granted, this goes on by itself',
        { apiGroups: ['resource.k8s.io'], resources: [kind], verbs: ['list', 'watch'] },
      ]),
    );
    expect(await readiness()).toBe('503 not synced yet: resourceslices, resourceclaims, deviceclasses\n');
    expect((await api.get<GPUJob>(`${gpujobs}/later`)).status).toEqual({ observedGeneration: -1 });

    await api.patch(role, { rules });
    await untilComplete('later');
    expect(await readiness()).toBe('200 ok\n');
    expect(refused()).toHaveLength(claimKinds.length);
  });
});
