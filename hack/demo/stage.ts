// Where the demo plays: a control plane with played GPU nodes, the CRDs, and the operator as its own process under its own
// service account. It sets up and takes down; in a cluster of the user's it touches only what it made there.
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Api, ApiRefusal, type KubernetesObject } from '../api/client.ts';
import { waitFor } from '../api/wait.ts';
import { cacheFolder } from '../cluster/build.ts';
import { type StartOptions, playNodesOf, startCluster, stopCluster } from '../cluster/cluster.ts';
import { existingKubeconfig } from '../cluster/existing.ts';
import { findPrograms } from '../cluster/programs.ts';
import { whyNoShares } from '../nodes/claimable.ts';
import { createNodes, deleteNodes } from '../nodes/create.ts';
import { demoDRANodes, demoNodes } from '../nodes/inventory.ts';
import { type NodeObject, playedLabel } from '../nodes/node.ts';
import { type Target, installCRDs, installRights, serviceAccount } from '../operator/install.ts';
import { startOperator } from '../operator/process.ts';
import { hasRedis, type HeatStage, policiesPath, setUpHeat } from './heat.ts';
import { setUpSharing, takeSharingAway } from './sharing.ts';

export const namespace = 'demo';

/** On the demo's nodes and in its jobs' node selector: real nodes of the user's stay out of it. */
export const stageLabel = { 'example.com/demo': 'true' } as const;

export interface Stage extends Target {
  readonly api: Api;
  readonly nodes: readonly NodeObject[];
  readonly operatorLog: string;
  /** Undefined where there is no Redis to be had. */
  readonly heat: HeatStage | undefined;
  /** Why no job can share a card here, in words; undefined: one can. */
  readonly sharingLeftOut: string | undefined;
}

export interface SetUp {
  /** Absolute; made where it isn't there. */
  readonly directory: string;
  /** true: what is started lives on after this process. false: it dies with it, even when it is killed. */
  readonly keep: boolean;
  readonly say: (line: string) => void;
  /** A step begins: which of how many, and what it does. */
  readonly onStep: (step: number, of: number, what: string) => void;
  readonly signal: AbortSignal;
}

/** The one directory of what KEEP=1 leaves, for each clone, so that it can be found again. */
export function keptDirectory(): string {
  const clone = resolve(import.meta.dirname, '..', '..');
  const name = createHash('sha256').update(clone).digest('hex').slice(0, 8);
  return join(cacheFolder(process.env), 'clusters', `${name}-demo`);
}

/** Each run has its own: what takes one down can't meet what starts the next. */
export function passingDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'orquanta-demo-'));
}

export const isThere = (directory: string): boolean => existsSync(join(directory, 'pids'));

export async function setUp({ directory, keep, say, onStep, signal }: SetUp): Promise<Stage> {
  await findPrograms(process.env, say, signal); // builds them where they aren't there yet, with its own progress bar
  const withRedis = hasRedis(process.env, say);
  signal.throwIfAborted();
  const start = { directory, diesWithStarter: !keep, say, signal };
  const steps = withRedis ? 5 : 4;
  onStep(0, steps, 'etcd, API server, controller manager, scheduler, KWOK');
  const target = await startTarget(start);
  onStep(1, steps, 'CRDs and the rights of the operator');
  await installCRDs(target);
  const kubeconfig = await installRights(target);
  signal.throwIfAborted();
  const api = Api.fromKubeconfig(target.kubeconfig, 'orquanta-demo');
  const sharingLeftOut = await whyNoShares(api);
  const nodes = demoNodes().map(onStage);
  const withShares = sharingLeftOut === undefined ? demoDRANodes() : [];
  const draNodes = withShares.map((one) => ({ ...one, node: onStage(one.node) }));
  onStep(2, steps, `${nodes.length + draNodes.length} GPU nodes`);
  await Promise.all([createNodes(api, nodes), setUpSharing(api, draNodes, stageLabel), makeNamespace(api)]);
  signal.throwIfAborted();
  onStep(3, steps, 'the operator, under its own service account');
  // The demo's Redis is at 127.0.0.1.
  const { logFile } = await startOperator({ directory, kubeconfig, signal, args: ['--heat-allow-local'] });
  if (withRedis) onStep(4, steps, 'Redis, a heat gate that answers there, and a HeatObserver');
  const heat = withRedis ? await setUpHeat({ target, api, namespace, labels: stageLabel, signal }) : undefined;
  onStep(steps, steps, 'ready');
  return { ...target, api, nodes, operatorLog: logFile, heat, sharingLeftOut };
}

