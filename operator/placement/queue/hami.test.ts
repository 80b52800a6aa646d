// Placing on cards that HAMi hands out: who has what of which card is known from the annotations of Pods, whoever made them, and
// what is promised names its cards, as HAMi takes those and no others.
import { describe, expect, it } from 'vitest';
import type { Inventory } from '../inventory/inventory.ts';
import type { Placement, Workload } from '../model.ts';
import {
  cardModels,
  devicesOf,
  inventoryOf,
  nodeOf,
  planNow,
  podOn,
  verdictOf,
  workloadOf,
} from '../testing/builders.ts';
import { alike, allocatedPod, hamiNode, registerAsJSON } from '../testing/hami.ts';
import { reservationFor } from './planner.ts';

const share = (uid: string, gibibytes: number, changes: Partial<Workload> = {}): Workload =>
  workloadOf(uid, { isolation: 'Shared', vramMebibytes: gibibytes * 1024, ...changes });
const whole = (uid: string, changes: Partial<Workload> = {}): Workload => workloadOf(uid, changes);

const a100 = { devmem: 81920 };
const gibibytes = (count: number): number => count * 1024;

/** Node n with so many A100 of 80 GiB; card i is GPU-n-i. */
const clusterOf = (count: number, more = {}): Inventory => inventoryOf([hamiNode('n', alike('n', count, a100), more)]);

function placed(inventory: Inventory, workload: Workload): Placement {
  const verdict = planNow(inventory, [workload]).verdicts.get(workload.uid);
  if (verdict?.kind !== 'Placed') throw new Error(verdict?.message ?? 'no verdict');
  return verdict.placement;
}

/** Placed and held, as once its Job is made. */
function start(inventory: Inventory, workload: Workload): readonly string[] {
  const placement = placed(inventory, workload);
  inventory.setReservation(reservationFor(workload, placement));
  return placement.workers.flatMap(({ cards }) => cards ?? []);
}

describe('a share of a card', () => {
  it('is asked for in MiB of each card, by a device plugin, from cards that are named, with a fence', () => {
    const placement = placed(clusterOf(2), share('a', 30, { gpus: 2 }));
    expect(placement.isUnfenced).toBeUndefined();
    expect(placement).toMatchObject({
      workers: [{ node: 'n', count: 1, cards: ['GPU-n-0', 'GPU-n-1'] }],
      resourceName: 'nvidia.com/gpu',
      product: 'NVIDIA-A100-SXM4-80GB',
      cardVRAMMebibytes: 81920,
      backend: 'DevicePlugin',
      claim: {
        gpus: 2,
        identityAttribute: 'nvidia.com/use-gpuuuid',
        requests: { 'nvidia.com/gpumem': '30720' },
        mebibytes: 30720,
      },
    });
  });

  it('goes two to a card, and the third waits with the number that is free', () => {
    const inventory = clusterOf(1);
    for (const uid of ['one', 'two']) expect(start(inventory, share(uid, 30))).toEqual(['GPU-n-0']);
    expect(verdictOf(inventory, share('three', 30))).toBe(
      'CardsBusy: 0 of 1 nodes fit now: 1 busy; the most free on one card is 20Gi',
    );
    expect(start(inventory, share('four', 20))).toEqual(['GPU-n-0']);
  });

  it('is refused by a card that takes no more containers, whatever is left of its memory', () => {
    const inventory = inventoryOf([hamiNode('n', alike('n', 1, { ...a100, count: 2 }))]);
    for (const uid of ['one', 'two']) start(inventory, share(uid, 1));
    expect(verdictOf(inventory, share('three', 1))).toMatch(/^CardsBusy: /);
  });

  it('is of a card of the product that was asked for, on a node of two', () => {
    const cards = [...alike('n', 1, a100), { id: 'GPU-t4', devmem: 15360, model: 'Tesla T4' }];
    const inventory = inventoryOf([hamiNode('n', cards)]);
    expect(start(inventory, share('a', 8, { products: { allow: ['Tesla-T4'], deny: [] } }))).toEqual(['GPU-t4']);
    expect(start(inventory, share('b', 20))).toEqual(['GPU-n-0']);
  });

  it('is had by each worker of a gang on one node', () => {
    const inventory = clusterOf(2);
    expect([...start(inventory, share('gang', 50, { workers: 2 }))].sort()).toEqual(['GPU-n-0', 'GPU-n-1']);
    expect(verdictOf(inventory, share('next', 50))).toMatch(/^CardsBusy: /);
  });

  it('is no way of DRA', () => {
    expect(verdictOf(clusterOf(1), share('a', 8, { allocation: 'DRA' }))).toBe(
      'NoMatchingCards: 0 of 1 nodes have cards of the right kind: 1 offered by device plugin only',
    );
  });
});

