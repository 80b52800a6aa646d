// Sends Nodes to a cluster and plays what happens to them: deleted, drained, silent. It waits for the effect by watching.
import { type Api, ApiRefusal, type KubernetesObject } from '../api/client.ts';
import { waitForEach } from '../api/wait.ts';
import { inParallel } from '../api/parallel.ts';
import type { DRANode } from './slices.ts';
import { deviceClasses, nameOfSlice, sliceOf } from './slices.ts';
import type { NodeObject } from './node.ts';

export interface NodeState extends KubernetesObject {
  spec: { unschedulable?: boolean; taints?: { key: string; effect: string }[] };
  status: { conditions?: { type: string; status: string }[] };
}

const collection = '/api/v1/nodes';

export function isReady(node: NodeState): boolean {
  const ready = node.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  const kept = node.spec.taints?.some(({ key }) => key.startsWith('node.kubernetes.io/')) ?? false;
  return ready && !kept;
}

/** Creates them at once and waits until the scheduler may use each. One that is there already is left as it is. */
export async function createNodes(
  api: Api,
  wanted: readonly NodeObject[],
  { timeoutMilliseconds = 60_000 + 500 * wanted.length }: { timeoutMilliseconds?: number } = {},
): Promise<void> {
  await inParallel(wanted, 32, async (node) => {
    await createUnlessThere(api, collection, node);
  });
  const names = new Set(wanted.map(({ metadata }) => metadata.name));
  const what = `${names.size} nodes to be ready`;
  await waitForEach<NodeState>(api, collection, { names, isDone: isReady, what, timeoutMilliseconds });
}

const dra = '/apis/resource.k8s.io/v1';

/** Nodes whose cards a DRA driver publishes: the driver's part is played by whoever made them, as no driver runs there. */
export async function createDRANodes(
  api: Api,
  wanted: readonly DRANode[],
  options: { timeoutMilliseconds?: number } = {},
): Promise<void> {
  for (const deviceClass of deviceClasses) await createUnlessThere(api, `${dra}/deviceclasses`, deviceClass);
  await createNodes(
    api,
    wanted.map(({ node }) => node),
    options,
  );
  await inParallel(wanted, 32, async (one) => {
    await createUnlessThere(api, `${dra}/resourceslices`, sliceOf(one));
  });
}

async function createUnlessThere(api: Api, path: string, object: object): Promise<void> {
  await api.create(path, object).catch((error: unknown) => {
    if (!(error instanceof ApiRefusal && error.status === 409)) throw error;
  });
}

/** The machine is gone and so is its Node, as a cloud's controller does it. What ran there reports nothing any more. */
export async function deleteNodes(api: Api, names: readonly string[]): Promise<void> {
  await inParallel(names, 32, async (name) => {
    await deleteIfThere(api, `${collection}/${name}`);
  });
}

/** With what their drivers have published of them: nobody else takes it back, as no driver runs there. */
export async function deleteDRANodes(api: Api, wanted: readonly DRANode[]): Promise<void> {
  await inParallel(wanted, 32, async (one) => {
    await deleteIfThere(api, `${dra}/resourceslices/${nameOfSlice(one)}`);
  });
  await deleteNodes(
    api,
    wanted.map(({ node }) => node.metadata.name),
  );
}

async function deleteIfThere(api: Api, path: string): Promise<void> {
  await api.delete(path).catch((error: unknown) => {
    if (!(error instanceof ApiRefusal && error.status === 404)) throw error;
  });
}

/**
 * The kubelet falls silent: no lease, no report. Ready turns Unknown at once here, which the node controller does after
 * its grace period; everything that follows (taints, eviction) is the real one's.
 */
export async function silenceNode(api: Api, name: string): Promise<void> {
  await api.patch(`${collection}/${name}`, { metadata: { labels: { type: null } } });
  const node = await api.get<NodeState>(`${collection}/${name}`);
  const now = new Date().toISOString();
  const conditions = (node.status.conditions ?? []).map((condition) =>
    condition.type === 'Ready'
      ? {
          ...condition,
          status: 'Unknown',
          reason: 'NodeStatusUnknown',
          message: 'Kubelet stopped posting node status.',
          lastTransitionTime: now,
        }
      : condition,
  );
  await api.patch(`${collection}/${name}/status`, { status: { conditions } });
}

/** It is back: reports Ready again, as after a reboot or a healed network. */
export async function reviveNode(api: Api, name: string): Promise<void> {
  await api.patch(`${collection}/${name}`, { metadata: { labels: { type: 'kwok' } } });
}
