// Who holds how much of which card: whatever order claims, slices, Pods and reservations come in, a card counts once for each
// who has it, and is free again when they are gone.
import { describe, expect, it } from 'vitest';
import type {
  CardDevice,
  CardPool,
  ClaimFacts,
  HeldDevice,
  NodeDevices,
  NodeFacts,
  PlacedWorkers,
  Reservation,
  Workload,
} from '../model.ts';
import { reservationFor } from '../queue/planner.ts';
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
import { alike, hamiNode } from '../testing/hami.ts';
import { Inventory } from './inventory.ts';

const gi = 1024;
const { a100x80 } = cardModels;
const wholeCard = 80 * gi;

/** A node whose cards are offered by claim alone. */
function byClaim(name: string, count = 2): NodeFacts {
  return nodeOf(name, { ...a100x80, count }, { allocatable: { 'nvidia.com/gpu': '0' } });
}

/** Of cards that may be shared, or not. */
function aCluster(counts: Readonly<Record<string, number>> = { a: 2 }, shares = true): Inventory {
  const inventory = new Inventory();
  for (const [node, count] of Object.entries(counts)) {
    inventory.setDevices(node, devicesOf(node, { ...a100x80, count }, shares));
    inventory.setNode(byClaim(node, count));
  }
  return inventory;
}

/** Of each card of a node what is taken, in GiB, and by how many: '30 by 1'. */
function standing(inventory: Inventory, node = 'a'): string[] {
  const cards = inventory.node(node)?.cards.flatMap((pool) => pool ?? []) ?? [];
  return cards.map(
    ({ takenMebibytes, takers, blocked }) =>
      (takers === 0 ? 'free' : `${takenMebibytes / gi} by ${takers}`) + (blocked ? ', blocked' : ''),
  );
}

/** '0' is card 0 of node a as a whole, '0:30' a share of 30 GiB, 'b/1' a card of node b. */
function held(text: string): HeldDevice {
  const [, node = 'a', card = '', gibibytes] = /^(?:(\w+)\/)?(\d+)(?::(\d+))?$/.exec(text) ?? [];
  const consumed = gibibytes === undefined ? {} : { memory: Number(gibibytes) * 2 ** 30 };
  return { deviceID: `gpu.nvidia.com/${node}/gpu-${card}`, consumed };
}

const stranger = (uid: string, ...holds: readonly string[]): ClaimFacts => ({
  uid,
  podUID: '',
  holds: holds.map(held),
});

/** Of a worker of the run that `reserve` and `reservation` are about. */
const claimOf = (worker: string, ...holds: readonly string[]): ClaimFacts => ({
  uid: `claim-${worker}`,
  run: 'job/1',
  podUID: worker,
  holds: holds.map(held),
});

const podOf = (worker: string, terminal = false, node = 'a') =>
  podOn(node, worker, 0, { run: 'job/1', requests: { cpu: 1000, pods: 1 }, terminal });

const job = (changes: Partial<Workload> = {}): Workload =>
  workloadOf('job', { isolation: 'Shared', vramMebibytes: 30 * gi, ...changes });

/** Places a job and holds what it was given; without naming the cards, where it is as large as that. */
function reserve(inventory: Inventory, workload: Workload, isNamed = true): readonly PlacedWorkers[] {
  const verdict = planNow(inventory, [workload]).verdicts.get(workload.uid);
  if (verdict?.kind !== 'Placed') throw new Error(`not placed: ${verdict?.message}`);
  const { placement } = verdict;
  const workers = isNamed ? placement.workers : placement.workers.map(({ node, count }) => ({ node, count }));
  inventory.setReservation(reservationFor(workload, { ...placement, workers }));
  return workers;
}

/** Of a share of 30 GiB for each worker. */
function reservation(workers: readonly PlacedWorkers[], changes: Partial<Reservation> = {}): Reservation {
  const placement: Reservation['placement'] = {
    workers,
    resourceName: 'gpu.nvidia.com',
    product: a100x80.product,
    cardVRAMMebibytes: wholeCard,
    policyVersion: 1,
    decisionID: 'job-1',
    backend: 'DRA',
    claim: {
      driver: 'gpu.nvidia.com',
      gpus: 1,
      identityAttribute: 'gpu.nvidia.com/uuid',
      match: { 'gpu.nvidia.com/type': 'gpu' },
      requests: { memory: '30Gi' },
      mebibytes: 30 * gi,
    },
  };
  return { run: 'job/1', placement, perWorker: { cpu: 1000, pods: 1 }, ...changes };
}

