// Who is passed, who is at the head, and which nodes are kept for whom; then whole clusters played second by second, in which
// nobody may starve. All through the planner.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Inventory } from '../inventory/inventory.ts';
import { emptyQueueMemory } from '../model.ts';
import type { NodeFacts, PodFacts, QueueMemory, Workload } from '../model.ts';
import { reservationFor } from './planner.ts';
import { headPatienceMilliseconds, passedLimit } from './starvation.ts';
import {
  cardModels,
  inventoryOf,
  inWords,
  nodeOf,
  planNow,
  podOn,
  type CardsOfNode,
  workloadOf,
} from '../testing/builders.ts';

const { t4, rtx4090, a100x80 } = cardModels;

const selecting = (pool: string): Partial<Workload> => ({
  constraints: { nodeSelector: { pool }, nodeAffinity: [], tolerations: [] },
});
const tolerating = (workload: Workload): Workload => ({
  ...workload,
  constraints: { ...workload.constraints, tolerations: [{ operator: 'Exists' }] },
});
const of = ({ product }: { product: string }): Partial<Workload> => ({ products: { allow: [product], deny: [] } });
const inPool = (pool: string): Partial<NodeFacts> => ({ labels: { pool } });
const eight = { ...a100x80, count: 8 };

/** Everybody in this queue was passed too often already. */
const starving = (...queue: Workload[]): QueueMemory => ({
  ...emptyQueueMemory,
  passed: Object.fromEntries(queue.map(({ uid }) => [uid, passedLimit])),
});

describe('a job is passed', () => {
  const large = workloadOf('large', { gpus: 8, vramMebibytes: 60 * 1024 });
  const small = tolerating(
    workloadOf('small', { createdAtMilliseconds: 1, vramMebibytes: 1024, ...selecting('other') }),
  );
  const passings = (large: Workload, small: Workload, other: NodeFacts): number => {
    const inventory = inventoryOf(
      [nodeOf('full', eight, inPool('full')), other],
      [podOn('full', 'p', 1), podOn('other', 'q', 1)],
    );
    const { verdicts, memory } = planNow(inventory, [large, small]);
    expect([verdicts.get('large')?.kind, inWords(verdicts.get('small'))]).toEqual(['Waiting', 'other']);
    return memory.passed['large'] ?? 0;
  };

  it('by a later one that takes room where it could be', () => {
    expect(passings(large, small, nodeOf('other', eight, inPool('other')))).toBe(1);
  });

  it.each<{ where: string; cards?: CardsOfNode; node?: Partial<NodeFacts>; workload?: Partial<Workload> }>([
    { where: 'of another product', cards: { ...a100x80, product: 'B', count: 8 }, workload: of(a100x80) },
    { where: 'whose cards are too small', cards: { ...rtx4090, count: 8 } },
    { where: 'with too few cards', cards: { ...a100x80, count: 4 } },
    { where: 'with a taint that it does not tolerate', node: { taints: [{ key: 'team', effect: 'NoSchedule' }] } },
    { where: 'outside its selector', workload: selecting('full') },
    { where: 'with too little CPU', node: { allocatable: { cpu: '8' } }, workload: { perWorker: { cpu: 64_000 } } },
  ])('not by one that goes to a node $where', ({ cards = eight, node = {}, workload = {} }) => {
    const other = nodeOf('other', cards, { ...inPool('other'), ...node });
    expect(passings({ ...large, ...workload }, small, other)).toBe(0);
  });

  it('once by a gang, on however many nodes it is', () => {
    const nodes = ['a', 'b', 'full'].map((name) => nodeOf(name, eight));
    const gang = workloadOf('gang', { gpus: 4, workers: 3, createdAtMilliseconds: 1 });
    const pods = ['a', 'b', 'full'].map((name) => podOn(name, name, 4));
    expect(planNow(inventoryOf(nodes, pods), [large, gang]).memory.passed).toEqual({ large: 1 });
  });

  it('by nobody ahead of it, and each waits for its own count', () => {
    const urgent = workloadOf('urgent', { priority: 2 });
    const second = { ...large, uid: 'second', priority: -1, createdAtMilliseconds: 2 };
    const inventory = inventoryOf([nodeOf('full', eight)], [podOn('full', 'p', 1)]);
    const later = workloadOf('later', { priority: -2 });
    const middle = workloadOf('middle', { createdAtMilliseconds: 1 });
    expect(planNow(inventory, [urgent, large, middle, second, later]).memory.passed).toEqual({ large: 2, second: 1 });
  });
});

