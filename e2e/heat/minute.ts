// 1,000 plans a second for as long as it is told to, with the keys of most, through the operator; then input and output are compared
// by plan id, and what was skipped is counted.
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { processUsage } from '../../hack/bench/process-usage.ts';
import type { RedisClient } from '../../hack/redis/server.ts';
import { metricsOf, sumOf } from '../robustness/metrics.ts';
import { operatorForTest } from '../robustness/replicas.ts';
import { adminApi, namespaceFor } from '../setup/surroundings.ts';
import { heatObserver, heatObserversOf, untilReady } from './observed.ts';
import { heat, observations, pendingIn, publish, redisForTest, until } from './stage.ts';

export interface Minute {
  readonly seconds: number;
  readonly maxInFlight: number;
}

export interface Told {
  readonly plans: number;
  readonly late: number;
  readonly skipped: number;
  /** Of the operator, in MiB: after a third of the time, and the most after that. */
  readonly resident: { readonly warm: number; readonly most: number };
  /** What it says of itself when all is over, as Prometheus reads it. */
  readonly metrics: string;
}

const plansASecond = 1_000;
const tickMilliseconds = 50;
/** The wait is two seconds: most keys come within it. */
const mostDelayMilliseconds = 2_200;

async function offer(client: RedisClient, plans: number, onTick: (published: number) => void): Promise<void> {
  const start = performance.now();
  const arriving: Promise<unknown>[] = [];
  for (let published = 0; published < plans;) {
    const due = Math.min(plans, Math.floor(((performance.now() - start) * plansASecond) / 1_000));
    const batch = Array.from({ length: due - published }, (_, index) => `p${published + index}`);
    await Promise.all(batch.map((plan) => publish(client, plan)));
    for (const [index, plan] of batch.entries()) {
      const after = ((published + index) * 0.618_033_988_749_895 * mostDelayMilliseconds) % mostDelayMilliseconds;
      arriving.push(delay(after).then(() => heat(client, plan)));
    }
    published = due;
    onTick(published);
    await delay(tickMilliseconds);
  }
  await Promise.all(arriving);
}

export async function playMinute({ seconds, maxInFlight }: Minute): Promise<Told> {
  const api = adminApi();
  const server = await redisForTest();
  const client = await server.client();
  const namespace = await namespaceFor(api, 'heat minute');
  const operator = await operatorForTest({ args: [`--watch-namespace=${namespace}`, '--heat-allow-local'] });
  const spec = { late: { maxInFlight }, maxObservedEntries: 1_000_000 };
  await api.create(heatObserversOf(namespace), heatObserver('one', server.url, spec));
  await untilReady(api, namespace, 'one', 'Observing');
  const plans = seconds * plansASecond;
  const resident = { warm: 0, most: 0 };
  await offer(client, plans, (published) => {
    if (published < plans / 3) return;
    const { residentMebibytes } = processUsage(operator.pid);
    resident.warm ||= residentMebibytes;
    resident.most = Math.max(resident.most, residentMebibytes);
  });
  await until('all plans to be acknowledged', async () => (await pendingIn(client, `orquanta:${namespace}/one`)) === 0);
  const seen = await observations(client);
  const ids = (point: string): Set<string> =>
    new Set(seen.filter(({ obs_point }) => obs_point === point).map(({ plan_id }) => plan_id));
  const late = ids('publish_plan_post');
  expect(ids('create_apply_plan').size).toBe(plans);
  expect(seen.length).toBe(plans + late.size);
  let metrics = '';
  // It tells once a second.
  await until('all observations to be told', async () => {
    metrics = await metricsOf(operator);
    return sumOf(metrics, 'p28_observed_total') >= seen.length;
  });
  const skipped = sumOf(metrics, 'orquanta_heat_skipped_total');
  expect(late.size + skipped).toBe(plans);
  return { plans, late: late.size, skipped, resident, metrics };
}
