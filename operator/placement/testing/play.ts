// Random changes played to an inventory that is asked again and again, and what it was told, so that another one can be told
// the same. For the property tests of boards; not for the operator.
import fc from 'fast-check';
import { boardFor } from '../choice/board.ts';
import { type Demand, noDemand, RecentDemand } from '../choice/demand.ts';
import { backendOf } from '../cards/backend-of.ts';
import type { Ask, ClaimFacts, NodeDevices, NodeFacts, PodFacts, Reservation } from '../model.ts';
import { chooseCards } from '../fit/room.ts';
import { withCards } from '../fit/shape.ts';
import { type Draft, Inventory } from '../inventory/inventory.ts';
import { cardModels, devicesOf, nodeOf, podOn, workloadOf } from './builders.ts';

export function askFor(changes: Partial<Ask> = {}): Ask {
  const { isolation, allocation, products, constraints, perWorker } = workloadOf('a');
  const needMebibytes = changes.needMebibytes ?? 14_336;
  const base = { isolation, allocation, products, constraints, perWorker, gpus: 1 };
  return { ...base, needMebibytes, leastMebibytes: needMebibytes, ...changes };
}

export const asks: readonly Ask[] = [
  askFor(),
  askFor({ gpus: 2, perWorker: { cpu: 4000, pods: 1 } }),
  askFor({ products: { allow: [cardModels.a100x80.product], deny: [] } }),
  askFor({ isolation: 'Shared', needMebibytes: 6_000 }),
  askFor({ isolation: 'Shared', needMebibytes: 30_000, perWorker: { cpu: 4000, pods: 1 } }),
  askFor({ isolation: 'Shared', gpus: 2, needMebibytes: 10_000 }),
];

export function demandOf(...wanted: readonly Parameters<typeof workloadOf>[1][]): Demand {
  const recent = new RecentDemand();
  for (let round = 0; round < 8; round += 1) recent.note(workloadOf('d', wanted[round % wanted.length]));
  return recent.current(() => new Map([[cardModels.a100x80.product, 4]]));
}

export const demands: readonly Demand[] = [
  noDemand,
  demandOf({ isolation: 'Shared', vramMebibytes: 20_000, perWorker: { cpu: 2000, pods: 1 } }, { gpus: 2 }),
  demandOf({ products: { allow: [cardModels.a100x80.product], deny: [] } }, { isolation: 'Shared' }, { gpus: 4 }),
];

export interface TakenCards {
  readonly node: string;
  readonly amounts: Record<string, number>;
  readonly cards: readonly { readonly id: string; readonly mebibytes: number }[];
}

/** What an inventory was told, to tell it another one. */
class Told {
  readonly nodes = new Map<string, NodeFacts>();
  readonly devices = new Map<string, NodeDevices>();
  readonly pods = new Map<string, PodFacts>();
  readonly claims = new Map<string, ClaimFacts>();
  readonly reservations = new Map<string, Reservation>();

  /** An inventory that nobody has asked anything of. */
  anew(taken: readonly TakenCards[] = []): Inventory {
    const inventory = new Inventory();
    for (const [node, devices] of this.devices) inventory.setDevices(node, devices);
    for (const node of this.nodes.values()) inventory.setNode(node);
    for (const pod of this.pods.values()) inventory.setPod(pod);
    for (const claim of this.claims.values()) inventory.setClaim(claim);
    for (const reservation of this.reservations.values()) inventory.setReservation(reservation);
    const draft = inventory.draft();
    for (const { node, amounts, cards } of taken) draft.take(node, amounts, cardsThere(inventory, node, cards));
    return inventory;
  }
}

function cardsThere(inventory: Inventory, node: string, cards: TakenCards['cards']): Parameters<Draft['take']>[2] {
  const there = (inventory.node(node)?.cards ?? []).flatMap((pool) => pool ?? []);
  return cards.flatMap(({ id, mebibytes }) => {
    const card = there.find(({ device }) => device.id === id);
    return card === undefined ? [] : [{ card, mebibytes }];
  });
}