describe('a job is at the head', () => {
  const nodes = [
    nodeOf('a', eight, inPool('a')),
    nodeOf('b', eight, inPool('b')),
    nodeOf('t', { ...t4, count: 8 }, inPool('t')),
  ];
  const pods = nodes.map(({ name }) => podOn(name, name, 1));
  const waiting = (uid: string, age: number, changes: Partial<Workload>): Workload =>
    workloadOf(uid, { gpus: 8, vramMebibytes: 1024, createdAtMilliseconds: age, ...changes });
  const heads = (queue: Workload[], memory = emptyQueueMemory, changed = nodes): string[] =>
    Object.keys(planNow(inventoryOf(changed, pods), queue, memory, 7).memory.headSinceMilliseconds).sort();

  it.each<[string, Partial<Workload>, Partial<Workload>, string[]]>([
    ['with every job that waits for other cards', of(t4), of(a100x80), ['first', 'second']],
    ['with every job that selects other nodes', selecting('a'), selecting('b'), ['first', 'second']],
    ['and nobody behind who waits for the same', of(a100x80), { ...of(a100x80), gpus: 7, workers: 2 }, ['first']],
    ['and nobody behind who selects some of the same nodes', of(a100x80), selecting('b'), ['first']],
    ['and nobody behind whom it stands in the way of on some nodes only', selecting('b'), of(a100x80), ['first']],
  ])('%s', (_, first, second, want) => {
    expect(heads([waiting('first', 0, first), waiting('second', 1, second)])).toEqual(want);
  });

  it('and stands in the way of nobody any more, but on the nodes that are kept for it', () => {
    const queue = [waiting('any', 0, {}), waiting('large', 1, of(a100x80)), waiting('small', 2, of(t4))];
    expect(heads(queue)).toEqual(['any']);
    expect(heads(queue, { ...emptyQueueMemory, held: [{ uid: 'any', nodes: ['t'] }] })).toEqual(['any', 'large']);
  });

  it('and stands in nobody’s way while too few nodes are in service for it', () => {
    const queue = [waiting('gang', 0, { ...of(a100x80), workers: 2 }), waiting('second', 1, of(a100x80))];
    const cordoned = nodes.map((node) => (node.name === 'b' ? { ...node, unschedulable: true } : node));
    expect([heads(queue), heads(queue, emptyQueueMemory, cordoned)]).toEqual([['gang'], ['gang', 'second']]);
  });

  it('for a minute: then it has nodes kept, each for its own cards', () => {
    const queue = [waiting('first', 0, of(t4)), waiting('second', 1, of(a100x80))];
    const { memory } = planNow(inventoryOf(nodes, pods), queue, emptyQueueMemory, 1000);
    const later = (now: number) => planNow(inventoryOf(nodes, pods), queue, memory, now).memory.held;
    expect(later(999 + headPatienceMilliseconds)).toEqual([]);
    expect(later(1000 + headPatienceMilliseconds)).toEqual([
      { uid: 'first', nodes: ['t'] },
      { uid: 'second', nodes: ['a'] },
    ]);
  });
});

