// Random clusters and queues for the property tests of placement. Not for the operator.
import fc from 'fast-check';
import type { Inventory } from '../inventory/inventory.ts';
import type { NodeFacts, Placement, PodFacts, Policy, Workload } from '../model.ts';
import type { Plan } from '../queue/planner.ts';
import { cardModels, inventoryOf, nodeOf, plainPolicy, podOn, workloadOf } from './builders.ts';

/** One product in two sizes: a vGPU, or a card with error correction on. */
const trimmed = { ...cardModels.a40, mebibytes: 44_000 };
const models = [...Object.values(cardModels), { product: 'NVIDIA-GB10', mebibytes: 0 }, trimmed];
const zones = ['x', 'y'];

export const nodeArbitrary = fc.record({
  model: fc.constantFrom(...models),
  count: fc.constantFrom(1, 2, 4, 8),
  zone: fc.constantFrom(...zones),
  ready: fc.integer({ min: 0, max: 9 }).map((digit) => digit !== 0),
  cordoned: fc.integer({ min: 0, max: 9 }).map((digit) => digit === 0),
  cpu: fc.constantFrom('8', '96'),
  busy: fc.integer({ min: 0, max: 3 }),
});
export type NodeSketch = typeof nodeArbitrary extends fc.Arbitrary<infer T> ? T : never;

export function nodeFrom(sketch: NodeSketch, index: number): NodeFacts {
  return nodeOf(
    `n${String(index).padStart(2, '0')}`,
    { ...sketch.model, count: sketch.count },
    {
      unschedulable: sketch.cordoned,
      ready: sketch.ready,
      labels: { zone: sketch.zone },
      allocatable: { cpu: sketch.cpu },
    },
  );
}

export const podsFrom = (sketches: readonly NodeSketch[]): PodFacts[] =>
  sketches.map((sketch, index) =>
    podOn(`n${String(index).padStart(2, '0')}`, `p${index}`, Math.min(sketch.busy, sketch.count)),
  );

export const workloadArbitrary = fc.record({
  gibibytes: fc.constantFrom(4, 14, 16, 20, 38, 70, 90),
  gpus: fc.constantFrom(1, 1, 2, 4, 8),
  workers: fc.constantFrom(1, 1, 1, 2, 5),
  cpu: fc.constantFrom(500, 4000),
  zone: fc.option(fc.constantFrom(...zones), { freq: 4 }),
  priority: fc.constantFrom(0, 0, 10),
  avoid: fc.option(fc.constantFrom('n00', 'n01'), { freq: 4 }),
});
export type WorkloadSketch = typeof workloadArbitrary extends fc.Arbitrary<infer T> ? T : never;

export function workloadFrom(sketch: WorkloadSketch, index: number): Workload {
  return workloadOf(`u${index}`, {
    vramMebibytes: sketch.gibibytes * 1024,
    gpus: sketch.gpus,
    workers: sketch.workers,
    priority: sketch.priority,
    createdAtMilliseconds: index,
    perWorker: { cpu: sketch.cpu, pods: 1 },
    constraints: { nodeSelector: sketch.zone === null ? {} : { zone: sketch.zone }, nodeAffinity: [], tolerations: [] },
    avoidNodes: sketch.avoid === null ? [] : [sketch.avoid],
  });
}

/** Of one round among several: no two rounds have a uid in common. */
export function queueOf(sketches: readonly WorkloadSketch[], round: number): Workload[] {
  return sketches.map((sketch, index) => ({ ...workloadFrom(sketch, index), uid: `r${round}-${index}` }));
}

export const clusterArbitrary = fc.array(nodeArbitrary, { minLength: 1, maxLength: 12 });
export const queueArbitrary = fc.array(workloadArbitrary, { minLength: 1, maxLength: 25 });
export const headroomArbitrary = fc.constantFrom(0, 50, 200);
export const policyWith = (permille: number): Policy => ({ ...plainPolicy, headroomPartsPerMillion: permille * 1000 });

export const build = (sketches: readonly NodeSketch[]): Inventory =>
  inventoryOf(sketches.map(nodeFrom), podsFrom(sketches));

export function placementsOf(plan: Plan, queue: readonly Workload[]): { workload: Workload; placement: Placement }[] {
  return queue.flatMap((workload) => {
    const verdict = plan.verdicts.get(workload.uid);
    return verdict?.kind === 'Placed' ? [{ workload, placement: verdict.placement }] : [];
  });
}
