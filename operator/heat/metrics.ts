// What the heat observers measure. The p28_ series are the document's own, 14 and never more (requirement H6); the others are
// ours. Labels are closed sets, and the names of HeatObservers, of which there are few.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { type Figures, latenessBuckets } from './figures.ts';
import { observationPoints, reasons } from './observation.ts';

export interface HeatMetrics {
  add(observer: string, figures: Figures): void;
  /** It observes no more. */
  gone(observer: string): void;
}

export function heatMetrics(registry: Registry): HeatMetrics {
  const registers = [registry];
  const observed = new Counter({
    name: 'p28_observed_total',
    help: 'Observations, by observation point and whether heat was found.',
    labelNames: ['obs_point', 'heat_found'] as const,
    registers,
  });
  const reasonsTotal = new Counter({
    name: 'p28_heat_reason_total',
    help: 'Observations, by observation point and reason.',
    labelNames: ['obs_point', 'reason'] as const,
    registers,
  });
  const counter = (name: string, help: string) => new Counter({ name: `orquanta_heat_${name}_total`, help, registers });
  const totals = {
    skipped: counter('skipped', 'Plans without a late observation, because too many were in flight.'),
    duplicates: counter('duplicates', 'Plans whose id came again.'),
    deadLetters: counter('dead_letters', 'Plans put aside after too many deliveries.'),
    unreadable: counter('unreadable', 'Placements whose heat was there and is no {"heat": 0-1000}.'),
    redisErrors: counter('redis_errors', 'Commands to Redis that failed, and connections that broke.'),
  };
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `orquanta_heat_${name}`, help, labelNames: ['observer'] as const, registers });
  const gauges = {
    inFlight: gauge('in_flight', 'Plans that are awaited.'),
    lag: gauge('lag', 'Entries of the stream of plans that nobody has read.'),
    pending: gauge('pending', 'Plans that were read and are not acknowledged.'),
    coverage: gauge('coverage_permille', 'Of the last 1000 late observations, how many found heat.'),
    earlyCoverage: gauge('early_coverage_permille', 'Of the last 1000 early observations, how many found heat.'),
  };
  const lateness = new Histogram({
    name: 'orquanta_heat_deadline_lateness_seconds',
    help: 'How long after its deadline a plan was looked at for the last time.',
    buckets: latenessBuckets.map((milliseconds) => milliseconds / 1_000),
    registers,
  });
  for (const obs_point of Object.values(observationPoints)) {
    for (const heat_found of ['0', '1']) observed.inc({ obs_point, heat_found }, 0);
    for (const reason of reasons) reasonsTotal.inc({ obs_point, reason }, 0);
  }
  return {
    add(observer, figures) {
      for (const obs_point of Object.values(observationPoints)) {
        const { ok, ...others } = figures.reasons[obs_point];
        observed.inc({ obs_point, heat_found: '1' }, ok);
        observed.inc(
          { obs_point, heat_found: '0' },
          Object.values(others).reduce((sum, count) => sum + count, 0),
        );
        for (const reason of reasons) reasonsTotal.inc({ obs_point, reason }, figures.reasons[obs_point][reason]);
      }
      for (const name of ['skipped', 'duplicates', 'deadLetters', 'unreadable', 'redisErrors'] as const)
        totals[name].inc(figures[name]);
      for (const name of ['inFlight', 'lag', 'pending', 'coverage', 'earlyCoverage'] as const) {
        const value = figures[name];
        if (value !== undefined) gauges[name].set({ observer }, value);
      }
      figures.lateness.forEach((count, index) => {
        // Each within its bucket: the sum is off by less than the bucket is wide.
        const milliseconds = latenessBuckets[index] ?? 2 * (latenessBuckets.at(-1) ?? 0);
        for (let n = 0; n < count; n += 1) lateness.observe(milliseconds / 1_000);
      });
    },
    gone(observer) {
      for (const one of Object.values(gauges)) one.remove({ observer });
    },
  };
}
