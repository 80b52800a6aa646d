// Random clusters and queues for the property tests of placement. Not for the operator.
import fc from 'fast-check';
import type { Inventory } from '../inventory/inventory.ts';
import type {
  CardDevice,
  CardPool,
  NodeDevices,
  NodeFacts,
  Placement,
  PodFacts,
  Policy,
  ShareRule,
  Workload,
} from '../model.ts';
import type { Plan } from '../queue/planner.ts';
import { cardModels, devicesOf, inventoryOf, nodeOf, plainPolicy, podOn, workloadOf } from './builders.ts';

/** One product in two sizes: a vGPU, or a card with error correction on. */
const trimmed = { ...cardModels.a40, mebibytes: 44_000 };
const models = [...Object.values(cardModels), { product: 'NVIDIA-GB10', mebibytes: 0 }, trimmed];
const zones = ['x', 'y'];

export const nodeArbitrary = fc.record({
  model: fc.constantFrom(...models),
  count: fc.constantFrom(1, 2, 4, 8),
  zone: fc.constantFrom(...zones),
  ready: fc.integer({ min: 0, max: 9 }).map((digit) => digit !== 0),
  cordoned: fc.integer({ min: 0, max: 9 }).map((digit) => digit === 0),
  cpu: fc.constantFrom('8', '96'),
  busy: fc.integer({ min: 0, max: 3 }),
});
export type NodeSketch = typeof nodeArbitrary extends fc.Arbitrary<infer T> ? T : never;

export function nodeFrom(sketch: NodeSketch, index: number): NodeFacts {
  return nodeOf(
    `n${String(index).padStart(2, '0')}`,
    { ...sketch.model, count: sketch.count },
    {
      unschedulable: sketch.cordoned,
      ready: sketch.ready,
      labels: { zone: sketch.zone },
      allocatable: { cpu: sketch.cpu },
    },
  );
}

export const podsFrom = (sketches: readonly NodeSketch[]): PodFacts[] =>
  sketches.map((sketch, index) =>
    podOn(`n${String(index).padStart(2, '0')}`, `p${index}`, Math.min(sketch.busy, sketch.count)),
  );

export const workloadArbitrary = fc.record({
  gibibytes: fc.constantFrom(4, 14, 16, 20, 38, 70, 90),
  gpus: fc.constantFrom(1, 1, 2, 4, 8),
  workers: fc.constantFrom(1, 1, 1, 2, 5),
  cpu: fc.constantFrom(500, 4000),
  zone: fc.option(fc.constantFrom(...zones), { freq: 4 }),
  priority: fc.constantFrom(0, 0, 10),
  avoid: fc.option(fc.constantFrom('n00', 'n01'), { freq: 4 }),
});
export type WorkloadSketch = typeof workloadArbitrary extends fc.Arbitrary<infer T> ? T : never;

export function workloadFrom(sketch: WorkloadSketch, index: number): Workload {
  return workloadOf(`u${index}`, {
    vramMebibytes: sketch.gibibytes * 1024,
    gpus: sketch.gpus,
    workers: sketch.workers,
    priority: sketch.priority,
    createdAtMilliseconds: index,
    perWorker: { cpu: sketch.cpu, pods: 1 },
    constraints: { nodeSelector: sketch.zone === null ? {} : { zone: sketch.zone }, nodeAffinity: [], tolerations: [] },
    avoidNodes: sketch.avoid === null ? [] : [sketch.avoid],
  });
}

/** Of one round among several: no two rounds have a uid in common. */
export function queueOf(sketches: readonly WorkloadSketch[], round: number): Workload[] {
  return sketches.map((sketch, index) => ({ ...workloadFrom(sketch, index), uid: `r${round}-${index}` }));
}

export const clusterArbitrary = fc.array(nodeArbitrary, { minLength: 1, maxLength: 12 });
export const queueArbitrary = fc.array(workloadArbitrary, { minLength: 1, maxLength: 25 });
export const headroomArbitrary = fc.constantFrom(0, 50, 200);
export const policyWith = (permille: number): Policy => ({ ...plainPolicy, headroomPartsPerMillion: permille * 1000 });

