// What a board says of its nodes, whatever happened to them since it was last asked: always what it would say of all of them
// seen for the first time.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backendOf } from '../cards/backend-of.ts';
import type { Ask } from '../model.ts';
import { chooseCards, workersByCards } from '../fit/room.ts';
import { withCards } from '../fit/shape.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { NodeClass } from '../inventory/node-class.ts';
import { cardModels, inventoryOf, nodeOf, podOn } from '../testing/builders.ts';
import { askFor, asks, demandOf, demands, Play, stepsArbitrary } from '../testing/play.ts';
import { Board, boardFor } from './board.ts';
import { type Demand, noDemand } from './demand.ts';
import { Fragments } from './fragments.ts';
import { shortResource } from './left.ts';
import { poolStateOf } from './node-state.ts';
import type { Packing } from './packing.ts';

interface Place {
  readonly nodeClass: NodeClass;
  readonly poolIndex: number;
}

/** All that boards say of all nodes, for each kind of worker: the ranking, the best of all and of some, and each packing. */
function judgements(inventory: Inventory, demand: Demand): unknown {
  return [...inventory.classes()]
    .sort((one, other) => (one.key < other.key ? -1 : 1))
    .flatMap((nodeClass) =>
      nodeClass.pools.flatMap((_pool, poolIndex) =>
        asks.map((ask) => {
          const board = boardFor({ inventory, demand }, { nodeClass, poolIndex }, ask);
          return {
            ranked: board.ranked(),
            best: board.best(() => true),
            bestOfSome: board.best((node) => node !== 'n1'),
            packings: nodeClass.nodeNames.map((node) => [node, board.packingOf(node)]),
          };
        }),
      ),
    );
}

describe('the boards of an inventory', () => {
  it('say after any series of changes, of takes and of givings back what they would say seeing it for the first time', () => {
    fc.assert(
      fc.property(stepsArbitrary, (steps) => {
        new Play([...steps, { do: 'look' }], ({ inventory, demand, told }, taken) => {
          expect(judgements(inventory, demand)).toEqual(judgements(told.anew(taken), demand));
        });
      }),
      { numRuns: 200 },
    );
  });

  it('find room exactly where there is, and what they promise to be left is left', () => {
    fc.assert(
      fc.property(stepsArbitrary, (steps) => {
        new Play([...steps.filter((step) => step.do !== 'look'), { do: 'look' }], (play) => {
          for (const nodeClass of play.inventory.classes()) {
            nodeClass.pools.forEach((_pool, poolIndex) => {
              for (const ask of asks) promisesHold(play, { nodeClass, poolIndex }, ask);
            });
          }
        });
      }),
      { numRuns: 100 },
    );
  });

  function promisesHold({ inventory, demand }: Play, site: Place, ask: Ask): void {
    const { nodeClass, poolIndex } = site;
    for (const node of nodeClass.nodeNames) {
      const entry = inventory.node(node)!;
      const packing = boardFor({ inventory, demand }, site, ask).packingOf(node);
      const hasCards = workersByCards(ask, entry, poolIndex) > 0;
      expect(packing !== undefined).toBe(hasCards && shortResource(inventory, entry, ask.perWorker) === undefined);
      if (packing === undefined) continue;
      const pool = nodeClass.pools[poolIndex]!;
      const draft = inventory.draft();
      const cards = chooseCards(ask, entry, poolIndex, packing.fill);
      draft.take(node, withCards(ask.perWorker, backendOf(pool), pool.resourceName, ask.gpus), cards);
      const left = poolStateOf(entry, poolIndex, inventory.usedAmounts(node));
      expect(packing.freeAfter).toBeCloseTo(new Fragments(nodeClass, pool, noDemand).freeCards(left), 9);
      draft.giveBackTo(0);
    }
  }

  it('judge nodes alike that have come to the same state in different ways', () => {
    const nodes = ['n1', 'n2', 'n3'].map((node) => nodeOf(node, { ...cardModels.a100x40, count: 8 }));
    const inventory = inventoryOf(nodes, [
      podOn('n1', 'a', 3),
      podOn('n2', 'b', 1),
      podOn('n2', 'c', 2),
      podOn('n3', 'd', 8),
    ]);
    inventory.removePod('d');
    inventory.setPod(podOn('n3', 'e', 3, { requests: { 'nvidia.com/gpu': 3, pods: 7 } }));
    const [nodeClass] = inventory.classes();
    const board = boardFor({ inventory, demand: demands[1]! }, { nodeClass: nodeClass!, poolIndex: 0 }, askFor());
    const packings = ['n1', 'n2', 'n3'].map((node) => board.packingOf(node));
    expect(packings[0]).toMatchObject({ freeAfter: 4 });
    expect(packings[1]).toBe(packings[0]);
    expect(packings[2]).toBe(packings[0]);
    expect(board.ranked()).toEqual(['n1', 'n2', 'n3']);
  });

  it('judge by the demand that they are asked with, also where a new leader counts its versions from the start again', () => {
    const inventory = inventoryOf([nodeOf('n1', { ...cardModels.a100x40, count: 8 })]);
    const [nodeClass] = inventory.classes();
    const site = { nodeClass: nodeClass!, poolIndex: 0 };
    const [one, other] = [demandOf({ gpus: 8 }), demandOf({ gpus: 1 })];
    expect(one.version).toBe(other.version);
    const scoreBy = (demand: Demand): number | undefined =>
      boardFor({ inventory, demand }, site, askFor()).packingOf('n1')?.score;
    expect(scoreBy(one)).toBeLessThan(0.01);
    expect(scoreBy(other)).toBe(0.5);
  });
});

