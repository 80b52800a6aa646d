// Where a worker does least harm to what could still be placed, in examples worked out by hand: cards of 1,000 MiB and jobs with
// round numbers. The score is a logistic curve of the cards that become useful less those that become useless, in 240 steps:
// nothing gained or lost is 120, and 0.3, 0.5, 1 and 2 cards gained are 138, 149, 175 and 211.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Ask } from '../model.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { emptyQueueMemory, type Workload } from '../model.ts';
import { plan } from '../queue/planner.ts';
import { devicesOf, inventoryOf, nodeOf, plainPolicy, workloadOf } from '../testing/builders.ts';
import { type Demand, type DemandShape, noDemand } from './demand.ts';
import { Fragments } from './fragments.ts';
import type { PoolState } from './node-state.ts';
import { type Packing, PackingJudge, workerOn } from './packing.ts';

const product = 'Card';
const cardMebibytes = 1_000;

type Wanted = Partial<Omit<DemandShape, 'perWorker'>> & { readonly cpu?: number };

/** What is wanted, all in equal parts unless one says its share. */
function demandOf(wanted: readonly Wanted[], contested: Readonly<Record<string, number>> = {}): Demand {
  const { isolation, allocation, products, constraints } = workloadOf('d');
  const shapes = wanted.map(({ cpu = 0, ...changes }): DemandShape => {
    const base = { isolation, allocation, products, constraints, vramMebibytes: 1_000, gpus: 1 };
    return { ...base, share: 1 / wanted.length, ...changes, perWorker: { cpu } };
  });
  return { version: 1, shapes, contested: new Map(Object.entries(contested)) };
}

const share = (vramMebibytes: number, gpus = 1): Wanted => ({ isolation: 'Shared', vramMebibytes, gpus });

function askOf({ cpu = 0, vramMebibytes = 1_000, gpus = 1, ...changes }: Wanted): Ask {
  const { isolation, allocation, products, constraints } = workloadOf('w');
  const sized = { needMebibytes: vramMebibytes, leastMebibytes: vramMebibytes, gpus, perWorker: { cpu } };
  return { isolation, allocation, products, constraints, ...changes, ...sized };
}

function aPool(): { inventory: Inventory; site: ConstructorParameters<typeof PackingJudge>[0] } {
  const cards = { product, mebibytes: cardMebibytes, count: 4 };
  const inventory = inventoryOf([]);
  inventory.setDevices('n1', devicesOf('n1', cards));
  inventory.setNode(nodeOf('n1', cards, { allocatable: { 'nvidia.com/gpu': '0' } }));
  return { inventory, site: inventory.node('n1')!.nodeClass };
}

function judged(demand: Demand, worker: Wanted, state: Partial<PoolState>): Packing | undefined {
  const { site } = aPool();
  const judge = new PackingJudge(site, 0, demand);
  const full = { whole: 0, parts: [], cpu: 1_000_000, memory: 1_000_000, ...state };
  return judge.judge(workerOn(askOf(worker), site, 0), full, judge.fragments(full));
}

interface Case {
  readonly name: string;
  readonly wanted: readonly Wanted[];
  readonly contested?: number;
  readonly worker: Wanted;
  readonly state: Partial<PoolState>;
  /** Steps of 240, cards left free, and of a share the card it goes to by what is free of it. */
  readonly want: { readonly steps: number; readonly freeAfter: number; readonly fill?: number } | undefined;
}

