// What tests of observers need: a Redis of their own, an observer on it, plans, keys that arrive when they are told to, and the
// stream of observations as anybody reads it.
import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { until as untilHolds } from '../../hack/cluster/until.ts';
import { type RedisClient, type RedisServer, startRedis } from '../../hack/redis/server.ts';
import type { ObserverEvents, ObserverSettings } from '../../operator/heat/observation.ts';
import { Observer, type ObserverStanding } from '../../operator/heat/observer.ts';
import { openLink } from '../../operator/heat/redis/link.ts';
import { systemClock } from '../../operator/runtime/clock.ts';
import { ownSurroundings } from '../setup/surroundings.ts';

export const prefix = 'quantum:harvest:heat:by_plan:';
export const streams = {
  plans: 'quantum:stream:apply.plan',
  observed: 'quantum:stream:apply.heat.observed',
  deadLetter: 'quantum:stream:apply.plan.dead',
};

export interface Observation {
  readonly plan_id: string;
  readonly symbol: string;
  readonly obs_point: string;
  readonly heat_found: string;
  readonly heat_reason: string;
  readonly waited_ms: string;
  readonly ts: string;
  readonly waited_exact_ms?: string;
}

export type Wish = Partial<Omit<ObserverSettings, 'late'>> & { readonly late?: Partial<ObserverSettings['late']> };

export function settingsOf({ late, ...wish }: Wish = {}): ObserverSettings {
  return {
    name: 'ml/heat',
    lookupPrefix: prefix,
    streams,
    maxRedisErrors: 2,
    deduplicationSeconds: 60,
    maxObservedEntries: 1_000_000,
    ...wish,
    late: {
      enabled: true,
      pollMilliseconds: 100,
      maxWaitMilliseconds: 2_000,
      maxWorkers: 4,
      maxInFlight: 200,
      ...late,
    },
  };
}

export async function redisForTest(args: readonly string[] = []): Promise<RedisServer> {
  const { directory } = ownSurroundings();
  const server = await startRedis({ directory, name: `redis-${randomBytes(3).toString('hex')}`, args });
  onTestFinished(() => server.stop());
  return server;
}

export interface Counts {
  observed: Record<string, number>;
  skipped: string[];
  malformed: string[];
  duplicates: string[];
  dead: string[];
  lateMilliseconds: number[];
  errors: Error[];
  standings: ObserverStanding[];
}

export interface Observing {
  readonly counts: Counts;
  readonly observer: Observer;
  /** Until it reads. */
  readonly reading: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** An observer in this process; it reads when this resolves. */
export async function observing(server: RedisServer, wish: Wish = {}): Promise<Observing> {
  const counts: Counts = {
    ...{ observed: {}, skipped: [], malformed: [], duplicates: [], dead: [] },
    ...{ lateMilliseconds: [], errors: [], standings: [] },
  };
  const stop = new AbortController();
  const observer = new Observer({
    settings: settingsOf(wish),
    database: 0,
    isNew: true,
    open: () =>
      openLink(
        { host: '127.0.0.1', port: server.port, database: 0, username: undefined, password: undefined, tls: undefined },
        systemClock,
      ),
    clock: systemClock,
    random: Math.random,
    events: eventsOf(counts),
    onStanding: (standing) => void counts.standings.push(standing),
  });
  const run = observer.run(stop.signal);
  const reading = async (): Promise<void> => {
    await until('the observer to read', () => counts.standings.at(-1)?.kind === 'Reading');
  };
  const end = async (): Promise<void> => {
    stop.abort(new Error('the test is over'));
    await run;
  };
  onTestFinished(end);
  await reading();
  return { counts, observer, reading, stop: end };
}

function eventsOf(counts: Counts): ObserverEvents {
  return {
    onObserved({ point, reason }) {
      const key = `${point} ${reason}`;
      counts.observed[key] = (counts.observed[key] ?? 0) + 1;
    },
    onUnreadableHeat: () => undefined,
    onMalformed: (_, why) => void counts.malformed.push(why),
    onSkipped: (planID) => void counts.skipped.push(planID),
    onDuplicate: (planID) => void counts.duplicates.push(planID),
    onDeadLetter: (entryID) => void counts.dead.push(entryID),
    onDeadline: (milliseconds) => void counts.lateMilliseconds.push(milliseconds),
    onRedisError: (error) => void counts.errors.push(error),
  };
}

/** An error of the condition is the test's: it isn't waited away. */
export function until(what: string, holds: () => boolean | Promise<boolean>, milliseconds = 30_000): Promise<void> {
  const signal = AbortSignal.timeout(2 * milliseconds);
  const giveUpOn = (): boolean => true;
  return untilHolds(async () => holds(), { what, timeoutMilliseconds: milliseconds, signal, giveUpOn });
}

/** Plans that were read and are not acknowledged. */
export async function pendingIn(client: RedisClient, group = 'orquanta:ml/heat'): Promise<number> {
  const [count] = (await client.sendCommand(['XPENDING', streams.plans, group])) as unknown as [number];
  return count;
}

export function untilAcknowledged(client: RedisClient): Promise<void> {
  return until('all plans to be acknowledged', async () => (await pendingIn(client)) === 0);
}

export async function publish(client: RedisClient, planID: string, symbol = 'BTCUSDT'): Promise<void> {
  await client.sendCommand(['XADD', streams.plans, '*', 'plan_id', planID, 'symbol', symbol]);
}

/** In one step, so that they are read together. */
export async function publishAtOnce(client: RedisClient, planIDs: readonly string[]): Promise<void> {
  const script = `for _, plan in ipairs(ARGV) do redis.call('XADD', KEYS[1], '*', 'plan_id', plan, 'symbol', 'BTCUSDT') end`;
  await client.sendCommand(['EVAL', script, '1', streams.plans, ...planIDs]);
}

export async function heatAtOnce(client: RedisClient, planIDs: readonly string[]): Promise<void> {
  await client.sendCommand(['MSET', ...planIDs.flatMap((plan) => [prefix + plan, '{"heat": 500}'])]);
}

export async function heat(client: RedisClient, planID: string): Promise<void> {
  await client.sendCommand(['SET', prefix + planID, '{"heat": 500}', 'EX', '600']);
}

export async function observations(client: RedisClient): Promise<Observation[]> {
  const entries = (await client.sendCommand(['XRANGE', streams.observed, '-', '+'])) as unknown as [string, string[]][];
  return entries.map(([, fields]) => {
    const pairs = fields.flatMap((field, index) => (index % 2 === 0 ? [[field, fields[index + 1]]] : []));
    return Object.fromEntries(pairs) as Observation;
  });
}

/** Until so many stand in the output; all of them. */
export async function untilObserved(client: RedisClient, count: number, milliseconds?: number): Promise<Observation[]> {
  await until(
    `${count} observations`,
    async () => Number(await client.sendCommand(['XLEN', streams.observed])) >= count,
    milliseconds,
  );
  return observations(client);
}
