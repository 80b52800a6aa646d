// The controller on an API server: what it orders for an observer, what it says of it, and when it writes that.
import { isDeepStrictEqual } from 'node:util';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import {
  type HeatObserver,
  heatObservers,
  type HeatObserverSpec,
  shippedHeatDefaults,
} from '../resources/heatobserver.ts';
import { annotations } from '../resources/labels.ts';
import { ApiClient } from '../runtime/client.ts';
import { ApiError } from '../runtime/errors.ts';
import type { Secret } from '../runtime/kubernetes.ts';
import { secrets } from '../runtime/resource.ts';
import { Store } from '../runtime/store.ts';
import { FakeClock } from '../runtime/testing/fake-clock.ts';
import { InMemoryApiServer } from '../runtime/testing/in-memory-api-server.ts';
import { HeatController, type HeatControllerOptions } from './controller.ts';
import { heatMetrics } from './metrics.ts';
import type { RedisErrorKind } from './redis/errors.ts';
import { lookupPrefix, never, someFigures } from './testing.ts';
import type { FromThread, Order } from './worker/messages.ts';

const key = 'ml/harvest';
const name = { namespace: 'ml', name: 'harvest' };

const minute = { kind: 'requeueAfter', milliseconds: 60_000 };
const tenSeconds = { kind: 'requeueAfter', milliseconds: 10_000 };

async function aCluster(spec: Partial<HeatObserverSpec> = {}, metadata: Partial<HeatObserver['metadata']> = {}) {
  const clock = new FakeClock();
  const resources = [
    { resource: heatObservers, status: true },
    { resource: secrets, status: false, builtIn: true },
  ];
  const server = new InMemoryApiServer({ clock, resources });
  const client = new ApiClient(server, { fieldManager: 'kubectl' });
  const create = () =>
    client.create<HeatObserver>(
      heatObservers,
      { metadata: { ...name, ...metadata }, spec: { redis: { url: 'redis://redis' }, lookupPrefix, ...spec } },
      {},
      never,
    );
  await create();
  const stored = () => client.get<HeatObserver>(heatObservers, name, never);
  const edit = (changes: object) => client.patch<HeatObserver>(heatObservers, name, changes, never);
  const secret = (password: string) =>
    client.create<Secret>(
      secrets,
      {
        metadata: { namespace: 'ml', name: 'redis' },
        data: { password: Buffer.from(password).toString('base64') },
      },
      {},
      never,
    );
  const remove = async () => {
    const { uid } = (await stored()).metadata;
    await client.delete(heatObservers, name, { uid, propagationPolicy: 'Background' }, never);
  };
  const requests: string[] = [];
  server.intercept((request, serve) => {
    requests.push(`${request.method} ${request.path.split('/').slice(-2).join('/')}`);
    return serve();
  });
  /** How often its status was written. */
  const writes = () => requests.filter((request) => request === 'PUT harvest/status').length;
  const said = async () =>
    Object.fromEntries(
      ((await stored()).status?.conditions ?? []).map((one) => [one.type, `${one.status} ${one.reason}`]),
    );
  const messageOf = async (type: string) =>
    (await stored()).status?.conditions?.find((condition) => condition.type === type)?.message;
  return { clock, server, client, create, stored, edit, secret, remove, requests, writes, said, messageOf };
}

type Cluster = Awaited<ReturnType<typeof aCluster>>;

/** One leader's term. `look` sees the newest object and reconciles it once. */
function aTerm({ clock, client, stored }: Cluster, options: Partial<HeatControllerOptions> = {}) {
  const store = new Store<HeatObserver>();
  const orders: Order[] = [];
  const told: string[] = [];
  const queued: string[] = [];
  const registry = new Registry();
  const controller = new HeatController({
    ...{ client, store, clock, defaults: shippedHeatDefaults, lookupPrefix: '' },
    hosts: { allowedHosts: [], allowLocal: false },
    metrics: heatMetrics(registry),
    observers: {
      observe: (which, order) => {
        told.push(`observe ${which}`);
        const isNews = !isDeepStrictEqual(orders.at(-1), order);
        orders.push(order);
        return isNews;
      },
      stop: (which) => void told.push(`stop ${which}`),
      verify: (which, token) => void told.push(`verify ${which} ${token}`),
    },
    enqueue: (which) => void queued.push(which),
    ...options,
  });
  const reconcile = () => controller.reconcile(key, never);
  const look = async () => {
    store.absorb(await stored());
    return reconcile();
  };
  const hear = (message: WithoutKey<FromThread>) => {
    controller.hear({ key, ...message });
  };
  /** Everything told since the last time. */
  const heardOf = () => told.splice(0);
  const metric = async (line: string) => (await registry.metrics()).split('\n').find((one) => one.startsWith(line));
  return { controller, store, orders, queued, look, reconcile, hear, heardOf, metric };
}

