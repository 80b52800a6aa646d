import { describe, expect, it } from 'vitest';
import { fragmentation } from '../choice/fragmentation.ts';
import { defaultPolicy } from '../model.ts';
import type { Candidate } from '../choice/score.ts';
import { compareCandidates, scoresOf, totalScore } from '../choice/score.ts';
import { cardModels, inventoryOf, nodeOf, podOn, verdictOf, workloadOf } from '../testing/builders.ts';

const { t4, rtx4090, a100x40, a100x80 } = cardModels;
const eight = (name: string, model: { product: string; mebibytes: number } = rtx4090) =>
  nodeOf(name, { ...model, count: 8 });
const any = workloadOf('any');

describe('the inventory', () => {
  it('tells the card sizes of the right kind that exist, busy or not, ready or not', () => {
    const inventory = inventoryOf([
      eight('a', a100x80),
      eight('b', t4),
      nodeOf('c', { ...a100x40, count: 8 }, { ready: false, labels: { zone: 'x' } }),
      nodeOf('d', { product: 'unknown', mebibytes: 0, count: 8 }),
      nodeOf(
        'e',
        { product: 'theirs', mebibytes: 99_999, count: 8 },
        { taints: [{ key: 'team', effect: 'NoSchedule' }] },
      ),
    ]);
    expect(inventory.cardSizes(any)).toEqual([15360, 39538, 81920]);
    expect(inventory.cardSizes({ ...any, products: { allow: ['Tesla-T4'], deny: [] } })).toEqual([15360]);
    const constraints = { nodeSelector: { zone: 'x' }, nodeAffinity: [], tolerations: [] };
    expect(inventory.cardSizes({ ...any, constraints })).toEqual([39538]);
  });

  it('counts Pods that it hears of before their node', () => {
    const inventory = inventoryOf([], [podOn('late', 'p', 3)]);
    inventory.setNode(eight('late'));
    expect(inventory.standings()).toMatchObject([{ node: 'late', free: 5 }]);
  });

  it('takes nothing as free where more is used than there is', () => {
    const inventory = inventoryOf([eight('a')], [podOn('a', 'p', 8)]);
    inventory.setNode(nodeOf('a', { ...rtx4090, count: 7 }));
    expect(inventory.standings()).toMatchObject([{ node: 'a', free: 0 }]);
    inventory.removePod('p');
    expect(inventory.standings()).toMatchObject([{ node: 'a', free: 7 }]);
  });

  it('follows a node that changes its cards, and forgets one that goes', () => {
    const inventory = inventoryOf([eight('a'), eight('b')]);
    inventory.setNode(eight('a', a100x80));
    inventory.removeNode('b');
    expect(inventory.standings()).toMatchObject([{ node: 'a', pool: { product: a100x80.product }, free: 8 }]);
    expect([...inventory.classes()]).toHaveLength(1);
  });

  it('follows the catalogue where labels tell no VRAM, and reads no other node again', () => {
    let readings = 0;
    const gke = (accelerator: string, labels = {}) => ({
      ...eight(accelerator),
      get labels() {
        readings += 1;
        return { 'cloud.google.com/gke-accelerator': accelerator, ...labels };
      },
    });
    const shared = { 'cloud.google.com/gke-max-shared-clients-per-gpu': '2' };
    const inventory = inventoryOf([
      eight('measured'),
      { ...gke('nvidia-l4', { ...shared, 'cloud.google.com/gke-gpu-sharing-strategy': 'mps' }), name: 'shared' },
      gke('nvidia-l4'),
      gke('nvidia-b200'),
    ]);
    const sizes = () => inventory.standings().map(({ pool: { vram } }) => (vram.known ? vram.mebibytes : 'unknown'));
    expect(sizes()).toEqual([24564, 'unknown', 'unknown', 'unknown']);
    inventory.setCatalogue(new Map([['nvidia-l4', { vramMebibytes: 22888 }]]));
    expect(sizes()).toEqual([24564, 'unknown', 22888, 11444]);
    readings = 0;
    inventory.setCatalogue(new Map([['nvidia-l4', { vramMebibytes: 22888 }]]));
    inventory.setCatalogue(
      new Map([
        ['nvidia-l4', { vramMebibytes: 22888 }],
        ['NVIDIA-A10', { vramMebibytes: 23028 }],
      ]),
    );
    expect(readings).toBe(0);
    inventory.setCatalogue(new Map());
    expect(sizes()).toEqual([24564, 'unknown', 'unknown', 'unknown']);
  });

  it('knows the most CPU there is after a node like the others joins, changes or goes', () => {
    const withCPU = (name: string, cpu: string) => nodeOf(name, { ...rtx4090, count: 8 }, { allocatable: { cpu } });
    const inventory = inventoryOf([withCPU('a', '8')]);
    const workload = workloadOf('w', { perWorker: { cpu: 32_000 } });
    const never = (most: number): string =>
      `NeverFits: needs cpu 32 on one node; the largest node with such cards has cpu ${most}`;
    expect(verdictOf(inventory, workload)).toBe(never(8));
    inventory.setNode(withCPU('b', '16'));
    expect(verdictOf(inventory, workload)).toBe(never(16));
    inventory.setNode(withCPU('a', '64'));
    expect(verdictOf(inventory, workload)).toBe('a');
    inventory.removeNode('a');
    expect(verdictOf(inventory, workload)).toBe(never(16));
  });

  it('releases a job that waited for a node when the node joins', () => {
    const inventory = inventoryOf([eight('a', t4)]);
    const workload = workloadOf('big', { vramMebibytes: 40_000 });
    expect(verdictOf(inventory, workload)).toMatch(/^NeverFits/);
    inventory.setNode(eight('b', a100x80));
    expect(verdictOf(inventory, workload)).toBe('b');
  });
});

