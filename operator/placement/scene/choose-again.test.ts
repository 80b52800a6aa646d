import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseAgain, type Terms } from './choose-again.ts';
import { emptyQueueMemory, type Policy, type QueueMemory, type Verdict, type Workload } from '../model.ts';
import { plan, reservationFor } from '../queue/planner.ts';
import type { Scene } from './scene.ts';
import { cardModels, inventoryOf, nodeOf, plainPolicy, podOn, workloadOf } from '../testing/builders.ts';
import {
  build,
  clusterArbitrary,
  nodeFrom,
  queueArbitrary,
  queueOf,
  workloadArbitrary,
  workloadFrom,
} from '../testing/arbitraries.ts';

const scoreArbitrary = fc.integer({ min: 0, max: 1000 });
const nodeNames = ['n00', 'n01', 'n02', 'n05'];
const products = Object.values(cardModels).map(({ product }) => product);
const byName = (names: readonly string[]) =>
  fc.dictionary(fc.constantFrom(...names), scoreArbitrary).map((scores) => new Map(Object.entries(scores)));

const policyArbitrary = fc
  .record({
    weights: fc.record({
      Fit: scoreArbitrary,
      Packing: scoreArbitrary,
      Cost: scoreArbitrary,
      Reliability: scoreArbitrary,
      Heat: scoreArbitrary,
    }),
    headroom: fc.constantFrom(0, 50, 200, 1000),
    costByProduct: byName(products),
  })
  .map(({ weights, headroom, costByProduct }): Terms => ({
    weights: Object.fromEntries(Object.entries(weights).map(([name, weight]) => [name, weight * 1000])) as never,
    headroomPartsPerMillion: headroom * 1000,
    costByProduct,
  }));

/** What the cluster knows, whatever the policy. */
const knownArbitrary = fc.record({
  reliabilityByNode: byName(nodeNames),
  reliabilityByProduct: byName(products),
  heatByNode: byName(nodeNames),
});

function policyOf(terms: Terms, known: Policy['signals']): Policy {
  const { weights, headroomPartsPerMillion, costByProduct } = terms;
  return { ...plainPolicy, weights, headroomPartsPerMillion, signals: { ...known, costByProduct } };
}

function planBy(policy: Policy, queue: readonly Workload[], inventory = inventoryOf([]), memory = emptyQueueMemory) {
  const policies = new Map([['default', policy]]);
  return plan({ queue, inventory, policies, memory, nowMilliseconds: 0, withScenes: true });
}

/** What a verdict chose, in the words of a choice: node names with repetition, in no order. */
function chosenBy(verdict: Verdict | undefined): unknown {
  if (verdict?.kind !== 'Placed') return undefined;
  const { product, resourceName, cardVRAMMebibytes, workers } = verdict.placement;
  const nodes = workers.flatMap(({ node, count }) => Array.from({ length: count }, () => node));
  return { product, resourceName, cardVRAMMebibytes, nodes };
}

function againBy(scene: Scene | undefined, terms: Terms): unknown {
  const choice = scene && chooseAgain(scene, terms);
  return choice && { ...choice, nodes: [...choice.nodes].sort() };
}

const sceneIn = (verdict: Verdict | undefined): Scene | undefined =>
  verdict?.kind === 'Placed' ? verdict.scene : undefined;

describe('a recorded scene', () => {
  it('decided again by another policy gives what the planner would have placed by it, or have left waiting', () => {
    fc.assert(
      fc.property(
        clusterArbitrary,
        workloadArbitrary,
        policyArbitrary,
        policyArbitrary,
        knownArbitrary,
        (sketches, sketch, one, other, known) => {
          const workload = workloadFrom(sketch, 0);
          const scene = sceneIn(planBy(policyOf(one, known), [workload], build(sketches)).verdicts.get('u0'));
          fc.pre(scene !== undefined);
          const placed = planBy(policyOf(other, known), [workload], build(sketches)).verdicts.get('u0');
          expect(againBy(scene, other)).toEqual(chosenBy(placed));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('decided again by the same policy gives the same, wherever in the queue and whatever is kept for others', () => {
    fc.assert(
      fc.property(
        clusterArbitrary,
        fc.array(queueArbitrary, { maxLength: 3 }),
        policyArbitrary,
        knownArbitrary,
        (sketches, queues, terms, known) => {
          const inventory = build(sketches);
          let memory: QueueMemory = emptyQueueMemory;
          queues.forEach((sketched, round) => {
            const queue = queueOf(sketched, round);
            const result = planBy(policyOf(terms, known), queue, inventory, memory);
            memory = result.memory;
            for (const workload of queue) {
              const verdict = result.verdicts.get(workload.uid);
              expect(againBy(sceneIn(verdict), terms)).toEqual(chosenBy(verdict));
              if (verdict?.kind === 'Placed') inventory.setReservation(reservationFor(workload, verdict.placement));
            }
          });
        },
      ),
    );
  });

  it('is plain data: it survives JSON', () => {
    const scene = sceneIn(
      planBy(plainPolicy, [workloadOf('u0')], inventoryOf([nodeOf('a', { ...cardModels.a40, count: 4 })])).verdicts.get(
        'u0',
      ),
    );
    expect(JSON.parse(JSON.stringify(scene))).toEqual(scene);
  });

  it('of a thousand nodes that are alike holds one, and one for each worker of a gang', () => {
    const nodes = Array.from({ length: 1_000 }, (_, index) => nodeOf(`n${index}`, { ...cardModels.a40, count: 8 }));
    const pods = [podOn('n7', 'p', 3)];
    const nodesIn = (workload: Workload): string[] | undefined =>
      sceneIn(planBy(plainPolicy, [workload], inventoryOf(nodes, pods)).verdicts.get(workload.uid))?.sites.flatMap(
        (site) => site.nodes.map(({ name }) => name),
      );
    expect(nodesIn(workloadOf('one'))).toEqual(['n7']);
    expect(nodesIn(workloadOf('gang', { workers: 3, gpus: 5 }))).toEqual(['n7', 'n0', 'n1']);
  });

  it('is not kept where nobody asks for it', () => {
    const inventory = inventoryOf([
      nodeFrom({ model: cardModels.a40, count: 4, zone: 'x', ready: true, cordoned: false, cpu: '96', busy: 0 }, 0),
    ]);
    const policies = new Map([['default', plainPolicy]]);
    const input = { queue: [workloadOf('u0')], inventory, policies, memory: emptyQueueMemory, nowMilliseconds: 0 };
    expect(plan(input).verdicts.get('u0')).not.toHaveProperty('scene');
  });
});