describe('a share', () => {
  it.each<Case>([
    {
      name: 'fills the fullest card that has room, where all rests are of equal use',
      wanted: [share(200)],
      worker: share(300),
      state: { parts: [200, 500, 700], whole: 1 },
      want: { steps: 120, freeAfter: 2.1, fill: 500 },
    },
    {
      name: 'fills the fullest card that has room, where nothing is known to be wanted',
      wanted: [],
      worker: share(300),
      state: { parts: [200, 500, 700], whole: 1 },
      want: { steps: 138, freeAfter: 2.1, fill: 500 },
    },
    {
      name: 'fills an emptier card where the rest of the fullest would be of no use',
      wanted: [share(400)],
      worker: share(300),
      state: { parts: [500, 700] },
      want: { steps: 120, freeAfter: 0.9, fill: 700 },
    },
    {
      name: 'fills a card whose rest is of no use before one whose rest is',
      wanted: [share(600)],
      worker: share(500),
      state: { parts: [500, 600], whole: 1 },
      want: { steps: 149, freeAfter: 1.6, fill: 500 },
    },
    {
      name: 'begins a card where it would spoil the rest of every other',
      wanted: [share(600)],
      worker: share(300),
      state: { parts: [600], whole: 1 },
      want: { steps: 120, freeAfter: 1.3, fill: 1_000 },
    },
    {
      name: 'leaves whole cards to those who want them whole',
      wanted: [{}],
      worker: share(300),
      state: { parts: [900], whole: 1 },
      want: { steps: 138, freeAfter: 1.6, fill: 900 },
    },
    {
      name: 'goes by how much of the work wants what: here most of it wants 600',
      wanted: [
        { ...share(600), share: 0.75 },
        { ...share(300), share: 0.25 },
      ],
      worker: share(300),
      // 500 becomes 200: 0.3 less that three quarters of it can't use, 0.2 lost to the rest. 600 becomes 300: 0.3 lost to most.
      state: { parts: [500, 600] },
      want: { steps: 130, freeAfter: 0.8, fill: 500 },
    },
    {
      name: 'may fill a card to the last MiB',
      wanted: [share(300)],
      worker: share(300),
      state: { parts: [300] },
      want: { steps: 120, freeAfter: 0, fill: 300 },
    },
    {
      name: 'has no room where every rest is too small',
      wanted: [],
      worker: share(300),
      state: { parts: [299] },
      want: undefined,
    },
    { name: 'has no room where nothing is free', wanted: [], worker: share(300), state: {}, want: undefined },
    {
      name: 'has no room on cards that are too small',
      wanted: [],
      worker: share(1_001),
      state: { whole: 4 },
      want: undefined,
    },
    {
      name: 'of several cards fills the fullest of them that have room',
      wanted: [share(200)],
      worker: share(300, 2),
      state: { parts: [200, 300, 400, 900], whole: 1 },
      want: { steps: 114, freeAfter: 2.2 },
    },
    {
      name: 'of several cards begins as many as it lacks',
      wanted: [share(700)],
      worker: share(300, 3),
      state: { parts: [400], whole: 3 },
      want: { steps: 138, freeAfter: 2.5 },
    },
    {
      name: 'of several cards never has one card twice',
      wanted: [],
      worker: share(300, 2),
      state: { parts: [900] },
      want: undefined,
    },
  ])('$name', expectJudged);

  it('goes wherever it leaves least of no use, and of equal cards to the fullest, whatever is free and wanted', () => {
    const mebibytes = fc.integer({ min: 1, max: 10 }).map((hundreds) => hundreds * 100);
    const wantedArbitrary = fc.record({
      isolation: fc.constantFrom('Shared' as const, 'Exclusive' as const),
      vramMebibytes: mebibytes,
      gpus: fc.integer({ min: 1, max: 2 }),
      cpu: fc.constantFrom(0, 1_000),
    });
    fc.assert(
      fc.property(
        fc.array(wantedArbitrary, { maxLength: 4 }),
        mebibytes,
        fc.array(mebibytes, { maxLength: 4 }),
        fc.nat(2),
        fc.constantFrom(0, 1_000, 5_000),
        (wanted, taken, unordered, whole, cpu) => {
          const { site } = aPool();
          const parts = unordered.filter((part) => part < cardMebibytes).sort((a, b) => a - b);
          const state = { whole, parts, cpu, memory: 0 };
          const demand = demandOf(wanted);
          const fragments = new Fragments(site, site.pools[0]!, demand);
          const ways = [...parts, ...(whole > 0 ? [cardMebibytes] : [])].flatMap((fill, index) => {
            if (fill < taken) return [];
            const rest = [...parts.filter((_part, other) => other !== index), fill - taken].filter((part) => part > 0);
            const after = {
              ...state,
              whole: fill === cardMebibytes ? whole - 1 : whole,
              parts: rest.sort((a, b) => a - b),
            };
            const gained = fragments.of(state) - fragments.of(after);
            return [{ fill, steps: Math.round(240 / (1 + Math.exp(-gained))) }];
          });
          const most = Math.max(...ways.map(({ steps }) => steps));
          const packing = judged(demand, share(taken), state);
          expect(packing?.fill).toBe(ways.find(({ steps }) => steps === most)?.fill);
          expect(packing === undefined ? undefined : packing.score * 240).toEqual(
            ways.length === 0 ? undefined : expect.closeTo(most, 9),
          );
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('whole cards', () => {
  it.each<Case>([
    {
      name: 'are worth what they leave: three where four are wanted together are of no use before, and one is not after',
      wanted: [{ gpus: 4 }],
      worker: { gpus: 2 },
      state: { whole: 3 },
      want: { steps: 211, freeAfter: 1 },
    },
    {
      name: 'are better left together where all of them are wanted together',
      wanted: [{ gpus: 4 }],
      worker: { gpus: 2 },
      state: { whole: 4 },
      want: { steps: 29, freeAfter: 2 },
    },
    {
      name: 'cost nothing where single cards are wanted',
      wanted: [{}],
      worker: {},
      state: { whole: 4, parts: [300] },
      want: { steps: 120, freeAfter: 3.3 },
    },
    {
      name: 'cost nothing where only a thousandth of the work would miss them',
      wanted: [{ share: 0.999 }, { gpus: 4, share: 0.001 }],
      worker: {},
      state: { whole: 4 },
      want: { steps: 120, freeAfter: 3 },
    },
    {
      name: 'cost what the CPU that goes with them leaves useless',
      wanted: [{ cpu: 2_000 }],
      worker: { cpu: 3_000 },
      // The other card finds 1,000 of 2,000: it is useless, and half of it lacks its CPU.
      state: { whole: 2, cpu: 4_000 },
      want: { steps: 44, freeAfter: 1 },
    },
    {
      name: 'are not found in parts of cards',
      wanted: [],
      worker: {},
      state: { parts: [999, 999] },
      want: undefined,
    },
    {
      name: 'are not found where there are too few',
      wanted: [],
      worker: { gpus: 2 },
      state: { whole: 1 },
      want: undefined,
    },
  ])('$name', expectJudged);
});

describe('cards that other work asks for by name', () => {
  it.each<Case>([
    {
      name: 'cost whoever may go elsewhere three tenths of each, as often as they are contested',
      wanted: [{}],
      contested: 2,
      worker: {},
      state: { whole: 4 },
      want: { steps: 85, freeAfter: 3 },
    },
    {
      name: 'cost a share its part of that',
      wanted: [share(500)],
      contested: 2,
      worker: share(500),
      state: { whole: 1 },
      want: { steps: 102, freeAfter: 0.5, fill: 1_000 },
    },
    {
      name: 'cost nothing extra whoever asks for them by name, too',
      wanted: [{}],
      contested: 2,
      worker: { products: { allow: [product], deny: [] } },
      state: { whole: 4 },
      want: { steps: 120, freeAfter: 3 },
    },
  ])('$name', expectJudged);
});

function expectJudged({ wanted, contested = 0, worker, state, want }: Case): void {
  const packing = judged(demandOf(wanted, { [product]: contested }), worker, state);
  if (packing === undefined || want === undefined) {
    expect(packing).toBe(want);
    return;
  }
  const { score, freeAfter, fill } = packing;
  expect(score * 240).toBeCloseTo(want.steps, 9);
  expect(freeAfter).toBeCloseTo(want.freeAfter, 9);
  expect(fill).toBe(want.fill);
}

describe('the planner', () => {
  /** Of each node's only card, what is held. */
  function clusterOf(
    held: Readonly<Record<string, number>>,
    products: Readonly<Record<string, string>> = {},
  ): Inventory {
    const inventory = inventoryOf([]);
    for (const [node, mebibytes] of Object.entries(held)) {
      const cards = { product: products[node] ?? product, mebibytes: cardMebibytes, count: 1 };
      inventory.setDevices(node, devicesOf(node, cards));
      inventory.setNode(nodeOf(node, cards, { allocatable: { 'nvidia.com/gpu': '0' } }));
      const consumed = { memory: mebibytes * 1_048_576 };
      const holds = mebibytes === 0 ? [] : [{ deviceID: `gpu.nvidia.com/${node}/gpu-0`, consumed }];
      inventory.setClaim({ uid: node, podUID: '', holds });
    }
    return inventory;
  }

  function nodesFor(inventory: Inventory, demand: Demand, changes: Partial<Workload>): string[] {
    const workload = workloadOf('w', { isolation: 'Shared', vramMebibytes: 300, ...changes });
    const policies = new Map([['default', plainPolicy]]);
    const { verdicts } = plan({
      queue: [workload],
      inventory,
      policies,
      memory: emptyQueueMemory,
      nowMilliseconds: 0,
      demand,
    });
    const verdict = verdicts.get('w');
    return verdict?.kind === 'Placed' ? verdict.placement.workers.map(({ node }) => node) : [];
  }

  it.each<{ name: string; held: Record<string, number>; demand: Demand; want: string[] }>([
    {
      name: 'sends a share to the node with the fullest card that has room',
      held: { n1: 0, n2: 300, n3: 500, n4: 800 },
      demand: noDemand,
      want: ['n3'],
    },
    {
      name: 'sends a share to the node where it leaves the least of no use',
      held: { n1: 0, n2: 300, n3: 500, n4: 800 },
      demand: demandOf([share(400)]),
      want: ['n2'],
    },
    {
      name: 'sends a share to the first by name of nodes in the same state',
      held: { n3: 500, n2: 500, n1: 800 },
      demand: noDemand,
      want: ['n2'],
    },
  ])('$name', ({ held, demand, want }) => {
    expect(nodesFor(clusterOf(held), demand, {})).toEqual(want);
  });

  describe('where half of the work names one of two products', () => {
    const products = { n1: 'Named', n2: 'Other' };
    const demand = demandOf([{}, { products: { allow: ['Named'], deny: [] } }], { Named: 1 });

    it.each<{ name: string; changes: Partial<Workload>; demand?: Demand; want: string[] }>([
      { name: 'leaves it to those who name it', changes: {}, want: ['n2'] },
      { name: 'leaves it to them whole cards too', changes: { isolation: 'Exclusive' }, want: ['n2'] },
      { name: 'gives it to who names it', changes: { products: { allow: ['Named'], deny: [] } }, want: ['n1'] },
      {
        name: 'gives it to who has nowhere else to go',
        changes: { products: { allow: [], deny: ['Other'] } },
        want: ['n1'],
      },
      { name: 'takes the first by name where nobody names one', changes: {}, demand: demandOf([{}]), want: ['n1'] },
    ])('$name', ({ changes, demand: other = demand, want }) => {
      expect(nodesFor(clusterOf({ n1: 0, n2: 0 }, products), other, changes)).toEqual(want);
    });
  });
});