describe('what boards remember', () => {
  const inventory = inventoryOf([nodeOf('n1', { ...cardModels.a100x40, count: 8 })]);
  const [nodeClass] = inventory.classes();
  const site = { nodeClass: nodeClass!, poolIndex: 0 };
  const boardOf = (cpu: number): Board =>
    boardFor({ inventory, demand: noDemand }, site, askFor({ perWorker: { cpu, pods: 1 } }));

  it('is 128 kinds of workers of a class; those not asked for longest go first', () => {
    const first = boardOf(1);
    const second = boardOf(2);
    for (let cpu = 3; cpu <= 128; cpu += 1) boardOf(cpu);
    expect(boardOf(1)).toBe(first);
    boardOf(129);
    expect(boardOf(1)).toBe(first);
    expect(boardOf(2)).not.toBe(second);
  });

  it('is one board for all that are judged alike, whatever else they ask', () => {
    const first = boardFor({ inventory, demand: noDemand }, site, askFor());
    const constraints = { nodeSelector: { zone: 'a' }, nodeAffinity: [], tolerations: [] };
    expect(boardFor({ inventory, demand: noDemand }, site, askFor({ constraints }))).toBe(first);
    const others = [
      askFor({ products: { allow: [cardModels.a100x40.product], deny: [] } }),
      askFor({ isolation: 'Shared' }),
      askFor({ gpus: 2 }),
      askFor({ needMebibytes: 14_337, leastMebibytes: 14_336 }),
      askFor({ leastMebibytes: 14_335 }),
      askFor({ perWorker: { cpu: 1001, pods: 1 } }),
    ];
    const boards = [askFor(), ...others].map((ask) => boardFor({ inventory, demand: noDemand }, site, ask));
    expect(new Set(boards).size).toBe(boards.length);
  });

  it('is at most 20,000 states for a kind of worker; what is forgotten is judged again', () => {
    const use = (cpu: number): void => {
      inventory.setPod(podOn('n1', 'p', 1, { requests: { 'nvidia.com/gpu': 1, cpu, pods: 1 } }));
    };
    const board = boardOf(1);
    const judgedAt = (cpu: number): Packing | undefined => {
      use(cpu);
      return board.packingOf('n1');
    };
    const first = judgedAt(0);
    for (let cpu = 1; cpu < 20_000; cpu += 1) judgedAt(cpu);
    expect(judgedAt(0)).toBe(first);
    judgedAt(20_000);
    expect(judgedAt(0)).toEqual(first);
    expect(judgedAt(0)).not.toBe(first);
  });
});