type WithoutKey<Message> = Message extends unknown ? Omit<Message, 'key'> : never;

const reading = { kind: 'Reading', hints: true } as const;
const failing = (error: RedisErrorKind) => ({ kind: 'Failing', error, message: `its words: ${error}` }) as const;
const figures = (changes: Parameters<typeof someFigures>[0]) =>
  ({ kind: 'Figures', figures: someFigures(changes), skippedPlans: [] }) as const;

describe('what is ordered', () => {
  it('of a new observer is everything that its spec says, with the defaults, and status says that it connects', async () => {
    const cluster = await aCluster();
    const { look, orders, heardOf } = aTerm(cluster);
    expect(await look()).toEqual(minute);
    expect(heardOf()).toEqual(['observe ml/harvest']);
    expect(orders).toEqual([
      {
        namespace: 'ml',
        settings: {
          ...{ name: key, lookupPrefix, maxRedisErrors: 2, deduplicationSeconds: 60, maxObservedEntries: 100_000 },
          late: { enabled: true, pollMilliseconds: 100, maxWaitMilliseconds: 2_000, maxWorkers: 4, maxInFlight: 200 },
          streams: {
            plans: 'quantum:stream:apply.plan',
            observed: 'quantum:stream:apply.heat.observed',
            deadLetter: 'quantum:stream:apply.plan.dead',
          },
        },
        decisionsStream: 'quantum:stream:harvest.heat.decision',
        golden: 'Warn',
        redis: {
          endpoint: { host: 'redis', port: 6379, database: 0, tls: false },
          ...{ username: undefined, password: undefined, ca: undefined, serverName: undefined },
        },
        hosts: { allowedHosts: [], allowLocal: false },
        isNew: true,
      },
    ]);
    expect(await cluster.said()).toEqual({
      ...{ Ready: 'Unknown Connecting', Reconciling: 'True Connecting', Stalled: 'False NothingToChange' },
      ...{ Degraded: 'False Healthy', GoldenVerified: 'Unknown GoldenPending' },
    });
  });

  it('H3, H7: is what the operator says where the spec says nothing', async () => {
    const late = {
      ...{ enabled: false, pollMilliseconds: 50, maxWaitMilliseconds: 500 },
      maxWorkers: 2,
      maxInFlight: 9,
    };
    const { look, orders } = aTerm(await aCluster({ late: { maxWorkers: 7 } }), {
      defaults: { plansStream: 'in', late },
    });
    await look();
    expect(orders[0]?.settings).toMatchObject({
      ...{ late: { ...late, maxWorkers: 7 }, streams: { plans: 'in', deadLetter: 'in.dead' } },
    });
  });

  it('has the password, the certificate and the user', async () => {
    const cluster = await aCluster({
      redis: {
        ...{ url: 'rediss://redis:6380/3', username: 'orquanta', passwordSecretRef: { name: 'redis' } },
        tls: { caSecretRef: { name: 'redis', key: 'password' }, serverName: 'redis.example' },
      },
    });
    await cluster.secret('hunter2');
    const { look, orders } = aTerm(cluster);
    await look();
    expect(orders[0]?.redis).toEqual({
      endpoint: { host: 'redis', port: 6380, database: 3, tls: true },
      ...{ username: 'orquanta', password: 'hunter2', ca: 'hunter2', serverName: 'redis.example' },
    });
  });

  it('of a changed one is what it says now', async () => {
    const cluster = await aCluster();
    const { look, orders } = aTerm(cluster);
    await look();
    await cluster.edit({ spec: { late: { maxInFlight: 5 }, streams: { decisions: 'd' }, golden: 'Skip' } });
    await look();
    expect(orders[1]).toMatchObject({ settings: { late: { maxInFlight: 5 } }, decisionsStream: 'd', golden: 'Skip' });
    expect((await cluster.stored()).status?.observedGeneration).toBe(2);
  });

  it('of one that was observed before is to miss nothing', async () => {
    const cluster = await aCluster();
    const first = aTerm(cluster);
    await first.look();
    first.hear(figures({ early: { ok: 1 } }));
    await cluster.clock.advance(60_000);
    await first.look();
    const next = aTerm(cluster);
    await next.look();
    expect(next.orders[0]?.isNew).toBe(false);
  });

  it('of a suspended one is to stop, and to go on when it no longer is', async () => {
    const cluster = await aCluster();
    const { look, heardOf, hear } = aTerm(cluster);
    await look();
    hear(reading);
    heardOf();
    await cluster.edit({ spec: { suspend: true } });
    expect(await look()).toEqual(minute);
    expect(heardOf()).toEqual(['stop ml/harvest']);
    expect(await cluster.said()).toMatchObject({ Ready: 'True Suspended', Reconciling: 'False Observed' });
    await cluster.edit({ spec: { suspend: false } });
    await look();
    expect(heardOf()).toEqual(['observe ml/harvest']);
    expect(await cluster.said()).toMatchObject({ Ready: 'Unknown Connecting', Reconciling: 'True Connecting' });
  });

  it('of a suspended one reads no Secret, and misses none', async () => {
    const cluster = await aCluster({
      suspend: true,
      redis: { url: 'redis://redis', passwordSecretRef: { name: 'redis' } },
    });
    await aTerm(cluster).look();
    expect(cluster.requests).not.toContain('GET secrets/redis');
    expect(await cluster.said()).toMatchObject({ Ready: 'True Suspended', Stalled: 'False NothingToChange' });
  });

  it('of a deleted one is to stop, and its series go', async () => {
    const cluster = await aCluster();
    const { look, reconcile, heardOf, hear, store, metric } = aTerm(cluster);
    await look();
    hear(figures({ inFlight: 7 }));
    expect(await metric('orquanta_heat_in_flight{')).toBe('orquanta_heat_in_flight{observer="ml/harvest"} 7');
    const last = await cluster.stored();
    await cluster.remove();
    store.feed().apply({ type: 'DELETED', object: { ...last, metadata: { ...last.metadata, resourceVersion: '99' } } });
    heardOf();
    expect(await reconcile()).toEqual({ kind: 'done' });
    expect(heardOf()).toEqual(['stop ml/harvest']);
    expect(await metric('orquanta_heat_in_flight{')).toBeUndefined();
  });

  it('of one that is being deleted is to stop, and nothing is written', async () => {
    const cluster = await aCluster({}, { finalizers: ['example.com/wait'] });
    const { look, heardOf } = aTerm(cluster);
    await look();
    heardOf();
    await cluster.remove();
    expect(await look()).toEqual({ kind: 'done' });
    expect(heardOf()).toEqual(['stop ml/harvest']);
    expect(cluster.writes()).toBe(1);
  });

  it('of another one under the same name is new: nothing of the former counts', async () => {
    const cluster = await aCluster();
    const { look, reconcile, hear, store, orders } = aTerm(cluster);
    await look();
    hear(reading);
    hear(figures({ early: { ok: 7 } }));
    const last = await cluster.stored();
    await cluster.remove();
    store.feed().apply({ type: 'DELETED', object: last });
    await reconcile();
    await cluster.create();
    await look();
    expect(orders.at(-1)?.isNew).toBe(true);
    expect((await cluster.stored()).status).toMatchObject({ observed: 0 });
    expect(await cluster.said()).toMatchObject({ Ready: 'Unknown Connecting' });
  });
});

