// A HeatObserver from its creation to its end: the operator under its own rights, a real API server, a real Redis.
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { operatorForTest } from '../robustness/replicas.ts';
import { adminApi, kubectl, namespaceFor, waitForObject } from '../setup/surroundings.ts';
import { conditionOf, heatObserver, heatObserversOf, type HeatObserverState, untilReady } from './observed.ts';
import { heat, observations, prefix, publish, redisForTest, streams, until, untilObserved } from './stage.ts';

const api = adminApi();
const local = ['--heat-allow-local'];

it('observes, says so, stops when suspended, and misses nothing when the operator is killed', async () => {
  const server = await redisForTest();
  const client = await server.client();
  const namespace = await namespaceFor(api, 'heat');
  const args = [`--watch-namespace=${namespace}`, ...local];
  const first = await operatorForTest({ args });
  await api.create(heatObserversOf(namespace), heatObserver('one', server.url, { late: { maxWaitMilliseconds: 500 } }));
  await untilReady(api, namespace, 'one', 'Observing');
  for (const plan of ['a', 'b']) await publish(client, plan);
  await heat(client, 'a');
  await untilObserved(client, 4);
  first.signal('SIGKILL');
  await first.exited;
  for (const plan of ['c', 'd']) await publish(client, plan);
  await operatorForTest({ args });
  const seen = await untilObserved(client, 8);
  expect(new Set(seen.map(({ plan_id, obs_point }) => `${plan_id} ${obs_point}`)).size).toBe(8);
  await kubectl([
    '--namespace',
    namespace,
    'patch',
    'heat',
    'one',
    '--type=merge',
    '--patch={"spec":{"suspend":true}}',
  ]);
  await untilReady(api, namespace, 'one', 'Suspended');
  await publish(client, 'e');
  await api.delete(`${heatObserversOf(namespace)}/one`);
  expect((await observations(client)).length).toBe(8);
});

it('says which right it lacks for the password, and how to give it; the password is nowhere to be read', async () => {
  const password = 'a-password-that-nobody-may-see';
  const server = await redisForTest(['--requirepass', password]);
  const client = await server.client();
  const namespace = await namespaceFor(api, 'heat secret');
  const operator = await operatorForTest({ args: [`--watch-namespace=${namespace}`, ...local] });
  const redis = { passwordSecretRef: { name: 'redis', key: 'password' } };
  await api.create(heatObserversOf(namespace), heatObserver('one', server.url, { redis }));
  const forbidden = await untilReady(api, namespace, 'one', 'SecretForbidden');
  const command = /kubectl (create role .*) && kubectl (create rolebinding .*)$/.exec(
    conditionOf(forbidden, 'Ready')?.message ?? '',
  );
  for (const words of command?.slice(1) ?? []) await kubectl(words.split(' '));
  await untilReady(api, namespace, 'one', 'SecretNotFound');
  await kubectl([
    '--namespace',
    namespace,
    'create',
    'secret',
    'generic',
    'redis',
    `--from-literal=password=${password}`,
  ]);
  await untilReady(api, namespace, 'one', 'Observing');
  await publish(client, 'a');
  await untilObserved(client, 1);
  expect(await readFile(operator.logFile, 'utf8')).not.toContain(password);
  expect(JSON.stringify(await api.get(`${heatObserversOf(namespace)}/one`))).not.toContain(password);
});

it('H4: names in the debug log what it skips beyond maxInFlight, and says that it does', async () => {
  const server = await redisForTest();
  const client = await server.client();
  const namespace = await namespaceFor(api, 'heat skips');
  const operator = await operatorForTest({ args: [`--watch-namespace=${namespace}`, '--log-level=debug', ...local] });
  await api.create(heatObserversOf(namespace), heatObserver('one', server.url, { late: { maxInFlight: 1 } }));
  await untilReady(api, namespace, 'one', 'Observing');
  await Promise.all(['a', 'b', 'c'].map((plan) => publish(client, plan)));
  await until('the log to name them', async () => {
    const lines = (await readFile(operator.logFile, 'utf8')).split('\n').filter((line) => line.includes('"skipped":2'));
    return lines.some((line) => line.includes('"level":"debug"') && /"plans":\["[abc]","[abc]"\]/.test(line));
  });
  await waitForObject<HeatObserverState>(api, heatObserversOf(namespace), 'one', {
    what: 'to say that it skips plans',
    timeoutMilliseconds: 60_000,
    until: (observer) => conditionOf(observer, 'Degraded')?.reason === 'SkippingPlans',
  });
});

it.each([
  [
    'a host that is not allowed',
    { redis: { url: 'redis://redis.elsewhere.svc:6379' } },
    'HostNotAllowed',
    '--heat-allowed-hosts',
  ],
  ['a prefix that is not the operator’s', { lookupPrefix: 'other:' }, 'PrefixConflict', 'P28_HEAT_LOOKUP_PREFIX'],
  ['no server', { redis: { url: 'redis://127.0.0.1:1' } }, 'RedisUnreachable', ''],
])('says what is wrong with %s', async (_, spec, reason, words) => {
  const namespace = await namespaceFor(api, 'heat wrong');
  await operatorForTest({
    args: [`--watch-namespace=${namespace}`, ...local],
    env: { P28_HEAT_LOOKUP_PREFIX: prefix },
  });
  await api.create(heatObserversOf(namespace), heatObserver('one', 'redis://127.0.0.1:1', spec));
  const observer = await untilReady(api, namespace, 'one', reason);
  expect(conditionOf(observer, 'Ready')?.message).toContain(words);
});

it('two observers on two servers: one that is down disturbs no other', async () => {
  const [good, bad] = [await redisForTest(), await redisForTest()];
  const [client, other] = [await good.client(), await bad.client()];
  const namespace = await namespaceFor(api, 'heat two');
  await operatorForTest({ args: [`--watch-namespace=${namespace}`, ...local] });
  await api.create(heatObserversOf(namespace), heatObserver('good', good.url));
  await api.create(heatObserversOf(namespace), heatObserver('bad', bad.url));
  for (const name of ['good', 'bad']) await untilReady(api, namespace, name, 'Observing');
  bad.signal('SIGKILL');
  await untilReady(api, namespace, 'bad', 'RedisUnreachable');
  await publish(client, 'a');
  await untilObserved(client, 2);
  await bad.restart();
  await untilReady(api, namespace, 'bad', 'Observing');
  await until('the plan to be published', async () =>
    publish(other, 'b').then(
      () => true,
      () => false,
    ),
  );
  await untilObserved(other, 2);
  expect((await other.sendCommand(['XLEN', streams.plans])) as unknown).toBe(1);
});