const name = (index: number): string => `n${index}`;
const nodeIndex = fc.nat(4);
const nodeStep = fc.record({
  do: fc.constant('node' as const),
  node: nodeIndex,
  kind: fc.constantFrom('Plugin', 'Shares', 'Whole', 'Both'),
  model: fc.constantFrom(cardModels.a100x80, cardModels.a40),
  count: fc.constantFrom(1, 2, 4),
  cpu: fc.constantFrom('8', '96'),
});

const otherSteps = [
  fc.record({ do: fc.constant('nodeGoes' as const), node: nodeIndex }),
  fc.record({ do: fc.constant('nodeGrows' as const), node: nodeIndex, cpu: fc.constantFrom('8', '16', '96') }),
  fc.record({
    do: fc.constant('pod' as const),
    pod: fc.nat(5),
    node: nodeIndex,
    cards: fc.nat(2),
    cpu: fc.constantFrom(0, 1000, 6000),
    terminal: fc.boolean(),
  }),
  fc.record({ do: fc.constant('podGoes' as const), pod: fc.nat(5) }),
  fc.record({
    do: fc.constant('claim' as const),
    claim: fc.nat(5),
    node: nodeIndex,
    card: fc.nat(3),
    mebibytes: fc.option(fc.constantFrom(6_000, 20_000, 44_000)),
  }),
  fc.record({ do: fc.constant('claimGoes' as const), claim: fc.nat(5) }),
  fc.record({ do: fc.constant('reserve' as const), run: fc.nat(2), node: nodeIndex, ask: fc.nat(asks.length - 1) }),
  fc.record({ do: fc.constant('release' as const), run: fc.nat(2) }),
  fc.record({ do: fc.constant('demand' as const), demand: fc.nat(demands.length - 1) }),
  // More changes than a log remembers, with nobody looking.
  fc.record({ do: fc.constant('churn' as const), node: nodeIndex, times: fc.constantFrom(1, 30, 90) }),
  fc.record({ do: fc.constant('look' as const) }),
  fc.record({
    do: fc.constant('draft' as const),
    takes: fc.array(fc.record({ node: nodeIndex, ask: fc.nat(asks.length - 1) }), { minLength: 1, maxLength: 5 }),
    back: fc.nat(4),
  }),
] as const;

/** A few nodes come first, or most of what follows would be about none. */
export const stepsArbitrary = fc
  .tuple(
    fc.array(nodeStep, { minLength: 1, maxLength: 5 }),
    fc.array(fc.oneof(nodeStep, ...otherSteps), { minLength: 10, maxLength: 40 }),
  )
  .map(([nodes, steps]) => [...nodes, ...steps]);
export type Step = (typeof stepsArbitrary extends fc.Arbitrary<infer T> ? T : never)[number];

/** Looks at an inventory after a step, or within a draft of which this much is taken. */
type Look = (play: Play, taken: readonly TakenCards[]) => void;

/** A series of changes as it is played to an inventory that somebody looks at again and again. */
export class Play {
  readonly inventory = new Inventory();
  readonly told = new Told();
  demand: Demand = noDemand;
  readonly #look: Look;

  constructor(steps: readonly Step[], look: Look) {
    this.#look = look;
    for (const step of steps) this.#do(step);
  }

