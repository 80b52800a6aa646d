// The chart's life on a control plane of its own: install, upgrade, uninstall. Played nodes run no image, so the operator of the
// scenarios is a process of its own: with the service account, the rights and the flags that the chart gives its Pod.
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Api, type KubernetesObject } from '../../hack/api/client.ts';
import { waitFor } from '../../hack/api/wait.ts';
import { type Cluster } from '../../hack/cluster/cluster.ts';
import { stripTypes } from '../../hack/cluster/components.ts';
import { createNodes } from '../../hack/nodes/create.ts';
import { gpuNode, nvidiaCards } from '../../hack/nodes/node.ts';
import { definitions, kubeconfigOfAccount } from '../../hack/operator/install.ts';
import { freshCluster } from '../setup/fresh-cluster.ts';
import { refusedToInstalled, startInstalled } from '../setup/installed-operator.ts';
import { ownCluster } from '../setup/surroundings.ts';
import { chart, helm, rendered } from './helm.ts';

const namespace = 'orquanta-system';
const deployment = `/apis/apps/v1/namespaces/${namespace}/deployments/orquanta`;
const samples = join(chart, '../../config/samples');
const sample = join(samples, 'gpujob-minimal.yaml');
const jobsOf = (team: string): string => `/apis/orquanta.io/v1alpha1/namespaces/${team}/gpujobs`;

let cluster: Cluster;
let api: Api;

type GPUJob = KubernetesObject & { status: { conditions?: { type: string; status: string; reason: string }[] } };

const ofRelease = (...args: string[]): Promise<string> =>
  helm([...args, `--namespace=${namespace}`], { kubeconfig: cluster.kubeconfig });
const upgrade = (...values: string[]): Promise<string> =>
  // Without values Helm takes those of the release before.
  ofRelease('upgrade', '--install', 'orquanta', chart, '--reset-values', '--wait', '--timeout=60s', ...values);

async function definitionNames(): Promise<string[]> {
  const { items } = await api.get<{ items: KubernetesObject[] }>(definitions);
  return items.map(({ metadata }) => metadata.name).filter((name) => name.endsWith('.orquanta.io'));
}

/** Its kinds in the order of the alphabet. */
const kinds = ['gpujobs', 'heatobservers', 'sovereignpolicies'].map((plural) => `${plural}.orquanta.io`);

async function untilFinished(team: string): Promise<string | undefined> {
  const finished = ({ status }: GPUJob) =>
    status.conditions?.find(({ type, status: is }) => type === 'Finished' && is === 'True');
  const [job] = await waitFor<GPUJob>(api, jobsOf(team), {
    what: `the GPUJob of ${team} to finish`,
    timeoutMilliseconds: 60_000,
    until: (seen) => seen.some((one) => finished(one) !== undefined),
    describe: (seen) => JSON.stringify(seen.map(({ status }) => status)),
  });
  return job && finished(job)?.reason;
}

/** Of what has no namespace the events are in `default`. */
async function untilTold(policy: string): Promise<void> {
  await waitFor(api, '/apis/events.k8s.io/v1/namespaces/default/events', {
    what: `an event about the policy ${policy}`,
    timeoutMilliseconds: 30_000,
    until: (seen) => seen.some(({ regarding }) => (regarding as { name: string }).name === policy),
  });
}

async function operate(name: string): Promise<void> {
  const operator = await startInstalled({ cluster, api, namespace }, { name });
  onTestFinished(() => operator.stop());
}

/** The commands among what Helm prints at the end, as somebody pastes them into a shell; what they print. */
async function follow(notes: string): Promise<string> {
  const [, commands = ''] = notes.split('\nNOTES:\n');
  const lines = commands.split('\n').filter((line) => line.startsWith('   '));
  const { programs, kubeconfig } = cluster;
  const path = `${dirname(programs.kubectl)}:${process.env['PATH'] ?? ''}`;
  const env = { ...process.env, PATH: path, KUBECONFIG: kubeconfig };
  const script = lines.map((line) => line.slice(3)).join('\n');
  return (await promisify(execFile)('sh', ['-euc', script], { env })).stdout;
}

/** What `helm test` runs in its Pod, as a process: the output, and the exit code where it isn't 0. */
async function verifyInstall(kubeconfig: string): Promise<string> {
  const pod = (await rendered(namespace)).find(({ kind }) => kind === 'Pod');
  const [{ args }] = (pod!['spec'] as { containers: [{ args: string[] }] }).containers;
  const program = join(chart, '../../operator/main.ts');
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  const ended = await new Promise<{ code: number; output: string }>((resolve) => {
    execFile(process.execPath, [...stripTypes, program, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
    });
  });
  return ended.code === 0 ? ended.output : `${ended.output}-> ${ended.code}`;
}