describe('what stands in the way', () => {
  const inTheWay = async (
    spec: Partial<HeatObserverSpec>,
    options: Partial<HeatControllerOptions> = {},
  ): Promise<string> => {
    const cluster = await aCluster(spec);
    const { look, heardOf, orders } = aTerm(cluster, options);
    expect(await look()).toEqual(tenSeconds);
    expect(heardOf()).toEqual(['stop ml/harvest']);
    expect(orders).toEqual([]);
    const { Ready = '', Stalled = '', Reconciling } = await cluster.said();
    expect(Ready.replace('False', 'True')).toBe(Stalled);
    expect(Reconciling).toBe('False Observed');
    const message = await cluster.messageOf('Ready');
    expect(await cluster.messageOf('Stalled')).toBe(message);
    return `${Ready}: ${message ?? ''}`;
  };

  it('H1: is a prefix other than that of the operator', async () => {
    expect(await inTheWay({}, { lookupPrefix: 'quantum:harvest:heat:by_plan:' })).toBe(
      'False PrefixConflict: lookupPrefix is "heat:", and the operator\'s P28_HEAT_LOOKUP_PREFIX is "quantum:harvest:heat:by_plan:": make them equal, as the early and the late observation must not differ',
    );
  });

  it.each(['', lookupPrefix])(
    'H1: is not the prefix where the operator says "%s": its one source is the spec',
    async (prefix) => {
      const { look, orders } = aTerm(await aCluster(), { lookupPrefix: prefix });
      expect(await look()).toEqual(minute);
      expect(orders[0]?.settings.lookupPrefix).toBe(lookupPrefix);
    },
  );

  it("is a stream that with the operator's default is the same as another", async () => {
    const plansStream = 'quantum:stream:apply.heat.observed';
    expect(await inTheWay({}, { defaults: { ...shippedHeatDefaults, plansStream } })).toBe(
      `False StreamConflict: two of the streams are the same (plans: ${plansStream}, observed: ${plansStream}, decisions: quantum:stream:harvest.heat.decision, deadLetter: ${plansStream}.dead): give each a name of its own`,
    );
  });

  it('is a host that the operator may not connect to', async () => {
    expect(await inTheWay({ redis: { url: 'redis://redis.other.svc' } })).toMatch(
      /^False HostNotAllowed: host redis\.other\.svc is no service of namespace ml: /,
    );
  });

  it('is not a host that it may connect to', async () => {
    const { look, orders } = aTerm(await aCluster({ redis: { url: 'redis://redis.other.svc' } }), {
      hosts: { allowedHosts: ['redis.other.svc'], allowLocal: false },
    });
    await look();
    expect(orders[0]?.hosts.allowedHosts).toEqual(['redis.other.svc']);
  });

  it('is said although it is suspended: it will stand there when it no longer is', async () => {
    expect(await inTheWay({ suspend: true }, { lookupPrefix: 'other:' })).toContain('False PrefixConflict');
  });

  it('is a Secret that is not there; ten seconds after it is made it observes', async () => {
    const redis = { url: 'redis://redis', passwordSecretRef: { name: 'redis' } };
    const cluster = await aCluster({ redis });
    const { look, orders, heardOf } = aTerm(cluster);
    expect(await look()).toEqual(tenSeconds);
    expect(await cluster.said()).toMatchObject({ Ready: 'False SecretNotFound', Stalled: 'True SecretNotFound' });
    expect(await cluster.messageOf('Ready')).toBe('there is no Secret ml/redis: make it, with a key "password"');
    await cluster.secret('hunter2');
    await cluster.clock.advance(9_999);
    await look();
    expect(orders).toEqual([]);
    await cluster.clock.advance(1);
    expect(await look()).toEqual(minute);
    expect(heardOf()).toEqual(['stop ml/harvest', 'stop ml/harvest', 'observe ml/harvest']);
    expect(orders[0]?.redis.password).toBe('hunter2');
    expect(await cluster.said()).toMatchObject({ Ready: 'Unknown Connecting', Stalled: 'False NothingToChange' });
  });

  it('is a Secret that may not be read, and the message has the two commands', async () => {
    const cluster = await aCluster({ redis: { url: 'redis://redis', passwordSecretRef: { name: 'redis' } } });
    await cluster.secret('hunter2');
    cluster.server.intercept((request, serve) => {
      if (!request.path.includes('/secrets/')) return serve();
      const user = 'system:serviceaccount:orquanta-system:orquanta';
      throw new ApiError('Forbidden', `secrets "redis" is forbidden: User "${user}" cannot get resource "secrets"`);
    });
    const { look, orders } = aTerm(cluster);
    expect(await look()).toEqual(tenSeconds);
    expect(orders).toEqual([]);
    expect(await cluster.said()).toMatchObject({ Ready: 'False SecretForbidden', Stalled: 'True SecretForbidden' });
    const message = await cluster.messageOf('Stalled');
    expect(message).toContain('kubectl create role orquanta-read-redis --namespace=ml');
    expect(message).toContain('--serviceaccount=orquanta-system:orquanta');
  });

  it('stops what was observed', async () => {
    const cluster = await aCluster();
    const { look, heardOf, hear } = aTerm(cluster);
    await look();
    hear(reading);
    heardOf();
    await cluster.edit({ spec: { streams: { plans: 's', observed: 's' } } });
    expect(await look()).toEqual(tenSeconds);
    expect(heardOf()).toEqual(['stop ml/harvest']);
    expect(await cluster.said()).toMatchObject({ Ready: 'False StreamConflict' });
    await cluster.edit({ spec: { streams: { observed: 'o' } } });
    await look();
    expect(await cluster.said()).toMatchObject({ Ready: 'Unknown Connecting', Reconciling: 'True Connecting' });
  });

  it('but is no answer at all is tried again, and stops nothing', async () => {
    const cluster = await aCluster({ redis: { url: 'redis://redis', passwordSecretRef: { name: 'redis' } } });
    const { look, heardOf } = aTerm(cluster);
    cluster.server.intercept((request, serve) => {
      if (request.path.includes('/secrets/')) throw new ApiError('Unavailable', 'etcd is away');
      return serve();
    });
    await expect(look()).rejects.toThrow('etcd is away');
    expect(heardOf()).toEqual([]);
  });
});

