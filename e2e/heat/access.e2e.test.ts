// Who may talk to a Redis and how: TLS with an authority from a Secret, and a user of the access list who may do what docs/heat.md
// lists and no more.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort } from '../../hack/cluster/ports.ts';
import type { RedisClient } from '../../hack/redis/server.ts';
import { operatorForTest } from '../robustness/replicas.ts';
import { adminApi, kubectl, namespaceFor, ownCluster, ownSurroundings } from '../setup/surroundings.ts';
import { conditionOf, heatObserver, heatObserversOf, untilReady } from './observed.ts';
import { orquanta } from '../setup/orquanta.ts';
import { heat, publish, redisForTest, untilObserved } from './stage.ts';

const api = adminApi();
const password = 'only-for-this-test';

/** What docs/heat.md gives to the observer, as arguments of ACL SETUSER. */
async function documentedRights(): Promise<string[]> {
  const page = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'heat.md'), 'utf8');
  const line = /^user (orquanta on >PASSWORD[^`]*)/m.exec(page)?.[1] ?? '';
  return line.trim().replace('PASSWORD', password).split(/\s+/);
}

async function setUser(client: RedisClient, rights: readonly string[]): Promise<void> {
  await client.sendCommand(['ACL', 'SETUSER', ...rights]);
}

/** The operator in a namespace where it may read the Secret redis. */
async function operatorThatReads(title: string, secret: Record<string, string>): Promise<string> {
  const namespace = await namespaceFor(api, title);
  const stringData = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'redis' }, stringData: secret };
  await api.create(`/api/v1/namespaces/${namespace}/secrets`, stringData);
  const role = ['role', 'orquanta-read-redis', '--verb=get', '--resource=secrets', '--resource-name=redis'];
  const account = '--serviceaccount=orquanta-system:orquanta';
  await kubectl(['--namespace', namespace, 'create', ...role]);
  await kubectl(['--namespace', namespace, 'create', 'rolebinding', 'r', '--role=orquanta-read-redis', account]);
  await operatorForTest({ args: [`--watch-namespace=${namespace}`, '--heat-allow-local'] });
  return namespace;
}

describe('a user of the access list', () => {
  it('with the rights of docs/heat.md observes, and is refused nothing', async () => {
    const server = await redisForTest();
    const client = await server.client();
    await setUser(client, await documentedRights());
    const namespace = await operatorThatReads('heat acl', { password });
    const redis = { username: 'orquanta', passwordSecretRef: { name: 'redis' } };
    const spec = { redis, golden: 'Warn', late: { maxWaitMilliseconds: 500 } };
    await api.create(heatObserversOf(namespace), heatObserver('one', server.url, spec));
    await untilReady(api, namespace, 'one', 'Observing');
    for (const plan of ['a', 'b']) await publish(client, plan);
    await heat(client, 'a');
    await untilObserved(client, 4);
    const log = (await client.sendCommand(['ACL', 'LOG'])) as unknown as unknown[];
    expect(log).toEqual([]);
  });

  it.each(['xack', 'srem', 'smismember', 'xtrim', 'expire'])(
    'that may do all but %s is told so before anything is written, and misses nothing',
    async (command) => {
      const server = await redisForTest();
      const client = await server.client();
      await setUser(client, [...(await documentedRights()), `-${command}`]);
      const namespace = await operatorThatReads(`heat acl ${command}`, { password });
      const redis = { username: 'orquanta', passwordSecretRef: { name: 'redis' } };
      await api.create(heatObserversOf(namespace), heatObserver('one', server.url, { redis }));
      const refused = await untilReady(api, namespace, 'one', 'RedisRefused');
      expect(conditionOf(refused, 'Ready')?.message).toMatch(/can't run this command|no permissions/i);
      await publish(client, 'a');
      await setUser(client, ['orquanta', `+${command}`]);
      await untilReady(api, namespace, 'one', 'Observing');
      expect((await untilObserved(client, 2)).map(({ obs_point }) => obs_point)).toEqual([
        'create_apply_plan',
        'publish_plan_post',
      ]);
    },
  );
});

// The certificate is that of our own API server, which is its own authority.
describe.runIf(ownCluster() !== undefined)('TLS', () => {
  it('needs the authority that signed for Redis, and so does orquanta verify heat', async () => {
    const file = (name: string): string => join(ownSurroundings().directory, 'certificates', name);
    const tlsPort = await freePort();
    const server = await redisForTest([
      ...['--tls-port', String(tlsPort), '--tls-auth-clients', 'no'],
      ...['--tls-cert-file', file('apiserver.crt'), '--tls-key-file', file('apiserver.key')],
      ...['--tls-ca-cert-file', file('apiserver.crt')],
    ]);
    const client = await server.client();
    const namespace = await operatorThatReads('heat tls', { 'ca.crt': await readFile(file('apiserver.crt'), 'utf8') });
    const url = `rediss://127.0.0.1:${tlsPort}`;
    await api.create(heatObserversOf(namespace), heatObserver('one', url));
    const unknown = await untilReady(api, namespace, 'one', 'RedisUnreachable');
    expect(conditionOf(unknown, 'Ready')?.message).toMatch(/certificate/);
    const verify = () => orquanta(['verify', 'heat', 'one', '-n', namespace]);
    expect((await verify()).stderr).toMatch(/certificate/);
    const tls = (serverName?: string) =>
      JSON.stringify({ spec: { redis: { tls: { caSecretRef: { name: 'redis' }, serverName } } } });
    const patch = (to: string) =>
      kubectl(['--namespace', namespace, 'patch', 'heat', 'one', '--type=merge', `--patch=${to}`]);
    await patch(tls('redis.elsewhere.example'));
    const mismatch = await untilReady(api, namespace, 'one', 'RedisUnreachable');
    expect(conditionOf(mismatch, 'Ready')?.message).toMatch(/certificate/);
    await patch(tls('kubernetes.default.svc'));
    await untilReady(api, namespace, 'one', 'Observing');
    await publish(client, 'a');
    await untilObserved(client, 2);
    const { stdout } = await verify();
    expect(stdout).toMatch(/^ready +passed$/m);
    expect(stdout).toMatch(/^consumer group +passed$/m);
  });
});
