// What is read of the Secrets that an observer names, from an API server, and what is said where that can't be done.
import { describe, expect, it } from 'vitest';
import { heatDefaults, type HeatObserverSpec } from '../resources/heatobserver.ts';
import { ApiClient } from '../runtime/client.ts';
import { ApiError } from '../runtime/errors.ts';
import type { Secret } from '../runtime/kubernetes.ts';
import { secrets } from '../runtime/resource.ts';
import { FakeClock } from '../runtime/testing/fake-clock.ts';
import { InMemoryApiServer } from '../runtime/testing/in-memory-api-server.ts';
import { readCredentials } from './secrets.ts';
import { never } from './testing.ts';

const password = 'hunter2-öß';
const ca = '-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n';

async function aCluster(data: Readonly<Record<string, Readonly<Record<string, string>>>> = {}) {
  const resources = [{ resource: secrets, status: false, builtIn: true }];
  const server = new InMemoryApiServer({ clock: new FakeClock(), resources });
  const client = new ApiClient(server, { fieldManager: 'test' });
  for (const [name, texts] of Object.entries(data)) {
    const encoded = Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
    await client.create<Secret>(
      secrets,
      { metadata: { name, namespace: 'ml' }, data: Object.fromEntries(encoded) as Record<string, string> },
      {},
      never,
    );
  }
  const asked: string[] = [];
  server.intercept((request, serve) => {
    asked.push(`${request.method} ${request.path}`);
    return serve();
  });
  const read = (redis: Partial<HeatObserverSpec['redis']>, namespace = 'ml') => {
    const spec = heatDefaults({ redis: { url: 'rediss://redis', ...redis }, lookupPrefix: 'heat:' });
    return readCredentials(spec.redis, namespace, client, never);
  };
  /** As RBAC words it; `of` is a part of the path. */
  const forbid = (user: string, of = '/secrets/') => {
    server.intercept((request, serve) => {
      if (!request.path.includes(of)) return serve();
      const name = request.path.split('/').at(-1) ?? '';
      const who = `User "${user}" cannot get resource "secrets" in API group "" in the namespace "ml"`;
      throw new ApiError('Forbidden', `secrets "${name}" is forbidden: ${who}`);
    });
  };
  return { server, client, asked, read, forbid };
}

const both = { passwordSecretRef: { name: 'redis' }, tls: { caSecretRef: { name: 'redis-ca' } } };
const operator = 'system:serviceaccount:orquanta-system:orquanta';

describe('the credentials of an observer', () => {
  it('are none where it names no Secret, and none is read', async () => {
    const { read, asked } = await aCluster({ redis: { password } });
    expect(await read({})).toEqual({ kind: 'Known', password: undefined, ca: undefined });
    expect(asked).toEqual([]);
  });

  it('are read under the usual keys, in its own namespace', async () => {
    const { read, asked } = await aCluster({ redis: { password }, 'redis-ca': { 'ca.crt': ca } });
    expect(await read(both)).toEqual({ kind: 'Known', password, ca });
    expect(asked).toEqual(['GET /api/v1/namespaces/ml/secrets/redis', 'GET /api/v1/namespaces/ml/secrets/redis-ca']);
  });

  it('are read under the keys that it names', async () => {
    const { read } = await aCluster({ all: { 'redis-password': password, bundle: ca, password: 'another' } });
    const spec = {
      passwordSecretRef: { name: 'all', key: 'redis-password' },
      tls: { caSecretRef: { name: 'all', key: 'bundle' } },
    };
    expect(await read(spec)).toEqual({ kind: 'Known', password, ca });
  });

  it('may be a password alone, or empty', async () => {
    const { read } = await aCluster({ redis: { password: '' } });
    expect(await read({ passwordSecretRef: { name: 'redis' } })).toEqual({
      ...{ kind: 'Known', password: '', ca: undefined },
    });
  });
});

describe('credentials that are missing', () => {
  const missing = (message: string) => ({ kind: 'Missing', reason: 'SecretNotFound', message });

  it('are a Secret to make', async () => {
    const { read } = await aCluster();
    expect(await read(both)).toEqual(missing('there is no Secret ml/redis: make it, with a key "password"'));
  });

  it('are not those of another namespace', async () => {
    const { read } = await aCluster({ redis: { password } });
    expect(await read({ passwordSecretRef: { name: 'redis' } }, 'web')).toEqual(
      missing('there is no Secret web/redis: make it, with a key "password"'),
    );
  });

  it('are a key to add, also to a Secret without any', async () => {
    const { read, client } = await aCluster({ redis: { pass: password } });
    expect(await read(both)).toEqual(missing('Secret ml/redis has no key "password": add it'));
    await client.create<Secret>(secrets, { metadata: { name: 'empty', namespace: 'ml' } }, {}, never);
    expect(await read({ passwordSecretRef: { name: 'empty', key: 'k' } })).toEqual(
      missing('Secret ml/empty has no key "k": add it'),
    );
  });

  it('are the certificate where that alone is not there', async () => {
    const { read } = await aCluster({ redis: { password } });
    expect(await read(both)).toEqual(missing('there is no Secret ml/redis-ca: make it, with a key "ca.crt"'));
  });
});

describe('credentials that the operator may not read', () => {
  const commands = (name: string, subject: string) => ({
    kind: 'Missing',
    reason: 'SecretForbidden',
    message: `the operator may not read Secret ml/${name}. Allow it: kubectl create role orquanta-read-${name} --namespace=ml --verb=get --resource=secrets --resource-name=${name} && kubectl create rolebinding orquanta-read-${name} --namespace=ml --role=orquanta-read-${name} ${subject}`,
  });

  it.each([
    ['a service account', operator, '--serviceaccount=orquanta-system:orquanta'],
    ['a user', 'alice@example.com', '--user=alice@example.com'],
    ['a node', 'system:node:worker-1', '--user=system:node:worker-1'],
    ['a user with a space in the name', "Anne O'Neil", `--user='Anne O'\\''Neil'`],
    ['a user whose name has colons', 'oidc:https://issuer:8443/#a', `--user='oidc:https://issuer:8443/#a'`],
  ])('come with the two commands that allow it to %s', async (_, user, subject) => {
    const { read, forbid } = await aCluster({ redis: { password } });
    forbid(user);
    expect(await read(both)).toEqual(commands('redis', subject));
  });

  it('are named one by one', async () => {
    const { read, forbid } = await aCluster({ redis: { password }, 'redis-ca': { 'ca.crt': ca } });
    forbid(operator, 'redis-ca');
    expect(await read(both)).toEqual(commands('redis-ca', '--serviceaccount=orquanta-system:orquanta'));
  });
});

it('never says the password, whatever is missing', async () => {
  const missing = await aCluster({ redis: { password, pass: password } });
  const forbidden = await aCluster({ redis: { password } });
  forbidden.forbid(operator, 'redis-ca');
  const said = [
    await missing.read(both),
    await missing.read({ passwordSecretRef: { name: 'redis', key: 'passwort' } }),
    await forbidden.read(both),
  ];
  expect(said.map(({ kind }) => kind)).toEqual(['Missing', 'Missing', 'Missing']);
  for (const text of [password, Buffer.from(password).toString('base64')]) {
    expect(JSON.stringify(said)).not.toContain(text);
  }
});

it('throws what is no answer about Secrets: trying again may help', async () => {
  const { read, server } = await aCluster({ redis: { password } });
  server.intercept(() => {
    throw new ApiError('Unavailable', 'etcd is away');
  });
  await expect(read(both)).rejects.toThrow('etcd is away');
});