  #do(step: Step): void {
    switch (step.do) {
      case 'node':
        this.#node(step);
        break;
      case 'nodeGoes':
        this.told.nodes.delete(name(step.node));
        this.inventory.removeNode(name(step.node));
        break;
      case 'nodeGrows':
        this.#grow(name(step.node), step.cpu);
        break;
      case 'pod':
        this.#pod(step);
        break;
      case 'podGoes':
        this.told.pods.delete(`p${step.pod}`);
        this.inventory.removePod(`p${step.pod}`);
        break;
      case 'claim':
        this.#claim(step);
        break;
      case 'claimGoes':
        this.told.claims.delete(`c${step.claim}`);
        this.inventory.removeClaim(`c${step.claim}`);
        break;
      case 'reserve':
        this.#reserve(step);
        break;
      case 'release':
        this.told.reservations.delete(`r${step.run}/1`);
        this.inventory.removeReservation(`r${step.run}/1`);
        break;
      case 'demand':
        this.demand = demands[step.demand] ?? noDemand;
        break;
      case 'churn':
        this.#churn(name(step.node), step.times);
        break;
      case 'draft':
        this.#draft(step);
        break;
      case 'look':
        this.#look(this, []);
    }
  }

  #node({ node, kind, model, count, cpu }: Extract<Step, { do: 'node' }>): void {
    const cards = { ...model, count };
    const byPlugin = kind === 'Plugin' || kind === 'Both' ? String(count) : '0';
    const facts = nodeOf(name(node), cards, { allocatable: { cpu, 'nvidia.com/gpu': byPlugin } });
    const devices = kind === 'Plugin' ? { devices: [], counters: {} } : devicesOf(name(node), cards, kind !== 'Whole');
    this.told.nodes.set(name(node), facts);
    this.told.devices.set(name(node), devices);
    this.inventory.setDevices(name(node), devices);
    this.inventory.setNode(facts);
  }

  #grow(node: string, cpu: string): void {
    const facts = this.told.nodes.get(node);
    if (facts === undefined) return;
    const grown = { ...facts, allocatable: { ...facts.allocatable, cpu } };
    this.told.nodes.set(node, grown);
    this.inventory.setNode(grown);
  }

  #pod({ pod: index, node, cards, cpu, terminal }: Extract<Step, { do: 'pod' }>): void {
    const pod = podOn(name(node), `p${index}`, cards, {
      terminal,
      requests: { 'nvidia.com/gpu': cards, cpu, pods: 1 },
    });
    this.told.pods.set(pod.uid, pod);
    this.inventory.setPod(pod);
  }

  #claim({ claim: index, node, card, mebibytes }: Extract<Step, { do: 'claim' }>): void {
    const consumed: Record<string, number> = mebibytes === null ? {} : { memory: mebibytes * 1_048_576 };
    const deviceID = `gpu.nvidia.com/${name(node)}/gpu-${card}`;
    const claim = { uid: `c${index}`, podUID: '', holds: [{ deviceID, consumed }] };
    this.told.claims.set(claim.uid, claim);
    this.inventory.setClaim(claim);
  }

  #reserve({ run, node, ask: index }: Extract<Step, { do: 'reserve' }>): void {
    const { gpus, perWorker } = asks[index] ?? askFor();
    const reservation: Reservation = {
      run: `r${run}/1`,
      placement: {
        workers: [{ node: name(node), count: 1 }],
        resourceName: 'nvidia.com/gpu',
        product: '',
        cardVRAMMebibytes: 0,
        policyVersion: 1,
        decisionID: '',
        backend: 'DevicePlugin',
      },
      perWorker: withCards(perWorker, 'DevicePlugin', 'nvidia.com/gpu', gpus),
    };
    this.told.reservations.set(reservation.run, reservation);
    this.inventory.setReservation(reservation);
  }

  #churn(node: string, times: number): void {
    for (let time = 0; time < times; time += 1) {
      this.inventory.setPod(podOn(node, 'churn', 1));
      this.inventory.removePod('churn');
    }
  }

  /** As a pass of the planner takes and gives back: each take changes what the next one sees. */
  #draft({ takes, back }: Extract<Step, { do: 'draft' }>): void {
    const draft = this.inventory.draft();
    const taken = takes.flatMap(({ node, ask }) => this.#take(draft, name(node), asks[ask] ?? askFor()));
    this.#look(this, taken);
    const mark = Math.min(back, taken.length);
    draft.giveBackTo(mark);
    this.#look(this, taken.slice(0, mark));
    draft.giveBackTo(0);
    this.#look(this, []);
  }

  #take(draft: Draft, node: string, ask: Ask): TakenCards[] {
    const entry = this.inventory.node(node);
    const pools = entry?.nodeClass.pools ?? [];
    for (const [poolIndex, pool] of pools.entries()) {
      if (entry === undefined) break;
      const board = boardFor(this, { nodeClass: entry.nodeClass, poolIndex }, ask);
      const packing = board.packingOf(node);
      if (packing === undefined) continue;
      const cards = chooseCards(ask, entry, poolIndex, packing.fill) ?? [];
      const amounts = { ...withCards(ask.perWorker, backendOf(pool), pool.resourceName, ask.gpus) };
      draft.take(node, amounts, cards);
      return [{ node, amounts, cards: cards.map(({ card, mebibytes }) => ({ id: card.device.id, mebibytes })) }];
    }
    return [];
  }
}