describe('a card for one alone', () => {
  it('is asked for with all its memory and compute', () => {
    expect(placed(clusterOf(1), whole('a')).claim).toMatchObject({
      requests: { 'nvidia.com/gpumem': '81920', 'nvidia.com/gpucores': '100' },
      mebibytes: 81920,
    });
  });

  it('is never one with a share on it, and takes no share beside it', () => {
    const inventory = clusterOf(2);
    expect(start(inventory, share('share', 1))).toEqual(['GPU-n-0']);
    expect(start(inventory, whole('whole'))).toEqual(['GPU-n-1']);
    expect(verdictOf(inventory, whole('next'))).toBe('CardsBusy: 0 of 1 nodes fit now: 1 busy');
    expect(start(inventory, share('beside', 70))).toEqual(['GPU-n-0']);
    expect(verdictOf(inventory, share('more', 10))).toMatch(/^CardsBusy: /);
  });
});

describe("a stranger's Pod", () => {
  it('is counted by the card that HAMi gave it, and no longer once it has ended or is gone', () => {
    const inventory = clusterOf(1);
    const given = [['GPU-n-0', gibibytes(50)]] as const;
    inventory.setPod(allocatedPod('stranger', given, { node: 'n', phase: 'Running' }));
    expect(verdictOf(inventory, share('large', 40))).toMatch(/^CardsBusy: .*the most free on one card is 30Gi$/);
    expect(verdictOf(inventory, whole('whole'))).toMatch(/^CardsBusy: /);
    inventory.setPod(allocatedPod('stranger', given, { node: 'n', phase: 'Succeeded' }));
    expect(verdictOf(inventory, whole('whole'))).toBe('n');
    inventory.setPod(allocatedPod('stranger', given, { node: 'n', phase: 'Running' }));
    inventory.removePod('stranger');
    expect(verdictOf(inventory, whole('whole'))).toBe('n');
  });

  it('is counted from the decision of HAMi on, before it is bound', () => {
    const inventory = clusterOf(1);
    inventory.setPod(allocatedPod('stranger', [['GPU-n-0', gibibytes(50)]]));
    expect(verdictOf(inventory, share('large', 40))).toMatch(/^CardsBusy: /);
  });

  it('is counted whether it was seen before its node or after', () => {
    const inventory = inventoryOf([]);
    inventory.setPod(allocatedPod('stranger', [['GPU-n-1', gibibytes(1)]], { node: 'n' }));
    inventory.setNode(hamiNode('n', alike('n', 2, a100)));
    expect(start(inventory, whole('whole'))).toEqual(['GPU-n-0']);
  });

  it('without a limit has the whole card', () => {
    const inventory = clusterOf(1);
    inventory.setPod(allocatedPod('stranger', [['GPU-n-0', 0]], { node: 'n' }));
    expect(verdictOf(inventory, share('tiny', 1))).toMatch(/^CardsBusy: /);
  });

  it('that has the last of the compute closes its card, as HAMi gives nothing more of it', () => {
    const inventory = clusterOf(1);
    inventory.setPod(allocatedPod('one', [['GPU-n-0', 1024, 60]], { node: 'n' }));
    expect(verdictOf(inventory, share('a', 8))).toBe('n');
    inventory.setPod(allocatedPod('two', [['GPU-n-0', 1024, 40]], { node: 'n' }));
    expect(verdictOf(inventory, share('a', 8))).toMatch(/^CardsBusy: 0 of 1 nodes fit now: 1 busy/);
    inventory.removePod('one');
    expect(verdictOf(inventory, share('a', 8))).toBe('n');
  });

  it('on a card that is gone takes nothing of the others', () => {
    const inventory = clusterOf(1);
    inventory.setPod(allocatedPod('stranger', [['GPU-old', gibibytes(80)]], { node: 'n' }));
    expect(verdictOf(inventory, whole('a'))).toBe('n');
  });
});

