// Which running job, moved, would let a waiting one start: what is advised would come true, and the inventory is left as it was.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Demand, noDemand } from '../choice/demand.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { emptyQueueMemory, type Placement, type Policy, type Reservation, type Workload } from '../model.ts';
import { plan, reservationFor } from '../queue/planner.ts';
import { policyWith } from '../testing/arbitraries.ts';
import {
  cardModels,
  type CardsOfNode,
  devicesOf,
  inventoryOf,
  nodeOf,
  plainPolicy,
  podOn,
  workloadOf,
} from '../testing/builders.ts';
import { demands } from '../testing/play.ts';
import { adviseMove, type Movable, type Move } from './move.ts';

/** 'what -> where to: where the waiting job starts then', or 'none'. */
function inLine(move: Move | undefined): string {
  return move === undefined ? 'none' : `${move.moved.workload.uid} -> ${move.to}: ${move.then.join(' ')}`;
}

/** Everything of an inventory that a take could change. */
function seen(inventory: Inventory): unknown {
  return inventory.standings().map(({ node, free }) => {
    const cards = (inventory.node(node)?.cards ?? []).flatMap((pool) => pool ?? []);
    return {
      node,
      free,
      used: Object.fromEntries([...inventory.usedAmounts(node)].sort()),
      cards: cards.map(({ takers, takenMebibytes, blocked }) => [takers, takenMebibytes, blocked]),
    };
  });
}

interface Cards extends CardsOfNode {
  /** By its driver, which publishes them one by one. */
  readonly divided?: true;
}

interface Running {
  readonly uid: string;
  readonly node: string;
  readonly asks?: Partial<Workload>;
  /** Of a card that is divided: which one, and how much of it in MiB. */
  readonly share?: readonly [number, number];
  /** Its Pod is over, and nobody has told its GPUJob yet. */
  readonly over?: boolean;
}

interface Case {
  readonly name: string;
  readonly nodes: Readonly<Record<string, Cards>>;
  readonly running: readonly Running[];
  /** In this order; absent: all that run, in theirs. */
  readonly movable?: readonly string[];
  readonly waiting: Partial<Workload>;
  readonly want: string;
}

const of40 = (count: number): Cards => ({ ...cardModels.a100x40, count });
const of80 = (count: number): Cards => ({ ...cardModels.a100x80, count });
const divided = (count: number): Cards => ({ ...cardModels.a100x80, count, divided: true });
const only = (node: string): Partial<Workload> => ({
  constraints: { nodeSelector: { node }, nodeAffinity: [], tolerations: [] },
});
const share = (vramMebibytes: number): Partial<Workload> => ({ isolation: 'Shared', vramMebibytes });

function clusterOf({ nodes, running }: Pick<Case, 'nodes' | 'running'>): Inventory {
  const inventory = inventoryOf([]);
  for (const [name, cards] of Object.entries(nodes)) {
    if (cards.divided) inventory.setDevices(name, devicesOf(name, cards));
    const allocatable = { cpu: '8', ...(cards.divided ? { 'nvidia.com/gpu': '0' } : {}) };
    inventory.setNode(nodeOf(name, cards, { labels: { node: name }, allocatable }));
  }
  for (const each of running) start(inventory, each);
  return inventory;
}

function start(inventory: Inventory, { uid, node, asks, share: taken, over = false }: Running): void {
  const { gpus, perWorker } = workloadOf(uid, asks);
  const cards: Record<string, number> = taken === undefined ? { 'nvidia.com/gpu': gpus } : {};
  const requests = { ...perWorker, ...cards };
  inventory.setPod(podOn(node, uid, 0, { run: `${uid}/1`, requests, terminal: over }));
  if (taken === undefined) return;
  const [card, mebibytes] = taken;
  const holds = [{ deviceID: `gpu.nvidia.com/${node}/gpu-${card}`, consumed: { memory: mebibytes * 1_048_576 } }];
  inventory.setClaim({ uid: `claim-${uid}`, podUID: uid, run: `${uid}/1`, holds });
}

