// Cards that drivers publish one by one, in random clusters played over several rounds: the planner and its inventory are held
// against a book that is kept beside them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mebibytesRoundedDown, parseAmount } from '../resources/quantity.ts';
import { Inventory } from './inventory/inventory.ts';
import { emptyQueueMemory } from './model.ts';
import type { QueueMemory, Workload } from './model.ts';
import {
  type CardJobSketch,
  cardClusterArbitrary,
  cardJobArbitrary,
  cardJobFrom,
  cardNodeArbitrary,
  type CardNodeSketch,
  headroomArbitrary,
  placementsOf,
  policyWith,
  seenOf,
} from './testing/arbitraries.ts';
import { planNow } from './testing/builders.ts';
import { isByClaim, isOfKind, moveArbitrary, PlayedCluster, type Run, sizeOf, sum } from './testing/played-cluster.ts';
import { factArbitrary, type Told, toldBy } from './testing/told-facts.ts';

const jobsArbitrary = fc.array(cardJobArbitrary, { minLength: 1, maxLength: 6 });
const roundsArbitrary = fc.array(
  fc.record({
    jobs: jobsArbitrary,
    moves: fc.array(moveArbitrary, { maxLength: 16 }),
  }),
  { minLength: 1, maxLength: 5 },
);

/** What is wrong with a placement by itself, in words. */
function misnamed(cluster: PlayedCluster, { workload, placement }: Run): string[] {
  const { gpus } = workload;
  if (placement.backend === 'DevicePlugin') return placement.workers.some(({ cards }) => cards) ? ['named cards'] : [];
  return placement.workers.flatMap(({ node, count, cards = [] }) => {
    const there = cluster.devicesOf(node).filter((device) => isOfKind(device, placement));
    const unknown = cards.filter((card) => !there.some(({ identity }) => identity === card));
    const workers = Array.from({ length: count }, (_, index) => cards.slice(index * gpus, (index + 1) * gpus));
    const doubled = workers.filter((own) => new Set(own).size < gpus);
    return [
      ...unknown.map((card) => `${card} isn't on ${node}`),
      ...doubled.map((own) => `a worker has ${own.join(' and ')}`),
      ...(cards.length === count * gpus ? [] : [`${cards.length} cards for ${count} workers`]),
    ];
  });
}

/** What is promised beyond what there is, as far as the new runs take part in it, in words. */
function overPromised(cluster: PlayedCluster, added: readonly Run[]): string[] {
  return cluster.nodeNames.flatMap((node) => {
    const here = added.filter(({ workers }) => workers.some((worker) => worker.node === node));
    const devices = cluster.devicesOf(node).map((device) => ({ device, takers: cluster.takersOf(device) }));
    const inUse = devices.filter(({ takers }) => takers.length > 0);
    const touched = inUse.filter(({ takers }) => takers.some(({ run }) => run !== undefined && here.includes(run)));
    const byClaim = here.filter(isByClaim);
    const units = cluster.unitsTakenOn(node);
    const wrong = touched.flatMap(({ device, takers }) => {
      const isDivided = device.pool.devices?.shares !== undefined;
      const isHeldAlone = !isDivided || takers.some(({ run }) => run && run.workload.isolation !== 'Shared');
      return [
        ...(sum(takers.map(({ mebibytes }) => mebibytes)) > sizeOf(device) ? [`${device.id} has too little VRAM`] : []),
        ...(isHeldAlone && takers.length > 1 ? [`${device.id} is held alone, and by ${takers.length}`] : []),
        ...(takers.length > device.slots ? [`${device.id} has too few slots`] : []),
        ...(cluster.lacksCounters(device) ? [`${device.id} is in use as part of another`] : []),
        ...(device.tainted ? [`${device.id} is tainted`] : []),
      ];
    });
    const anonymous = cluster.anonymousOn(node);
    const cards = devices.filter(({ device }) => device.pool.isolation === 'Exclusive');
    const closed = cards.filter(({ device, takers }) => takers.length > 0 || device.tainted);
    return [
      ...wrong,
      ...(byClaim.length > 0 && anonymous > 0 && closed.length + anonymous > cards.length
        ? [`${node} is out of cards`]
        : []),
      ...(here.length > byClaim.length && units > cluster.unitsOf(node) ? [`${node} is out of units`] : []),
      ...(here.length > 0 && units > 0 && inUse.length > 0 ? [`${node} is used both ways`] : []),
    ];
  });
}

