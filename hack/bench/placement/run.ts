// One run: the tasks of one list in the order of one seed, placed by one policy, and how many cards are allocated at every
// percent of the cluster that they ask for.
import type { Trace } from '../../openb/trace.ts';
import { arrivals } from './arrivals.ts';
import { type PolicyName, policyOf } from './policies.ts';
import { simulate } from './simulate.ts';

export const listNames = ['default', 'gpuspec10'] as const;

export type ListName = (typeof listNames)[number];

export interface Run {
  readonly list: ListName;
  readonly policy: PolicyName;
  readonly seed: number;
}

export interface Result extends Run {
  /** Cards allocated, in % of the cluster's, by the percent asked for so far, from 0 to `mostPercent`. */
  readonly allocated: readonly number[];
  readonly seconds: number;
}

/** Of the cluster's cards, asked for in the end. */
export const mostPercent = 130;

/** `onPercent` is told each time one percent more of the cluster has been asked for. */
export function play(trace: Trace, run: Run, onPercent: (percent: number) => void): Result {
  const capacity = trace.nodes.reduce((sum, { cards }) => sum + cards * 1000, 0);
  const order = arrivals(trace.tasks, (capacity * mostPercent) / 100, run.seed);
  const started = performance.now();
  const allocated: number[] = [0];
  const end = simulate(trace.nodes, order, policyOf(run.policy), (arrivedMillis, allocatedMillis) => {
    const percent = Math.floor((100 * arrivedMillis) / capacity);
    if (allocated.length > percent) return;
    while (allocated.length <= percent) allocated.push((100 * allocatedMillis) / capacity);
    onPercent(percent);
  });
  const seconds = (performance.now() - started) / 1000;
  // The tasks ask for hardly less than the most; what is allocated in the end counts as allocated there.
  allocated.length = Math.min(allocated.length, mostPercent);
  while (allocated.length <= mostPercent) allocated.push((100 * end) / capacity);
  return { ...run, allocated, seconds };
}