describe('a password', () => {
  const secretReads = ({ requests }: Cluster) => requests.filter((request) => request === 'GET secrets/redis').length;
  const redis = { url: 'redis://redis', passwordSecretRef: { name: 'redis' } };
  const changeTo = (cluster: Cluster, password: string) =>
    cluster.client.patch<Secret>(
      secrets,
      { namespace: 'ml', name: 'redis' },
      { data: { password: Buffer.from(password).toString('base64') } },
      never,
    );

  it('is read again after five minutes, and not before', async () => {
    const cluster = await aCluster({ redis });
    await cluster.secret('old');
    const { look, orders } = aTerm(cluster);
    await look();
    await changeTo(cluster, 'new');
    await cluster.clock.advance(299_999);
    await look();
    expect(secretReads(cluster)).toBe(1);
    await cluster.clock.advance(1);
    await look();
    expect(secretReads(cluster)).toBe(2);
    expect(orders.at(-1)?.redis.password).toBe('new');
  });

  it('is read again at once where Redis refuses it, and only then', async () => {
    const cluster = await aCluster({ redis });
    await cluster.secret('old');
    const { look, hear, orders, queued } = aTerm(cluster);
    await look();
    hear(failing('Unreachable'));
    await look();
    expect(secretReads(cluster)).toBe(1);
    await changeTo(cluster, 'new');
    hear(failing('Refused'));
    expect(queued).toEqual([key, key]);
    await look();
    expect(orders.at(-1)?.redis.password).toBe('new');
  });

  it('is read again at once where the spec names another', async () => {
    const cluster = await aCluster({ redis });
    await cluster.secret('old');
    const { look, orders } = aTerm(cluster);
    await look();
    await cluster.edit({ spec: { redis: { passwordSecretRef: null } } });
    await look();
    expect(orders.map((order) => order.redis.password)).toEqual(['old', undefined]);
  });
});