/** Where the inventory's account of a card is another than the book's, in words. */
function misaccounted(cluster: PlayedCluster): string[] {
  return cluster.nodeNames.flatMap((node) => {
    const states = cluster.inventory.node(node)?.cards.flatMap((cards) => cards ?? []) ?? [];
    const anonymous = cluster.anonymousOn(node);
    const takers = sum(states.map((state) => state.takers));
    const booked = sum(cluster.devicesOf(node).map((device) => cluster.takersOf(device).length));
    if (anonymous > 0)
      return takers === booked + anonymous ? [] : [`${takers} takers on ${node}, not ${booked}+${anonymous}`];
    return states.flatMap(({ device, takenMebibytes, takers: there }) => {
      const want = cluster.takersOf(device);
      const mebibytes = sum(want.map((taker) => taker.mebibytes));
      return there === want.length && takenMebibytes === mebibytes
        ? []
        : [`${device.id}: ${takenMebibytes}Mi by ${there}, not ${mebibytes}Mi by ${want.length}`];
    });
  });
}

function queueFrom(sketches: readonly CardJobSketch[], round: number): { workload: Workload; sketch: CardJobSketch }[] {
  return sketches.map((sketch, index) => ({ sketch, workload: cardJobFrom(sketch, `r${round}-${index}`) }));
}

