import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitViolation } from './fit/fit.ts';
import type { Inventory } from './inventory/inventory.ts';
import { emptyQueueMemory } from './model.ts';
import type { NodeFacts, PodFacts, QueueMemory } from './model.ts';
import { reservationFor } from './queue/planner.ts';
import { inventoryOf, planNow, podOn, workloadOf } from './testing/builders.ts';
import {
  build,
  clusterArbitrary,
  headroomArbitrary,
  nodeArbitrary,
  nodeFrom,
  placementsOf,
  podsFrom,
  policyWith,
  queueArbitrary,
  queueOf,
  workloadArbitrary,
  workloadFrom,
} from './testing/arbitraries.ts';

/** Everything that a reader can see of an inventory. */
function seen(inventory: Inventory): unknown {
  return inventory.standings().map((standing) => ({
    ...standing,
    allocatable: inventory.node(standing.node)?.allocatable,
    used: Object.fromEntries([...inventory.usedAmounts(standing.node)].sort()),
  }));
}

function overCommitted(inventory: Inventory): string[] {
  const names = new Set(inventory.standings().map(({ node }) => node));
  return [...names].filter((name) => {
    const allocatable = inventory.node(name)?.allocatable ?? {};
    return [...inventory.usedAmounts(name)].some(([resource, used]) => used > (allocatable[resource] ?? 0));
  });
}

