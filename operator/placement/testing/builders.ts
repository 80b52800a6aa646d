// Builders for the tests of placement and for its benchmark: short ways to say a node, a pod, a workload. Not for the operator.
import { Inventory } from '../inventory/inventory.ts';
import { defaultPolicy, emptyQueueMemory } from '../model.ts';
import type {
  CardPool,
  Catalogue,
  NodeDevices,
  NodeFacts,
  PodFacts,
  Policy,
  QueueMemory,
  Verdict,
  Workload,
} from '../model.ts';
import { plan } from '../queue/planner.ts';
import type { Plan } from '../queue/planner.ts';

export interface CardsOfNode {
  readonly product: string;
  readonly mebibytes: number;
  readonly count: number;
}

/** Real values, from shared/field-notes.md. */
export const cardModels = {
  t4: { product: 'Tesla-T4', mebibytes: 15360 },
  v100: { product: 'Tesla-V100-SXM2-16GB', mebibytes: 16160 },
  rtx4090: { product: 'NVIDIA-GeForce-RTX-4090', mebibytes: 24564 },
  a100x40: { product: 'NVIDIA-A100-SXM4-40GB', mebibytes: 39538 },
  a40: { product: 'NVIDIA-A40', mebibytes: 46068 },
  a100x80: { product: 'NVIDIA-A100-SXM4-80GB', mebibytes: 81920 },
} as const;

export function nodeOf(name: string, cards: CardsOfNode, changes: Partial<NodeFacts> = {}): NodeFacts {
  const { labels, allocatable, ...rest } = changes;
  return {
    name,
    labels: {
      'nvidia.com/gpu.product': cards.product,
      'nvidia.com/gpu.memory': String(cards.mebibytes),
      'nvidia.com/gpu.count': String(cards.count),
      'nvidia.com/gpu.replicas': '1',
      ...labels,
    },
    taints: [],
    unschedulable: false,
    ready: true,
    allocatable: { cpu: '96', memory: '1024Gi', pods: '110', 'nvidia.com/gpu': String(cards.count), ...allocatable },
    ...rest,
  };
}

/** What NVIDIA's driver with consumable shares publishes of such a node; card i of node n is `GPU-n-i`. */
export function devicesOf(node: string, { product, mebibytes, count }: CardsOfNode, shares = true): NodeDevices {
  const pool: CardPool = {
    resourceName: 'gpu.nvidia.com',
    devices: {
      driver: 'gpu.nvidia.com',
      identityAttribute: 'gpu.nvidia.com/uuid',
      match: { 'gpu.nvidia.com/type': 'gpu' },
      memory: 'memory',
      whole: { memory: `${mebibytes}Mi` },
      ...(shares ? { shares: { minMebibytes: 1, stepMebibytes: 1, besides: {} } } : {}),
    },
    vendor: 'NVIDIA',
    product,
    vram: { known: true, mebibytes },
    isolation: 'Exclusive',
    count,
    installed: count,
  };
  const devices = Array.from({ length: count }, (_, index) => ({
    id: `gpu.nvidia.com/${node}/gpu-${index}`,
    identity: `GPU-${node}-${index}`,
    pool,
    slots: shares ? Number.MAX_SAFE_INTEGER : 1,
    counters: {},
    tainted: false,
  }));
  return { devices, counters: {} };
}

export function podOn(nodeName: string, uid: string, cards: number, changes: Partial<PodFacts> = {}): PodFacts {
  return {
    uid,
    namespace: 'others',
    name: uid,
    nodeName,
    requests: { 'nvidia.com/gpu': cards, pods: 1 },
    terminal: false,
    ...changes,
  };
}

export function workloadOf(uid: string, changes: Partial<Workload> = {}): Workload {
  return {
    uid,
    namespace: 'ml',
    name: uid,
    run: 1,
    vramMebibytes: 20 * 1024,
    hasMargin: false,
    gpus: 1,
    workers: 1,
    isolation: 'Exclusive',
    products: { allow: [], deny: [] },
    policyName: 'default',
    allocation: 'Auto',
    priority: 0,
    createdAtMilliseconds: 0,
    constraints: { nodeSelector: {}, nodeAffinity: [], tolerations: [] },
    perWorker: { cpu: 1000, pods: 1 },
    avoidNodes: [],
    avoidCards: [],
    ...changes,
  };
}

/** The default weights without headroom, so that tests of other things needn't think of it. */
export const plainPolicy: Policy = { ...defaultPolicy, headroomPartsPerMillion: 0 };

export function inventoryOf(
  nodes: readonly NodeFacts[],
  pods: readonly PodFacts[] = [],
  catalogue?: Catalogue,
): Inventory {
  const inventory = new Inventory(catalogue);
  for (const node of nodes) inventory.setNode(node);
  for (const pod of pods) inventory.setPod(pod);
  return inventory;
}

export function planNow(
  inventory: Inventory,
  queue: readonly Workload[],
  memory: QueueMemory = emptyQueueMemory,
  nowMilliseconds = 0,
  policy: Policy = plainPolicy,
): Plan {
  return plan({ queue, inventory, policies: new Map([['default', policy]]), memory, nowMilliseconds });
}

/** One workload alone: its verdict in a line, 'nodes' where placed, 'Reason: message' where not. */
export function verdictOf(inventory: Inventory, workload: Workload, policy: Policy = plainPolicy): string {
  return inWords(planNow(inventory, [workload], emptyQueueMemory, 0, policy).verdicts.get(workload.uid));
}

export function inWords(verdict: Verdict | undefined): string {
  if (verdict === undefined) return 'no verdict';
  if (verdict.kind === 'Waiting') return `${verdict.reason}: ${verdict.message}`;
  return verdict.placement.workers.map(({ node, count }) => (count === 1 ? node : `${node} x${count}`)).join(', ');
}
