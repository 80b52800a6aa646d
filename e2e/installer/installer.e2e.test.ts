// The installer's life on a control plane of its own: deploy, undeploy, uninstall. Played nodes run no image, so the operator of
// the scenario is a process of its own, with the service account, the rights and the flags that the installer gives its Pod.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Api, type KubernetesObject } from '../../hack/api/client.ts';
import { waitFor } from '../../hack/api/wait.ts';
import { type Cluster } from '../../hack/cluster/cluster.ts';
import { createNodes } from '../../hack/nodes/create.ts';
import { gpuNode, nvidiaCards } from '../../hack/nodes/node.ts';
import { definitions } from '../../hack/operator/install.ts';
import { freshCluster } from '../setup/fresh-cluster.ts';
import { refusedToInstalled, startInstalled } from '../setup/installed-operator.ts';
import { ownCluster, waitForObject } from '../setup/surroundings.ts';
import { installer, type Ran } from './command.ts';

const namespace = 'orquanta-system';
const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
const deployment = `${deployments}/orquanta`;
const pods = `/api/v1/namespaces/${namespace}/pods`;
const revisions = `/apis/apps/v1/namespaces/${namespace}/controllerrevisions`;
const warnings = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
const root = join(import.meta.dirname, '../..');
const sample = join(root, 'config/samples/gpujob-minimal.yaml');
const jobs = '/apis/orquanta.io/v1alpha1/namespaces/default/gpujobs';
const kinds = ['gpujobs', 'heatobservers', 'sovereignpolicies'].map((plural) => `${plural}.orquanta.io`);

let cluster: Cluster;
let api: Api;
/** The versions of policies that there were when the operator ended. */
let learned: string[] = [];

const run = (...args: string[]): Promise<Ran> => installer(args, cluster.kubeconfig);
const namesIn = async (collection: string): Promise<string[]> =>
  (await api.get<{ items: KubernetesObject[] }>(collection)).items.map(({ metadata }) => metadata.name).sort();
const isOurs = (name: string): boolean => name.includes('orquanta');

interface PodSpec {
  serviceAccountName: string;
  containers: { args: string[]; securityContext: Record<string, unknown> }[];
}

async function podTemplate(): Promise<{ metadata: object; spec: PodSpec }> {
  const { spec } = await api.get<{ spec: { template: { metadata: object; spec: PodSpec } } }>(deployment);
  return spec.template;
}

async function untilReady(): Promise<void> {
  await waitForObject<KubernetesObject & { status: { readyReplicas?: number } }>(api, deployments, 'orquanta', {
    what: 'to have a Pod that is ready',
    timeoutMilliseconds: 60_000,
    until: ({ status }) => status.readyReplicas === 1,
  });
}

async function operate(): Promise<void> {
  const operator = await startInstalled({ cluster, api, namespace });
  onTestFinished(() => operator.stop());
}

async function untilComplete(): Promise<void> {
  await waitFor<KubernetesObject & { status: { conditions?: { type: string; status: string }[] } }>(api, jobs, {
    what: 'the GPUJob to be complete',
    timeoutMilliseconds: 60_000,
    until: (seen) =>
      seen.some(({ status }) =>
        status.conditions?.some(({ type, status: is }) => type === 'Complete' && is === 'True'),
      ),
    describe: (seen) => JSON.stringify(seen.map(({ status }) => status)),
  });
}

/** The control plane's garbage collector takes the Pods. */
async function expectUndeployed(): Promise<void> {
  await expect(api.get(deployment)).rejects.toMatchObject({ status: 404 });
  const rights = 'rbac.authorization.k8s.io/v1';
  const ofNamespace = ['roles', 'rolebindings'].map((kind) => `/apis/${rights}/namespaces/${namespace}/${kind}`);
  const wide = ['clusterroles', 'clusterrolebindings'].map((kind) => `/apis/${rights}/${kind}`);
  const services = `/api/v1/namespaces/${namespace}/services`;
  for (const gone of [...ofNamespace, ...wide, warnings, services]) {
    expect((await namesIn(gone)).filter(isOurs)).toEqual([]);
  }
  expect((await namesIn(definitions)).filter(isOurs)).toEqual(kinds);
  expect(await namesIn(jobs)).toEqual(['hello-gpu']);
  expect(await namesIn(revisions)).toEqual(learned);
}

