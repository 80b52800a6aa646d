// How much goes onto the cards of one node: in numbers, and which cards they are.
import { describe, expect, it } from 'vitest';
import type { Inventory } from '../inventory/inventory.ts';
import type { Ask, CardPool, HeldDevice, NodeDevices } from '../model.ts';
import { cardModels, devicesOf, inventoryOf, nodeOf, verdictOf, workloadOf } from '../testing/builders.ts';
import { cardsFree, chooseCards, largestShare, takenOfCard, workersByCards, workersOnEmpty } from './room.ts';

const gi = 1024;
const { a100x80 } = cardModels;

function askOf(gibibytes: number, changes: Partial<Ask> = {}): Ask {
  const mebibytes = gibibytes * gi;
  return {
    ...workloadOf('w', { isolation: 'Shared' }),
    needMebibytes: mebibytes,
    leastMebibytes: mebibytes,
    ...changes,
  };
}
const whole = (gibibytes: number, gpus = 1): Ask => askOf(gibibytes, { isolation: 'Exclusive', gpus });

/** Changes that a driver's terms may have. */
interface Terms {
  readonly shares?: Partial<NonNullable<NonNullable<CardPool['devices']>['shares']>>;
  readonly slots?: number;
}

function devices(count: number, { shares, slots }: Terms = {}): NodeDevices {
  const plain = devicesOf('a', { ...a100x80, count });
  const { pool } = plain.devices[0]!;
  const terms = pool.devices!;
  const changed: CardPool = { ...pool, devices: { ...terms, shares: { ...terms.shares!, ...shares } } };
  return {
    ...plain,
    devices: plain.devices.map((device) => ({ ...device, pool: changed, slots: slots ?? device.slots })),
  };
}

const poolOf = (terms: Terms = {}): CardPool => devices(1, terms).devices[0]!.pool;

/** A node `a` without a device plugin, some of its cards in use: by strangers' claims, in GiB, by card. */
function aNode(count: number, held: Readonly<Record<number, readonly number[]>> = {}, terms: Terms = {}): Inventory {
  const inventory = inventoryOf([nodeOf('a', { ...a100x80, count }, { allocatable: { 'nvidia.com/gpu': '0' } })]);
  inventory.setDevices('a', devices(count, terms));
  for (const [card, shares] of Object.entries(held)) {
    shares.forEach((gibibytes, index) => {
      const holds: HeldDevice[] = [
        { deviceID: `gpu.nvidia.com/a/gpu-${card}`, consumed: { memory: gibibytes * 2 ** 30 } },
      ];
      inventory.setClaim({ uid: `${card}-${index}`, podUID: '', holds });
    });
  }
  return inventory;
}

const entryOf = (inventory: Inventory) => inventory.node('a')!;
const identities = (cards: ReturnType<typeof chooseCards>): string[] | undefined =>
  cards?.map(({ card, mebibytes }) => `${card.device.identity} ${mebibytes / gi}Gi`);

describe('what a worker takes of a card', () => {
  const card = 80 * gi;
  it.each<{ name: string; ask: Ask; terms?: Terms; want: number }>([
    { name: 'who wants it alone takes all of it', ask: whole(30), want: card },
    { name: 'who wants it alone takes none that is too small', ask: whole(81), want: 0 },
    { name: 'a share is what was asked for', ask: askOf(30), want: 30 * gi },
    { name: 'a share may be all of it', ask: askOf(80), want: card },
    { name: 'a share larger than the card is none', ask: askOf(81), want: 0 },
    {
      name: 'headroom makes a share larger only as far as the card goes',
      ask: askOf(78, { needMebibytes: 90 * gi }),
      want: card,
    },
    {
      name: 'a share is at least what its driver gives',
      ask: askOf(1),
      terms: { shares: { minMebibytes: 4 * gi } },
      want: 4 * gi,
    },
    {
      name: 'a share is rounded up to the next step above the least',
      ask: askOf(10),
      terms: { shares: { minMebibytes: 1 * gi, stepMebibytes: 4 * gi } },
      want: 13 * gi,
    },
    {
      name: 'a share that is one of the steps stays as it is',
      ask: askOf(13),
      terms: { shares: { minMebibytes: 1 * gi, stepMebibytes: 4 * gi } },
      want: 13 * gi,
    },
    {
      name: 'a share that would be rounded up beyond the card is none',
      ask: askOf(78),
      terms: { shares: { minMebibytes: 1 * gi, stepMebibytes: 4 * gi } },
      want: 0,
    },
    {
      name: 'with headroom a share is rounded up no further than the last step on the card',
      ask: askOf(70, { needMebibytes: 79 * gi }),
      terms: { shares: { minMebibytes: 1 * gi, stepMebibytes: 4 * gi } },
      want: 77 * gi,
    },
    {
      name: 'a card smaller than its least share has none',
      ask: askOf(1),
      terms: { shares: { minMebibytes: 81 * gi } },
      want: 0,
    },
  ])('$name', ({ ask, terms, want }) => {
    expect(takenOfCard(ask, poolOf(terms))).toBe(want);
  });

  it('is nothing where its size is unknown', () => {
    const pool: CardPool = { ...poolOf(), vram: { known: false, reason: 'NoVRAMLabel', detail: '' } };
    expect([takenOfCard(askOf(1), pool), takenOfCard(whole(1), pool), workersOnEmpty(askOf(1), pool, 8)]).toEqual([
      0, 0, 0,
    ]);
  });
});

