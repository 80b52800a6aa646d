// How often a canary would have done what was done.
import { Counter, type Registry } from 'prom-client';
import { type Agreement, agreements } from './agreement.ts';

export interface CanaryMetrics {
  run(agreement: Agreement): void;
}

export function canaryMetrics(registry: Registry): CanaryMetrics {
  const runs = new Counter({
    name: 'orquanta_canary_runs_total',
    help: 'With --observe-only: runs that the managing operator began, by what this one would have done: Same, OtherNodes, OtherProduct, WouldWait, or Undecided where it had no answer yet.',
    labelNames: ['agreement'] as const,
    registers: [registry],
  });
  // All of them from the start, so that a ratio can be taken.
  for (const each of agreements) runs.inc({ agreement: each }, 0);
  return {
    run(agreement) {
      runs.inc({ agreement });
    },
  };
}
