// A neighbour on one card is no reason to leave its node: cards to be avoided are left to others one by one.
import { describe, expect, it } from 'vitest';
import { emptyQueueMemory, type Placement, type Workload } from '../model.ts';
import { cardModels, devicesOf, inventoryOf, nodeOf, planNow, workloadOf } from '../testing/builders.ts';

const cards = { ...cardModels.a100x80, count: 2 };

function aCluster(...nodes: readonly string[]) {
  const inventory = inventoryOf([]);
  for (const name of nodes) {
    inventory.setDevices(name, devicesOf(name, cards));
    inventory.setNode(nodeOf(name, cards, { allocatable: { 'nvidia.com/gpu': '0' } }));
  }
  return inventory;
}

const share = workloadOf('share', { isolation: 'Shared', vramMebibytes: 30 * 1024 });
const avoiding = (...identities: readonly string[]): Pick<Workload, 'avoidCards'> => ({
  avoidCards: identities.map((identity) => ({ node: identity.split('-')[1] ?? '', identity })),
});

function cardsOf(inventory: ReturnType<typeof aCluster>, workload: Workload): Placement['workers'] | string {
  const verdict = planNow(inventory, [workload], emptyQueueMemory).verdicts.get(workload.uid);
  return verdict?.kind === 'Placed' ? verdict.placement.workers : (verdict?.message ?? 'no verdict');
}

describe('a card to be avoided', () => {
  it.each([
    ['is left for another of its node', ['a'], avoiding('GPU-a-0'), 'GPU-a-1'],
    [
      'is left for another node where all of its node are to be avoided',
      ['a', 'b'],
      avoiding('GPU-a-0', 'GPU-a-1'),
      'GPU-b-0',
    ],
    ['is taken where there is no other', ['a'], avoiding('GPU-a-0', 'GPU-a-1'), 'GPU-a-0'],
    ['that is gone changes nothing', ['a'], avoiding('GPU-a-7'), 'GPU-a-0'],
    [
      'of another node with the same identity changes nothing',
      ['a'],
      { avoidCards: [{ node: 'b', identity: 'GPU-a-0' }] },
      'GPU-a-0',
    ],
  ])('%s', (_title, nodes, avoided, want) => {
    const node = want.split('-')[1];
    for (const isolation of ['Shared', 'Exclusive'] as const) {
      const workers = cardsOf(aCluster(...nodes), { ...share, ...avoided, isolation });
      expect(workers).toEqual([{ node, count: 1, cards: [want] }]);
    }
  });

  it('is free as before for the next in the queue', () => {
    const inventory = aCluster('a');
    const moves = { ...share, ...avoiding('GPU-a-0') };
    const whole = workloadOf('whole', { createdAtMilliseconds: 1 });
    const { verdicts } = planNow(inventory, [moves, whole]);
    const placed = ['share', 'whole'].map((uid) => {
      const verdict = verdicts.get(uid);
      return verdict?.kind === 'Placed' ? verdict.placement.workers[0]?.cards : verdict;
    });
    expect(placed).toEqual([['GPU-a-1'], ['GPU-a-0']]);
    expect(cardsOf(inventory, share)).toEqual([{ node: 'a', count: 1, cards: ['GPU-a-0'] }]);
  });
});