async function startTarget(options: StartOptions): Promise<Target> {
  const { directory } = options;
  const existing = existingKubeconfig(process.env);
  if (existing !== undefined) {
    return { kubeconfig: existing, directory, programs: await playNodesOf(existing, options) };
  }
  const { kubeconfig, programs } = await startCluster(options);
  return { kubeconfig, directory, programs };
}

function onStage(node: NodeObject): NodeObject {
  return { ...node, metadata: { ...node.metadata, labels: { ...node.metadata.labels, ...stageLabel } } };
}

/** Pods are refused before it has its default service account. */
async function makeNamespace(api: Api): Promise<void> {
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: stageLabel } };
  await api.create('/api/v1/namespaces', body);
  await waitFor(api, `/api/v1/namespaces/${namespace}/serviceaccounts`, {
    what: `the default service account of ${namespace}`,
    timeoutMilliseconds: 30_000,
    until: (seen) => seen.length > 0,
  });
}

/** Ends every process that was started in the directory. Idempotent; it needs nothing but the directory. */
export async function takeDown(directory: string): Promise<void> {
  const existing = existingKubeconfig(process.env);
  try {
    if (existing !== undefined && isThere(directory)) await leave(existing);
  } finally {
    await stopCluster(directory);
  }
}

/** From the user's own cluster: our namespace and our nodes go. The CRDs and the rights may be theirs, and stay. */
async function leave(kubeconfig: string): Promise<void> {
  const api = Api.fromKubeconfig(kubeconfig, 'orquanta-demo');
  const selector = (labels: Record<string, string>): string =>
    encodeURIComponent(
      Object.entries(labels)
        .map((label) => label.join('='))
        .join(','),
    );
  const listed = async (path: string, labels: Record<string, string>): Promise<string[]> => {
    const { items } = await api.get<{ items: KubernetesObject[] }>(`${path}?labelSelector=${selector(labels)}`);
    return items.map(({ metadata }) => metadata.name);
  };
  for (const name of await listed('/api/v1/namespaces', stageLabel)) {
    await api.delete(`/api/v1/namespaces/${name}`).catch((error: unknown) => {
      if (!(error instanceof ApiRefusal && error.status === 409)) throw error; // on its way out already
    });
    await waitFor(api, `/api/v1/namespaces?fieldSelector=metadata.name=${name}`, {
      what: `the namespace ${name} to go`,
      timeoutMilliseconds: 60_000,
      until: (seen) => seen.length === 0,
    });
  }
  const nodes = await listed('/api/v1/nodes', { ...stageLabel, ...playedLabel });
  const withShares = demoDRANodes().filter(({ node }) => nodes.includes(node.metadata.name));
  await takeSharingAway(api, withShares, selector(stageLabel));
  await deleteNodes(api, nodes);
  for (const name of await listed(policiesPath, stageLabel)) await forgetPolicy(api, name);
  await api.close();
}

/** With its ledger and its bills, which outlive a policy. */
async function forgetPolicy(api: Api, name: string): Promise<void> {
  await api.delete(`${policiesPath}/${name}`);
  const { namespace: own } = serviceAccount();
  for (const kept of [`/apis/apps/v1/namespaces/${own}/controllerrevisions`, `/api/v1/namespaces/${own}/configmaps`]) {
    await api.delete(`${kept}?labelSelector=${encodeURIComponent(`orquanta.io/policy=${name}`)}`);
  }
}
