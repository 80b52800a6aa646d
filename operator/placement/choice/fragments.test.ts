// How much of what is free on a node is of no use to the work that is asked for lately, in examples worked out by hand: cards of
// 1,000 MiB, or of their parts, and jobs with round numbers.
import { describe, expect, it } from 'vitest';
import type { NodeEntry } from '../inventory/node-class.ts';
import type { ClaimFacts, PodFacts } from '../model.ts';
import { devicesOf, inventoryOf, nodeOf, podOn, workloadOf } from '../testing/builders.ts';
import type { Demand, DemandShape } from './demand.ts';
import { Fragments } from './fragments.ts';
import { type PoolState, poolStateOf, stateKey } from './node-state.ts';

const cards = { product: 'Card', mebibytes: 1_000, count: 4 };

function nodeWith(changes: { tainted?: number; slots?: number; plugin?: boolean } = {}): {
  entry: NodeEntry;
  state: (pods?: readonly PodFacts[], claims?: readonly ClaimFacts[]) => PoolState;
} {
  const { tainted, slots, plugin = false } = changes;
  const inventory = inventoryOf([]);
  const { devices, counters } = devicesOf('n1', cards);
  const changed = devices.map((device, index) => ({
    ...device,
    tainted: index === tainted,
    slots: slots ?? device.slots,
  }));
  if (!plugin) inventory.setDevices('n1', { devices: changed, counters });
  const allocatable = { cpu: '10', memory: '1000', 'nvidia.com/gpu': plugin ? '4' : '0' };
  inventory.setNode(nodeOf('n1', cards, { allocatable }));
  const entry = inventory.node('n1')!;
  return {
    entry,
    state: (pods = [], claims = []) => {
      for (const pod of pods) inventory.setPod(pod);
      for (const claim of claims) inventory.setClaim(claim);
      return poolStateOf(entry, 0, inventory.usedAmounts('n1'));
    },
  };
}

function claim(uid: string, card: number, mebibytes?: number): ClaimFacts {
  const consumed: Record<string, number> = mebibytes === undefined ? {} : { memory: mebibytes * 1_048_576 };
  return { uid, podUID: '', holds: [{ deviceID: `gpu.nvidia.com/n1/gpu-${card}`, consumed }] };
}

describe('the state of a pool', () => {
  interface Case {
    readonly name: string;
    readonly got: PoolState;
    readonly want: PoolState;
  }
  const idle = { cpu: 10_000, memory: 1_000 };

  it.each<Case>([
    {
      name: 'counts cards that nobody uses as whole',
      got: nodeWith().state(),
      want: { ...idle, whole: 4, parts: [] },
    },
    {
      name: 'has what is left of each card in use, the fullest card first',
      got: nodeWith().state([], [claim('a', 0, 300), claim('b', 1, 800), claim('c', 1, 100), claim('d', 2, 300)]),
      want: { ...idle, whole: 1, parts: [100, 700, 700] },
    },
    {
      name: 'counts nothing of a card that is held whole, or full, or overdrawn',
      got: nodeWith().state([], [claim('a', 0), claim('b', 1, 1_000), claim('c', 2, 1_200)]),
      want: { ...idle, whole: 1, parts: [] },
    },
    {
      name: 'counts nothing of a card that its driver has tainted',
      got: nodeWith({ tainted: 1 }).state([], [claim('a', 1, 300)]),
      want: { ...idle, whole: 3, parts: [] },
    },
    {
      name: 'counts nothing of a card that can be held by no more claims, whatever is left of it',
      got: nodeWith({ slots: 2 }).state([], [claim('a', 0, 300), claim('b', 0, 300), claim('c', 1, 300)]),
      want: { ...idle, whole: 2, parts: [700] },
    },
    {
      name: 'has CPU and memory less what Pods ask for',
      got: nodeWith().state([podOn('n1', 'p', 0, { requests: { cpu: 4_000, memory: 250, pods: 1 } })]),
      want: { cpu: 6_000, memory: 750, whole: 4, parts: [] },
    },
    {
      name: "of a device plugin's cards is its free units",
      got: nodeWith({ plugin: true }).state([podOn('n1', 'p', 3)]),
      want: { ...idle, whole: 1, parts: [] },
    },
  ])('$name', ({ got, want }) => {
    expect(got).toEqual(want);
  });

  it('has a key that tells any two apart', () => {
    const base: PoolState = { whole: 1, parts: [2, 3], cpu: 4, memory: 5 };
    const others = [{ whole: 12 }, { parts: [23] }, { parts: [] }, { parts: [2] }, { cpu: 45 }, { memory: 6 }];
    const keys = [base, ...others.map((change) => ({ ...base, ...change }))].map(stateKey);
    expect(new Set(keys).size).toBe(keys.length);
    expect(stateKey({ ...base, parts: [2, 3] })).toBe(stateKey(base));
  });
});