function movablesOf({ running, movable }: Pick<Case, 'running' | 'movable'>): Movable[] {
  return (movable ?? running.map(({ uid }) => uid)).map((uid) => {
    const { node, asks } = running.find((each) => each.uid === uid)!;
    return { workload: workloadOf(uid, { ...asks, run: 2 }), run: `${uid}/1`, node, startedAtMilliseconds: 0 };
  });
}

/** The policy "mean" serves nobody. */
function policyOf({ policyName }: Workload): Policy | undefined {
  const refusal = { reason: 'BudgetExhausted', message: 'spent' } as const;
  const policies: Record<string, Policy> = {
    default: plainPolicy,
    mean: { ...plainPolicy, name: 'mean', refusalOf: () => refusal },
  };
  return policies[policyName];
}

function adviceIn(each: Case): string {
  const inventory = clusterOf(each);
  const before = seen(inventory);
  const context = { inventory, demand: noDemand, policyOf, isKeptFrom: () => false };
  const move = adviseMove(context, workloadOf('waiting', each.waiting), movablesOf(each));
  expect(seen(inventory)).toEqual(before);
  return inLine(move);
}

const halfFull = { a: of40(2), b: of40(2) };
const oneOnEach: readonly Running[] = [
  { uid: 'one', node: 'a' },
  { uid: 'two', node: 'b' },
];

describe('for a job that waits for whole cards', () => {
  it.each<Case>([
    {
      name: 'it is the job that stands in the way, to where it fits as well',
      nodes: halfFull,
      running: oneOnEach,
      waiting: { gpus: 2 },
      want: 'one -> b: a',
    },
    {
      name: 'it is the first that would do, in the order in which they are given',
      nodes: halfFull,
      running: oneOnEach,
      movable: ['two', 'one'],
      waiting: { gpus: 2 },
      want: 'two -> a: b',
    },
    {
      name: 'it is the next where the first is not in its way',
      nodes: halfFull,
      running: oneOnEach,
      waiting: { gpus: 2, ...only('b') },
      want: 'two -> a: b',
    },
    {
      name: 'it is none where none may be moved',
      nodes: halfFull,
      running: oneOnEach,
      movable: [],
      waiting: { gpus: 2 },
      want: 'none',
    },
    {
      name: 'it is none where there is room as it is: it waits for its turn',
      nodes: { ...halfFull, c: of40(2) },
      running: oneOnEach,
      waiting: { gpus: 2 },
      want: 'none',
    },
    {
      name: 'it is none where no single move makes room enough',
      nodes: { a: of40(3), b: of40(3) },
      running: [...oneOnEach, { uid: 'three', node: 'a' }, { uid: 'four', node: 'b' }],
      waiting: { gpus: 3 },
      want: 'none',
    },
    {
      name: 'it is none where the CPU beside the cards would not do for it',
      nodes: halfFull,
      running: [...oneOnEach, { uid: 'busy', node: 'a', asks: { gpus: 0, perWorker: { cpu: 5_000, pods: 1 } } }],
      waiting: { gpus: 2, perWorker: { cpu: 4_000, pods: 1 }, ...only('a') },
      movable: ['one'],
      want: 'none',
    },
    {
      name: 'it is none where the CPU beside the cards would not do for the job that moves',
      nodes: halfFull,
      running: [
        { uid: 'one', node: 'a', asks: { perWorker: { cpu: 4_000, pods: 1 } } },
        { uid: 'two', node: 'b', asks: { perWorker: { cpu: 4_500, pods: 1 } } },
      ],
      waiting: { gpus: 2, perWorker: { cpu: 4_000, pods: 1 } },
      want: 'none',
    },
    {
      name: 'it is none that could go nowhere but where the waiting job would be',
      nodes: { a: of40(2), b: of40(1) },
      running: oneOnEach,
      waiting: { gpus: 2 },
      want: 'none',
    },
    {
      name: 'it is none that its own node selector keeps where it is',
      nodes: { a: of40(3), b: of40(1) },
      running: [
        { uid: 'bound', node: 'a', asks: only('a') },
        { uid: 'free', node: 'a' },
      ],
      waiting: { gpus: 2 },
      want: 'free -> b: a',
    },
    {
      name: 'it is none that needs larger cards than are free elsewhere',
      nodes: { a: of80(3), b: of40(1) },
      running: [
        { uid: 'large', node: 'a', asks: { vramMebibytes: 60_000 } },
        { uid: 'small', node: 'a' },
      ],
      waiting: { gpus: 2, vramMebibytes: 60_000 },
      want: 'small -> b: a',
    },
    {
      name: 'it is none of a higher priority, and may be one of the same',
      nodes: halfFull,
      running: [
        { uid: 'more', node: 'a', asks: { priority: 11 } },
        { uid: 'equal', node: 'b', asks: { priority: 10 } },
      ],
      waiting: { gpus: 2, priority: 10 },
      want: 'equal -> a: b',
    },
    {
      name: 'it is none at all where all are of a higher priority',
      nodes: halfFull,
      running: oneOnEach.map((each) => ({ ...each, asks: { priority: 1 } })),
      waiting: { gpus: 2 },
      want: 'none',
    },
    {
      name: 'it is none whose policy is gone, or serves its namespace no more: it would not start again',
      nodes: { a: of40(3), b: of40(1) },
      running: [
        { uid: 'orphan', node: 'a', asks: { policyName: 'gone' } },
        { uid: 'refused', node: 'a', asks: { policyName: 'mean' } },
      ],
      waiting: { gpus: 2 },
      want: 'none',
    },
    {
      name: 'it is none where its own policy is gone',
      nodes: halfFull,
      running: oneOnEach,
      waiting: { gpus: 2, policyName: 'gone' },
      want: 'none',
    },
    {
      name: 'it is none where no card here could ever hold it',
      nodes: halfFull,
      running: oneOnEach,
      waiting: { vramMebibytes: 90_000 },
      want: 'none',
    },
    {
      name: 'it is none that is over: the cards are free, and not enough',
      nodes: halfFull,
      running: [{ uid: 'over', node: 'a', over: true }, { uid: 'stays', node: 'a' }, ...oneOnEach.slice(1)],
      movable: ['over'],
      waiting: { gpus: 2 },
      want: 'none',
    },
  ])('$name', (each) => {
    expect(adviceIn(each)).toBe(each.want);
  });
});