describe('what the thread tells', () => {
  it.each<[RedisErrorKind, string]>([
    ['Unreachable', 'RedisUnreachable'],
    ['Timeout', 'RedisUnreachable'],
    ['Answered', 'RedisUnreachable'],
    ['Refused', 'RedisRefused'],
    ['HostNotAllowed', 'HostNotAllowed'],
  ])('of failing by %s is said as %s, with its words', async (error, reason) => {
    const cluster = await aCluster();
    const { look, hear, queued } = aTerm(cluster);
    await look();
    hear(failing(error));
    expect(queued).toEqual([key]);
    expect(await look()).toEqual(minute);
    expect(await cluster.said()).toMatchObject({ Ready: `False ${reason}`, Degraded: `True ${reason}` });
    expect(await cluster.messageOf('Ready')).toBe(`its words: ${error}`);
  });

  it('of reading makes it ready', async () => {
    const cluster = await aCluster();
    const { look, hear, queued } = aTerm(cluster);
    await look();
    hear(failing('Unreachable'));
    hear(reading);
    expect(queued).toEqual([key, key]);
    await look();
    expect(await cluster.said()).toMatchObject({ Ready: 'True Observing', Degraded: 'False Healthy' });
  });

  it('of what nobody observes any more is not heard, and heat is for others', async () => {
    const cluster = await aCluster();
    const { look, hear, queued, metric } = aTerm(cluster);
    hear(reading);
    hear(figures({ inFlight: 1 }));
    await look();
    hear({ kind: 'Heat', planID: 'p', heat: 1 });
    expect(queued).toEqual([]);
    expect(await cluster.said()).toMatchObject({ Ready: 'Unknown Connecting' });
    expect(await metric('orquanta_heat_in_flight{')).toBeUndefined();
  });

  it('is forgotten when the thread is started again: what it observed connects', async () => {
    const cluster = await aCluster();
    const { look, hear, queued, controller } = aTerm(cluster);
    await look();
    hear(reading);
    await look();
    controller.forgetStandings([key, 'ml/other']);
    expect(queued).toEqual([key, key, 'ml/other']);
    await look();
    expect(await cluster.said()).toMatchObject({ Ready: 'Unknown Connecting', Reconciling: 'True Connecting' });
  });

  it('is forgotten when the spec changes: what was read is read no more', async () => {
    const cluster = await aCluster();
    const { look, hear } = aTerm(cluster);
    await look();
    hear(reading);
    hear({ kind: 'Golden', result: { kind: 'Passed', planID: 'p', words: 'all is there' }, token: undefined });
    await look();
    await cluster.edit({ spec: { golden: 'Require', lookupPrefix: 'other:' } });
    await look();
    expect(await cluster.said()).toMatchObject({
      ...{ Ready: 'Unknown GoldenPending', Reconciling: 'True Connecting', GoldenVerified: 'Unknown GoldenPending' },
    });
    hear({ kind: 'Golden', result: { kind: 'Failed', words: 'no key' }, token: undefined });
    await look();
    expect(await cluster.said()).toMatchObject({ Ready: 'False GoldenFailed' });
  });

  it('H8: of a golden verification is said', async () => {
    const cluster = await aCluster();
    const { look, hear, queued } = aTerm(cluster);
    await look();
    hear({ kind: 'Golden', result: { kind: 'Failed', words: 'no key' }, token: undefined });
    expect(queued).toEqual([key]);
    await look();
    expect(await cluster.said()).toMatchObject({ GoldenVerified: 'False GoldenFailed' });
    expect((await cluster.stored()).status).not.toHaveProperty('lastHandledVerify');
  });
});