type Wanted = Partial<Omit<DemandShape, 'perWorker'>> & { readonly cpu?: number; readonly memory?: number };

/** What is wanted, all in equal parts unless one says its share. */
function demandOf(wanted: readonly Wanted[]): Demand {
  const { isolation, allocation, products, constraints } = workloadOf('d');
  const shapes = wanted.map(({ cpu = 0, memory = 0, ...changes }): DemandShape => {
    const base = { isolation, allocation, products, constraints, vramMebibytes: 1_000, gpus: 1 };
    return { ...base, share: 1 / wanted.length, ...changes, perWorker: { cpu, memory, pods: 1 } };
  });
  return { version: 1, shapes, contested: new Map() };
}

const share = (vramMebibytes: number): Wanted => ({ isolation: 'Shared', vramMebibytes });

describe('what is free and of no use', () => {
  interface Case {
    readonly name: string;
    readonly wanted: readonly Wanted[];
    readonly state: Partial<PoolState>;
    /** In cards. */
    readonly want: number;
  }

  it.each<Case>([
    {
      name: 'is all of it where nothing is known to be wanted',
      wanted: [],
      state: { whole: 2, parts: [500] },
      want: 2.5,
    },
    { name: 'is nothing where nothing is free', wanted: [{}], state: {}, want: 0 },
    { name: 'is nothing of whole cards that single cards are wanted of', wanted: [{}], state: { whole: 3 }, want: 0 },
    {
      name: 'is the rest of a card to who wants it whole',
      wanted: [{}],
      state: { whole: 1, parts: [999] },
      want: 0.999,
    },
    {
      name: 'is a card that somebody is on to who wants it whole, also where nothing of its memory is taken',
      wanted: [{}],
      state: { parts: [1_000] },
      want: 1,
    },
    {
      name: 'is what is left of a card below the share that is wanted',
      wanted: [share(600)],
      state: { parts: [500] },
      want: 0.5,
    },
    { name: 'is not what is left of a card above it', wanted: [share(600)], state: { parts: [600, 700] }, want: 0 },
    {
      name: 'is a part of what only a part of the work can use',
      wanted: [share(600), share(300)],
      state: { parts: [500] },
      want: 0.25,
    },
    {
      name: 'weighs each kind of work by its share',
      wanted: [
        { ...share(600), share: 0.75 },
        { ...share(300), share: 0.25 },
      ],
      state: { whole: 1, parts: [200, 500] },
      want: 0.2 + 0.375,
    },
    { name: 'is all of too few cards', wanted: [{ gpus: 4 }], state: { whole: 3 }, want: 3 },
    {
      name: 'is nothing of enough cards, also where they are no multiple',
      wanted: [{ gpus: 2 }],
      state: { whole: 3 },
      want: 0,
    },
    {
      name: 'is all of too few cards with room for the share',
      wanted: [{ ...share(400), gpus: 2 }],
      state: { parts: [300, 500] },
      want: 0.8,
    },
    {
      name: 'is not what several cards have room for together',
      wanted: [{ ...share(400), gpus: 2 }],
      state: { whole: 1, parts: [300, 500] },
      want: 0.3,
    },
    {
      name: 'is all where the CPU beside it is too little, and what lacks the CPU comes on top',
      wanted: [{ memory: 0, cpu: 2_000 }],
      state: { whole: 1, cpu: 1_000 },
      want: 1.5,
    },
    {
      name: 'is all where the memory beside it is too little',
      wanted: [{ memory: 300 }],
      state: { whole: 1, memory: 299 },
      want: 1,
    },
    {
      name: 'is nothing where CPU and memory are just enough',
      wanted: [{ memory: 300, cpu: 2_000 }],
      state: { whole: 1, cpu: 2_000, memory: 300 },
      want: 0,
    },
    {
      name: 'is what will find no CPU once the rest is used',
      wanted: [{ cpu: 2_000 }],
      state: { whole: 4, cpu: 5_000 },
      want: 1.5,
    },
    {
      name: 'is reckoned with the CPU that comes with a card on average',
      wanted: [{ cpu: 1_000 }, { gpus: 2, cpu: 2_000 }, { gpus: 2, cpu: 7_000 }],
      state: { whole: 4, cpu: 7_000 },
      want: 0.5,
    },
    {
      name: 'is reckoned with the CPU of shares by what they take of a card',
      wanted: [{ ...share(500), cpu: 1_000 }],
      state: { whole: 2, cpu: 3_000 },
      want: 0.5,
    },
    {
      name: 'is all of it to work for other cards',
      wanted: [{}, { products: { allow: ['Other'], deny: [] } }, { allocation: 'DevicePlugin' }, { isolation: 'MIG' }],
      state: { whole: 1 },
      want: 0.75,
    },
    {
      name: 'is all of it to work that needs larger cards',
      wanted: [{ vramMebibytes: 1_001 }, share(1_001)],
      state: { whole: 1 },
      want: 1,
    },
  ])('$name', ({ wanted, state, want }) => {
    const { entry } = nodeWith();
    const pool = entry.nodeClass.pools[0]!;
    const fragments = new Fragments(entry.nodeClass, pool, demandOf(wanted));
    const full = { whole: 0, parts: [], cpu: 1_000_000, memory: 1_000_000, ...state };
    expect(fragments.of(full)).toBeCloseTo(want, 12);
    // Once more, now that it is remembered.
    expect(fragments.of(full)).toBeCloseTo(want, 12);
  });

  it('is as rightly remembered as it was found, for any CPU and memory beside the same cards', () => {
    const { entry } = nodeWith();
    const pool = entry.nodeClass.pools[0]!;
    const demand = demandOf([{ cpu: 1_000 }, { cpu: 2_000, memory: 300 }, { ...share(300), memory: 600 }]);
    const remembering = new Fragments(entry.nodeClass, pool, demand);
    for (const cpu of [0, 999, 1_000, 1_001, 1_999, 2_000, 9_000]) {
      for (const memory of [0, 299, 300, 301, 599, 600, 601]) {
        const state = { whole: 1, parts: [200, 400], cpu, memory };
        expect(remembering.of(state)).toBe(new Fragments(entry.nodeClass, pool, demand).of(state));
      }
    }
  });

  it('stays right when more has been seen than is remembered', () => {
    const { entry } = nodeWith();
    const fragments = new Fragments(entry.nodeClass, entry.nodeClass.pools[0]!, demandOf([share(600)]));
    const of = (whole: number): number => fragments.of({ whole, parts: [500], cpu: 0, memory: 0 });
    for (let whole = 0; whole <= 20_001; whole += 1) expect(of(whole)).toBeCloseTo(0.5, 9);
    expect(of(1)).toBeCloseTo(0.5, 9);
  });

  it('is counted in cards, the parts as parts', () => {
    const { entry } = nodeWith();
    const fragments = new Fragments(entry.nodeClass, entry.nodeClass.pools[0]!, demandOf([]));
    expect(fragments.freeCards({ whole: 3, parts: [250, 500], cpu: 0, memory: 0 })).toBe(3.75);
  });
});