describe('fragmentation', () => {
  it('is nothing where nothing is free, and nothing where whole nodes are', () => {
    expect(fragmentation(inventoryOf([]))).toBe(0);
    expect(fragmentation(inventoryOf([eight('a')], [podOn('a', 'p', 8)]))).toBe(0);
    expect(fragmentation(inventoryOf([eight('a'), eight('b')]))).toBe(0);
  });

  it('is the share of free cards on partly used nodes', () => {
    expect(fragmentation(inventoryOf([eight('a'), eight('b')], [podOn('a', 'p', 4)]))).toBe(333);
  });

  it('leaves out cards that nobody may use now', () => {
    const cordoned = nodeOf('b', { ...rtx4090, count: 8 }, { unschedulable: true });
    expect(fragmentation(inventoryOf([eight('a'), cordoned], [podOn('b', 'p', 4)]))).toBe(0);
  });

  it('is what the typical workloads could not use', () => {
    const inventory = inventoryOf([eight('a'), eight('b', t4)], [podOn('a', 'p', 5)]);
    // Free: 3 + 8. Pairs of 20Gi use 2 of the 3 and none of the T4s; single 10Gi jobs use all.
    const pairs = workloadOf('pair', { gpus: 2 });
    const singles = workloadOf('single', { vramMebibytes: 10_240 });
    expect(fragmentation(inventory, [pairs])).toBe(Math.floor((9 * 1000) / 11));
    expect(fragmentation(inventory, [pairs, singles])).toBe(Math.floor((9 * 1000) / 22));
  });
});

describe('scores', () => {
  const sizes = [15360, 16160, 20475, 22888, 24564, 32510, 39538, 40960, 46068, 49140, 81920, 97871];
  const context = { weights: defaultPolicy.weights, sizes, signals: {} };
  const candidate = (changes: Partial<Candidate>): Candidate => ({
    node: 'a',
    product: 'X',
    vramMebibytes: 24564,
    packing: 0.5,
    freeAfter: 7,
    count: 8,
    ...changes,
  });

  it('go from 0 to 1000, neutral where nothing is known', () => {
    expect(scoresOf(candidate({}), context)).toEqual({
      Fit: 667,
      Packing: 970,
      Cost: 970,
      Reliability: 500,
      Heat: 500,
    });
  });

  it('prefer each next smaller size to the best packing and the best price together, with the default weights and a dozen sizes', () => {
    const signals = {
      costByProduct: new Map([
        ['dear', 0],
        ['cheap', 1000],
      ]),
    };
    sizes.slice(1).forEach((larger, index) => {
      const idleSmall = candidate({ vramMebibytes: sizes[index] ?? 0, packing: 0, product: 'dear' });
      const fullLarge = candidate({ vramMebibytes: larger, packing: 1, product: 'cheap' });
      expect(totalScore(idleSmall, { ...context, signals })).toBeGreaterThan(
        totalScore(fullLarge, { ...context, signals }),
      );
    });
  });

  it('let a policy of packing fill a larger card first', () => {
    const packing = { ...context, weights: { Fit: 20, Packing: 800, Cost: 20, Reliability: 20, Heat: 20 } };
    const idleSmall = candidate({ vramMebibytes: 22888 });
    const fullLarge = candidate({ vramMebibytes: 24564, packing: 1 });
    expect(totalScore(fullLarge, packing)).toBeGreaterThan(totalScore(idleSmall, packing));
  });

  it('use what is known of a product and a node', () => {
    const signals = {
      costByProduct: new Map([['X', 100]]),
      reliabilityByNode: new Map([['a', 0]]),
      heatByNode: new Map([['a', 900]]),
    };
    expect(scoresOf(candidate({}), { ...context, signals })).toMatchObject({ Cost: 946, Reliability: 0, Heat: 900 });
  });

  it('are told apart by the smaller card, what packs better, the fuller node, the node with more in use, and the name', () => {
    const order = [
      candidate({ node: 'd', vramMebibytes: 100 }),
      candidate({ node: 'f', packing: 0.75 }),
      candidate({ node: 'c', freeAfter: 1, count: 8 }),
      candidate({ node: 'b', freeAfter: 1, count: 1 }),
      candidate({ node: 'a', freeAfter: 2 }),
      candidate({ node: 'e', freeAfter: 2 }),
    ].map((each) => ({ ...each, score: 0 }));
    expect([...order].reverse().sort(compareCandidates)).toEqual(order);
  });
});