describe('starving jobs', () => {
  /** The first could free first. */
  const cluster = (...names: string[]): Inventory =>
    inventoryOf(
      names.map((name) => nodeOf(name, eight)),
      names.map((name, index) => podOn(name, name, index + 1)),
    );
  const job = (uid: string, age: number, workers = 1): Workload =>
    workloadOf(uid, { gpus: 8, workers, createdAtMilliseconds: age });

  it('each have nodes kept, in queue order and no node for two', () => {
    const [first, second, third] = [job('first', 0), job('second', 1, 2), job('third', 2)];
    expect(
      planNow(cluster('a', 'b', 'c', 'd'), [third, second, first], starving(first, second, third)).memory.held,
    ).toEqual([
      { uid: 'first', nodes: ['a'] },
      { uid: 'second', nodes: ['b', 'c'] },
      { uid: 'third', nodes: ['d'] },
    ]);
  });

  it('have nodes of that product kept which could free first', () => {
    const inventory = cluster('a');
    inventory.setPod(podOn('a', 'q', 4));
    inventory.setNode(nodeOf('r', { ...rtx4090, count: 8 }));
    inventory.setPod(podOn('r', 'r', 3));
    expect(planNow(inventory, [job('any', 0)], starving(job('any', 0))).memory.held).toEqual([
      { uid: 'any', nodes: ['r'] },
    ]);
  });

  it('keep the same nodes from pass to pass, and each gets its own', () => {
    const [first, second] = [job('first', 0), job('second', 1)];
    const held = [
      { uid: 'first', nodes: ['a'] },
      { uid: 'second', nodes: ['b'] },
    ];
    const inventory = cluster('a', 'b', 'c');
    expect(planNow(inventory, [first, second], { ...emptyQueueMemory, held }).memory.held).toEqual(held);
    inventory.removePod('b');
    const { verdicts, memory } = planNow(inventory, [first, second, job('other', 2)], { ...emptyQueueMemory, held });
    const placed = ['first', 'second', 'other'].map((uid) => verdicts.get(uid)?.kind);
    expect([placed, inWords(verdicts.get('second'))]).toEqual([['Waiting', 'Placed', 'Waiting'], 'b']);
    expect(memory.held).toEqual([{ uid: 'first', nodes: ['a'] }]);
  });

  it('have all nodes kept that they need or none, and till then nobody behind gets one that they could use', () => {
    const [first, gang, behind] = [job('first', 0), job('gang', 1, 3), job('behind', 2)];
    const elsewhere = { ...job('elsewhere', 3), ...of(t4), vramMebibytes: 1024 };
    const inventory = cluster('a', 'b', 'c');
    inventory.setNode(nodeOf('t', { ...t4, count: 8 }));
    inventory.setPod(podOn('t', 't', 1));
    const queue = [first, gang, behind, elsewhere];
    expect(planNow(inventory, queue, starving(...queue)).memory.held).toEqual([
      { uid: 'first', nodes: ['a'] },
      { uid: 'elsewhere', nodes: ['t'] },
    ]);
  });

  it.each<[string, Partial<NodeFacts>]>([
    ['are in service', { unschedulable: true }],
    ['have the CPU', { allocatable: { cpu: '8' } }],
  ])('for whom too few nodes %s don’t stand in the way of those behind', (_, changes) => {
    const gang = { ...job('gang', 0, 3), perWorker: { cpu: 64_000 } };
    const behind = job('behind', 1);
    const inventory = cluster('a', 'b', 'c');
    inventory.setNode(nodeOf('c', eight, changes));
    expect(planNow(inventory, [gang, behind], starving(gang, behind)).memory.held).toEqual([
      { uid: 'behind', nodes: ['a'] },
    ]);
  });

  it('get theirs however many others wait ahead of them', () => {
    const crowd = Array.from({ length: 300 }, (_, index) => ({
      ...workloadOf(`t${index}`, { gpus: 8, vramMebibytes: 1024 + index }),
      ...of(t4),
    }));
    const inventory = cluster('a');
    inventory.setNode(nodeOf('t', { ...t4, count: 8 }));
    inventory.setPod(podOn('t', 't', 1));
    const last = job('last', 1);
    expect(planNow(inventory, [...crowd, last], starving(last)).memory.held).toEqual([{ uid: 'last', nodes: ['a'] }]);
  });

  it('that are passed too often at the same moment get theirs in queue order', () => {
    const [first, second] = [job('first', 0), { ...job('second', 1), vramMebibytes: 1024 }];
    const passed = { first: passedLimit - 1, second: passedLimit - 1 };
    const small = workloadOf('small', { createdAtMilliseconds: 2 });
    expect(
      planNow(cluster('a', 'b', 'c'), [first, second, small], { ...emptyQueueMemory, passed }).memory.held,
    ).toEqual([
      { uid: 'first', nodes: ['a'] },
      { uid: 'second', nodes: ['b'] },
    ]);
  });
});

interface Played {
  readonly inventory: Inventory;
  readonly memory?: QueueMemory;
  readonly seconds: number;
  /** Who comes in a second; `present` says how many jobs wait or run whose uid begins so. */
  readonly arriving: (second: number, present: (prefix: string) => number) => readonly Workload[];
  readonly secondsToLive: (workload: Workload) => number;
  /** Over as soon as all of these are placed. */
  readonly watched: readonly string[];
}

