// Places the tasks of a trace one by one with the operator's own planner, on its inventory of cards that can be shared. Who is
// placed never leaves. A card is a thousand units of VRAM whatever its model, because that is what the trace's shares are parts of.
import { RecentDemand } from '../../../operator/placement/choice/demand.ts';
import { Inventory } from '../../../operator/placement/inventory/inventory.ts';
import {
  type CardDevice,
  type CardPool,
  emptyQueueMemory,
  type NodeDevices,
  type Placement,
  type Policy,
  type QueueMemory,
  type Workload,
} from '../../../operator/placement/model.ts';
import { plan, reservationFor } from '../../../operator/placement/queue/planner.ts';
import type { TraceNode, TraceTask } from '../../openb/trace.ts';
import { demandMillis } from './arrivals.ts';

/** After each arrival: cards asked for so far and cards allocated, in thousandths. */
export type OnArrival = (arrivedMillis: number, allocatedMillis: number) => void;

/** Chooses the node of a Pod without cards, by what is requested on each so far; undefined: none has room. */
export type BindPod = (pod: Requests, requestedOn: (node: string) => Requests) => string | undefined;

export interface Requests {
  readonly cpuMillis: number;
  readonly memoryMebibytes: number;
}

export interface Rules {
  /** A task that finds no room leaves, as by the paper's measure, or waits in the queue, as a GPUJob does. */
  readonly whoFindsNoRoom: 'Leaves' | 'Waits';
  /** Absent: tasks without cards are placed like the others, as by the paper's measure. */
  readonly bindPod?: BindPod;
}

const measure: Rules = { whoFindsNoRoom: 'Leaves' };

const wholeCard = 1000;
const bytesPerMebibyte = 1_048_576;

interface Arrival {
  readonly task: TraceTask;
  readonly workload: Workload;
}

/** Returns the thousandths of cards that are allocated at the end. */
export function simulate(
  nodes: readonly TraceNode[],
  list: readonly TraceTask[],
  policy: Policy,
  onArrival: OnArrival,
  rules = measure,
): number {
  const cluster = new Cluster(nodes, policy, rules);
  let arrived = 0;
  for (const [index, task] of list.entries()) {
    const arrival = { task, workload: workloadOf(task, index, policy.name) };
    // The operator sees GPUJobs; work without cards is a plain Pod.
    if (task.cards > 0) cluster.submit(arrival);
    else cluster.create(arrival);
    arrived += demandMillis(task);
    onArrival(arrived, cluster.allocatedMillis);
  }
  return cluster.allocatedMillis;
}

/** No time passes in it: whoever waits at the head of the queue never does so for a minute, and is only passed by others. */
class Cluster {
  allocatedMillis = 0;
  readonly #rules: Rules;
  readonly #inventory: Inventory;
  readonly #policies: ReadonlyMap<string, Policy>;
  readonly #demand = new RecentDemand();
  #queue: readonly Arrival[] = [];
  #memory = emptyQueueMemory;

  constructor(nodes: readonly TraceNode[], policy: Policy, rules: Rules) {
    this.#rules = rules;
    this.#inventory = inventoryOf(nodes);
    this.#policies = new Map([[policy.name, policy]]);
  }

  submit(arrival: Arrival): void {
    this.#demand.note(arrival.workload);
    const { left, memory } = this.#pass([...this.#queue, arrival], this.#memory);
    if (this.#rules.whoFindsNoRoom === 'Leaves') return;
    this.#queue = left;
    this.#memory = memory;
  }

  create(arrival: Arrival): void {
    const { bindPod } = this.#rules;
    if (bindPod === undefined) this.#pass([arrival], emptyQueueMemory);
    else this.#bind(arrival, bindPod);
  }

  #bind({ task, workload }: Arrival, bindPod: BindPod): void {
    const nodeName = bindPod(task, (node) => this.#requestedOn(node));
    if (nodeName === undefined) return;
    const { uid, namespace, name, perWorker: requests } = workload;
    this.#inventory.setPod({ uid, namespace, name, nodeName, requests, terminal: false });
  }

  #requestedOn(node: string): Requests {
    const used = this.#inventory.usedAmounts(node);
    return { cpuMillis: used.get('cpu') ?? 0, memoryMebibytes: (used.get('memory') ?? 0) / bytesPerMebibyte };
  }

  #pass(arrivals: readonly Arrival[], memory: QueueMemory): { left: readonly Arrival[]; memory: QueueMemory } {
    const inventory = this.#inventory;
    const demand = this.#demand.current(() => inventory.cardsByProduct());
    const queue = arrivals.map(({ workload }) => workload);
    const planned = plan({ queue, inventory, policies: this.#policies, memory, nowMilliseconds: 0, demand });
    const left: Arrival[] = [];
    for (const arrival of arrivals) {
      const verdict = planned.verdicts.get(arrival.workload.uid);
      if (verdict?.kind === 'Placed') this.#reserve(arrival, verdict.placement);
      else left.push(arrival);
    }
    return { left, memory: planned.memory };
  }

  #reserve({ task, workload }: Arrival, placement: Placement): void {
    this.#inventory.setReservation(reservationFor(workload, placement));
    this.allocatedMillis += demandMillis(task);
  }
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