describe('H8: the request for a verification', () => {
  const ask = (cluster: Cluster, token: string) =>
    cluster.edit({ metadata: { annotations: { [annotations.verify]: token } } });
  const passed = (token: string | undefined) =>
    ({ kind: 'Golden', result: { kind: 'Passed', planID: 'p', words: 'all is there' }, token }) as const;

  it('is passed on once, and status names it when it was carried out', async () => {
    const cluster = await aCluster();
    const { look, heardOf, hear } = aTerm(cluster);
    await look();
    heardOf();
    await ask(cluster, 'one');
    await look();
    await look();
    expect(heardOf()).toEqual(['observe ml/harvest', 'verify ml/harvest one', 'observe ml/harvest']);
    expect((await cluster.stored()).status).not.toHaveProperty('lastHandledVerify');
    hear(passed('one'));
    hear(passed(undefined));
    await look();
    expect((await cluster.stored()).status?.lastHandledVerify).toBe('one');
    expect(await cluster.said()).toMatchObject({ GoldenVerified: 'True GoldenPassed' });
    expect(heardOf()).toEqual(['observe ml/harvest']);
  });

  it('is passed on again where it was not answered before the thread died, or before a pause', async () => {
    const cluster = await aCluster();
    const { look, heardOf, controller } = aTerm(cluster);
    await ask(cluster, 'one');
    await look();
    controller.forgetStandings([key]);
    await look();
    await cluster.edit({ spec: { suspend: true } });
    await look();
    await cluster.edit({ spec: { suspend: false } });
    await look();
    expect(heardOf().filter((what) => what.startsWith('verify'))).toEqual(Array(3).fill('verify ml/harvest one'));
  });

  it('has a token of 256 characters at most, as status may hold', async () => {
    const cluster = await aCluster();
    const { look, heardOf } = aTerm(cluster);
    await ask(cluster, 'x'.repeat(300));
    await look();
    await look();
    expect(heardOf().filter((what) => what.startsWith('verify'))).toEqual([`verify ml/harvest ${'x'.repeat(256)}`]);
  });

  it('is passed on once, though its token is cut in the middle of a character', async () => {
    const cluster = await aCluster();
    const { look, heardOf, hear } = aTerm(cluster);
    await ask(cluster, `${'x'.repeat(255)}😀`);
    await look();
    const [, verified = ''] = heardOf();
    hear(passed(verified.replace('verify ml/harvest ', '')));
    await look();
    expect((await cluster.stored()).status?.lastHandledVerify).toBe(`${'x'.repeat(255)}\uFFFD`);
    const next = aTerm(cluster);
    await next.look();
    expect(next.heardOf()).toEqual(['observe ml/harvest']);
  });

  it('is another where its token is another', async () => {
    const cluster = await aCluster();
    const { look, heardOf } = aTerm(cluster);
    await ask(cluster, 'one');
    await look();
    await ask(cluster, 'two');
    await look();
    expect(heardOf().filter((what) => what.startsWith('verify'))).toEqual([
      ...['verify ml/harvest one', 'verify ml/harvest two'],
    ]);
  });

  it('that was carried out is not by the next leader; one that was not is', async () => {
    const cluster = await aCluster();
    const first = aTerm(cluster);
    await ask(cluster, 'one');
    await first.look();
    first.hear(passed('one'));
    await first.look();
    const second = aTerm(cluster);
    await second.look();
    expect(second.heardOf()).toEqual(['observe ml/harvest']);
    expect((await cluster.stored()).status?.lastHandledVerify).toBe('one');
    await ask(cluster, 'two');
    await second.look();
    const third = aTerm(cluster);
    await third.look();
    expect(third.heardOf()).toEqual(['observe ml/harvest', 'verify ml/harvest two']);
  });

  it('waits while nothing is observed', async () => {
    const cluster = await aCluster({ suspend: true });
    const { look, heardOf } = aTerm(cluster);
    await ask(cluster, 'one');
    await look();
    expect(heardOf()).toEqual(['stop ml/harvest']);
    await cluster.edit({ spec: { suspend: false } });
    await look();
    expect(heardOf()).toEqual(['observe ml/harvest', 'verify ml/harvest one']);
  });
});