/** When each job was placed, in seconds. */
function play({
  inventory,
  seconds,
  arriving,
  secondsToLive,
  watched,
  ...played
}: Played): ReadonlyMap<string, number> {
  const placedAt = new Map<string, number>();
  const running = new Map<string, { readonly run: string; readonly until: number }>();
  let waiting: Workload[] = [];
  let memory = played.memory ?? emptyQueueMemory;
  for (let second = 0; second < seconds && !watched.every((uid) => placedAt.has(uid)); second += 1) {
    for (const [uid, { run, until }] of running) {
      if (until > second) continue;
      inventory.removeReservation(run);
      running.delete(uid);
    }
    const present = (prefix: string): number =>
      [...waiting.map(({ uid }) => uid), ...running.keys()].filter((uid) => uid.startsWith(prefix)).length;
    waiting.push(...arriving(second, present));
    const { verdicts, memory: next } = planNow(inventory, waiting, memory, second * 1000);
    memory = next;
    for (const workload of waiting) {
      const verdict = verdicts.get(workload.uid);
      if (verdict?.kind !== 'Placed') continue;
      const reservation = reservationFor(workload, verdict.placement);
      inventory.setReservation(reservation);
      placedAt.set(workload.uid, second);
      running.set(workload.uid, { run: reservation.run, until: second + secondsToLive(workload) });
    }
    waiting = waiting.filter(({ uid }) => !placedAt.has(uid));
  }
  return placedAt;
}

const patienceSeconds = headPatienceMilliseconds / 1000;

describe('in a steady stream of small jobs', () => {
  const nodes = (count: number, pool: string): NodeFacts[] =>
    Array.from({ length: count }, (_, index) => nodeOf(`${pool}-${index}`, eight, inPool(pool)));
  /** As many as there are cards and a few more, of lives that differ. */
  const smallJobs = (second: number, atOnce: number, present: (prefix: string) => number): Workload[] =>
    Array.from({ length: Math.max(0, atOnce - present('small')) }, (_, index) =>
      workloadOf(`small-${second}-${index}`, { createdAtMilliseconds: second * 1000 + index }),
    );
  const smallLife = 20;
  const largeLife = 30;
  const secondsToLive = ({ uid, createdAtMilliseconds }: Workload): number =>
    uid.startsWith('small') ? smallLife - (createdAtMilliseconds % 16) : largeLife;

  it('a gang is not starved behind another whose nodes never become free', () => {
    const stuck = workloadOf('stuck', { gpus: 8, workers: 2, createdAtMilliseconds: 50_000, ...selecting('old') });
    const gang = workloadOf('gang', { gpus: 8, workers: 2, createdAtMilliseconds: 51_000 });
    const placedAt = play({
      inventory: inventoryOf([...nodes(2, 'old'), ...nodes(4, 'new')], [podOn('old-0', 'for-ever', 1)]),
      seconds: 1000,
      arriving: (second, present) => [
        ...smallJobs(second, 50, present),
        ...(second === 50 ? [stuck] : second === 51 ? [gang] : []),
      ],
      secondsToLive,
      watched: ['gang'],
    });
    expect(placedAt.get('stuck')).toBeUndefined();
    expect(placedAt.get('gang')).toBeLessThan(51 + patienceSeconds + smallLife);
  });

  it('a job is not starved by one ahead that waits for other cards', () => {
    const stuck = workloadOf('stuck', { gpus: 8, createdAtMilliseconds: 50_000, vramMebibytes: 1024, ...of(t4) });
    const large = workloadOf('large', { gpus: 8, createdAtMilliseconds: 51_000 });
    // So few that its minute at the head is over long before the twentieth passes it.
    const placedAt = play({
      inventory: inventoryOf([nodeOf('t', { ...t4, count: 8 }), ...nodes(1, 'n')], [podOn('t', 'for-ever', 1)]),
      seconds: 1000,
      arriving: (second, present) => [
        ...smallJobs(second, second % 10 === 0 ? present('small') + 1 : 0, present),
        ...(second === 50 ? [stuck] : second === 51 ? [large] : []),
      ],
      secondsToLive: () => 45,
      watched: ['large'],
    });
    expect(placedAt.get('large')).toBeLessThan(51 + patienceSeconds + 45);
  });

  it('a gang is not starved by jobs behind it that have nodes kept in turns', () => {
    const whole = (index: number): Workload =>
      workloadOf(`whole-${index}`, { gpus: 8, createdAtMilliseconds: index, priority: index < 4 ? 1 : 0 });
    const gang = workloadOf('gang', { gpus: 8, workers: 2 });
    const queue = [gang, ...Array.from({ length: 60 }, (_, index) => whole(index))];
    const placedAt = play({
      inventory: inventoryOf(nodes(2, 'n')),
      memory: starving(...queue),
      seconds: 1000,
      arriving: (second) => (second === 0 ? queue : []),
      secondsToLive: ({ createdAtMilliseconds }) => largeLife - 10 * (createdAtMilliseconds % 2),
      watched: ['gang'],
    });
    // Two of the four ahead of it on each node, and then what took a node before both could be kept.
    expect(placedAt.get('gang')).toBeLessThanOrEqual(4 * largeLife);
  });
});