describe('whatever is claimed, promised and given back', () => {
  it('no card is promised twice, every card named is there, a plan leaves no trace, and the account is right at every moment', () => {
    fc.assert(
      fc.property(cardClusterArbitrary, roundsArbitrary, headroomArbitrary, (sketches, rounds, headroom) => {
        const cluster = new PlayedCluster(sketches);
        let memory: QueueMemory = emptyQueueMemory;
        rounds.forEach(({ jobs, moves }, round) => {
          const queue = queueFrom(jobs, round);
          const before = seenOf(cluster.inventory);
          const workloads = queue.map(({ workload }) => workload);
          const result = planNow(cluster.inventory, workloads, memory, round * 61_000, policyWith(headroom));
          expect(seenOf(cluster.inventory)).toEqual(before);
          memory = result.memory;
          const named = placementsOf(result, workloads).map(({ workload, placement }) =>
            cluster.start(workload, placement, false),
          );
          expect(named.flatMap((run) => misnamed(cluster, run))).toEqual([]);
          expect(overPromised(cluster, named)).toEqual([]);
          cluster.runs.splice(cluster.runs.length - named.length);
          for (const { workload, placement } of named) {
            const { sketch } = queue.find((each) => each.workload === workload)!;
            const isAnonymous = sketch.isAnonymous && sketch.isolation === 'Exclusive' && placement.backend === 'DRA';
            cluster.reserve(cluster.start(workload, placement, isAnonymous));
          }
          for (const move of moves) {
            cluster.play(move);
            expect(misaccounted(cluster)).toEqual([]);
          }
          for (const { name } of cluster.runs) {
            const kept = seenOf(cluster.inventory);
            const draft = cluster.inventory.draft();
            for (const { node, amounts, cards } of cluster.inventory.heldBy(name)) draft.lift(node, amounts, cards);
            draft.giveBackTo(0);
            expect(seenOf(cluster.inventory)).toEqual(kept);
          }
        });
      }),
      { numRuns: 200 },
    );
  });

  it('a gang without names keeps as much of every node as it was given, whatever strangers have of the cards', () => {
    const strangers = fc.array(moveArbitrary, { maxLength: 12 });
    fc.assert(
      fc.property(cardClusterArbitrary, strangers, cardJobArbitrary, (sketches, moves, sketch) => {
        const cluster = new PlayedCluster(sketches);
        for (const move of moves) if (move.does === 'claim' || move.does === 'unclaim') cluster.play(move);
        const gang = { ...cardJobFrom(sketch, 'gang'), allocation: 'DRA' as const, workers: 1 + 2 * sketch.workers };
        const before = cluster.nodeNames.map((node) => takenOn(cluster.inventory, node));
        for (const { workload, placement } of placementsOf(planNow(cluster.inventory, [gang]), [gang])) {
          cluster.reserve(cluster.start(workload, placement, true));
          const share = placement.claim?.mebibytes ?? 0;
          const given = cluster.nodeNames.map((node) => {
            const workers = placement.workers.find((placed) => placed.node === node)?.count ?? 0;
            return workers * workload.gpus * share;
          });
          const after = cluster.nodeNames.map((node) => takenOn(cluster.inventory, node));
          expect(after).toEqual(before.map((taken, index) => taken + (given[index] ?? 0)));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('a gang that is said to have room for some of its workers has it for just so many, and never for all', () => {
    fc.assert(
      fc.property(crowdedArbitrary, cardJobArbitrary, (crowded, sketch) => {
        const { inventory } = crowd(crowded);
        const gang = { ...cardJobFrom(sketch, 'gang'), workers: 1 + 2 * sketch.workers };
        const verdict = planNow(inventory, [gang]).verdicts.get('gang');
        if (verdict?.kind !== 'Waiting' || verdict.reason !== 'WaitingForGang') return;
        const [, fitting = ''] = /^(\d+) of \d+ workers would fit now/.exec(verdict.message) ?? [];
        expect(Number(fitting)).toBeLessThan(gang.workers);
        const fewer = { ...gang, workers: Number(fitting) };
        expect(planNow(inventory, [fewer]).verdicts.get('gang')?.kind).toBe('Placed');
      }),
      { numRuns: 400 },
    );
  });

  it('a waiting job is never told that nothing is free, or less than is, where it would be placed if it asked for less', () => {
    fc.assert(
      fc.property(crowdedArbitrary, cardJobArbitrary, (crowded, sketch) => {
        const { inventory } = crowd(crowded);
        const job = { ...cardJobFrom(sketch, 'job'), isolation: 'Shared' as const, workers: 1 };
        const verdict = planNow(inventory, [job]).verdicts.get('job');
        const most = verdict?.kind === 'Waiting' ? mostFree(verdict.message) : undefined;
        if (most === undefined) return;
        // Only of cards that would do for it when empty: others are no place of its own.
        const fitting = crowded.sketches.filter((node) => {
          const { inventory: empty } = new PlayedCluster([node]);
          return planNow(empty, [{ ...job, allocation: 'DRA' }]).verdicts.get('job')?.kind === 'Placed';
        });
        const products = { allow: fitting.map(({ model }) => model.product), deny: [] };
        const less = { ...job, products, allocation: 'DRA' as const, perWorker: { pods: 1 }, vramMebibytes: most + 1 };
        expect(planNow(inventory, [less]).verdicts.get('job')?.kind).toBe('Waiting');
      }),
      { numRuns: 400 },
    );
  });

  it('an inventory that saw every change equals one built from what is left', () => {
    fc.assert(
      fc.property(fc.array(factArbitrary, { maxLength: 60 }), jobsArbitrary, (facts, sketches) => {
        const jobs = queueFrom(sketches, 0).map(({ workload }) => workload);
        const inventory = new Inventory();
        const left = new Map<string, Told>();
        for (const fact of facts) {
          const told = toldBy(fact);
          left.delete(told.key);
          if (fact.gone) told.takeBack(inventory);
          else {
            told.tell(inventory);
            left.set(told.key, told);
          }
        }
        const scratch = new Inventory();
        for (const { tell } of [...left.values()].sort((one, other) => (one.key < other.key ? -1 : 1))) tell(scratch);
        expect(seenOf(inventory)).toEqual(seenOf(scratch));
        expect(planNow(inventory, jobs)).toEqual(planNow(scratch, jobs));
      }),
      { numRuns: 500 },
    );
  });
});

/** One or two nodes of cards that are shared by one rule, with many strangers on them. */
const crowdedArbitrary = fc
  .record({
    nodes: fc.array(cardNodeArbitrary, { minLength: 1, maxLength: 2 }),
    like: cardNodeArbitrary,
    picks: fc.array(fc.nat(9_999), { minLength: 2, maxLength: 30 }),
  })
  .map(({ nodes, like: { rule }, picks }) => {
    const offered = (offers: string): CardNodeSketch['offers'] => (offers === 'Both' ? offers : 'Shares');
    return { sketches: nodes.map((node) => ({ ...node, rule, offers: offered(node.offers) })), picks };
  });
type Crowded = typeof crowdedArbitrary extends fc.Arbitrary<infer T> ? T : never;

function crowd({ sketches, picks }: Crowded): PlayedCluster {
  const cluster = new PlayedCluster(sketches);
  for (const pick of picks) cluster.play({ does: pick % 16 === 0 ? 'startPod' : 'claim', pick });
  return cluster;
}

/** In MiB, of all cards of a node together. */
function takenOn(inventory: Inventory, node: string): number {
  const cards = inventory.node(node)?.cards.flatMap((pool) => pool ?? []) ?? [];
  return sum(cards.map(({ takenMebibytes }) => takenMebibytes));
}

/** In MiB, what a waiting job is told that it could have of one card; undefined where it is told nothing of that. */
function mostFree(message: string): number | undefined {
  if (message.includes('; nothing is free on ')) return 0;
  const [, quantity] = /; the most free on .* is (\S+)$/.exec(message) ?? [];
  return quantity === undefined ? undefined : mebibytesRoundedDown(parseAmount(quantity));
}
