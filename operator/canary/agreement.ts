// How a canary's decision and what was really done compare. Pure.
import type { Placement, Verdict } from '../placement/model.ts';

/**
 * Undecided: the run began before the canary had an answer to the same question, or asks what it can't know, such as a retry
 * whose back-off is over.
 */
export const agreements = ['Same', 'OtherNodes', 'OtherProduct', 'WouldWait', 'Undecided'] as const;
export type Agreement = (typeof agreements)[number];

export function agreementOf(own: Verdict | undefined, done: Placement): Agreement {
  if (own === undefined) return 'Undecided';
  if (own.kind === 'Waiting') return 'WouldWait';
  if (own.placement.product !== done.product) return 'OtherProduct';
  return workersOf(own.placement) === workersOf(done) ? 'Same' : 'OtherNodes';
}

function workersOf({ workers }: Placement): string {
  const counted = workers.map(({ node, count }) => `${node} ${count}`);
  return counted.sort().join('\n');
}
