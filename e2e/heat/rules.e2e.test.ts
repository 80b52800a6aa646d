// What the document asks of an observer beyond looking: limits, errors, malformed plans, what comes twice, what was erased.
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { RedisClient } from '../../hack/redis/server.ts';
import {
  heat,
  heatAtOnce,
  type Observation,
  observations,
  observing,
  pendingIn,
  publish,
  publishAtOnce,
  redisForTest,
  streams,
  until,
  untilAcknowledged,
  untilObserved,
} from './stage.ts';

const point = { early: 'create_apply_plan', late: 'publish_plan_post' } as const;
const group = 'orquanta:ml/heat';

function told(seen: readonly Observation[]): string[] {
  return seen.map(({ plan_id, obs_point, heat_reason }) => `${plan_id} ${obs_point} ${heat_reason}`).sort();
}

describe('H2, H3: one look for many keys', () => {
  /** Some at the edges of every half, some in rows, some alone. */
  const isThere = (index: number): boolean => index % 7 === 0 || index % 50 === 49 || (index > 60 && index < 75);
  const plans = Array.from({ length: 250 }, (_, index) => `p${index}`);
  const there = plans.filter((_, index) => isThere(index));
  const foundAt = (seen: readonly Observation[], which: string): string[] =>
    seen.filter(({ obs_point, heat_found }) => obs_point === which && heat_found === '1').map(({ plan_id }) => plan_id);

  it('finds early those that are there, and no others', async () => {
    const server = await redisForTest();
    const client = await server.client();
    await observing(server, { late: { enabled: false } });
    await heatAtOnce(client, there);
    await publishAtOnce(client, plans);
    expect(foundAt(await untilObserved(client, plans.length), point.early).sort()).toEqual([...there].sort());
  });

  it.each(['En', ''])(
    'finds late those that come, on the grid and exactly, with keyspace events "%s"',
    async (events) => {
      const server = await redisForTest(['--notify-keyspace-events', events]);
      const client = await server.client();
      const late = { maxInFlight: 1_000, maxWaitMilliseconds: 1_500 };
      const { counts } = await observing(server, { late });
      expect(counts.standings).toEqual([{ kind: 'Reading', hints: events !== '' }]);
      await publishAtOnce(client, plans);
      await untilObserved(client, plans.length);
      await heatAtOnce(client, there);
      const seen = await untilObserved(client, 2 * plans.length);
      expect(foundAt(seen, point.late).sort()).toEqual([...there].sort());
      for (const { obs_point, heat_found, waited_ms, waited_exact_ms } of seen) {
        const [waited, exact] = [Number(waited_ms), Number(waited_exact_ms)];
        expect(exact).toBeLessThan(60_000);
        if (obs_point === point.early) expect([waited, exact]).toEqual([0, 0]);
        else if (heat_found === '1') expect([waited % 100, Math.ceil(exact / 100) * 100]).toEqual([0, waited]);
        else
          expect([exact > late.maxWaitMilliseconds - 50, waited]).toEqual([
            true,
            Math.max(late.maxWaitMilliseconds, exact),
          ]);
      }
    },
  );
});

it('H3: losing the connection of key events alone is noticed, and keys are seen when they come', async () => {
  const server = await redisForTest();
  const client = await server.client();
  const { counts } = await observing(server, { late: { maxWaitMilliseconds: 60_000 } });
  await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
  const standings = (): string => counts.standings.map(({ kind }) => kind).join(' ');
  await until('it to read again', () => standings() === 'Reading Failing Reading');
  await publish(client, 'awaited');
  await untilObserved(client, 1);
  await heat(client, 'awaited');
  expect(told(await untilObserved(client, 2))).toEqual([`awaited ${point.early} missing`, `awaited ${point.late} ok`]);
});

describe('H4: beyond maxInFlight', () => {
  it('a plan has its early observation and no late one, is counted, and the slots are given back', async () => {
    const server = await redisForTest();
    const client = await server.client();
    const { counts, observer } = await observing(server, { late: { maxInFlight: 10, maxWaitMilliseconds: 300 } });
    await Promise.all(Array.from({ length: 50 }, (_, index) => publish(client, `p${index}`)));
    const seen = await untilObserved(client, 60);
    await until('the slots to be free', () => observer.inFlight === 0);
    await untilAcknowledged(client);
    expect(seen.filter(({ obs_point }) => obs_point === point.early)).toHaveLength(50);
    expect(
      (await observations(client)).filter(({ obs_point }) => obs_point === point.late).length + counts.skipped.length,
    ).toBe(50);
    await publish(client, 'afterwards');
    await until('the next plan to be awaited', async () =>
      (await observations(client)).some(
        ({ plan_id, obs_point }) => plan_id === 'afterwards' && obs_point === point.late,
      ),
    );
  });
});