describe('the claims of strangers', () => {
  it('take of a card what they consume, and all of it where they say nothing', () => {
    const inventory = aCluster();
    inventory.setClaim(stranger('share', '0:30'));
    inventory.setClaim(stranger('whole', '1'));
    expect(standing(inventory)).toEqual(['30 by 1', '80 by 1']);
    inventory.setClaim(stranger('beside', '0:50'));
    expect(standing(inventory)).toEqual(['80 by 2', '80 by 1']);
  });

  it('take all of a card that is never divided, whatever they are said to consume', () => {
    const inventory = aCluster({ a: 1 }, false);
    inventory.setClaim({ ...stranger('s'), holds: [{ deviceID: 'gpu.nvidia.com/a/gpu-0', consumed: { cores: 50 } }] });
    expect(standing(inventory)).toEqual(['80 by 1']);
  });

  it('take a whole MiB for each begun one', () => {
    const taken = (bytes: number): number | undefined => {
      const inventory = aCluster({ a: 1 });
      const holds = [{ deviceID: 'gpu.nvidia.com/a/gpu-0', consumed: { memory: bytes } }];
      inventory.setClaim({ uid: 'c', podUID: '', holds });
      return inventory.node('a')?.cards[0]?.[0]?.takenMebibytes;
    };
    expect([0, 1, 2 ** 20, 2 ** 20 + 1, 3 * 2 ** 20 - 1].map(taken)).toEqual([0, 1, 1, 2, 3]);
  });

  it('are on their card although they consume none of its memory', () => {
    const inventory = aCluster({ a: 1 });
    inventory.setClaim(stranger('s', '0:0'));
    expect(standing(inventory)).toEqual(['0 by 1']);
    expect(verdictOf(inventory, job({ isolation: 'Exclusive' }))).toMatch(/^CardsBusy/);
  });

  it('count from the moment their card is published, were they seen before it', () => {
    const inventory = new Inventory();
    inventory.setClaim(stranger('s', '1:30'));
    inventory.setNode(byClaim('a'));
    expect(standing(inventory)).toEqual([]);
    inventory.setDevices('a', devicesOf('a', { ...a100x80, count: 2 }));
    expect(standing(inventory)).toEqual(['free', '30 by 1']);
    expect(inventory.standings().map(({ free }) => free)).toEqual([1]);
  });

  it('hold two shares of one card as two, and give both back', () => {
    const inventory = aCluster();
    inventory.setClaim(stranger('s', '0:10', '0:20', '1:5'));
    expect(standing(inventory)).toEqual(['30 by 2', '5 by 1']);
    inventory.removeClaim('s');
    expect(standing(inventory)).toEqual(['free', 'free']);
    inventory.removeClaim('s');
    expect(standing(inventory)).toEqual(['free', 'free']);
  });

  it('may change what they hold, and hold nothing while they are not allocated', () => {
    const inventory = aCluster({ a: 2, b: 1 });
    const steps: readonly [readonly string[], readonly string[], readonly string[]][] = [
      [[], ['free', 'free'], ['free']],
      [['0:30'], ['30 by 1', 'free'], ['free']],
      [['0:30'], ['30 by 1', 'free'], ['free']],
      [['1:40', 'b/0:5'], ['free', '40 by 1'], ['5 by 1']],
      [['1'], ['free', '80 by 1'], ['free']],
      [[], ['free', 'free'], ['free']],
    ];
    for (const [holds, onA, onB] of steps) {
      inventory.setClaim(stranger('s', ...holds));
      expect([standing(inventory), standing(inventory, 'b')]).toEqual([onA, onB]);
    }
  });

  it('that nobody knows may go, and those on cards nobody knows may come', () => {
    const inventory = aCluster();
    inventory.removeClaim('nobody');
    inventory.setClaim({ uid: 'nic', podUID: '', holds: [{ deviceID: 'dra.net/a/eth0', consumed: {} }] });
    inventory.removeClaim('nic');
    expect(standing(inventory)).toEqual(['free', 'free']);
  });

  it('may take more of a card than it has: then nothing is free of it until enough of them are gone', () => {
    const inventory = aCluster({ a: 1 });
    for (const uid of ['p', 'q', 'r']) inventory.setClaim(stranger(uid, '0:40'));
    expect(standing(inventory)).toEqual(['120 by 3']);
    expect(verdictOf(inventory, job({ vramMebibytes: 1 }))).toMatch(/; nothing is free on one card$/);
    inventory.removeClaim('p');
    expect(verdictOf(inventory, job({ vramMebibytes: 1 }))).toMatch(/; nothing is free on one card$/);
    inventory.removeClaim('q');
    expect(verdictOf(inventory, job())).toBe('a');
  });
});

