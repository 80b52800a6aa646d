// What OrQuanta itself measures: queue, placements, out-of-memory by blame, waits, cards, fragmentation. Labels are closed
// sets or card products, never names of jobs.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { fragmentation } from '../placement/choice/fragmentation.ts';
import type { Inventory } from '../placement/inventory/inventory.ts';
import type { PassReport } from './dispatcher.ts';
import type { Fact } from './effects.ts';

export interface GPUJobMetrics {
  count(fact: Fact): void;
  pass(report: PassReport): void;
  decisionsLost(entries: number): void;
  /** `isServed` is asked at each scrape from here on: whether the API server has the API by which cards are claimed. */
  followClaims(isServed: () => boolean): void;
}

/** From "at once" to a day. */
const waitSeconds = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400];
const passSeconds = [0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];

export function gpujobMetrics(registry: Registry, inventory: Inventory): GPUJobMetrics {
  const registers = [registry];
  const placements = new Counter({
    name: 'orquanta_placements_total',
    help: 'Runs that were given cards, by card product.',
    labelNames: ['product'] as const,
    registers,
  });
  const runs = new Counter({
    name: 'orquanta_runs_ended_total',
    help: 'Runs that are over, by outcome.',
    labelNames: ['outcome'] as const,
    registers,
  });
  const outOfMemory = new Counter({
    name: 'orquanta_out_of_memory_total',
    help: 'GPU out-of-memory failures, by who used up the memory.',
    labelNames: ['blame'] as const,
    registers,
  });
  const lost = new Counter({
    name: 'orquanta_decisions_lost_total',
    help: 'Entries that could not be written to --decisions-file.',
    registers,
  });
  const waits = new Histogram({
    name: 'orquanta_queue_wait_seconds',
    help: 'Time from creation, or from the end of the run before, to a placement.',
    buckets: waitSeconds,
    registers,
  });
  cardMetrics(registry, inventory);
  return {
    decisionsLost(entries) {
      lost.inc(entries);
    },
    count(fact) {
      if (fact.kind === 'RunStarted') {
        placements.inc({ product: fact.placement.product });
        waits.observe(fact.waitedMilliseconds / 1000);
      }
      if (fact.kind !== 'RunEnded') return;
      runs.inc({ outcome: fact.attempt.outcome });
      if (fact.attempt.evidence) outOfMemory.inc({ blame: fact.attempt.evidence.blame });
    },
    pass: passMetrics(registry),
    followClaims: claimMetrics(registry),
  };
}

/** Nothing at all before it is known: 0 is an answer. */
function claimMetrics(registry: Registry): (isServed: () => boolean) => void {
  let served: (() => boolean) | undefined;
  new Gauge({
    name: 'orquanta_dra_served',
    help: 'Whether the API server serves resource.k8s.io/v1, by which cards are claimed: 1, or 0 where all cards are held by device plugins. Of the leader only.',
    registers: [registry],
    collect() {
      if (served === undefined) this.remove();
      else this.set(served() ? 1 : 0);
    },
  });
  return (isServed) => {
    served = isServed;
  };
}

function passMetrics(registry: Registry): (report: PassReport) => void {
  const registers = [registry];
  const queue = new Gauge({
    name: 'orquanta_queue_jobs',
    help: 'GPUJobs that wait for cards, by reason.',
    labelNames: ['reason'] as const,
    registers,
  });
  const seconds = new Histogram({
    name: 'orquanta_planning_pass_seconds',
    help: 'Length of one pass over the queue.',
    buckets: passSeconds,
    registers,
  });
  return ({ milliseconds, waiting }) => {
    seconds.observe(milliseconds / 1000);
    const byReason = new Map<string, number>();
    for (const { verdict } of waiting.values()) {
      if (verdict.kind === 'Waiting') byReason.set(verdict.reason, (byReason.get(verdict.reason) ?? 0) + 1);
    }
    queue.reset();
    for (const [reason, count] of byReason) queue.set({ reason }, count);
  };
}

/** Counted when somebody asks: a scrape is rare, a change of the inventory is not. */
function cardMetrics(registry: Registry, inventory: Inventory): void {
  const registers = [registry];
  new Gauge({
    name: 'orquanta_cards',
    help: 'Cards by product and state: allocated or free.',
    labelNames: ['product', 'state'] as const,
    registers,
    collect() {
      this.reset();
      for (const { pool, free } of inventory.standings()) {
        this.inc({ product: pool.product, state: 'free' }, free);
        this.inc({ product: pool.product, state: 'allocated' }, Math.max(0, pool.count - free));
      }
    },
  });
  new Gauge({
    name: 'orquanta_gpu_nodes',
    help: 'GPU nodes by what holds their cards: DevicePlugin, DRA, or Both on the way from one to the other; Shares: those of them whose cards can be divided by VRAM, by DRA or by HAMi.',
    labelNames: ['allocation'] as const,
    registers,
    collect() {
      const { devicePlugin, dra, both, shares } = inventory.nodesByBackend();
      this.set({ allocation: 'DevicePlugin' }, devicePlugin);
      this.set({ allocation: 'DRA' }, dra);
      this.set({ allocation: 'Both' }, both);
      this.set({ allocation: 'Shares' }, shares);
    },
  });
  new Gauge({
    name: 'orquanta_fragmentation_ratio',
    help: 'Share of the free cards that lie on nodes with other cards in use: 0 none, 1 all.',
    registers,
    collect() {
      this.set(fragmentation(inventory));
    },
  });
}