describe('a run that holds its cards elsewhere than it is said to be', () => {
  it('is not advised: the waiting job would not start on the node that is told', () => {
    const inventory = clusterOf({ nodes: halfFull, running: oneOnEach });
    const [one] = movablesOf({ running: oneOnEach });
    const context = { inventory, demand: noDemand, policyOf, isKeptFrom: () => false };
    expect(adviseMove(context, workloadOf('waiting', { gpus: 2 }), [{ ...one!, node: 'b' }])).toBeUndefined();
  });
});

describe('a node that is kept for another job', () => {
  it('is nowhere to start, and nowhere to move to', () => {
    const inventory = clusterOf({ nodes: halfFull, running: oneOnEach });
    const adviceWithout = (...kept: readonly string[]) => {
      const isKeptFrom = (_uid: string, node: string): boolean => kept.includes(node);
      const context = { inventory, demand: noDemand, policyOf, isKeptFrom };
      const move = adviseMove(context, workloadOf('waiting', { gpus: 2 }), movablesOf({ running: oneOnEach }));
      return move && `${move.moved.workload.uid} to ${move.to}`;
    };
    const [first] = oneOnEach;
    const free = adviceWithout();
    expect(free).toMatch(new RegExp(`^${first?.uid ?? ''} to `));
    expect(adviceWithout(first?.node ?? '')).not.toBe(free);
    expect(adviceWithout(...Object.keys(halfFull))).toBeUndefined();
  });
});

describe('for a gang', () => {
  it.each<Case>([
    {
      name: 'it is a job on one of the nodes where the gang would start, all of which are told',
      nodes: { a: of40(2), b: of40(2), c: of40(1), d: of40(1) },
      running: [
        { uid: 'aside', node: 'd' },
        { uid: 'one', node: 'a' },
      ],
      waiting: { workers: 2, gpus: 2 },
      want: 'one -> c: a b',
    },
    {
      name: 'each node is told once',
      nodes: { a: of40(4), c: of40(1) },
      running: [{ uid: 'one', node: 'a' }],
      waiting: { workers: 2, gpus: 2 },
      want: 'one -> c: a',
    },
    {
      name: 'it is none where only a part of the gang would start',
      nodes: { a: of40(2), b: of40(2), c: of40(1) },
      running: [{ uid: 'one', node: 'a' }],
      waiting: { workers: 3, gpus: 2 },
      want: 'none',
    },
  ])('$name', (each) => {
    expect(adviceIn(each)).toBe(each.want);
  });
});