describe.runIf(ownCluster() !== undefined)('the installer', () => {
  beforeAll(async () => {
    cluster = await freshCluster();
    api = Api.fromKubeconfig(cluster.kubeconfig, 'e2e');
    await createNodes(api, [gpuNode({ name: 'gpu', cards: nvidiaCards.a10(1) })]);
  });
  afterAll(async () => {
    await api.close();
    await cluster.stop();
  });

  it('finds no cluster where none is named, and says what to do', async () => {
    const { code, stderr } = await installer(['deploy']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('run `make cluster-up`, or set KUBECONFIG')]);
  });

  it('deploys everything into an empty cluster at one go, and says what comes next', async () => {
    const { code, stdout, stderr } = await run('deploy');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('rollout status deployment/orquanta');
    await untilReady();
    expect((await namesIn(definitions)).filter(isOurs)).toEqual(kinds);
  });

  it('makes a Pod that Pod Security lets in where "restricted" is enforced, and a privileged one not', async () => {
    const { metadata, spec } = await podTemplate();
    const pod = (changes: object) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, name: 'tried' },
      spec: { ...spec, containers: [{ ...spec.containers[0]!, ...changes }] },
    });
    const { metadata: own } = await api.get(`/api/v1/namespaces/${namespace}`);
    expect(own.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
    await api.create(`${pods}?dryRun=All`, pod({}));
    const privileged = pod({ securityContext: { privileged: true } });
    await expect(api.create(`${pods}?dryRun=All`, privileged)).rejects.toThrow(/violates PodSecurity.*privileged/);
  });

  it('gives the operator all the rights that it needs to complete a job', async () => {
    await operate();
    await cluster.kubectl(['apply', `--filename=${sample}`]);
    await untilComplete();
    expect(refusedToInstalled({ cluster, namespace })).toEqual([]);
  });

  it('keeps CRDs, what people made and what was learned when it is undeployed', async () => {
    learned = await namesIn(revisions);
    expect(learned).not.toEqual([]);
    const { code, stdout } = await run('undeploy');
    expect([code, stdout]).toEqual([0, expect.stringContaining('kubectl delete namespace orquanta-system')]);
    await expectUndeployed();
  });

  it('is undeployed by the one command of docs/install.md as well', async () => {
    expect((await run('deploy')).code).toBe(0);
    const page = await readFile(join(root, 'docs/install.md'), 'utf8');
    const [, command = ''] = /^kubectl (delete deployment,[^`]*)$/m.exec(page) ?? [];
    await cluster.kubectl(command.split(/[\s\\]+/).filter((word) => word !== ''));
    await expectUndeployed();
  });

  it('is undeployed once more without a complaint, and takes all of it up again', async () => {
    expect((await run('undeploy')).code).toBe(0);
    expect((await run('deploy')).code).toBe(0);
    await untilReady();
    expect(await namesIn(jobs)).toEqual(['hello-gpu']);
  });

  it('takes nothing from another owner: it stops, and names who that is', async () => {
    const theirs = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'orquanta-metrics', namespace },
      spec: { selector: { 'app.kubernetes.io/name': 'theirs' } },
    };
    const args = ['apply', '--server-side', '--force-conflicts', '--field-manager=helm', '--filename=-'];
    await cluster.kubectl(args, JSON.stringify(theirs));
    const { code, stderr } = await run('deploy');
    expect([code, stderr]).toEqual([1, expect.stringContaining('conflict with "helm"')]);
  });

  it('removes no CRD that has objects, and says how many would be lost', async () => {
    const { code, stderr } = await run('uninstall');
    expect([code, stderr]).toEqual([1, expect.stringContaining('1 gpujob, 1 sovereignpolicy')]);
    expect(stderr).toContain('make uninstall DELETE=all');
    expect((await namesIn(definitions)).filter(isOurs)).toEqual(kinds);
    expect(await namesIn(jobs)).toEqual(['hello-gpu']);
  });

  it('removes them all when it is told so, also beside an operator, and has nothing to do afterwards', async () => {
    expect((await namesIn(warnings)).filter(isOurs)).not.toEqual([]);
    expect((await run('uninstall', '--delete=all')).code).toBe(0);
    for (const gone of [definitions, warnings]) expect((await namesIn(gone)).filter(isOurs)).toEqual([]);
    expect(await run('uninstall')).toMatchObject({ code: 0, stdout: 'There was nothing to remove.\n' });
  });
});
