// From the chart before to this one and back, on a control plane of its own: a CRD that has changed is served at once, and what
// people made of it stays as it was.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Api } from '../../hack/api/client.ts';
import { type Cluster } from '../../hack/cluster/cluster.ts';
import { createNodes } from '../../hack/nodes/create.ts';
import { gpuNode, nvidiaCards } from '../../hack/nodes/node.ts';
import { freshCluster } from '../setup/fresh-cluster.ts';
import { ownCluster } from '../setup/surroundings.ts';
import { chart, helm } from './helm.ts';
import { previousChart, previousVersion } from './previous.ts';

const namespace = 'orquanta-system';
const job = '/apis/orquanta.io/v1alpha1/namespaces/default/gpujobs/hello-gpu';
/** One of each kind. */
const made = [
  ['gpujob-minimal', job],
  ['heatobserver', '/apis/orquanta.io/v1alpha1/namespaces/default/heatobservers/harvest'],
  ['sovereignpolicy', '/apis/orquanta.io/v1alpha1/sovereignpolicies/research'],
] as const;

let cluster: Cluster;
let api: Api;

const ofRelease = (...args: string[]): Promise<string> =>
  helm([...args, `--namespace=${namespace}`], { kubeconfig: cluster.kubeconfig });

/** What Helm says of the release: the newest revision's number, status and chart. */
async function standing(): Promise<unknown> {
  const [release] = JSON.parse(await ofRelease('list', '--output=json')) as Record<string, string>[];
  return [release?.['revision'], release?.['status'], release?.['chart']];
}

async function imageOfOperator(): Promise<string | undefined> {
  const { spec } = await api.get<{ spec: { template: { spec: { containers: { image: string }[] } } } }>(
    `/apis/apps/v1/namespaces/${namespace}/deployments/orquanta`,
  );
  return spec.template.spec.containers[0]?.image;
}

/** As people made them: whose they are and what they say, not what was noted beside. */
async function theirs(): Promise<unknown[]> {
  const objects = await Promise.all(made.map(([, path]) => api.get(path)));
  return objects.map(({ kind, metadata, spec }) => [kind, metadata.uid, metadata['generation'], spec]);
}

async function servesTimeToLive(): Promise<boolean> {
  const patch = JSON.stringify({ spec: { ttlSecondsAfterFinished: 60 } });
  const args = [
    'patch',
    'gpujob',
    'hello-gpu',
    '--namespace=default',
    '--type=merge',
    '--dry-run=server',
    `--patch=${patch}`,
  ];
  const patched = parse(await cluster.kubectl([...args, '--output=yaml'])) as {
    spec: { ttlSecondsAfterFinished?: number };
  };
  return patched.spec.ttlSecondsAfterFinished !== undefined;
}

describe.runIf(ownCluster() !== undefined)('a release', () => {
  beforeAll(async () => {
    cluster = await freshCluster();
    api = Api.fromKubeconfig(cluster.kubeconfig, 'e2e');
    await createNodes(api, [gpuNode({ name: 'gpu', cards: nvidiaCards.a10(1) })]);
  });
  afterAll(async () => {
    await api.close();
    await cluster.stop();
  });

  it('of the chart before has CRDs without what is new', async () => {
    const install = [
      'install',
      'orquanta',
      previousChart('ttlSecondsAfterFinished'),
      '--create-namespace',
      '--wait',
      '--timeout=60s',
    ];
    await ofRelease(...install);
    for (const [sample] of made) {
      await cluster.kubectl([
        'apply',
        '--namespace=default',
        `--filename=${join(chart, '../../config/samples', sample)}.yaml`,
      ]);
    }
    expect(await standing()).toEqual(['1', 'deployed', `orquanta-${previousVersion}`]);
    expect(await servesTimeToLive()).toBe(false);
  });

  it('is upgraded with its CRDs, and objects stay as they were', async () => {
    const before = await theirs();
    await ofRelease('upgrade', 'orquanta', chart, '--wait', '--timeout=60s');
    expect(await imageOfOperator()).not.toContain(previousVersion);
    expect(await servesTimeToLive()).toBe(true);
    expect(await theirs()).toEqual(before);
  });

  it('is rolled back with its CRDs, and objects stay as they were', async () => {
    const before = await theirs();
    await ofRelease('rollback', 'orquanta', '1', '--wait', '--timeout=60s');
    expect(await standing()).toEqual(['3', 'deployed', `orquanta-${previousVersion}`]);
    expect(await imageOfOperator()).toBe(`orquanta:${previousVersion}`);
    expect(await servesTimeToLive()).toBe(false);
    expect(await theirs()).toEqual(before);
  });

  it('goes, and objects stay', async () => {
    const before = await theirs();
    await ofRelease('uninstall', 'orquanta', '--wait', '--timeout=60s');
    expect(await standing()).toEqual([undefined, undefined, undefined]);
    expect(await theirs()).toEqual(before);
  });
});