describe("a run's own Pod", () => {
  const given = (uuid: string, phase: string) =>
    allocatedPod('pod', [[uuid, gibibytes(30)]], { node: 'n', phase, run: 'a/1' });

  it('takes the place of what was reserved for it', () => {
    const inventory = clusterOf(1);
    start(inventory, share('a', 30));
    inventory.setPod(given('GPU-n-0', 'Running'));
    expect(verdictOf(inventory, share('b', 51))).toMatch(/the most free on one card is 50Gi$/);
    inventory.removeReservation('a/1');
    expect(verdictOf(inventory, share('b', 51))).toMatch(/the most free on one card is 50Gi$/);
  });

  it('counts where HAMi put it, and not where it was meant to go', () => {
    const inventory = clusterOf(2);
    expect(start(inventory, share('a', 30))).toEqual(['GPU-n-0']);
    inventory.setPod(given('GPU-n-1', 'Running'));
    expect(start(inventory, whole('whole'))).toEqual(['GPU-n-0']);
  });

  it('gives all back when it has ended, although its Job is still there', () => {
    const inventory = clusterOf(1);
    start(inventory, share('a', 30));
    inventory.setPod(given('GPU-n-0', 'Running'));
    inventory.setPod(given('GPU-n-0', 'Succeeded'));
    expect(verdictOf(inventory, whole('whole'))).toBe('n');
  });

  it('keeps its reservation where it is bound and nobody has said what it has', () => {
    const inventory = clusterOf(1);
    start(inventory, share('a', 30));
    inventory.setPod(podOn('n', 'pod', 1, { run: 'a/1' }));
    expect(verdictOf(inventory, share('b', 51))).toMatch(/the most free on one card is 50Gi$/);
  });
});

describe('a node of HAMi', () => {
  it('that is gone and comes back has its cards as they are then', () => {
    const inventory = clusterOf(1);
    inventory.removeNode('n');
    inventory.setNode(nodeOf('n', { ...cardModels.a100x80, count: 1 }));
    expect(placed(inventory, whole('a')).claim).toBeUndefined();
  });

  it('that is gone has no cards any more, and those it had count where they are now', () => {
    const inventory = clusterOf(1);
    inventory.setNode(hamiNode('renamed', alike('n', 1, a100)));
    inventory.removeNode('n');
    expect(inventory.restOf({ node: 'n', identity: 'GPU-n-0' })).toEqual([]);
    inventory.setPod(allocatedPod('stranger', [['GPU-n-0', gibibytes(50)]], { node: 'renamed' }));
    expect(verdictOf(inventory, share('a', 40))).toMatch(/^CardsBusy: .*the most free on one card is 30Gi$/);
  });

  it('that is written anew with the same cards keeps what is counted on them', () => {
    const inventory = clusterOf(2);
    start(inventory, share('a', 30));
    const cards = inventory.node('n')?.cards[0];
    inventory.setNode(hamiNode('n', [], { register: registerAsJSON(alike('n', 2, a100).reverse()), units: 20 }));
    inventory.setNode({ ...hamiNode('n', alike('n', 2, a100)), labels: { zone: 'z' } });
    expect(inventory.node('n')?.cards[0]?.[0]).toBe(cards?.[0]);
    expect(start(inventory, whole('whole'))).toEqual(['GPU-n-1']);
    expect(verdictOf(inventory, whole('next'))).toMatch(/^CardsBusy: /);
  });

  it('takes nothing new on a card that falls ill, and counts what is on it when it is well again', () => {
    const inventory = clusterOf(1);
    start(inventory, share('a', 30));
    const ill = [{ id: 'GPU-n-0', ...a100, health: false }];
    inventory.setNode(hamiNode('n', ill));
    expect(verdictOf(inventory, share('b', 8))).toBe('CardsBusy: 0 of 1 nodes fit now: 1 with too few cards (0)');
    inventory.setNode(hamiNode('n', alike('n', 1, a100)));
    expect(verdictOf(inventory, share('b', 51))).toMatch(/the most free on one card is 50Gi$/);
  });

  it('counts among those of device plugins, and among those whose cards can be divided', () => {
    expect(clusterOf(1).nodesByBackend()).toEqual({ devicePlugin: 1, dra: 0, both: 0, shares: 1 });
  });

  it('that publishes the same cards by DRA has them in use one way only', () => {
    const inventory = clusterOf(1);
    inventory.setDevices('n', devicesOf('n', { ...cardModels.a100x80, count: 1 }));
    expect(inventory.nodesByBackend()).toMatchObject({ both: 1 });
    inventory.setPod(allocatedPod('stranger', [['GPU-n-0', gibibytes(1)]], { node: 'n' }));
    expect(verdictOf(inventory, share('a', 8, { allocation: 'DRA' }))).toMatch(/^CardsBusy: /);
    expect(placed(inventory, share('a', 8))).toMatchObject({ backend: 'DevicePlugin' });
    inventory.setDevices('n', { devices: [], counters: {} });
    expect(inventory.nodesByBackend()).toMatchObject({ devicePlugin: 1, both: 0 });
  });
});

describe('a card to be avoided', () => {
  it('is left for another of its node', () => {
    const avoidCards = [{ node: 'n', identity: 'GPU-n-0' }];
    expect(start(clusterOf(2), share('a', 30, { avoidCards }))).toEqual(['GPU-n-1']);
  });
});