describe('H5: errors of Redis', () => {
  it('two end an observation: it is held, and written with redis_error when Redis takes it', async () => {
    const server = await redisForTest();
    const client = await server.client();
    const { counts } = await observing(server, { late: { maxWaitMilliseconds: 60_000 } });
    await publish(client, 'held');
    await untilObserved(client, 1);
    server.signal('SIGKILL');
    // It tries again after 100, 200, 400 ms: by then every look of the plan would have failed more than twice.
    await until('more than two polls to have failed', () => counts.errors.length >= 5);
    await server.restart();
    const seen = await untilObserved(client, 2);
    expect(told(seen)).toEqual([`held ${point.early} missing`, `held ${point.late} redis_error`]);
    await untilAcknowledged(client);
  });

  it('an early look that Redis refuses is written with redis_error when it takes it', async () => {
    const server = await redisForTest();
    const client = await server.client();
    const { counts } = await observing(server, { late: { enabled: false } });
    await client.sendCommand(['SET', streams.observed, 'no stream']);
    await publish(client, 'refused');
    await until('two looks to be refused', () => counts.errors.length >= 3);
    await client.sendCommand(['DEL', streams.observed]);
    expect(told(await untilObserved(client, 1))).toEqual([`refused ${point.early} redis_error`]);
  });
});

describe('H6: plans that are malformed', () => {
  it.each([
    ['without a plan id', ['symbol', 'BTCUSDT'], []],
    ['with a line break in it', ['plan_id', 'a\nb', 'symbol', 'BTCUSDT'], []],
    ['without a symbol', ['plan_id', 'no-symbol'], [`no-symbol ${point.early} parse_error`]],
    [
      'with a control character in the symbol',
      ['plan_id', 'bell', 'symbol', 'BTC\u0007'],
      [`bell ${point.early} parse_error`],
    ],
  ])('%s are parse_error, and the next one is observed', async (_, fields, wanted) => {
    const server = await redisForTest();
    const client = await server.client();
    const { counts } = await observing(server, { late: { enabled: false } });
    await client.sendCommand(['XADD', streams.plans, '*', ...fields]);
    await publish(client, 'next');
    const seen = await untilObserved(client, wanted.length + 1);
    expect(told(seen)).toEqual([...wanted, `next ${point.early} missing`].sort());
    await untilAcknowledged(client);
    expect((counts.observed[`${point.early} parse_error`] ?? 0) + counts.malformed.length).toBe(1);
  });
});

/** Until so many whole seconds have begun, by Redis' clock. */
async function untilSeconds(client: RedisClient, count: number): Promise<void> {
  const now = async (): Promise<number> => Number(((await client.sendCommand(['TIME'])) as unknown as [string])[0]);
  const start = await now();
  await until(`${count} seconds`, async () => (await now()) >= start + count);
}

describe('a plan id that comes again', () => {
  it('is observed once, alone or in one batch', async () => {
    const server = await redisForTest();
    const client = await server.client();
    const { counts } = await observing(server, { late: { maxWaitMilliseconds: 300 } });
    await publishAtOnce(client, ['again', 'again', 'other', 'again']);
    await untilObserved(client, 4);
    await publish(client, 'again');
    await until('all five to be read', () => counts.duplicates.length === 3);
    await untilAcknowledged(client);
    expect(await observations(client)).toHaveLength(4);
  });

  it('is remembered for as long as the spec says, and forgotten after twice as long', async () => {
    const server = await redisForTest();
    const client = await server.client();
    const { counts } = await observing(server, { deduplicationSeconds: 2, late: { enabled: false } });
    await publish(client, 'again');
    await untilObserved(client, 1);
    // Spans begin at even seconds: one of these comes in the next span.
    for (let second = 1; second <= 2; second += 1) {
      await untilSeconds(client, 1);
      await publish(client, 'again');
      await until('it to be known', () => counts.duplicates.length === second);
    }
    await untilSeconds(client, 5);
    await publish(client, 'again');
    await untilObserved(client, 2);
    await publish(client, 'other');
    await untilSeconds(client, 5);
    expect(await client.sendCommand(['KEYS', 'orquanta:*'])).toEqual([]);
  });
});