describe('a reservation', () => {
  it('is taken over by the allocated claims worker by worker: at no moment does a card count twice, or not at all', () => {
    const inventory = aCluster({ a: 3 });
    const workers = reserve(inventory, job({ isolation: 'Exclusive', workers: 3 }));
    expect(workers).toEqual([{ node: 'a', count: 3, cards: ['GPU-a-0', 'GPU-a-1', 'GPU-a-2'] }]);
    const allHeld = ['80 by 1', '80 by 1', '80 by 1'];
    const events: (() => void)[] = [
      () => {
        inventory.setPod(podOn('', 'w0', 0, { run: 'job/1' }));
      },
      () => {
        inventory.setClaim(claimOf('w0'));
      },
      () => {
        inventory.setClaim(claimOf('w0', '0'));
      },
      () => {
        inventory.setPod(podOf('w0'));
      },
      // A Pod may be seen bound before its claim is seen allocated, and a claim gets another of the run's cards.
      () => {
        inventory.setPod(podOf('w1'));
      },
      () => {
        inventory.setClaim(claimOf('w1', '2'));
      },
      () => {
        inventory.setClaim(claimOf('w2', '1'));
      },
      () => {
        inventory.setPod(podOf('w2'));
      },
      () => {
        inventory.removeReservation('job/1');
      },
    ];
    expect(standing(inventory)).toEqual(allHeld);
    for (const event of events) {
      event();
      expect(standing(inventory)).toEqual(allHeld);
    }
    inventory.removeClaim('claim-w1');
    expect(standing(inventory)).toEqual(['80 by 1', '80 by 1', 'free']);
  });

  it('is not taken over by a claim that is not allocated yet', () => {
    const inventory = aCluster({ a: 1 });
    reserve(inventory, job());
    inventory.setClaim(claimOf('w0'));
    expect(standing(inventory)).toEqual(['30 by 1']);
  });

  it('is taken over share by share where two workers are on one card, and by each with all of its cards', () => {
    const inventory = aCluster();
    expect(reserve(inventory, job({ gpus: 2, workers: 2 }))).toEqual([
      { node: 'a', count: 2, cards: ['GPU-a-0', 'GPU-a-1', 'GPU-a-0', 'GPU-a-1'] },
    ]);
    const both = ['60 by 2', '60 by 2'];
    expect(standing(inventory)).toEqual(both);
    inventory.setClaim(claimOf('w0', '0:30', '1:30'));
    expect(standing(inventory)).toEqual(both);
    inventory.setClaim(claimOf('w1', '1:30', '0:30'));
    expect(standing(inventory)).toEqual(both);
    inventory.removeClaim('claim-w0');
    inventory.removeClaim('claim-w1');
    expect(standing(inventory)).toEqual(both);
    inventory.removeReservation('job/1');
    expect(standing(inventory)).toEqual(['free', 'free']);
  });

  it('tells what it waits for node by node', () => {
    const inventory = aCluster({ a: 1, b: 1 });
    inventory.setReservation(
      reservation([
        { node: 'a', count: 2, cards: ['GPU-a-0', 'GPU-a-0'] },
        { node: 'b', count: 1, cards: ['GPU-b-0'] },
      ]),
    );
    inventory.setClaim(claimOf('w0', 'b/0:30'));
    expect([standing(inventory), standing(inventory, 'b')]).toEqual([['60 by 2'], ['30 by 1']]);
    inventory.setClaim(claimOf('w1', '0:30'));
    expect([standing(inventory), standing(inventory, 'b')]).toEqual([['60 by 2'], ['30 by 1']]);
    inventory.setClaim(claimOf('w2', '0:30'));
    inventory.removeClaim('claim-w0');
    // As many workers have a card as there are, or had: one that is gone is replaced, and its card kept for who comes.
    expect([standing(inventory), standing(inventory, 'b')]).toEqual([['60 by 2'], ['30 by 1']]);
  });

  it('needs no card for a worker whose Pod has finished before its claim was ever seen', () => {
    const inventory = aCluster();
    reserve(inventory, job({ isolation: 'Exclusive', workers: 2 }));
    inventory.setPod(podOf('w0'));
    expect(standing(inventory)).toEqual(['80 by 1', '80 by 1']);
    inventory.setPod(podOf('w0', true));
    expect(standing(inventory)).toEqual(['80 by 1', 'free']);
    inventory.setClaim(claimOf('w1', '0'));
    inventory.setPod(podOf('w1'));
    expect(standing(inventory)).toEqual(['80 by 1', 'free']);
    inventory.setPod(podOf('w1', true));
    inventory.removeClaim('claim-w1');
    expect(standing(inventory)).toEqual(['free', 'free']);
  });

  it('needs none of the cards of such a worker', () => {
    const inventory = aCluster({ a: 4 });
    reserve(inventory, job({ isolation: 'Exclusive', gpus: 2, workers: 2 }));
    inventory.setPod(podOf('w1', true));
    expect(standing(inventory)).toEqual(['80 by 1', '80 by 1', 'free', 'free']);
  });

  it('needs none once a finished worker’s claim is gone, whichever of the two is seen first', () => {
    const end = {
      finished: (inventory: Inventory) => {
        inventory.setPod(podOf('w0', true));
      },
      claimGone: (inventory: Inventory) => {
        inventory.removeClaim('claim-w0');
      },
    };
    for (const order of [
      ['finished', 'claimGone'],
      ['claimGone', 'finished'],
    ] as const) {
      const inventory = aCluster({ a: 1 });
      reserve(inventory, job());
      inventory.setPod(podOf('w0'));
      inventory.setClaim(claimOf('w0', '0:30'));
      const seen = order.map((event) => {
        end[event](inventory);
        return standing(inventory);
      });
      expect(seen).toEqual([['30 by 1'], ['free']]);
    }
  });

  it('counts again for a worker whose finished Pod is deleted and made anew', () => {
    const inventory = aCluster({ a: 1 });
    reserve(inventory, job());
    inventory.setPod(podOf('w0', true));
    expect(standing(inventory)).toEqual(['free']);
    inventory.removePod('w0');
    expect(standing(inventory)).toEqual(['30 by 1']);
    inventory.setPod(podOf('w1', true));
    inventory.setPod(podOf('w1'));
    expect(standing(inventory)).toEqual(['30 by 1']);
  });

  it('counts from the moment its cards are published, were they seen later or published anew', () => {
    const inventory = new Inventory();
    inventory.setReservation(reservation([{ node: 'a', count: 1, cards: ['GPU-a-1'] }]));
    inventory.setNode(byClaim('a'));
    const published = devicesOf('a', { ...a100x80, count: 2 });
    inventory.setDevices('a', published);
    expect(standing(inventory)).toEqual(['free', '30 by 1']);
    // A driver that starts again takes its slices away first.
    inventory.setDevices('a', { devices: [], counters: {} });
    expect(standing(inventory)).toEqual([]);
    inventory.setDevices('a', published);
    expect(standing(inventory)).toEqual(['free', '30 by 1']);
    inventory.removeReservation('job/1');
    expect(standing(inventory)).toEqual(['free', 'free']);
  });

  it('knows which of its cards are claimed once they are published', () => {
    const inventory = new Inventory();
    inventory.setReservation(reservation([{ node: 'a', count: 2, cards: ['GPU-a-0', 'GPU-a-1'] }]));
    inventory.setClaim(claimOf('w0', '0:30'));
    inventory.setNode(byClaim('a'));
    inventory.setDevices('a', devicesOf('a', { ...a100x80, count: 2 }));
    expect(standing(inventory)).toEqual(['30 by 1', '30 by 1']);
  });

  it('gives way to a later one of the same run', () => {
    const inventory = aCluster({ a: 2, b: 1 });
    inventory.setReservation(reservation([{ node: 'a', count: 1, cards: ['GPU-a-0'] }]));
    inventory.setReservation(reservation([{ node: 'b', count: 1, cards: ['GPU-b-0'] }]));
    inventory.setReservation(reservation([{ node: 'b', count: 1, cards: ['GPU-b-0'] }]));
    expect([standing(inventory), standing(inventory, 'b')]).toEqual([['free', 'free'], ['30 by 1']]);
    const { claim, ...byPlugin } = reservation([{ node: 'b', count: 1 }]).placement;
    expect(claim).toBeDefined();
    inventory.setReservation(reservation([], { placement: { ...byPlugin, backend: 'DevicePlugin' } }));
    expect(standing(inventory, 'b')).toEqual(['free']);
  });

  it('of a run whose workers all hold cards elsewhere keeps none', () => {
    const inventory = aCluster({ a: 1, b: 1 });
    inventory.setReservation(reservation([{ node: 'a', count: 1, cards: ['GPU-a-0'] }]));
    inventory.setPod(podOf('w0', false, 'b'));
    expect([...inventory.usedAmounts('a')]).toEqual([]);
    inventory.setClaim(claimOf('w0', 'b/0:30'));
    expect([standing(inventory), standing(inventory, 'b')]).toEqual([['free'], ['30 by 1']]);
    inventory.setPod(podOf('w0', true, 'b'));
    inventory.removeClaim('claim-w0');
    expect([standing(inventory), standing(inventory, 'b')]).toEqual([['free'], ['free']]);
  });

  it('is not taken over by claims of others', () => {
    const inventory = aCluster({ a: 2 });
    inventory.setReservation(reservation([{ node: 'a', count: 1, cards: ['GPU-a-0'] }]));
    inventory.setClaim(stranger('theirs', '1:10'));
    expect(standing(inventory)).toEqual(['30 by 1', '10 by 1']);
    inventory.setClaim({ ...claimOf('w0', '1:10'), run: 'other/1' });
    expect(standing(inventory)).toEqual(['30 by 1', '20 by 2']);
  });

  it('stands again when a claim turns out to be of another run', () => {
    const inventory = aCluster({ a: 1 });
    inventory.setReservation(reservation([{ node: 'a', count: 1, cards: ['GPU-a-0'] }]));
    inventory.setClaim(claimOf('w0', '0:30'));
    expect(standing(inventory)).toEqual(['30 by 1']);
    inventory.setClaim({ ...claimOf('w0', '0:30'), run: 'other/1' });
    expect(standing(inventory)).toEqual(['60 by 2']);
  });

  it('is on the card that is asked for by its name, where another way offers the same card', () => {
    const inventory = inventoryOf([hamiNode('a', alike('a', 1, { devmem: wholeCard }))]);
    inventory.setDevices('a', devicesOf('a', { ...a100x80, count: 1 }));
    const { placement, ...rest } = reservation([{ node: 'a', count: 1, cards: ['GPU-a-0'] }]);
    inventory.setReservation({ ...rest, placement });
    expect(standing(inventory)).toEqual(['30 by 1', 'free']);
    inventory.setReservation({ ...rest, placement: { ...placement, resourceName: 'nvidia.com/gpu' } });
    expect(standing(inventory)).toEqual(['free', '30 by 1']);
  });

  it('names no more cards than its workers have, whatever somebody wrote on the Job', () => {
    const inventory = aCluster({ a: 2 });
    inventory.setReservation(reservation([{ node: 'a', count: 1, cards: ['GPU-a-0', 'GPU-a-1'] }]));
    expect(standing(inventory)).toEqual(['30 by 1', 'free']);
    inventory.setReservation(reservation([{ node: 'a', count: 1, cards: ['GPU-x'] }]));
    expect(standing(inventory)).toEqual(['free', 'free']);
  });
});