describe('a board', () => {
  interface Case {
    readonly name: string;
    readonly packings: Readonly<Record<string, Packing | undefined>>;
    readonly leftOut?: readonly string[];
    readonly wantRanked: readonly string[];
    readonly wantBest: string | undefined;
  }

  const boardOn = (packings: Case['packings']): Board => {
    const nodeClass = new NodeClass('class', [], nodeOf('n1', { ...cardModels.t4, count: 1 }));
    for (const node of Object.keys(packings)) nodeClass.add(node, {});
    return new Board(nodeClass, (node) => packings[node]);
  };

  it.each<Case>([
    {
      name: 'puts the best score first',
      packings: {
        a: { score: 0.25, freeAfter: 0 },
        b: { score: 0.75, freeAfter: 9 },
        c: { score: 0.5, freeAfter: 0 },
      },
      wantRanked: ['b', 'c', 'a'],
      wantBest: 'b',
    },
    {
      name: 'puts the fullest of equal scores first',
      packings: { a: { score: 0.5, freeAfter: 3 }, b: { score: 0.5, freeAfter: 1.5 }, c: { score: 0.5, freeAfter: 2 } },
      wantRanked: ['b', 'c', 'a'],
      wantBest: 'b',
    },
    {
      name: 'puts the first by name of equally full nodes first',
      packings: { c: { score: 0.5, freeAfter: 2 }, a: { score: 0.5, freeAfter: 2 }, b: { score: 0.5, freeAfter: 2 } },
      wantRanked: ['a', 'b', 'c'],
      wantBest: 'a',
    },
    {
      name: 'leaves out nodes without room, and keeps those of the lowest score',
      packings: { a: undefined, b: { score: 0, freeAfter: 2 }, c: undefined },
      wantRanked: ['b'],
      wantBest: 'b',
    },
    {
      name: 'has no best where nothing has room',
      packings: { a: undefined },
      wantRanked: [],
      wantBest: undefined,
    },
    {
      name: 'has no best of no nodes',
      packings: {},
      wantRanked: [],
      wantBest: undefined,
    },
    {
      name: 'takes the next best where the best must not be used',
      packings: { a: { score: 0.5, freeAfter: 2 }, b: { score: 0.5, freeAfter: 1 }, c: { score: 0.25, freeAfter: 0 } },
      leftOut: ['b'],
      wantRanked: ['b', 'a', 'c'],
      wantBest: 'a',
    },
    {
      name: 'has no best where all that have room must not be used',
      packings: { a: { score: 0.5, freeAfter: 2 }, b: undefined },
      leftOut: ['a'],
      wantRanked: ['a'],
      wantBest: undefined,
    },
  ])('$name', ({ packings, leftOut = [], wantRanked, wantBest }) => {
    const board = boardOn(packings);
    expect(board.ranked()).toEqual(wantRanked);
    const best = board.best((node) => !leftOut.includes(node));
    expect(best?.node).toBe(wantBest);
    expect(best?.packing).toBe(wantBest === undefined ? undefined : packings[wantBest]);
  });

  it('knows nothing of a node that is not of its class', () => {
    expect(boardOn({ a: { score: 1, freeAfter: 0 } }).packingOf('elsewhere')).toBeUndefined();
  });

  it('looks again at the nodes that have changed and at no others, and at all when one has come or gone', () => {
    const nodeClass = new NodeClass('class', [], nodeOf('n1', { ...cardModels.t4, count: 1 }));
    for (const node of ['a', 'b', 'c']) nodeClass.add(node, {});
    const looked: string[] = [];
    const board = new Board(nodeClass, (node) => {
      looked.push(node);
      return { score: 0.5, freeAfter: 1 };
    });
    const looks = (change: () => void): string => {
      looked.length = 0;
      change();
      board.best(() => true);
      return looked.join(' ');
    };
    expect(looks(() => undefined)).toBe('a b c');
    expect(looks(() => undefined)).toBe('');
    const touchTwice = (): void => {
      nodeClass.touch('c');
      nodeClass.touch('a');
      nodeClass.touch('c');
    };
    expect(looks(touchTwice)).toBe('c a');
    expect(looks(() => undefined)).toBe('');
    expect(
      looks(() => {
        nodeClass.add('ab', {});
      }),
    ).toBe('a ab b c');
    expect(
      looks(() => {
        nodeClass.remove('b');
      }),
    ).toBe('a ab c');
    const touchOften = (): void => {
      for (let time = 0; time < 100; time += 1) nodeClass.touch('a');
    };
    expect(looks(touchOften)).toBe('a ab c');
  });
});