describe('the stream of observations', () => {
  it.each([true, false])('is kept at about the length that the spec gives, with late looks: %s', async (enabled) => {
    const server = await redisForTest();
    const client = await server.client();
    const { counts, observer } = await observing(server, {
      maxObservedEntries: 200,
      late: { enabled, maxInFlight: 20_000, maxWaitMilliseconds: 1_000 },
    });
    await publishAtOnce(
      client,
      Array.from({ length: 2_000 }, (_, index) => `p${index}`),
    );
    const points = enabled ? [`${point.early} missing`, `${point.late} timeout`] : [`${point.early} missing`];
    await until('all to be observed', () => points.every((one) => counts.observed[one] === 2_000));
    await until('nothing to be in flight', () => observer.inFlight === 0);
    // Redis trims whole nodes of a stream, of 100 entries each.
    expect(await client.sendCommand(['XLEN', streams.observed])).toBeLessThan(500);
    await untilAcknowledged(client);
    expect(await client.sendCommand(['SCARD', `${group}:open`])).toBe(0);
  });
});

describe('FLUSHALL', () => {
  it('erases what it erases: the group is made again, and what comes afterwards is observed', async () => {
    const server = await redisForTest();
    const client = await server.client();
    const { observer } = await observing(server, { late: { maxWaitMilliseconds: 1_000 } });
    for (const plan of ['erased', 'erased-too']) await publish(client, plan);
    await untilObserved(client, 2);
    await client.sendCommand(['FLUSHALL']);
    await publish(client, 'afterwards');
    await until('the plan after it to be observed', async () => told(await observations(client)).length === 2);
    expect(told(await observations(client))).toEqual([
      `afterwards ${point.early} missing`,
      `afterwards ${point.late} timeout`,
    ]);
    await until('nothing to be in flight', () => observer.inFlight === 0);
  });
});

describe('a plan that was delivered too often', () => {
  it('is put aside with its fields and the reason', async () => {
    const server = await redisForTest();
    const client = await server.client();
    await client.sendCommand(['XGROUP', 'CREATE', streams.plans, group, '0', 'MKSTREAM']);
    await publish(client, 'poison');
    const reading = ['XREADGROUP', 'GROUP', group, 'orquanta', 'STREAMS', streams.plans, '>'];
    const read = (await client.sendCommand(reading)) as unknown as [string, [string][]][];
    const entry = read[0]![1][0]![0];
    await client.sendCommand(['XCLAIM', streams.plans, group, 'orquanta', '0', entry, 'RETRYCOUNT', '5']);
    const { counts } = await observing(server);
    await until('it to be put aside', () => counts.dead.length === 1);
    const dead = (await client.sendCommand(['XRANGE', streams.deadLetter, '-', '+'])) as unknown as [
      string,
      string[],
    ][];
    expect(dead[0]?.[1]).toEqual([
      'entry',
      entry,
      'why',
      'it was delivered more than 5 times',
      'plan_id',
      'poison',
      'symbol',
      'BTCUSDT',
    ]);
    expect(await pendingIn(client)).toBe(0);
  });
});

describe('H9: many plans', () => {
  it.each([200, 20_000])('1,000 a second lose and double nothing, with maxInFlight %i', async (maxInFlight) => {
    const server = await redisForTest();
    const client = await server.client();
    const { counts, observer } = await observing(server, { late: { maxInFlight } });
    const plans = 3_000;
    const arriving: Promise<unknown>[] = [];
    for (let index = 0; index < plans; index += 100) {
      const batch = Array.from({ length: 100 }, (_, at) => `p${index + at}`);
      await Promise.all(batch.map((plan) => publish(client, plan)));
      arriving.push(...batch.map((plan, at) => delay(at * 10).then(() => heat(client, plan))));
      await delay(100);
    }
    await until(
      'all to be early observed',
      async () => (await observations(client)).filter(({ obs_point }) => obs_point === point.early).length === plans,
    );
    await Promise.all(arriving);
    await until('nothing to be in flight', () => observer.inFlight === 0);
    await untilAcknowledged(client);
    const seen = await observations(client);
    const late = seen.filter(({ obs_point }) => obs_point === point.late);
    expect(new Set(seen.map(({ plan_id, obs_point }) => `${plan_id} ${obs_point}`)).size).toBe(seen.length);
    expect(late.length + counts.skipped.length).toBe(plans);
    if (maxInFlight >= plans) expect(counts.skipped).toEqual([]);
  });
});