describe('where cards are divided', () => {
  it.each<Case>([
    {
      name: 'a share makes way for a share, to a card with room for it',
      nodes: { n: divided(1), m: divided(1) },
      running: [
        { uid: 'forty', node: 'n', asks: share(40_000), share: [0, 40_000] },
        { uid: 'thirty', node: 'n', asks: share(30_000), share: [0, 30_000] },
        { uid: 'fifty', node: 'm', asks: share(50_000), share: [0, 50_000] },
      ],
      waiting: share(40_000),
      want: 'thirty -> m: n',
    },
    {
      name: 'a share makes way for a whole card, to another card of its node',
      nodes: { n: divided(2) },
      running: [
        { uid: 'thirty', node: 'n', asks: share(30_000), share: [0, 30_000] },
        { uid: 'forty', node: 'n', asks: share(40_000), share: [1, 40_000] },
      ],
      waiting: { vramMebibytes: 60_000 },
      want: 'thirty -> n: n',
    },
    {
      name: 'a whole card makes way for a share, to a node without shares',
      nodes: { n: divided(1), p: of80(1) },
      running: [{ uid: 'whole', node: 'n', asks: { vramMebibytes: 60_000 }, share: [0, 81_920] }],
      waiting: share(10_000),
      want: 'whole -> p: n',
    },
    {
      name: 'it is none where what would be left of every card is too little',
      nodes: { n: divided(1), m: divided(1) },
      running: [
        { uid: 'forty', node: 'n', asks: share(40_000), share: [0, 40_000] },
        { uid: 'fifty', node: 'm', asks: share(50_000), share: [0, 50_000] },
      ],
      waiting: share(45_000),
      want: 'none',
    },
  ])('$name', (each) => {
    expect(adviceIn(each)).toBe(each.want);
  });
});