const kinds = [t4, rtx4090, a100x80];
const kindArbitrary = fc.record({
  kind: fc.constantFrom(...kinds),
  nodes: fc.integer({ min: 1, max: 4 }),
  cards: fc.constantFrom(4, 8),
  /** Something on every node never ends, so that who needs whole nodes waits for ever. */
  stuck: fc.boolean(),
});
const largeArbitrary = fc.record({
  kind: fc.constantFrom(...kinds),
  gpus: fc.constantFrom(4, 8),
  workers: fc.constantFrom(1, 1, 2, 3),
  second: fc.integer({ min: 20, max: 60 }),
});
type KindSketch = typeof kindArbitrary extends fc.Arbitrary<infer T> ? T : never;
type LargeSketch = typeof largeArbitrary extends fc.Arbitrary<infer T> ? T : never;

const podsOfKind = ({ kind, nodes, stuck }: KindSketch): PodFacts[] =>
  Array.from({ length: stuck ? nodes : 0 }, (_, index) =>
    podOn(`${kind.product}-${index}`, `${kind.product}-${index}`, 1),
  );
const nodesOfKind = ({ kind, nodes, cards }: KindSketch): NodeFacts[] =>
  Array.from({ length: nodes }, (_, index) => nodeOf(`${kind.product}-${index}`, { ...kind, count: cards }));

describe('whatever nodes there are and whatever large jobs come', () => {
  const life = 30;
  const mebibytes = 8 * 1024;
  const largeFrom = ({ kind, gpus, workers, second }: LargeSketch, index: number): Workload =>
    workloadOf(`large-${index}`, {
      ...of(kind),
      gpus,
      workers,
      vramMebibytes: mebibytes,
      createdAtMilliseconds: second * 1000 + index,
    });
  /** On every kind as many as it has cards, and two or more that wait. */
  const smallJobs = (kinds: readonly KindSketch[], second: number, present: (prefix: string) => number): Workload[] =>
    kinds.flatMap(({ kind, nodes, cards }) =>
      Array.from({ length: Math.max(0, nodes * cards + 2 - present(`small-${kind.product}`)) }, (_, index) =>
        workloadOf(`small-${kind.product}-${second}-${index}`, {
          ...of(kind),
          vramMebibytes: mebibytes,
          createdAtMilliseconds: second * 1000 + index,
        }),
      ),
    );

  it('each that would fit when all is empty is placed in the time that it and those ahead for the same cards need', () => {
    const clusters = fc.uniqueArray(kindArbitrary, { selector: ({ kind }) => kind, minLength: 1 });
    fc.assert(
      fc.property(
        clusters,
        fc.array(largeArbitrary, { minLength: 1, maxLength: 6 }),
        fc.array(fc.integer({ min: 5, max: life }), { minLength: 1, maxLength: 40 }),
        (kinds, sketches, lives) => {
          const nodes = kinds.flatMap(nodesOfKind);
          const large = sketches.map(largeFrom);
          const fluent = inventoryOf(kinds.filter(({ stuck }) => !stuck).flatMap(nodesOfKind));
          const watched = large.filter(
            (workload) => planNow(fluent, [workload]).verdicts.get(workload.uid)?.kind === 'Placed',
          );
          let count = 0;
          const placedAt = play({
            inventory: inventoryOf(nodes, kinds.flatMap(podsOfKind)),
            seconds: 1000,
            arriving: (second, present) => [
              ...smallJobs(kinds, second, present),
              ...large.filter(({ createdAtMilliseconds }) => Math.floor(createdAtMilliseconds / 1000) === second),
            ],
            secondsToLive: () => lives[count++ % lives.length] ?? life,
            watched: watched.map(({ uid }) => uid),
          });
          for (const { uid, products, createdAtMilliseconds } of watched) {
            const ahead = watched.filter(
              (other) =>
                other.products.allow[0] === products.allow[0] && other.createdAtMilliseconds < createdAtMilliseconds,
            );
            // The two small jobs ahead; then for each its minute and what still runs on the nodes kept for it.
            const limit = life + (ahead.length + 1) * (patienceSeconds + life);
            expect((placedAt.get(uid) ?? Infinity) - createdAtMilliseconds / 1000).toBeLessThanOrEqual(limit);
          }
        },
      ),
    );
  });
});
