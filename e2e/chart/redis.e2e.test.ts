// The chart's Redis for trying out: its command line as a process, as played nodes run no container; who may reach it and read its
// password; and what the operator is told of it.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { KubernetesObject } from '../../hack/api/client.ts';
import { startRedis } from '../../hack/redis/server.ts';
import { rendered } from './helm.ts';
import { podsOf } from './pods.ts';

const ownRedis = ['--set=redis.enabled=true,redis.auth.existingSecret=pw,redis.maxMemory=8mb'];
const elsewhere = ['--set=externalRedis.host=redis.example.com,externalRedis.existingSecret=theirs'];

/** The arguments of the one container. */
async function argumentsOf(pod: string, values: readonly string[]): Promise<string[]> {
  const found = podsOf(await rendered('gpus', values)).find(({ metadata }) => metadata.name === pod);
  return (found!.spec as { containers?: { args: string[] }[] }).containers![0]!.args;
}

const ofKind = (objects: readonly KubernetesObject[], kind: string, name: RegExp) =>
  objects.filter((one) => one.kind === kind && name.test(one.metadata.name));

describe("the chart's Redis", () => {
  it('starts with a password, tells of new keys, keeps nothing on a disk and throws nothing away', async () => {
    const args = (await argumentsOf('orquanta-redis', ownRedis)).map((one) =>
      one === '$(REDIS_PASSWORD)' ? 'hush' : one,
    );
    const directory = mkdtempSync(join(tmpdir(), 'orquanta-chart-redis-'));
    for (const folder of ['logs', 'pids']) mkdirSync(join(directory, folder));
    const redis = await startRedis({ directory, name: 'redis', args });
    onTestFinished(async () => {
      await redis.stop();
      rmSync(directory, { recursive: true, force: true });
    });
    const client = await redis.client();
    const setting = async (name: string) => (await client.configGet(name))[name];
    expect(await setting('requirepass')).toBe('hush');
    expect(await setting('notify-keyspace-events')).toMatch(/^(nE|En)$/);
    expect(await setting('maxmemory')).toBe(String(8 * 1024 * 1024));
    expect(await setting('maxmemory-policy')).toBe('noeviction');
    expect([await setting('appendonly'), await setting('save')]).toEqual(['no', '']);
  });

  it('is open to the operator, and to nobody who is not named', async () => {
    const objects = await rendered('gpus', ownRedis);
    const [policy] = ofKind(objects, 'NetworkPolicy', /-redis$/);
    const operator = { 'app.kubernetes.io/name': 'orquanta', 'app.kubernetes.io/instance': 'orquanta' };
    expect((policy!['spec'] as { ingress: { from: unknown[] }[] }).ingress.map(({ from }) => from)).toEqual([
      [{ podSelector: { matchLabels: operator } }],
    ]);
    const redis = podsOf(objects).find(({ metadata }) => metadata.name === 'orquanta-redis');
    expect(redis?.metadata.labels).not.toMatchObject(operator);
  });

  it('has its password from the Secret that is named, and the chart makes no Secret', async () => {
    const objects = await rendered('gpus', [...ownRedis, '--set=redis.auth.existingSecretPasswordKey=word']);
    const [deployment] = ofKind(objects, 'Deployment', /-redis$/);
    expect(JSON.stringify(deployment)).toContain('"secretKeyRef":{"name":"pw","key":"word"}');
    expect(ofKind(objects, 'Secret', /./)).toEqual([]);
  });
});

describe('a Redis that the values name', () => {
  it.each([
    ['of the chart', ownRedis, 'orquanta-redis.gpus.svc'],
    ['elsewhere', elsewhere, 'redis.example.com'],
    ['elsewhere, beside others', [...elsewhere, '--set=heat.allowedHosts={a,b.*}'], 'redis.example.com,a,b.*'],
  ])('is where HeatObservers may connect to: %s', async (_what, values, hosts) => {
    expect(await argumentsOf('operator', values)).toContain(`--heat-allowed-hosts=${hosts}`);
  });

  it('leaves the operator its own rule where there is none', async () => {
    expect((await argumentsOf('operator', [])).filter((flag) => flag.includes('heat'))).toEqual([]);
  });

  it.each([
    ['the release', [], 'gpus'],
    ['the first that is watched', ['--set=watchNamespaces={team,other}'], 'team'],
  ])('has one Secret that the operator may read, in the namespace of %s', async (_what, values, namespace) => {
    const objects = await rendered('gpus', [...elsewhere, ...values]);
    const [role] = ofKind(objects, 'Role', /-redis-password$/);
    expect([role?.metadata.namespace, role?.['rules']]).toEqual([
      namespace,
      [{ apiGroups: [''], resources: ['secrets'], resourceNames: ['theirs'], verbs: ['get'] }],
    ]);
    expect(ofKind(await rendered('gpus', values), 'Role', /-redis-password$/)).toEqual([]);
  });
});