describe('a reservation that names no cards, as a large gang has too many', () => {
  const any = (count: number, changes: Partial<Reservation> = {}) => reservation([{ node: 'a', count }], changes);
  const wholeOf = (count: number, run = 'job/1'): Reservation => {
    const { placement, ...rest } = any(count);
    return { ...rest, run, placement: { ...placement, claim: { ...placement.claim!, mebibytes: wholeCard } } };
  };

  it('keeps as many cards as it has workers, of those that nobody uses', () => {
    const inventory = aCluster({ a: 4 });
    inventory.setClaim(stranger('s', '1:10'));
    inventory.setReservation(wholeOf(2));
    expect(standing(inventory)).toEqual(['80 by 1', '10 by 1', '80 by 1', 'free']);
  });

  it('keeps room for every share of it, several on a card', () => {
    const inventory = aCluster({ a: 2 });
    expect(reserve(inventory, job({ workers: 4 }), false)).toEqual([{ node: 'a', count: 4 }]);
    expect(standing(inventory)).toEqual(['60 by 2', '60 by 2']);
    expect(verdictOf(inventory, job())).toMatch(/; the most free on one card is 20Gi$/);
    inventory.removeReservation('job/1');
    expect(standing(inventory)).toEqual(['free', 'free']);
  });

  it('keeps the shares of one worker on different cards', () => {
    const inventory = aCluster({ a: 2 });
    reserve(inventory, job({ gpus: 2, workers: 2, vramMebibytes: 20 * gi }), false);
    expect(standing(inventory)).toEqual(['40 by 2', '40 by 2']);
  });

  it('is taken over by claims on whichever cards', () => {
    const inventory = aCluster({ a: 4 });
    inventory.setReservation(wholeOf(3));
    const inUse = () => standing(inventory).filter((words) => words !== 'free');
    for (const [worker, card] of [
      ['w0', '3'],
      ['w1', '0'],
      ['w2', '1'],
    ] as const) {
      inventory.setClaim(claimOf(worker, card));
      expect(inUse()).toEqual(['80 by 1', '80 by 1', '80 by 1']);
    }
    inventory.removeClaim('claim-w1');
    expect(inUse()).toEqual(['80 by 1', '80 by 1', '80 by 1']);
  });

  it('moves over when a stranger takes the card that was kept, and back when he leaves', () => {
    const inventory = aCluster({ a: 3 });
    inventory.setReservation(wholeOf(1));
    inventory.setClaim(stranger('s', '0:10'));
    expect(standing(inventory)).toEqual(['10 by 1', '80 by 1', 'free']);
    inventory.setReservation(reservation([{ node: 'a', count: 1, cards: ['GPU-a-1'] }], { run: 'named/1' }));
    expect(standing(inventory)).toEqual(['10 by 1', '30 by 1', '80 by 1']);
    inventory.removeClaim('s');
    expect(standing(inventory)).toEqual(['80 by 1', '30 by 1', 'free']);
  });

  it('leaves room for the others, the largest shares first', () => {
    const inventory = aCluster({ a: 2 });
    for (const [name, gibibytes] of Object.entries({ a: 30, b: 40, c: 50, d: 40 })) {
      const { placement, ...rest } = any(1);
      const claim = { ...placement.claim!, mebibytes: gibibytes * gi };
      inventory.setReservation({ ...rest, run: `${name}/1`, placement: { ...placement, claim } });
    }
    expect(standing(inventory)).toEqual(['80 by 2', '80 by 2']);
  });

  it('leaves alone what is tainted, of another kind, or has no room', () => {
    const inventory = aCluster({ a: 2 });
    const { devices, counters } = devicesOf('a', { ...a100x80, count: 2 });
    inventory.setDevices('a', {
      counters,
      devices: devices.map((device, index) => ({ ...device, tainted: index === 0 })),
    });
    inventory.setReservation(wholeOf(2));
    expect(standing(inventory)).toEqual(['free, blocked', '80 by 1']);
    const other = wholeOf(1);
    inventory.setReservation({ ...other, placement: { ...other.placement, product: 'NVIDIA-A40' } });
    expect(standing(inventory)).toEqual(['free, blocked', 'free']);
  });
});