describe('workers on empty cards', () => {
  it.each<{ name: string; ask: Ask; cards: number; terms?: Terms; want: number }>([
    { name: 'whole cards are counted', ask: whole(30, 2), cards: 5, want: 2 },
    { name: 'as many shares go onto a card as it has room for', ask: askOf(30), cards: 3, want: 6 },
    { name: 'a worker of several shares has them on different cards', ask: askOf(10, { gpus: 2 }), cards: 1, want: 0 },
    { name: 'workers of several shares fill the cards together', ask: askOf(30, { gpus: 2 }), cards: 3, want: 3 },
    { name: 'a share too large for the card goes nowhere', ask: askOf(81), cards: 8, want: 0 },
    {
      name: 'a card takes no more than it has slots, however small they are',
      ask: askOf(1),
      cards: 2,
      terms: { shares: { slots: 3 } },
      want: 6,
    },
  ])('$name', ({ ask, cards, terms, want }) => {
    expect(workersOnEmpty(ask, poolOf(terms), cards)).toBe(want);
  });

  it('are as many as cards that nobody uses hold now', () => {
    for (const terms of [{}, { shares: { minMebibytes: 4 * gi, stepMebibytes: 3 * gi } }]) {
      for (const ask of [whole(30), whole(1, 2), askOf(7), askOf(30, { gpus: 2 }), askOf(50, { gpus: 3 })]) {
        const empty = entryOf(aNode(3, {}, terms));
        expect(workersByCards(ask, empty, 0)).toBe(workersOnEmpty(ask, poolOf(terms), 3));
      }
    }
  });
});

describe('workers on cards in use', () => {
  it.each<{
    name: string;
    ask: Ask;
    held: Readonly<Record<number, readonly number[]>>;
    terms?: Terms;
    workers: number;
    free: number;
  }>([
    { name: 'nobody has a card alone on which somebody is', ask: whole(1), held: { 0: [1] }, workers: 1, free: 1 },
    { name: 'shares go into what is left', ask: askOf(30), held: { 0: [30], 1: [60] }, workers: 1, free: 1 },
    { name: 'a full card holds nobody', ask: askOf(1), held: { 0: [80], 1: [40, 40] }, workers: 0, free: 0 },
    {
      name: 'a worker of two shares needs two cards with room',
      ask: askOf(10, { gpus: 2 }),
      held: { 0: [75] },
      workers: 0,
      free: 1,
    },
    {
      name: 'no worker gets two shares of the card with more room',
      ask: askOf(10, { gpus: 2 }),
      held: { 0: [65] },
      workers: 1,
      free: 2,
    },
    {
      name: 'a card takes no more claims than it has slots, whatever is free of it',
      ask: askOf(1),
      held: { 0: [1, 1], 1: [1] },
      terms: { slots: 2 },
      workers: 1,
      free: 1,
    },
    {
      name: 'a card with more claims than slots takes nothing away from the others',
      ask: askOf(1),
      held: { 0: [1, 1, 1] },
      terms: { slots: 2 },
      workers: 2,
      free: 1,
    },
    {
      name: 'a card of which more was taken than there is takes nothing away from the others',
      ask: askOf(30),
      held: { 0: [80, 80] },
      workers: 2,
      free: 1,
    },
  ])('$name', ({ ask, held, terms, workers, free }) => {
    const entry = entryOf(aNode(2, held, terms));
    expect([workersByCards(ask, entry, 0), cardsFree(ask, entry, 0)]).toEqual([workers, free]);
  });

  it('are none where its cards are in use by its device plugin', () => {
    const inventory = inventoryOf([nodeOf('a', { ...a100x80, count: 2 })]);
    inventory.setDevices('a', devices(2));
    const entry = entryOf(inventory);
    const byClaim = entry.nodeClass.pools.findIndex((pool) => pool.devices !== undefined);
    const ask = askOf(30);
    const standing = () => [
      workersByCards(ask, entry, byClaim),
      cardsFree(ask, entry, byClaim),
      largestShare(entry, byClaim, 1) / gi,
      identities(chooseCards(ask, entry, byClaim)),
    ];
    expect(standing()).toEqual([4, 2, 80, ['GPU-a-0 30Gi']]);
    inventory.setPod({
      ...{ uid: 'p', namespace: 'others', name: 'p', nodeName: 'a', terminal: false },
      requests: { 'nvidia.com/gpu': 1 },
    });
    expect(standing()).toEqual([0, 0, 0, undefined]);
  });
});

