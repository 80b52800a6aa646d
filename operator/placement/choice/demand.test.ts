// What is remembered of the jobs that came: how much of each kind, how seldom that changes, and what it says of products.
import { describe, expect, it } from 'vitest';
import type { Workload } from '../model.ts';
import { workloadOf } from '../testing/builders.ts';
import { type Demand, noDemand, RecentDemand } from './demand.ts';

const noCards = (): ReadonlyMap<string, number> => new Map();

/** Jobs that differ by their VRAM alone. */
function noteJobs(recent: RecentDemand, vramMebibytes: number, times: number, changes: Partial<Workload> = {}): void {
  for (let time = 0; time < times; time += 1) recent.note(workloadOf('job', { vramMebibytes, ...changes }));
}

/** Shares by VRAM, in percent. */
function percentByVRAM({ shapes }: Demand): Record<number, number> {
  return Object.fromEntries(shapes.map(({ vramMebibytes, share }) => [vramMebibytes, share * 100]));
}

describe('the demand', () => {
  it('is nothing before the first job', () => {
    expect(new RecentDemand().current(noCards)).toBe(noDemand);
  });

  it('is renewed at 1, 2, 4 … 512 jobs and then every 250, and asks for the cards only then', () => {
    const recent = new RecentDemand();
    let asked = 0;
    const cards = (): ReadonlyMap<string, number> => {
      asked += 1;
      return noCards();
    };
    const renewedAt: number[] = [];
    let before = recent.current(cards);
    for (let jobs = 1; jobs <= 1_300; jobs += 1) {
      noteJobs(recent, 1_000, 1);
      const now = recent.current(cards);
      if (now !== before) renewedAt.push(jobs);
      expect(now.version).toBe(renewedAt.length);
      before = now;
    }
    expect(renewedAt).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 762, 1_012, 1_262]);
    expect(asked).toBe(renewedAt.length);
  });

  it('is renewed once for all that came while nobody asked, and stays as it is until the next is due', () => {
    const recent = new RecentDemand();
    noteJobs(recent, 1_000, 5);
    const first = recent.current(noCards);
    expect(first).toMatchObject({ version: 1, shapes: [{ vramMebibytes: 1_000, share: 1 }] });
    noteJobs(recent, 2_000, 2);
    expect(recent.current(noCards)).toBe(first);
    noteJobs(recent, 2_000, 1);
    expect(percentByVRAM(recent.current(noCards))).toEqual({ 1_000: 62.5, 2_000: 37.5 });
  });

  it('counts a gang as its workers, and as 32 at most', () => {
    const recent = new RecentDemand();
    noteJobs(recent, 1_000, 1, { workers: 500 });
    noteJobs(recent, 2_000, 1, { workers: 8 });
    expect(percentByVRAM(recent.current(noCards))).toEqual({ 1_000: 80, 2_000: 20 });
  });

  it('tells kinds apart by what one worker asks of a node, and by nothing else', () => {
    const constraints = { nodeSelector: {}, nodeAffinity: [], tolerations: [] };
    const tolerations = [{ key: 'team', operator: 'Exists' }];
    const kinds: readonly Partial<Workload>[] = [
      {},
      { gpus: 2 },
      { vramMebibytes: 1 },
      { isolation: 'Shared' },
      { allocation: 'DRA' },
      { products: { allow: ['A'], deny: [] } },
      { products: { allow: [], deny: ['A'] } },
      { perWorker: { cpu: 1, pods: 1 } },
      { constraints: { ...constraints, tolerations } },
    ];
    const alike: readonly Partial<Workload>[] = [
      {},
      { namespace: 'other', name: 'other', uid: 'other', run: 7, policyName: 'other' },
      { priority: 9, createdAtMilliseconds: 9, avoidNodes: ['n1'], hasMargin: true, workers: 1 },
      { constraints: { ...constraints, nodeSelector: { zone: 'a' } } },
      { constraints: { ...constraints, nodeAffinity: [{ matchExpressions: [] }] } },
    ];
    const kindsIn = (all: readonly Partial<Workload>[]): number => {
      const recent = new RecentDemand();
      for (const changes of [...all, ...all]) recent.note(workloadOf('job', changes));
      return recent.current(noCards).shapes.length;
    };
    expect(kindsIn(kinds)).toBe(kinds.length);
    expect(kindsIn(alike)).toBe(1);
  });

  it('says nothing of where somebody wants to be: node selectors are none of it, tolerations are', () => {
    const recent = new RecentDemand();
    const tolerations = [{ key: 'team', operator: 'Exists' }];
    const nodeAffinity = [{ matchExpressions: [{ key: 'zone', operator: 'Exists' }] }];
    recent.note(workloadOf('job', { constraints: { nodeSelector: { zone: 'a' }, nodeAffinity, tolerations } }));
    const [shape] = recent.current(noCards).shapes;
    expect(shape?.constraints).toEqual({ nodeSelector: {}, nodeAffinity: [], tolerations });
  });

  it('keeps the 128 most frequent kinds, which together are all of it', () => {
    const recent = new RecentDemand();
    for (let kind = 1; kind <= 200; kind += 1) noteJobs(recent, kind, 1);
    noteJobs(recent, 200, 312);
    const { shapes } = recent.current(noCards);
    expect(shapes).toHaveLength(128);
    expect(shapes[0]).toMatchObject({ vramMebibytes: 200, share: 313 / 440 });
    expect(shapes.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
  });
});