describe('slices that are published anew', () => {
  it('change nothing for the claims and reservations on their cards', () => {
    const inventory = aCluster({ a: 4 });
    inventory.setClaim(stranger('s', '0:10', '3'));
    inventory.setReservation(reservation([{ node: 'a', count: 3, cards: ['GPU-a-0', 'GPU-a-1', 'GPU-a-1'] }]));
    inventory.setClaim(claimOf('w1', '1:30'));
    const want = ['40 by 2', '60 by 2', 'free', '80 by 1'];
    expect(standing(inventory)).toEqual(want);
    inventory.setDevices('a', devicesOf('a', { ...a100x80, count: 5 }));
    expect(standing(inventory)).toEqual([...want, 'free']);
    inventory.removeReservation('job/1');
    inventory.removeClaim('s');
    inventory.removeClaim('claim-w1');
    expect(standing(inventory)).toEqual(Array.from({ length: 5 }, () => 'free'));
  });

  it('may lack a card for a while: who is on it counts again when it is back', () => {
    const inventory = aCluster();
    inventory.setClaim(stranger('s', '1:10'));
    inventory.setReservation(reservation([{ node: 'a', count: 2, cards: ['GPU-a-0', 'GPU-a-1'] }]));
    inventory.setDevices('a', devicesOf('a', { ...a100x80, count: 1 }));
    expect(standing(inventory)).toEqual(['30 by 1']);
    inventory.setDevices('a', devicesOf('a', { ...a100x80, count: 2 }));
    expect(standing(inventory)).toEqual(['30 by 1', '40 by 2']);
  });

  it('keep what is known of their cards when the node goes and comes back', () => {
    const inventory = aCluster();
    inventory.setClaim(stranger('s', '1:10'));
    inventory.removeNode('a');
    inventory.setClaim(stranger('t', '1:20'));
    inventory.setNode(byClaim('a'));
    expect(standing(inventory)).toEqual(['free', '30 by 2']);
  });
});

/** One card that is offered whole and in slices: of a quarter, and of a half. Each is its own device, as a static layout has it. */
function slicedCard(identityOf: (device: string) => string = (device) => device): NodeDevices {
  const [whole] = devicesOf('a', { ...a100x80, count: 1 }, false).devices;
  const slices = (profile: string, part: number, count: number): CardDevice[] => {
    const mebibytes = wholeCard / part;
    const pool: CardPool = {
      ...whole!.pool,
      resourceName: 'mig.nvidia.com',
      product: `${a100x80.product}-MIG-${profile}`,
      isolation: 'MIG',
      vram: { known: true, mebibytes },
      count,
      installed: count,
    };
    return Array.from({ length: count }, (_, index) => ({
      ...whole!,
      id: `gpu.nvidia.com/a/${profile}-${index}`,
      identity: identityOf(`${profile}-${index}`),
      pool,
      counters: { memory: 4 / part },
    }));
  };
  const devices = [
    { ...whole!, identity: identityOf('card'), counters: { memory: 4 } },
    ...slices('1g.20gb', 4, 4),
    ...slices('3g.40gb', 2, 2),
  ];
  return { devices, counters: { memory: 4 } };
}

function aSlicedNode(identityOf?: (device: string) => string): Inventory {
  const inventory = inventoryOf([byClaim('a', 1)]);
  inventory.setDevices('a', slicedCard(identityOf));
  return inventory;
}
const slice = (device: string): ClaimFacts => ({
  uid: `on-${device}`,
  podUID: '',
  holds: [{ deviceID: `gpu.nvidia.com/a/${device}`, consumed: {} }],
});
const blocked = (inventory: Inventory): boolean[] => standing(inventory).map((words) => words.endsWith('blocked'));
const [yes, no] = [true, false];