export const build = (sketches: readonly NodeSketch[]): Inventory =>
  inventoryOf(sketches.map(nodeFrom), podsFrom(sketches));

export function placementsOf(plan: Plan, queue: readonly Workload[]): { workload: Workload; placement: Placement }[] {
  return queue.flatMap((workload) => {
    const verdict = plan.verdicts.get(workload.uid);
    return verdict?.kind === 'Placed' ? [{ workload, placement: verdict.placement }] : [];
  });
}

const gi = 1024;
const plainRule: ShareRule = { minMebibytes: 1, stepMebibytes: 1, besides: {} };
const shareRules: readonly ShareRule[] = [
  plainRule,
  { minMebibytes: gi, stepMebibytes: gi, besides: {} },
  { minMebibytes: 4 * gi, stepMebibytes: 3 * gi, besides: {} },
  // Of each card's two connections every claim takes one.
  { ...plainRule, besides: { connections: '1' } },
];

/** Nodes whose cards are offered one by one, by device plugin, or both ways. `MIG`: each card whole, and in slices. */
export const cardNodeArbitrary = fc.record({
  offers: fc.constantFrom('Shares', 'Shares', 'Whole', 'Plugin', 'MPS', 'Both', 'MIG'),
  model: fc.constantFrom(cardModels.t4, cardModels.a40, cardModels.a100x80),
  count: fc.constantFrom(1, 2, 4),
  rule: fc.constantFrom(...shareRules),
  hasTainted: fc.integer({ min: 0, max: 4 }).map((digit) => digit === 0),
  ready: fc.integer({ min: 0, max: 9 }).map((digit) => digit !== 0),
});
export type CardNodeSketch = typeof cardNodeArbitrary extends fc.Arbitrary<infer T> ? T : never;
export const cardClusterArbitrary = fc.array(cardNodeArbitrary, { minLength: 1, maxLength: 4 });

export interface CardNode {
  readonly facts: NodeFacts;
  readonly devices: NodeDevices;
}

export function cardNodeFrom({ ready, ...sketch }: CardNodeSketch, index: number): CardNode {
  const name = `n${index}`;
  const { offers, model, count } = sketch;
  const byPlugin = offers === 'Plugin' || offers === 'MPS' || offers === 'Both';
  const units = offers === 'MPS' ? 2 * count : byPlugin ? count : 0;
  const sharing = { 'nvidia.com/gpu.replicas': '2', 'nvidia.com/gpu.sharing-strategy': 'mps' };
  const facts = nodeOf(
    name,
    { ...model, count },
    { ready, labels: offers === 'MPS' ? sharing : {}, allocatable: { 'nvidia.com/gpu': String(units) } },
  );
  return { facts, devices: devicesFrom(sketch, name) };
}

function devicesFrom(
  { offers, model, count, rule, hasTainted }: Omit<CardNodeSketch, 'ready'>,
  name: string,
): NodeDevices {
  const cards = { ...model, count };
  if (offers === 'Plugin' || offers === 'MPS') return { devices: [], counters: {} };
  const plain = devicesOf(name, cards, offers === 'Shares' || offers === 'Both');
  const published = offers === 'MIG' ? withSlices(plain) : offers === 'Whole' ? plain : withRule(plain, rule);
  return hasTainted ? withTaint(published) : published;
}

function inPool(devices: readonly CardDevice[], changes: Partial<CardPool>): CardDevice[] {
  const pool = devices[0] && { ...devices[0].pool, ...changes };
  return devices.map((device) => ({ ...device, pool: pool ?? device.pool }));
}