describe('the cards of one worker', () => {
  const chosen = (ask: Ask, held: Readonly<Record<number, readonly number[]>>, fill?: number) =>
    identities(chooseCards(ask, entryOf(aNode(3, held)), 0, fill));

  it('are whole ones in their order, for who wants them alone', () => {
    expect(chosen(whole(30, 2), { 0: [1] })).toEqual(['GPU-a-1 80Gi', 'GPU-a-2 80Gi']);
    expect(chosen(whole(30, 3), { 0: [1] })).toBeUndefined();
  });

  it('are the fullest that have room, for who wants shares', () => {
    expect(chosen(askOf(20), { 0: [70], 1: [10], 2: [50] })).toEqual(['GPU-a-2 20Gi']);
    expect(chosen(askOf(20, { gpus: 2 }), { 0: [70], 1: [10], 2: [50] })).toEqual(['GPU-a-2 20Gi', 'GPU-a-1 20Gi']);
    expect(chosen(askOf(20, { gpus: 3 }), { 0: [70], 1: [10], 2: [50] })).toBeUndefined();
  });

  it('are not the fullest where that would leave fewer workers room than could have it', () => {
    const held = { 0: [60], 1: [40], 2: [60] };
    const both = askOf(20, { gpus: 2 });
    expect(workersByCards(both, entryOf(aNode(3, held)), 0)).toBe(2);
    expect(chosen(both, held)).toContain('GPU-a-1 20Gi');
    const gang = workloadOf('gang', { isolation: 'Shared', gpus: 2, workers: 2 });
    expect(verdictOf(aNode(3, held), gang)).toBe('a x2');
  });

  it('are those of which just so much is free, where it was chosen by that', () => {
    expect(chosen(askOf(20), { 0: [50], 1: [10] }, 70 * gi)).toEqual(['GPU-a-1 20Gi']);
    expect(chosen(askOf(20), { 0: [50], 1: [10] }, 80 * gi)).toEqual(['GPU-a-2 20Gi']);
  });

  it('are for its device plugin to choose, where that offers them', () => {
    const inventory = inventoryOf([nodeOf('a', { ...a100x80, count: 2 })]);
    expect(chooseCards(whole(30), entryOf(inventory), 0)).toBeUndefined();
    expect(cardsFree(whole(30), entryOf(inventory), 0)).toBe(2);
  });
});

describe('the largest share that is free', () => {
  it.each([
    ['on one card is what is left of the emptiest', 1, { 0: [30], 1: [50], 2: [80] }, {}, 50],
    ['on each of two is what is left of the second', 2, { 0: [30], 1: [50], 2: [80] }, {}, 30],
    ['on more cards than have something left is nothing', 3, { 0: [30], 1: [50], 2: [80] }, {}, 0],
    ['on more cards than there are is nothing', 4, {}, {}, 0],
    ['is nothing of a card whose slots are taken', 1, { 0: [1], 1: [1], 2: [1] }, { slots: 1 }, 0],
    ['is nothing where more was taken than there is', 1, { 0: [80, 80], 1: [81], 2: [80, 1] }, {}, 0],
  ] as const)('%s', (_title, cards, held, terms, want) => {
    expect(largestShare(entryOf(aNode(3, held, terms)), 0, cards) / gi).toBe(want);
  });
});
