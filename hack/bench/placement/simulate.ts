// Places the tasks of a trace one by one with the operator's own planner, on its inventory of cards that can be shared. Nobody
// leaves. A card is a thousand units of VRAM whatever its model, because that is what the trace's shares are parts of.
import { RecentDemand } from '../../../operator/placement/choice/demand.ts';
import { Inventory } from '../../../operator/placement/inventory/inventory.ts';
import {
  type CardDevice,
  type CardPool,
  emptyQueueMemory,
  type NodeDevices,
  type Policy,
  type Workload,
} from '../../../operator/placement/model.ts';
import { plan, reservationFor } from '../../../operator/placement/queue/planner.ts';
import type { TraceNode, TraceTask } from '../../openb/trace.ts';
import { demandMillis } from './arrivals.ts';

/** After each arrival: cards asked for so far and cards allocated, in thousandths. */
export type OnArrival = (arrivedMillis: number, allocatedMillis: number) => void;

const wholeCard = 1000;
const bytesPerMebibyte = 1_048_576;

/** Returns the thousandths of cards that are allocated at the end. */
export function simulate(
  nodes: readonly TraceNode[],
  list: readonly TraceTask[],
  policy: Policy,
  onArrival: OnArrival,
): number {
  const inventory = inventoryOf(nodes);
  const policies = new Map([[policy.name, policy]]);
  const demand = new RecentDemand();
  let arrived = 0;
  let allocated = 0;
  for (const [index, task] of list.entries()) {
    const workload = workloadOf(task, index, policy.name);
    // The operator sees GPUJobs; work without cards is a plain Pod.
    if (task.cards > 0) demand.note(workload);
    const current = demand.current(() => inventory.cardsByProduct());
    const input = { queue: [workload], inventory, policies, memory: emptyQueueMemory, nowMilliseconds: 0 };
    const verdict = plan({ ...input, demand: current }).verdicts.get(workload.uid);
    arrived += demandMillis(task);
    if (verdict?.kind === 'Placed') {
      inventory.setReservation(reservationFor(workload, verdict.placement));
      allocated += demandMillis(task);
    }
    onArrival(arrived, allocated);
  }
  return allocated;
}

function inventoryOf(nodes: readonly TraceNode[]): Inventory {
  const inventory = new Inventory();
  for (const node of nodes) {
    inventory.setDevices(node.name, devicesOf(node));
    inventory.setNode({
      name: node.name,
      labels: {},
      taints: [],
      unschedulable: false,
      ready: true,
      allocatable: { cpu: `${node.cpuMillis}m`, memory: `${node.memoryMebibytes}Mi` },
    });
  }
  return inventory;
}

function devicesOf({ name, cards, model }: TraceNode): NodeDevices {
  const pool: CardPool = {
    resourceName: 'cards',
    devices: {
      driver: 'openb',
      identityAttribute: 'openb/uuid',
      match: {},
      memory: 'memory',
      whole: { memory: `${wholeCard}Mi` },
      shares: { minMebibytes: 1, stepMebibytes: 1, besides: {} },
    },
    vendor: 'NVIDIA',
    product: model,
    vram: { known: true, mebibytes: wholeCard },
    isolation: 'Exclusive',
    count: cards,
    installed: cards,
  };
  const devices = Array.from({ length: cards }, (_, index): CardDevice => {
    const identity = `${name}/${index}`;
    return { id: identity, identity, pool, slots: Number.MAX_SAFE_INTEGER, counters: {}, tainted: false };
  });
  return { devices, counters: {} };
}

function workloadOf(task: TraceTask, index: number, policyName: string): Workload {
  const { cpuMillis, memoryMebibytes, cards, shareMillis, models } = task;
  return {
    uid: `${task.name}-${index}`,
    namespace: 'openb',
    name: task.name,
    run: 1,
    vramMebibytes: cards === 0 ? 0 : shareMillis,
    hasMargin: true,
    gpus: cards,
    workers: 1,
    isolation: cards === 1 && shareMillis < wholeCard ? 'Shared' : 'Exclusive',
    allocation: 'Auto',
    products: { allow: models, deny: [] },
    policyName,
    priority: 0,
    createdAtMilliseconds: index,
    constraints: { nodeSelector: {}, nodeAffinity: [], tolerations: [] },
    perWorker: { cpu: cpuMillis, memory: memoryMebibytes * bytesPerMebibyte },
    avoidNodes: [],
    avoidCards: [],
  };
}