describe('devices that are parts of one card', () => {
  it('block the card while a slice of it is in use, and slices for which too little is left', () => {
    const inventory = aSlicedNode();
    expect(blocked(inventory)).toEqual([no, no, no, no, no, no, no]);
    inventory.setClaim(slice('1g.20gb-0'));
    // One half is left: the second of them can't be had beside the first.
    expect(blocked(inventory)).toEqual([yes, no, no, no, no, no, yes]);
    inventory.setClaim(slice('3g.40gb-0'));
    expect(blocked(inventory)).toEqual([yes, no, no, yes, yes, no, yes]);
    inventory.setClaim(slice('1g.20gb-3'));
    expect(blocked(inventory)).toEqual([yes, no, yes, yes, no, no, yes]);
    expect(inventory.standings().map(({ pool, free }) => [pool.resourceName, free])).toEqual([
      ['gpu.nvidia.com', 0],
      ['mig.nvidia.com', 0],
      ['mig.nvidia.com', 0],
    ]);
    for (const uid of ['on-1g.20gb-0', 'on-3g.40gb-0', 'on-1g.20gb-3']) inventory.removeClaim(uid);
    expect(standing(inventory)).toEqual(Array.from({ length: 7 }, () => 'free'));
  });

  it('are blocked while the card is in use as a whole', () => {
    const inventory = aSlicedNode();
    inventory.setClaim(slice('gpu-0'));
    expect(blocked(inventory)).toEqual([no, yes, yes, yes, yes, yes, yes]);
    inventory.removeClaim('on-gpu-0');
    expect(blocked(inventory)).toEqual([no, no, no, no, no, no, no]);
  });

  it('are given out as long as the card lasts', () => {
    const inventory = aSlicedNode();
    const half = workloadOf('half', { isolation: 'MIG', vramMebibytes: 40 * gi });
    const quarters = [1, 2, 3].map((index) =>
      workloadOf(`quarter-${index}`, { isolation: 'MIG', createdAtMilliseconds: index, products: quarterOnly }),
    );
    const card = workloadOf('card', { createdAtMilliseconds: 9 });
    const { verdicts } = planNow(inventory, [half, ...quarters, card]);
    expect([...verdicts].map(([uid, { kind }]) => `${uid} ${kind}`)).toEqual([
      'half Placed',
      'quarter-1 Placed',
      'quarter-2 Placed',
      'quarter-3 Waiting',
      'card Waiting',
    ]);
  });
  const quarterOnly = { allow: [`${a100x80.product}-MIG-1g.20gb`], deny: [] };

  it('are counted as free only as far as they can be had together', () => {
    const inventory = aSlicedNode();
    const halves = (gpus: number) => workloadOf('halves', { isolation: 'MIG', vramMebibytes: 40 * gi, gpus });
    expect(verdictOf(inventory, halves(2))).toBe('a');
    inventory.setClaim(slice('1g.20gb-1'));
    expect(inventory.standings().map(({ free }) => free)).toEqual([0, 3, 1]);
    expect(verdictOf(inventory, halves(2))).toMatch(/^CardsBusy/);
    expect(verdictOf(inventory, halves(1))).toBe('a');
  });

  it('are kept for a worker who may have any of those with one identity, and not one for which too little is left', () => {
    const inventory = aSlicedNode(() => 'GPU-a-0');
    const { placement, ...rest } = reservation([{ node: 'a', count: 2, cards: ['GPU-a-0', 'GPU-a-0'] }]);
    const onSlices = (product: string, mebibytes: number): Reservation['placement'] => ({
      ...placement,
      resourceName: 'mig.nvidia.com',
      product: `${a100x80.product}-MIG-${product}`,
      claim: { ...placement.claim!, mebibytes },
    });
    inventory.setReservation({ ...rest, placement: onSlices('1g.20gb', 20 * gi) });
    expect(standing(inventory)).toEqual([
      'free, blocked',
      ...['20 by 1', '20 by 1', 'free', 'free'],
      ...['free', 'free, blocked'],
    ]);
    inventory.setClaim(slice('1g.20gb-0'));
    inventory.setClaim(claimOf('w0'));
    inventory.setClaim({ ...claimOf('w0'), holds: slice('1g.20gb-3').holds });
    expect(standing(inventory)).toEqual([
      'free, blocked',
      ...['20 by 1', '20 by 1', 'free', '20 by 1'],
      ...['free, blocked', 'free, blocked'],
    ]);
  });

  it('are in use once, however many are on them', () => {
    const inventory = aSlicedNode();
    const half = workloadOf('job', { isolation: 'MIG', vramMebibytes: 40 * gi });
    expect(reserve(inventory, half)).toEqual([{ node: 'a', count: 1, cards: ['3g.40gb-0'] }]);
    inventory.setClaim(slice('3g.40gb-0'));
    expect(standing(inventory)[5]).toBe('80 by 2');
    expect(blocked(inventory)).toEqual([yes, no, no, yes, yes, no, no]);
    inventory.removeClaim('on-3g.40gb-0');
    expect(blocked(inventory)).toEqual([yes, no, no, yes, yes, no, no]);
  });

  it('are kept where they overlap with nothing that is kept before', () => {
    const inventory = inventoryOf([byClaim('a', 1)]);
    const { devices } = slicedCard(() => 'GPU-a-0');
    // As a dynamic layout has it: each slice in its own place on the card.
    const places: Readonly<Record<string, readonly number[]>> = {
      ...{ 'gpu-0': [0, 1, 2, 3], '3g.40gb-0': [0, 1], '3g.40gb-1': [2, 3] },
      ...{ '1g.20gb-0': [0], '1g.20gb-1': [1], '1g.20gb-2': [2], '1g.20gb-3': [3] },
    };
    const placed = devices.map((device) => {
      const own = places[device.id.split('/')[2] ?? ''] ?? [];
      return { ...device, counters: Object.fromEntries(own.map((place) => [`place-${place}`, 1])) };
    });
    const counters = Object.fromEntries([0, 1, 2, 3].map((place) => [`place-${place}`, 1]));
    for (const [run, profile, gibibytes] of [
      ['large/1', '3g.40gb', 40],
      ['small/1', '1g.20gb', 20],
    ] as const) {
      const { placement } = reservation([{ node: 'a', count: 1, cards: ['GPU-a-0'] }]);
      const product = `${a100x80.product}-MIG-${profile}`;
      const claim = { ...placement.claim!, mebibytes: gibibytes * gi };
      const own = { ...placement, resourceName: 'mig.nvidia.com', product, claim };
      inventory.setReservation(reservation([], { run, placement: own }));
    }
    inventory.setDevices('a', { devices: placed, counters });
    expect(standing(inventory).map((words) => words.startsWith('free'))).toEqual([yes, yes, yes, no, yes, no, yes]);
  });

  it('are no more blocked by a reservation that is given back', () => {
    const inventory = aSlicedNode();
    reserve(inventory, workloadOf('job'));
    expect(blocked(inventory)).toEqual([no, yes, yes, yes, yes, yes, yes]);
    inventory.setDevices('a', { devices: [], counters: {} });
    inventory.setDevices('a', slicedCard());
    expect(blocked(inventory)).toEqual([no, yes, yes, yes, yes, yes, yes]);
    inventory.removeReservation('job/1');
    expect(blocked(inventory)).toEqual([no, no, no, no, no, no, no]);
  });
});

