import type { PlacedWorkers } from './model.ts';

/** On all nodes together. */
export function workerCount(workers: readonly PlacedWorkers[]): number {
  return workers.reduce((sum, { count }) => sum + count, 0);
}