describe('what lies more than 1,000 jobs back', () => {
  interface Case {
    readonly name: string;
    /** In this order: so many jobs of so much VRAM. */
    readonly jobs: readonly (readonly [number, number])[];
    readonly wantPercent: Record<number, number>;
  }

  // A version is due at 1,012, 1,262 … 2,012 … 3,012 jobs.
  it.each<Case>([
    {
      name: 'is forgotten, and what lies less far back is not',
      jobs: [
        [1_000, 112],
        [2_000, 900],
      ],
      wantPercent: { 1_000: 10, 2_000: 90 },
    },
    {
      name: 'is forgotten to the last job when 2,000 have come',
      jobs: [
        [1_000, 1_000],
        [2_000, 1_012],
      ],
      wantPercent: { 2_000: 100 },
    },
    {
      name: 'is forgotten to the last job when 3,000 have come',
      jobs: [
        [1_000, 2_000],
        [2_000, 1_012],
      ],
      wantPercent: { 2_000: 100 },
    },
    {
      name: 'and comes again counts from then on',
      jobs: [
        [1_000, 1_000],
        [2_000, 762],
        [1_000, 250],
      ],
      wantPercent: { 1_000: 25, 2_000: 75 },
    },
  ])('$name', ({ jobs, wantPercent }) => {
    const recent = new RecentDemand();
    for (const [vramMebibytes, times] of jobs) noteJobs(recent, vramMebibytes, times);
    expect(percentByVRAM(recent.current(noCards))).toEqual(wantPercent);
  });

  it('is forgotten with all the workers that it counted as', () => {
    const recent = new RecentDemand();
    noteJobs(recent, 1_000, 1_000, { workers: 40 });
    noteJobs(recent, 2_000, 1_012);
    expect(percentByVRAM(recent.current(noCards))).toEqual({ 2_000: 100 });
  });
});

describe('how contested a product is', () => {
  interface Case {
    readonly name: string;
    readonly cards: Readonly<Record<string, number>>;
    /** So many jobs, of so many cards, that name these. */
    readonly jobs: readonly { readonly times: number; readonly gpus?: number; readonly allow: readonly string[] }[];
    readonly want: Record<string, number>;
  }

  it.each<Case>([
    {
      name: 'is 1 where it is named as often as there is of it',
      cards: { A: 6, B: 2 },
      jobs: [
        { times: 6, allow: [] },
        { times: 2, allow: ['B'] },
      ],
      want: { B: 1 },
    },
    {
      name: 'is more where it is named more often',
      cards: { A: 7, B: 1 },
      jobs: [
        { times: 4, allow: [] },
        { times: 4, allow: ['B'] },
      ],
      want: { B: 4 },
    },
    {
      name: 'is nothing where nobody names it',
      cards: { A: 6, B: 2 },
      jobs: [{ times: 8, allow: [] }],
      want: {},
    },
    {
      name: 'goes by cards and not by jobs',
      cards: { A: 4, B: 4 },
      jobs: [
        { times: 3, gpus: 4, allow: [] },
        { times: 1, gpus: 4, allow: ['A'] },
        { times: 4, gpus: 1, allow: ['B'] },
      ],
      want: { A: 0.4, B: 0.4 },
    },
    {
      name: 'is shared among the products of a job that names several, as much as there is of each',
      cards: { A: 3, B: 1, C: 4 },
      jobs: [
        { times: 4, allow: ['A', 'B'] },
        { times: 4, allow: [] },
      ],
      want: { A: 1, B: 1 },
    },
    {
      name: 'is not known of products of which there is none, and what names them too wants the others',
      cards: { A: 6, B: 2, C: 0 },
      jobs: [
        { times: 4, allow: ['B', 'C', 'D'] },
        { times: 4, allow: ['D'] },
      ],
      want: { B: 2 },
    },
    {
      name: 'is nothing where there are no cards',
      cards: {},
      jobs: [{ times: 4, allow: ['A'] }],
      want: {},
    },
  ])('$name', ({ cards, jobs, want }) => {
    const recent = new RecentDemand();
    for (const { times, gpus = 1, allow } of jobs) {
      noteJobs(recent, 1_000, times, { gpus, products: { allow, deny: [] } });
    }
    const { contested } = recent.current(() => new Map(Object.entries(cards)));
    expect(Object.fromEntries(contested)).toEqual(want);
  });
});