describe('the status', () => {
  it('is written where it says something new, and not otherwise', async () => {
    const cluster = await aCluster();
    const { look, hear } = aTerm(cluster);
    await look();
    await look();
    await cluster.clock.advance(120_000);
    expect(await look()).toEqual(minute);
    expect(cluster.writes()).toBe(1);
    hear(reading);
    await look();
    hear(reading);
    await look();
    expect(cluster.writes()).toBe(2);
  });

  it('is not written again by the next leader where it says the same', async () => {
    const cluster = await aCluster({ suspend: true });
    await aTerm(cluster).look();
    await aTerm(cluster).look();
    expect(cluster.writes()).toBe(1);
  });

  it('H10: has new numbers once a minute', async () => {
    const cluster = await aCluster();
    const { look, hear, queued } = aTerm(cluster);
    await look();
    await cluster.clock.advance(59_999);
    hear(figures({ early: { ok: 1, missing: 9 }, coverage: 871, earlyCoverage: 62, lag: 3 }));
    hear(
      figures({ early: { missing: 5 }, late: { redis_error: 1, parse_error: 1 }, coverage: 880, earlyCoverage: 60 }),
    );
    expect(queued).toEqual([]);
    await look();
    expect((await cluster.stored()).status?.observed).toBe(0);
    await cluster.clock.advance(1);
    hear(figures({}));
    expect(queued).toEqual([key]);
    await look();
    expect(cluster.writes()).toBe(2);
    expect((await cluster.stored()).status).toMatchObject({
      ...{ observed: 15, redisErrors: 1, parseErrors: 1 },
      lastObservationTime: '2026-01-01T00:00:59Z',
    });
    hear(figures({ early: { missing: 1 }, coverage: 881 }));
    expect(queued).toEqual([key]);
    await look();
    expect(cluster.writes()).toBe(2);
  });

  it.each([
    ['SkippingPlans', figures({ skipped: 1 })],
    ['Lagging', figures({ lag: 10_001 })],
  ])('H4: says %s at once, and for a minute after it was seen last', async (reason, trouble) => {
    const cluster = await aCluster();
    const { look, hear, queued } = aTerm(cluster);
    await look();
    hear(reading);
    await look();
    queued.length = 0;
    hear(trouble);
    expect(queued).toEqual([key]);
    await look();
    expect(await cluster.said()).toMatchObject({ Ready: 'True Observing', Degraded: `True ${reason}` });
    await cluster.clock.advance(30_000);
    hear(trouble);
    hear(figures({ lag: 10_000 }));
    expect(queued).toEqual([key]);
    await cluster.clock.advance(59_999);
    await look();
    expect(await cluster.said()).toMatchObject({ Degraded: `True ${reason}` });
    await cluster.clock.advance(1);
    await look();
    expect(await cluster.said()).toMatchObject({ Degraded: 'False Healthy' });
    queued.length = 0;
    hear(trouble);
    expect(queued).toEqual([key]);
  });

  it('H10: has new numbers with whatever else is new', async () => {
    const cluster = await aCluster();
    const { look, hear } = aTerm(cluster);
    await look();
    hear(figures({ early: { ok: 3 }, coverage: 871, earlyCoverage: 62, lag: 3 }));
    hear(reading);
    await look();
    expect((await cluster.stored()).status).toMatchObject({
      ...{ observed: 3, coverage: 871, earlyCoverage: 62, lag: 3 },
    });
  });

  it('goes on from the numbers of the leader before', async () => {
    const cluster = await aCluster();
    for (const observed of [3, 8]) {
      const { look, hear } = aTerm(cluster);
      await look();
      hear(figures({ early: { ok: observed }, late: { redis_error: 1, parse_error: 2 }, skipped: 3 }));
      hear(reading);
      await look();
    }
    expect((await cluster.stored()).status).toMatchObject({
      ...{ observed: 11, skipped: 6, redisErrors: 2, parseErrors: 4 },
    });
  });

  it('has the time of the last observation, be it early or late, and not of silence', async () => {
    const cluster = await aCluster();
    const { clock } = cluster;
    const { look, hear } = aTerm(cluster);
    await look();
    await clock.advance(10_000);
    hear(figures({ early: { missing: 1 } }));
    await clock.advance(10_000);
    hear(figures({ late: { timeout: 1 } }));
    await clock.advance(10_000);
    hear(figures({ skipped: 1, lag: 1 }));
    hear(reading);
    await look();
    expect((await cluster.stored()).status?.lastObservationTime).toBe('2026-01-01T00:00:20Z');
  });

  it('of an older version is not written: it looks again in a second', async () => {
    const cluster = await aCluster();
    const { look, reconcile, hear } = aTerm(cluster);
    await look();
    await cluster.edit({ metadata: { labels: { by: 'somebody else' } } });
    hear(reading);
    expect(await reconcile()).toEqual({ kind: 'requeueAfter', milliseconds: 1_000 });
    expect(await cluster.said()).toMatchObject({ Ready: 'Unknown Connecting' });
    expect(await look()).toEqual(minute);
    expect(await cluster.said()).toMatchObject({ Ready: 'True Observing' });
  });

  it('of what is gone is nobody’s', async () => {
    const cluster = await aCluster();
    const { look, reconcile, hear } = aTerm(cluster);
    await look();
    await cluster.remove();
    hear(reading);
    expect(await reconcile()).toEqual({ kind: 'done' });
  });

  it('that could not be written is tried again, and is in the store when it was', async () => {
    const cluster = await aCluster();
    const { look, store } = aTerm(cluster);
    const release = cluster.server.intercept((request, serve) => {
      if (request.method === 'PUT') throw new ApiError('Unavailable', 'etcd is away');
      return serve();
    });
    await expect(look()).rejects.toThrow('etcd is away');
    release();
    expect(await look()).toEqual(minute);
    expect(store.get(key)?.status?.observedGeneration).toBe(1);
  });
});