describe('whatever the cluster', () => {
  interface Scene {
    readonly inventory: Inventory;
    readonly demand: Demand;
    readonly policy: Policy;
  }

  function placementOf({ inventory, demand, policy }: Scene, workload: Workload): Placement | undefined {
    const policies = new Map([['default', policy]]);
    const input = { queue: [workload], inventory, policies, memory: emptyQueueMemory, nowMilliseconds: 0, demand };
    const verdict = plan(input).verdicts.get(workload.uid);
    return verdict?.kind === 'Placed' ? verdict.placement : undefined;
  }

  interface Started {
    readonly movable: Movable;
    readonly reservation: Reservation;
  }

  /** One after the other, as far as there is room; the last first, as the youngest. */
  function started(scene: Scene, workloads: readonly Workload[]): Started[] {
    const all = workloads.flatMap((workload): Started[] => {
      const placement = placementOf(scene, workload);
      if (placement === undefined) return [];
      const reservation = reservationFor(workload, placement);
      scene.inventory.setReservation(reservation);
      const { node } = placement.workers[0]!;
      const movable = { workload: { ...workload, run: 2 }, run: reservation.run, node, startedAtMilliseconds: 0 };
      return [{ movable, reservation }];
    });
    return all.reverse();
  }

  /** What the planner itself does when that run is over, the waiting job comes first and the ended one is placed anew. */
  function outcomeOf(scene: Scene, waiting: Workload, { movable, reservation }: Started): string {
    const { inventory } = scene;
    inventory.removeReservation(reservation.run);
    const nodes = nodesFor(scene, waiting);
    const then = nodes.includes(movable.node) ? nodes : undefined;
    const [to] = then === undefined ? [] : nodesFor(scene, movable.workload);
    inventory.removeReservation('waiting/1');
    inventory.removeReservation(`${movable.workload.uid}/2`);
    inventory.setReservation(reservation);
    return to === undefined ? 'none' : `${movable.workload.uid} -> ${to}: ${(then ?? []).join(' ')}`;
  }

  /** It is placed there. */
  function nodesFor(scene: Scene, workload: Workload): string[] {
    const placement = placementOf(scene, workload);
    if (placement === undefined) return [];
    scene.inventory.setReservation(reservationFor(workload, placement));
    return placement.workers.map(({ node }) => node);
  }

  const nodeArbitrary = fc.record({
    model: fc.constantFrom(cardModels.a100x80, cardModels.a40),
    count: fc.integer({ min: 1, max: 3 }),
    isDivided: fc.boolean(),
  });
  const jobArbitrary = fc.record({
    vramMebibytes: fc.constantFrom(6_000, 20_000, 30_000, 44_000, 70_000),
    gpus: fc.constantFrom(1, 1, 2),
    isolation: fc.constantFrom('Exclusive' as const, 'Shared' as const),
    priority: fc.constantFrom(0, 0, 10),
    perWorker: fc.constantFrom({ cpu: 1_000, pods: 1 }, { cpu: 4_000, pods: 1 }),
  });

  const waitingArbitrary = fc
    .tuple(jobArbitrary, fc.constantFrom(1, 2, 3), fc.constantFrom(1, 1, 1, 2))
    .map(([job, gpus, workers]) => workloadOf('waiting', { ...job, gpus, workers }));

  /** Whoever ends leaves a hole. */
  const clusterArbitrary = fc
    .record({
      nodes: fc.array(nodeArbitrary, { minLength: 2, maxLength: 4 }),
      jobs: fc.array(fc.tuple(jobArbitrary, fc.constantFrom(true, false, false)), { minLength: 8, maxLength: 20 }),
      demand: fc.constantFrom(...demands),
      policy: fc.constantFrom(policyWith(0), policyWith(50)),
    })
    .map(({ nodes, jobs, demand, policy }) => {
      const inventory = inventoryOf([]);
      for (const [index, { model, count, isDivided }] of nodes.entries()) {
        const cards = { ...model, count };
        if (isDivided) inventory.setDevices(`n${index}`, devicesOf(`n${index}`, cards));
        const allocatable = { cpu: '16', 'nvidia.com/gpu': isDivided ? '0' : String(count) };
        inventory.setNode(nodeOf(`n${index}`, cards, { allocatable }));
      }
      const scene = { inventory, demand, policy };
      const all = started(
        scene,
        jobs.map(([job], index) => workloadOf(`u${index}`, job)),
      );
      const ended = new Set(jobs.flatMap(([, ends], index) => (ends ? [`u${index}/1`] : [])));
      for (const run of ended) inventory.removeReservation(run);
      return { scene, running: all.filter(({ movable }) => !ended.has(movable.run)) };
    });

  it('what is advised is the first move that the planner would carry out so, and nothing else is', () => {
    let advised = 0;
    fc.assert(
      fc.property(clusterArbitrary, waitingArbitrary, ({ scene, running }, waiting) => {
        const movables = running.map(({ movable }) => movable);
        const before = seen(scene.inventory);
        const advice = inLine(
          adviseMove({ ...scene, policyOf: () => scene.policy, isKeptFrom: () => false }, waiting, movables),
        );
        expect(seen(scene.inventory)).toEqual(before);
        const fitsAsItIs = placementOf(scene, waiting) !== undefined;
        const outcomes = running
          .filter(({ movable }) => !fitsAsItIs && movable.workload.priority <= waiting.priority)
          .map((each) => outcomeOf(scene, waiting, each));
        expect(advice).toBe(outcomes.find((outcome) => outcome !== 'none') ?? 'none');
        if (advice !== 'none') advised += 1;
      }),
      { numRuns: 500 },
    );
    expect(advised).toBeGreaterThan(0);
  });
});

describe('the inventory', () => {
  it('is as before where something throws in the middle of a trial', () => {
    const inventory = clusterOf({ nodes: halfFull, running: oneOnEach });
    const before = seen(inventory);
    const failing = (workload: Workload): Policy => {
      if (workload.uid === 'one') throw new RangeError('no policy today');
      return plainPolicy;
    };
    const context = { inventory, demand: noDemand, policyOf: failing, isKeptFrom: () => false };
    const movables = movablesOf({ running: oneOnEach });
    expect(() => adviseMove(context, workloadOf('waiting', { gpus: 2 }), movables)).toThrow(RangeError);
    expect(seen(inventory)).toEqual(before);
  });
});