describe('whatever the cluster and the queue', () => {
  it('no sequence of plans over-commits a node, in cards, CPU or Pods', () => {
    fc.assert(
      fc.property(
        clusterArbitrary,
        fc.array(queueArbitrary, { maxLength: 4 }),
        headroomArbitrary,
        (sketches, queues, headroom) => {
          const inventory = build(sketches);
          let memory: QueueMemory = emptyQueueMemory;
          queues.forEach((sketched, round) => {
            const queue = queueOf(sketched, round);
            const result = planNow(inventory, queue, memory, round * 61_000, policyWith(headroom));
            memory = result.memory;
            for (const { workload, placement } of placementsOf(result, queue)) {
              inventory.setReservation(reservationFor(workload, placement));
            }
            expect(overCommitted(inventory)).toEqual([]);
          });
        },
      ),
    );
  });

  it('a gang is placed whole, on one product, or not at all', () => {
    fc.assert(
      fc.property(clusterArbitrary, queueArbitrary, (sketches, sketched) => {
        const inventory = build(sketches);
        const queue = sketched.map(workloadFrom);
        for (const { workload, placement } of placementsOf(planNow(inventory, queue), queue)) {
          expect(placement.workers.reduce((sum, { count }) => sum + count, 0)).toBe(workload.workers);
          const products = placement.workers.map(({ node }) => inventory.node(node)?.nodeClass.pools[0]?.product);
          expect(new Set(products)).toEqual(new Set([placement.product]));
        }
      }),
    );
  });

  it('no job sits on a card that is too small or unknown, on a cordoned node, or outside its selector', () => {
    fc.assert(
      fc.property(clusterArbitrary, queueArbitrary, headroomArbitrary, (sketches, sketched, headroom) => {
        const inventory = build(sketches);
        const queue = sketched.map(workloadFrom);
        const result = planNow(inventory, queue, emptyQueueMemory, 0, policyWith(headroom));
        for (const { workload, placement } of placementsOf(result, queue)) {
          expect(placement.cardVRAMMebibytes).toBeGreaterThanOrEqual(workload.vramMebibytes);
          for (const { node } of placement.workers) {
            const facts = inventory.node(node)?.facts;
            expect(Number(facts?.labels['nvidia.com/gpu.memory'])).toBeGreaterThanOrEqual(workload.vramMebibytes);
            expect([facts?.unschedulable, facts?.ready]).toEqual([false, true]);
            const { zone } = workload.constraints.nodeSelector;
            if (zone !== undefined) expect(facts?.labels['zone']).toBe(zone);
          }
        }
      }),
    );
  });

  it('the planner and the chain of rules say the same of a single worker', () => {
    fc.assert(
      fc.property(clusterArbitrary, workloadArbitrary, (sketches, sketch) => {
        const inventory = build(sketches);
        const workload = { ...workloadFrom(sketch, 0), workers: 1 };
        const verdict = planNow(inventory, [workload]).verdicts.get('u0');
        const placedOn = verdict?.kind === 'Placed' ? verdict.placement.workers[0]?.node : undefined;
        const fitting = inventory.standings().filter(({ node, pool, free }) => {
          const { facts, allocatable } = inventory.node(node)!;
          const left = (name: string): number | undefined => {
            const there = allocatable[name];
            return there === undefined ? undefined : there - inventory.used(node, name);
          };
          const ask = { ...workload, needMebibytes: workload.vramMebibytes, leastMebibytes: workload.vramMebibytes };
          return fitViolation({ ask, node: facts, pool, freeCards: free, freeAmount: left }) === undefined;
        });
        expect(fitting.length > 0).toBe(placedOn !== undefined);
        if (placedOn !== undefined) expect(fitting.map(({ node }) => node)).toContain(placedOn);
      }),
      { numRuns: 300 },
    );
  });

  it('every workload gets a verdict, and the same input the same plan, in whatever order nodes and jobs came', () => {
    fc.assert(
      fc.property(clusterArbitrary, queueArbitrary, headroomArbitrary, (sketches, sketched, headroom) => {
        const queue = sketched.map(workloadFrom);
        const nodes = sketches.map(nodeFrom);
        const one = planNow(inventoryOf(nodes, podsFrom(sketches)), queue, emptyQueueMemory, 0, policyWith(headroom));
        const pods = podsFrom(sketches).reverse();
        const reversed = inventoryOf([], pods);
        for (const node of [...nodes].reverse()) reversed.setNode(node);
        const other = planNow(reversed, [...queue].reverse(), emptyQueueMemory, 0, policyWith(headroom));
        expect(one.verdicts.size).toBe(queue.length);
        expect(Object.fromEntries(other.verdicts)).toEqual(Object.fromEntries(one.verdicts));
        expect(other.memory).toEqual(one.memory);
      }),
    );
  });

  it('nodes are kept for one job each, as many as it needs, and nobody else is placed there', () => {
    fc.assert(
      fc.property(
        clusterArbitrary,
        queueArbitrary,
        fc.array(fc.integer({ min: 0, max: 25 }), { minLength: 25, maxLength: 25 }),
        (sketches, sketched, passed) => {
          const inventory = build(sketches);
          let queue = sketched.map(workloadFrom);
          let memory: QueueMemory = {
            ...emptyQueueMemory,
            passed: Object.fromEntries(passed.map((times, index) => [`u${index}`, times])),
          };
          for (let round = 0; round < 4; round += 1) {
            const before = memory.held;
            const result = planNow(inventory, queue, memory, round * 30_000);
            memory = result.memory;
            const kept = memory.held.flatMap(({ nodes }) => nodes);
            expect(new Set(kept).size).toBe(kept.length);
            for (const { uid, nodes } of memory.held) {
              const alone = inventoryOf(nodes.map((node) => inventory.node(node)!.facts));
              const holder = queue.find((workload) => workload.uid === uid)!;
              expect(planNow(alone, [holder]).verdicts.get(uid)?.kind).toBe('Placed');
            }
            const throughout = new Set(
              before.filter((held) => memory.held.some(({ uid }) => uid === held.uid)).flatMap(({ nodes }) => nodes),
            );
            const placements = placementsOf(result, queue);
            for (const { workload, placement } of placements) {
              expect(placement.workers.filter(({ node }) => throughout.has(node))).toEqual([]);
              inventory.setReservation(reservationFor(workload, placement));
            }
            queue = queue.filter((workload) => result.verdicts.get(workload.uid)?.kind !== 'Placed');
            inventory.removePod(`p${round}`);
          }
        },
      ),
    );
  });

  it('a plan leaves the inventory as it was', () => {
    fc.assert(
      fc.property(clusterArbitrary, queueArbitrary, (sketches, sketched) => {
        const inventory = build(sketches);
        const before = seen(inventory);
        planNow(inventory, sketched.map(workloadFrom));
        expect(seen(inventory)).toEqual(before);
      }),
    );
  });

  // Alone and without headroom: in a queue another job may take what it would have got, and headroom waits for what joined.
  it('one more node never turns a job that fits into one that waits', () => {
    fc.assert(
      fc.property(clusterArbitrary, nodeArbitrary, workloadArbitrary, (sketches, joining, sketch) => {
        const inventory = build(sketches);
        const workload = workloadFrom(sketch, 0);
        const fits = planNow(inventory, [workload]).verdicts.get('u0')?.kind === 'Placed';
        inventory.setNode(nodeFrom(joining, sketches.length));
        if (fits) expect(planNow(inventory, [workload]).verdicts.get('u0')?.kind).toBe('Placed');
      }),
    );
  });

  it('what never fits does not fit an empty cluster in order either, and what waits for cards does', () => {
    fc.assert(
      fc.property(clusterArbitrary, workloadArbitrary, headroomArbitrary, (sketches, sketch, headroom) => {
        const workload = workloadFrom(sketch, 0);
        const verdict = planNow(build(sketches), [workload], emptyQueueMemory, 0, policyWith(headroom)).verdicts.get(
          'u0',
        );
        if (verdict?.kind !== 'Waiting') return;
        const inOrder = inventoryOf(
          sketches.map((each, index) => ({ ...nodeFrom(each, index), unschedulable: false, ready: true })),
        );
        const fits =
          planNow(inOrder, [workload], emptyQueueMemory, 0, policyWith(headroom)).verdicts.get('u0')?.kind === 'Placed';
        expect(fits).toBe(verdict.reason === 'CardsBusy' || verdict.reason === 'WaitingForGang');
      }),
    );
  });

  it('an inventory that saw every change equals one built from what is left', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('node'), index: fc.nat(4), sketch: nodeArbitrary }),
      fc.record({ do: fc.constant('removeNode'), index: fc.nat(4) }),
      fc.record({
        do: fc.constant('pod'),
        index: fc.nat(6),
        node: fc.nat(5),
        cards: fc.nat(4),
        run: fc.option(fc.nat(2)),
        terminal: fc.boolean(),
      }),
      fc.record({ do: fc.constant('removePod'), index: fc.nat(6) }),
      fc.record({
        do: fc.constant('reserve'),
        run: fc.nat(2),
        node: fc.nat(4),
        count: fc.integer({ min: 1, max: 3 }),
        sketch: workloadArbitrary,
      }),
      fc.record({ do: fc.constant('release'), run: fc.nat(2) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const inventory = inventoryOf([]);
        const nodes = new Map<string, NodeFacts>();
        const pods = new Map<string, PodFacts>();
        const reservations = new Map<string, ReturnType<typeof reservationFor>>();
        for (const each of steps) {
          if ('sketch' in each && 'count' in each) {
            const workload = { ...workloadFrom(each.sketch, each.run), run: 1 };
            const reservation = reservationFor(workload, {
              workers: [{ node: `n0${each.node}`, count: each.count }],
              resourceName: 'nvidia.com/gpu',
              product: '',
              cardVRAMMebibytes: 0,
              policyVersion: 1,
              decisionID: '',
              backend: 'DevicePlugin',
            });
            reservations.set(reservation.run, reservation);
            inventory.setReservation(reservation);
          } else if ('sketch' in each) {
            const node = nodeFrom(each.sketch, each.index);
            nodes.set(node.name, node);
            inventory.setNode(node);
          } else if ('cards' in each) {
            const base = podOn(each.node === 5 ? '' : `n0${each.node}`, `p${each.index}`, each.cards, {
              terminal: each.terminal,
            });
            const pod = each.run === null ? base : { ...base, run: `u${each.run}/1` };
            pods.set(pod.uid, pod);
            inventory.setPod(pod);
          } else if (each.do === 'removeNode' && 'index' in each) {
            nodes.delete(`n0${each.index}`);
            inventory.removeNode(`n0${each.index}`);
          } else if ('index' in each) {
            pods.delete(`p${each.index}`);
            inventory.removePod(`p${each.index}`);
          } else {
            reservations.delete(`u${each.run}/1`);
            inventory.removeReservation(`u${each.run}/1`);
          }
        }
        const scratch = inventoryOf([...nodes.values()], [...pods.values()]);
        for (const reservation of reservations.values()) scratch.setReservation(reservation);
        expect(seen(inventory)).toEqual(seen(scratch));
        const queue = [workloadOf('a'), workloadOf('b', { gpus: 2, workers: 2, vramMebibytes: 14_336 })];
        expect(planNow(inventory, queue)).toEqual(planNow(scratch, queue));
      }),
      { numRuns: 300 },
    );
  });
});