describe('a card that its driver has tainted', () => {
  const tainted = (): NodeDevices => {
    const { devices, counters } = devicesOf('a', { ...a100x80, count: 2 });
    const pool = { ...devices[0]!.pool, count: 1 };
    return { counters, devices: devices.map((device, index) => ({ ...device, pool, tainted: index === 0 })) };
  };

  it('is given to nobody, and who is on it already counts', () => {
    const inventory = aCluster();
    inventory.setClaim(stranger('s', '0:10'));
    inventory.setDevices('a', tainted());
    expect(standing(inventory)).toEqual(['10 by 1, blocked', 'free']);
    expect(reserve(inventory, job())).toEqual([{ node: 'a', count: 1, cards: ['GPU-a-1'] }]);
    expect(verdictOf(inventory, job({ vramMebibytes: 60 * gi }))).toMatch(/; the most free on one card is 50Gi$/);
    inventory.removeClaim('s');
    expect(standing(inventory)).toEqual(['free, blocked', '30 by 1']);
  });

  it('stays closed where it has something in common with others', () => {
    const inventory = inventoryOf([byClaim('a', 1)]);
    const { devices, counters } = slicedCard();
    inventory.setDevices('a', {
      counters,
      devices: devices.map((device) => ({ ...device, tainted: device.id.endsWith('1g.20gb-0') })),
    });
    expect(blocked(inventory)).toEqual([no, yes, no, no, no, no, no]);
    inventory.setClaim(slice('1g.20gb-1'));
    inventory.removeClaim('on-1g.20gb-1');
    expect(blocked(inventory)).toEqual([no, yes, no, no, no, no, no]);
  });

  it('is in use again when the taint is gone', () => {
    const inventory = aCluster();
    inventory.setDevices('a', tainted());
    inventory.setDevices('a', devicesOf('a', { ...a100x80, count: 2 }));
    expect(standing(inventory)).toEqual(['free', 'free']);
    expect(inventory.standings().map(({ free }) => free)).toEqual([2]);
  });
});

describe('a card with few slots', () => {
  it('takes as many claims as it has slots, whatever is free of it', () => {
    const inventory = aCluster({ a: 1 });
    const { devices, counters } = devicesOf('a', { ...a100x80, count: 1 });
    inventory.setDevices('a', { counters, devices: devices.map((device) => ({ ...device, slots: 2 })) });
    const small = job({ vramMebibytes: 1 * gi });
    inventory.setClaim(stranger('s', '0:1'));
    expect(verdictOf(inventory, small)).toBe('a');
    inventory.setReservation(reservation([{ node: 'a', count: 1, cards: ['GPU-a-0'] }]));
    expect(verdictOf(inventory, small)).toMatch(/^CardsBusy: .*; nothing is free on one card$/);
    inventory.setClaim(claimOf('w0', '0:30'));
    expect(verdictOf(inventory, small)).toMatch(/^CardsBusy/);
    inventory.removeClaim('s');
    expect(verdictOf(inventory, small)).toBe('a');
  });
});

describe('a node that offers its cards both ways', () => {
  const both = (): Inventory => {
    const inventory = inventoryOf([nodeOf('a', { ...a100x80, count: 2 })]);
    inventory.setDevices('a', devicesOf('a', { ...a100x80, count: 2 }));
    return inventory;
  };
  const byPlugin = workloadOf('plugin', { allocation: 'DevicePlugin' });
  const byDRA = workloadOf('dra', { allocation: 'DRA' });
  const share = job({ allocation: 'DRA' });
  /** Which of the three would be placed now. */
  const open = (inventory: Inventory): string =>
    [byPlugin, byDRA, share].map((workload) => (verdictOf(inventory, workload) === 'a' ? 'open' : 'closed')).join(' ');

  it('is open to both as long as nobody uses it', () => {
    expect(open(both())).toBe('open open open');
  });

  it.each<{ name: string; use: (inventory: Inventory) => void; leave: (inventory: Inventory) => void; want: string }>([
    {
      name: 'by claim, while a Pod has a card from the device plugin',
      use: (inventory) => {
        inventory.setPod(podOn('a', 'p', 1));
      },
      leave: (inventory) => {
        inventory.setPod(podOn('a', 'p', 1, { terminal: true }));
      },
      want: 'open closed closed',
    },
    {
      name: 'by claim, while a card of the device plugin is reserved',
      use: (inventory) => {
        reserve(inventory, { ...byPlugin, uid: 'job' });
      },
      leave: (inventory) => {
        inventory.removeReservation('job/1');
      },
      want: 'open closed closed',
    },
    {
      name: 'by device plugin, while a claim holds a share of a card',
      use: (inventory) => {
        inventory.setClaim(stranger('s', '0:1'));
      },
      leave: (inventory) => {
        inventory.removeClaim('s');
      },
      want: 'closed open open',
    },
    {
      name: 'by device plugin, while a card is reserved that will be claimed',
      use: (inventory) => {
        reserve(inventory, { ...share, uid: 'job' });
      },
      leave: (inventory) => {
        inventory.removeReservation('job/1');
      },
      want: 'closed open open',
    },
    {
      name: 'in both, while it is used in both',
      use: (inventory) => {
        inventory.setClaim(stranger('s', '0:1'));
        inventory.setPod(podOn('a', 'p', 1));
      },
      leave: (inventory) => {
        inventory.removeClaim('s');
        inventory.removePod('p');
      },
      want: 'closed closed closed',
    },
    {
      name: 'by claim, while the Pods run on of a device plugin that is gone',
      use: (inventory) => {
        inventory.setPod(podOn('a', 'p', 1));
        inventory.setNode(byClaim('a'));
      },
      leave: (inventory) => {
        inventory.removePod('p');
        inventory.setNode(nodeOf('a', { ...a100x80, count: 2 }));
      },
      want: 'closed closed closed',
    },
  ])('is closed $name', ({ use, leave, want }) => {
    const inventory = both();
    use(inventory);
    expect(open(inventory)).toBe(want);
    leave(inventory);
    expect(open(inventory)).toBe('open open open');
  });

  it('is placed on one way only in one pass', () => {
    const { verdicts } = planNow(both(), [byPlugin, { ...byDRA, createdAtMilliseconds: 1 }]);
    expect([...verdicts.values()].map(({ kind }) => kind)).toEqual(['Placed', 'Waiting']);
  });

  it('is not closed by what is no card of its vendor', () => {
    const offered = { 'nvidia.com/gpu': '2', 'nvidia.com/hostdev': '4', 'amd.com/gpu': '4' };
    const inventory = inventoryOf([nodeOf('a', { ...a100x80, count: 2 }, { allocatable: offered })]);
    inventory.setDevices('a', devicesOf('a', { ...a100x80, count: 2 }));
    const requests = { 'nvidia.com/hostdev': 1, 'amd.com/gpu': 1, 'example.com/nvidia.com-gpu': 1, pods: 1 };
    inventory.setPod(podOn('a', 'p', 0, { requests }));
    expect(open(inventory)).toBe('open open open');
  });
});