function withRule({ devices, counters }: NodeDevices, rule: ShareRule): NodeDevices {
  const terms = devices[0]?.pool.devices;
  if (terms === undefined) return { devices, counters };
  const isLimited = Object.keys(rule.besides).length > 0;
  const whole = isLimited ? { ...terms.whole, connections: '2' } : terms.whole;
  const changed = inPool(devices, { devices: { ...terms, whole, shares: rule } });
  return { counters, devices: isLimited ? changed.map((device) => ({ ...device, slots: 2 })) : changed };
}

/** Three quarters and two halves of each card, of which at most four quarters can be in use. */
function withSlices({ devices }: NodeDevices): NodeDevices {
  const counterOf = ({ id }: CardDevice): string => `${id}/quarters`;
  const slices = (profile: string, quarters: number, count: number): CardDevice[] => {
    const made = devices.flatMap((card) =>
      Array.from({ length: count }, (_, index) => ({
        ...card,
        id: `${card.id}-${profile}-${index}`,
        identity: `MIG-${card.identity}-${profile}-${index}`,
        counters: { [counterOf(card)]: quarters },
      })),
    );
    const { product = '', vram } = devices[0]?.pool ?? {};
    const mebibytes = vram?.known === true ? Math.floor((vram.mebibytes * quarters) / 4) : 0;
    return inPool(made, {
      resourceName: 'mig.nvidia.com',
      product: `${product}-MIG-${profile}`,
      isolation: 'MIG',
      vram: { known: true, mebibytes },
      count: made.length,
      installed: made.length,
    });
  };
  const cards = devices.map((card) => ({ ...card, counters: { [counterOf(card)]: 4 } }));
  return {
    devices: [...cards, ...slices('1g', 1, 3), ...slices('2g', 2, 2)],
    counters: Object.fromEntries(devices.map((card) => [counterOf(card), 4])),
  };
}

function withTaint({ devices, counters }: NodeDevices): NodeDevices {
  const pool = devices[0]?.pool;
  const alike = inPool(
    devices.filter((device) => device.pool === pool),
    { count: devices.filter((device) => device.pool === pool).length - 1 },
  );
  const others = devices.filter((device) => device.pool !== pool);
  return { counters, devices: [...alike.map((device, index) => ({ ...device, tainted: index === 0 })), ...others] };
}

export const cardJobArbitrary = fc.record({
  isolation: fc.constantFrom('Shared', 'Shared', 'Exclusive', 'MIG'),
  allocation: fc.constantFrom('Auto', 'Auto', 'DRA', 'DevicePlugin'),
  gibibytes: fc.constantFrom(1, 4, 7, 10, 14, 20, 38, 70),
  gpus: fc.constantFrom(1, 1, 1, 2),
  workers: fc.constantFrom(1, 1, 1, 2, 3),
  priority: fc.constantFrom(0, 0, 10),
  /** Its reservation doesn't name its cards, as that of a gang with too many to name. */
  isAnonymous: fc.boolean(),
});
export type CardJobSketch = typeof cardJobArbitrary extends fc.Arbitrary<infer T> ? T : never;

export function cardJobFrom({ gibibytes, isAnonymous, ...rest }: CardJobSketch, uid: string): Workload {
  return workloadOf(uid, { ...rest, vramMebibytes: gibibytes * gi });
}

export function publish(inventory: Inventory, { facts, devices }: CardNode): void {
  inventory.setDevices(facts.name, devices);
  inventory.setNode(facts);
}

/** Everything that a reader can see of an inventory: nodes, pools, amounts, and each card. */
export function seenOf(inventory: Inventory): unknown {
  return inventory.standings().map(({ node, pool, free }) => {
    const entry = inventory.node(node);
    const index = entry?.nodeClass.pools.indexOf(pool) ?? -1;
    const cards = entry?.cards[index]?.map(({ device, takenMebibytes, takers, blocked }) => ({
      id: device.id,
      takenMebibytes,
      takers,
      blocked,
    }));
    const used = Object.fromEntries([...inventory.usedAmounts(node)].sort());
    return { node, resourceName: pool.resourceName, free, isClosed: entry?.closed[index], cards, used };
  });
}
