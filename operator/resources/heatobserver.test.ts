// The table of good and bad observers, through zod, and what a spec means where it says nothing. The same table meets the real
// API server in e2e/heat.
import { describe, expect, it } from 'vitest';
import {
  heatDefaults,
  heatObserverSchema,
  type HeatObserverSpec,
  type OperatorHeatDefaults,
  redisEndpoint,
} from './heatobserver.ts';
import { lonelyChecks, rulesOf } from './testing/rules.ts';
import { badHeatObservers, goodHeatObservers } from './testing/heatobservers.ts';

const messagesOf = (object: unknown) =>
  heatObserverSchema.safeParse(object).error?.issues.map(({ message }) => message) ?? [];

describe('zod accepts', () => {
  it.each(goodHeatObservers)('$name', ({ object }) => {
    expect(messagesOf(object)).toEqual([]);
  });
});

describe('zod refuses', () => {
  it.each(badHeatObservers)('$name', ({ object, says, inServersWords }) => {
    const messages = messagesOf(object);
    expect(messages).not.toEqual([]);
    if (inServersWords !== true) expect(messages.join('\n')).toContain(says);
  });
});

describe('the table', () => {
  it('holds each case once', () => {
    const names = [...goodHeatObservers, ...badHeatObservers].map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
  });

  it('shows every rule broken at least once', () => {
    const shown = badHeatObservers.map(({ says }) => says);
    const isShown = (message: string) => shown.some((says) => message.includes(says));
    const messages = rulesOf(heatObserverSchema).map(({ message }) => message);
    expect(messages.filter((message) => !isShown(message))).toEqual([]);
  });

  it('has no check in zod without its twin in CEL', () => {
    expect(lonelyChecks(heatObserverSchema)).toEqual([]);
  });
});

const smallest: HeatObserverSpec = { redis: { url: 'redis://redis' }, lookupPrefix: 'heat:' };

describe('what a spec leaves out', () => {
  it('H3, H5, H7: is what the requirements say', () => {
    expect(heatDefaults(smallest)).toEqual({
      redis: {
        url: 'redis://redis',
        username: undefined,
        passwordSecretRef: undefined,
        tls: { caSecretRef: undefined, serverName: undefined },
      },
      lookupPrefix: 'heat:',
      streams: {
        plans: 'quantum:stream:apply.plan',
        observed: 'quantum:stream:apply.heat.observed',
        decisions: 'quantum:stream:harvest.heat.decision',
        deadLetter: 'quantum:stream:apply.plan.dead',
      },
      late: { enabled: true, pollMilliseconds: 100, maxWaitMilliseconds: 2000, maxWorkers: 4, maxInFlight: 200 },
      maxRedisErrors: 2,
      golden: 'Warn',
      suspend: false,
      deduplicationSeconds: 60,
      maxObservedEntries: 100_000,
    });
  });

  it('of a Secret is the usual key', () => {
    const { redis } = heatDefaults({
      ...smallest,
      redis: { url: 'rediss://redis', passwordSecretRef: { name: 'a' }, tls: { caSecretRef: { name: 'b' } } },
    });
    expect(redis.passwordSecretRef).toEqual({ name: 'a', key: 'password' });
    expect(redis.tls.caSecretRef).toEqual({ name: 'b', key: 'ca.crt' });
  });

  it('names the stream of the dead after the plans', () => {
    expect(heatDefaults({ ...smallest, streams: { plans: 'p' } }).streams.deadLetter).toBe('p.dead');
  });
});

describe("the operator's settings", () => {
  const late = { enabled: false, pollMilliseconds: 1000, maxWaitMilliseconds: 5000, maxWorkers: 8, maxInFlight: 9 };
  const operator: OperatorHeatDefaults = { plansStream: 'plans', late };

  it('stand in for the shipped values', () => {
    const spec = heatDefaults(smallest, operator);
    expect(spec.late).toEqual(late);
    expect(spec.streams).toMatchObject({ plans: 'plans', deadLetter: 'plans.dead' });
  });

  it('yield to what the object says, field by field', () => {
    const own = { ...smallest, streams: { plans: 'own' }, late: { enabled: true, maxInFlight: 1 } };
    const spec = heatDefaults(own, operator);
    expect(spec.late).toEqual({ ...late, enabled: true, maxInFlight: 1 });
    expect(spec.streams.plans).toBe('own');
  });

  it.each([
    { name: 'a shorter wait', said: { maxWaitMilliseconds: 400 }, want: [400, 400] },
    { name: 'rarer looks', said: { pollMilliseconds: 6000 }, want: [6000, 6000] },
    { name: 'no wait', said: { maxWaitMilliseconds: 0 }, want: [1000, 0] },
  ])('give way where $name would leave a wait without a look', ({ said, want }) => {
    const { pollMilliseconds, maxWaitMilliseconds } = heatDefaults({ ...smallest, late: said }, operator).late;
    expect([pollMilliseconds, maxWaitMilliseconds]).toEqual(want);
  });
});

describe('H1: the lookup prefix', () => {
  it('has one source: no other field of the spec, and no default, can name one', () => {
    const text = JSON.stringify(heatDefaults({ ...smallest, lookupPrefix: 'the-prefix' }));
    expect(text.split('the-prefix')).toHaveLength(2);
    expect(Object.keys(heatObserverSchema.shape.spec.shape).filter((name) => /prefix/i.test(name))).toEqual([
      'lookupPrefix',
    ]);
  });
});

describe('redisEndpoint', () => {
  it.each([
    ['redis://redis', { host: 'redis', port: 6379, database: 0, tls: false }],
    ['redis://redis/', { host: 'redis', port: 6379, database: 0, tls: false }],
    ['rediss://Redis.ML.svc:6380/15', { host: 'redis.ml.svc', port: 6380, database: 15, tls: true }],
    ['redis://10.0.0.7:1/3', { host: '10.0.0.7', port: 1, database: 3, tls: false }],
    ['redis://[FD00::1]:6379', { host: 'fd00::1', port: 6379, database: 0, tls: false }],
  ])('reads %s', (url, want) => {
    expect(redisEndpoint(url)).toEqual(want);
  });

  it.each(['redis://user@redis', 'redis://2130706433', 'redis://redis:99999', 'no url'])(
    'reads nothing from %s',
    (url) => {
      expect(redisEndpoint(url)).toBeUndefined();
    },
  );

  it('reads every URL that the schema accepts', () => {
    const urls = goodHeatObservers.map(({ object }) => heatObserverSchema.parse(object).spec.redis.url);
    expect(urls.filter((url) => redisEndpoint(url) === undefined)).toEqual([]);
  });
});