/** What the test's Pod has around it while it runs. */
async function grantTest(): Promise<string> {
  const objects = (await rendered(namespace)).filter(({ metadata }) => metadata.name === 'orquanta-test');
  const around = objects.filter(({ kind }) => kind !== 'Pod');
  await cluster.kubectl(['apply', '--filename=-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: around }));
  return kubeconfigOfAccount(cluster, { name: 'orquanta-test', namespace });
}

async function createNamespace(name: string, labels: Record<string, string> = {}): Promise<void> {
  await api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
}

describe.runIf(ownCluster() !== undefined)('the chart', () => {
  beforeAll(async () => {
    cluster = await freshCluster();
    api = Api.fromKubeconfig(cluster.kubeconfig, 'e2e');
    await createNamespace(namespace, { 'pod-security.kubernetes.io/enforce': 'restricted' });
    for (const team of ['team-a', 'team-b', 'team-c']) await createNamespace(team);
    await createNodes(api, [gpuNode({ name: 'gpu', cards: nvidiaCards.a10(1) })]);
  });
  afterAll(async () => {
    await api.close();
    await cluster.stop();
  });

  it('is not installed before its Pod is ready, and is when it is', async () => {
    await expect(upgrade('--set=nodeSelector.nowhere=here', '--timeout=4s')).rejects.toThrow(/not ready|deadline/);
    expect(await upgrade()).toContain('rollout status deployment/orquanta');
    const { status } = await api.get<{ status: { readyReplicas?: number } }>(deployment);
    expect(status.readyReplicas).toBe(1);
    expect(await definitionNames()).toEqual(kinds);
  });

  it('says which three commands come next, and they go', async () => {
    const said = await follow(await upgrade());
    expect(said).toMatch(/successfully rolled out[^]*gpujob\.orquanta\.io\/first created[^]*\nfirst /);
    await cluster.kubectl(['delete', 'gpujob', 'first', '--namespace=default']);
  });

  it('is tested by helm test, which leaves nothing but the Pod with its log', async () => {
    expect(await ofRelease('test', 'orquanta', '--timeout=60s')).toMatch(
      /TEST SUITE: +orquanta-test[^]*Phase: +Succeeded/,
    );
    const left = await cluster.kubectl(['get', 'pod,sa,role,rolebinding', `--namespace=${namespace}`, '--output=name']);
    expect(left.split('\n').filter((name) => name.includes('orquanta-test'))).toEqual(['pod/orquanta-test']);
  });

  it('has a test that submits a GPUJob with the right to do so alone, and says so when that is missing', async () => {
    const kubeconfig = await grantTest();
    const taken = `ok      a GPUJob is taken in namespace ${namespace} (dry run: nothing was stored)\n`;
    const refused = 'ok      a GPUJob that asks for too little VRAM is refused, as it should be\n';
    expect(await verifyInstall(kubeconfig)).toBe(taken + refused);
    expect((await api.get<{ items: GPUJob[] }>(jobsOf(namespace))).items).toEqual([]);
    await cluster.kubectl(['delete', 'role', 'orquanta-test', `--namespace=${namespace}`]);
    expect(await verifyInstall(kubeconfig)).toMatch(
      /^failed {2}no GPUJob may be created in namespace[^]*bind a Role there[^]*-> 1$/,
    );
  });

  it('gives an operator all the rights that it needs', async () => {
    await operate('operator-everywhere');
    await cluster.kubectl(['apply', '--namespace=team-a', `--filename=${sample}`]);
    expect(await untilFinished('team-a')).toBe('Complete');
    expect(refusedToInstalled({ cluster, namespace })).toEqual([]);
  });

  it('gives one that is limited to a namespace all the rights that it needs there', async () => {
    await upgrade('--set=watchNamespaces={team-b}');
    await operate('operator-limited');
    for (const team of ['team-c', 'team-b']) {
      await cluster.kubectl(['apply', `--namespace=${team}`, `--filename=${sample}`]);
    }
    expect(await untilFinished('team-b')).toBe('Complete');
    await cluster.kubectl(['apply', `--filename=${join(samples, 'sovereignpolicy.yaml')}`]);
    await untilTold('research');
    const [untouched] = (await api.get<{ items: GPUJob[] }>(jobsOf('team-c'))).items;
    expect(untouched?.status).toEqual({ observedGeneration: -1 });
    expect(refusedToInstalled({ cluster, namespace })).toEqual([]);
  });

  it('leaves the CRDs and what people made of them when it goes, and takes them up again', async () => {
    await ofRelease('uninstall', 'orquanta', '--wait', '--timeout=60s');
    expect(await definitionNames()).toEqual(kinds);
    expect((await api.get<{ items: GPUJob[] }>(jobsOf('team-a'))).items).toHaveLength(1);
    await expect(api.get(deployment)).rejects.toMatchObject({ status: 404 });
    await upgrade();
    expect(await definitionNames()).toEqual(kinds);
  });

  it('takes the CRDs along where it is told not to keep them', async () => {
    await upgrade('--set=crds.keep=false');
    await ofRelease('uninstall', 'orquanta', '--wait', '--timeout=60s');
    expect(await definitionNames()).toEqual([]);
    expect(await verifyInstall(cluster.kubeconfig)).toMatch(
      /^failed {2}the API server knows no GPUJobs[^]*install the CRDs[^]*-> 1$/,
    );
  });
});