describe('what a run holds', () => {
  /** All that a plan could read of it. */
  const seen = (inventory: Inventory) => ({
    cards: [standing(inventory), standing(inventory, 'b')],
    free: inventory.standings().map(({ free }) => free),
    used: ['a', 'b'].map((node) => Object.fromEntries([...inventory.usedAmounts(node)].sort())),
  });
  const lift = (inventory: Inventory, draft: ReturnType<Inventory['draft']>): void => {
    for (const { node, amounts, cards } of inventory.heldBy('job/1')) draft.lift(node, amounts, cards);
  };
  /** A gang on two nodes, on its way: one worker runs, one has its claim, one waits; and strangers beside it. */
  function underWay(): Inventory {
    const inventory = aCluster({ a: 2, b: 1 });
    inventory.setClaim(stranger('s', '0:20', 'b/0:10'));
    inventory.setReservation(
      reservation([
        { node: 'a', count: 2, cards: ['GPU-a-0', 'GPU-a-1'] },
        { node: 'b', count: 1, cards: ['GPU-b-0'] },
      ]),
    );
    inventory.setClaim(claimOf('w0', '0:30'));
    inventory.setPod(podOf('w0'));
    inventory.setClaim(claimOf('w1', 'b/0:30'));
    return inventory;
  }

  it('is its bound Pods, its claims and its reservation, each once', () => {
    const inventory = underWay();
    expect(seen(inventory).cards).toEqual([['50 by 2', '30 by 1'], ['40 by 2']]);
    const all = inventory.heldBy('job/1').flatMap(({ cards }) => cards.map(({ card }) => card.device.identity));
    expect(all.sort()).toEqual(['GPU-a-0', 'GPU-a-1', 'GPU-b-0']);
    expect(
      inventory
        .heldBy('job/1')
        .map(({ node }) => node)
        .sort(),
    ).toEqual(['a', 'a', 'b']);
    expect(inventory.heldBy('nobody/1')).toEqual([]);
  });

  it('is nothing of a worker that has finished', () => {
    const inventory = underWay();
    inventory.setPod(podOf('w0', true));
    inventory.removeClaim('claim-w0');
    expect(inventory.heldBy('job/1').map(({ node }) => node)).toEqual(['a', 'b']);
  });

  it('is gone while it is lifted, and given back exactly', () => {
    const inventory = underWay();
    const before = seen(inventory);
    const draft = inventory.draft();
    lift(inventory, draft);
    expect(seen(inventory)).toEqual({
      cards: [['20 by 1', 'free'], ['10 by 1']],
      free: [1, 0],
      used: [{}, {}],
    });
    draft.giveBackTo(0);
    expect(seen(inventory)).toEqual(before);
  });

  it('can be lifted, and others put in its place, on cards and on slices of them', () => {
    const inventory = aSlicedNode();
    inventory.setPod(podOf('w0'));
    inventory.setClaim({ ...claimOf('w0'), holds: slice('3g.40gb-0').holds });
    const before = seen(inventory);
    const draft = inventory.draft();
    lift(inventory, draft);
    expect(blocked(inventory)).toEqual([no, no, no, no, no, no, no]);
    const mark = draft.mark();
    const [card] = inventory.node('a')?.cards[0] ?? [];
    draft.take('a', { cpu: 1 }, [{ card: card!, mebibytes: wholeCard }]);
    expect(blocked(inventory)).toEqual([no, yes, yes, yes, yes, yes, yes]);
    draft.giveBackTo(mark);
    draft.giveBackTo(0);
    expect(seen(inventory)).toEqual(before);
  });

  it('opens the other way to its node while it is lifted', () => {
    const inventory = inventoryOf([nodeOf('a', { ...a100x80, count: 2 })]);
    inventory.setDevices('a', devicesOf('a', { ...a100x80, count: 2 }));
    reserve(inventory, job());
    const free = () => inventory.standings().map(({ free: units }) => units);
    expect(free()).toEqual([0, 1]);
    const draft = inventory.draft();
    lift(inventory, draft);
    expect(free()).toEqual([2, 2]);
    draft.giveBackTo(0);
    expect(free()).toEqual([0, 1]);
  });
});
