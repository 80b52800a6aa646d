// How much of a scene's cluster is allocated where there is no cluster: the operator's planner looks at each arrival as soon as it
// comes, and what it chooses is bound in the same moment.
import { setImmediate } from 'node:timers/promises';
import { mulberry32 } from '../bench/placement/arrivals.ts';
import { policyOf } from '../bench/placement/policies.ts';
import { type Rules, simulate } from '../bench/placement/simulate.ts';
import type { TraceTask } from '../openb/trace.ts';
import { kubeScheduler } from './kube-scheduler.ts';
import { clients } from './replay.ts';
import type { SharesScene } from './shares-scene.ts';

/** Cards that are allocated, parts of cards counted as parts, in % of all. */
export interface Allocated {
  /** When all cards there are have been asked for. */
  readonly whenFull: number;
  readonly atEnd: number;
}

export interface Simulations {
  /** By the rules of a live cluster, once for each of some orders that it may come to. */
  readonly live: readonly Allocated[];
  /** By the rules of the paper's measure, in the one order. */
  readonly measure: Allocated;
}

/** One task that goes elsewhere moves many after it: one order alone would be off by as much as the live one. */
const orders = 8;

export async function simulations(
  scene: SharesScene,
  onOrder?: (done: number, of: number) => void,
): Promise<Simulations> {
  const measure = simulated(scene, { whoFindsNoRoom: 'Leaves' });
  const live: Allocated[] = [];
  for (let seed = 1; seed <= orders; seed += 1) {
    onOrder?.(seed - 1, orders);
    const random = mulberry32(seed);
    const bindPod = kubeScheduler(scene.nodes, random);
    live.push(simulated(neighboursSwapped(scene, random), { whoFindsNoRoom: 'Waits', bindPod }));
    await setImmediate(); // each takes seconds: others get their turn in between
  }
  return { live, measure };
}

function simulated({ nodes, tasks, tasksToFull, cards }: SharesScene, rules: Rules): Allocated {
  const millis: number[] = [];
  simulate(nodes, tasks, policyOf('default'), (_, allocatedMillis) => millis.push(allocatedMillis), rules);
  const percentAfter = (count: number): number => (millis[count - 1] ?? 0) / 10 / cards;
  return { whenFull: percentAfter(tasksToFull), atEnd: percentAfter(tasks.length) };
}

/** As so many clients may bring about; none passes the pause. */
function neighboursSwapped(scene: SharesScene, random: () => number): SharesScene {
  const { tasks, tasksToFull } = scene;
  const swapped = (part: readonly TraceTask[]): TraceTask[] =>
    part
      .map((task, index) => ({ task, place: index + clients * random() }))
      .sort((one, other) => one.place - other.place)
      .map(({ task }) => task);
  return { ...scene, tasks: [...swapped(tasks.slice(0, tasksToFull)), ...swapped(tasks.slice(tasksToFull))] };
}

/** By one moment. */
export function meanOf(all: readonly Allocated[], moment: keyof Allocated): number {
  return all.reduce((sum, each) => sum + each[moment], 0) / all.length;
}
