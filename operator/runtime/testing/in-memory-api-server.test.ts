import { describe, expect, it } from 'vitest';
import { ApiClient } from '../client.ts';
import { systemClock } from '../clock.ts';
import { ApiError } from '../errors.ts';
import type { Job, Pod } from '../kubernetes.ts';
import { jobs, pods } from '../resource.ts';
import type { ApiRequest } from '../transport.ts';
import { apiServerContract } from './contract.ts';
import { FakeClock } from './fake-clock.ts';
import { InMemoryApiServer, configMaps } from './in-memory-api-server.ts';

apiServerContract('the in-memory server', () => {
  const server = new InMemoryApiServer({ clock: systemClock });
  return Promise.resolve({
    transport: server,
    namespace: 'contract',
    compact: () => {
      server.compact();
      return Promise.resolve();
    },
    breakConnections: () => {
      server.breakWatches();
    },
    stop: () => server.close(),
  });
});

const { signal } = new AbortController();

function aServer() {
  const server = new InMemoryApiServer({ clock: new FakeClock() });
  return { server, client: new ApiClient(server, { fieldManager: 'test' }) };
}

describe('the in-memory server', () => {
  const get = { method: 'GET', path: '/api/v1/pods', lane: 'read', signal } as const;
  const refused: { name: string; request: ApiRequest }[] = [
    { name: 'a query it does not know', request: { ...get, query: { sendInitialEvents: 'true' } } },
    { name: 'an exact version', request: { ...get, query: { resourceVersionMatch: 'Exact', resourceVersion: '1' } } },
    { name: 'an exact version of a page', request: { ...get, query: { limit: '1', resourceVersion: '1' } } },
    { name: 'a table', request: { ...get, accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' } },
    { name: 'a subresource', request: { ...get, path: '/api/v1/namespaces/a/pods/x/log' } },
    { name: 'a delete of a whole collection', request: { ...get, method: 'DELETE' } },
    {
      name: 'strict validation without rules',
      request: {
        ...get,
        method: 'POST',
        path: '/api/v1/namespaces/a/configmaps',
        query: { fieldValidation: 'Strict' },
        body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } },
      },
    },
  ];
  for (const { name, request } of refused) {
    it(`refuses ${name} instead of pretending`, async () => {
      expect((await aServer().server.request(request)).status).toBe(501);
    });
  }

  it('refuses a JSON patch instead of pretending', async () => {
    const { server, client } = aServer();
    await client.create(configMaps, { metadata: { namespace: 'a', name: 'x' } }, {}, signal);
    const path = '/api/v1/namespaces/a/configmaps/x';
    const contentType = 'application/json-patch+json';
    const patch = server.request({ method: 'PATCH', path, body: [], contentType, lane: 'write', signal });
    expect((await patch).status).toBe(501);
  });

  it('keeps a Pod on a node until its grace period is cut short, and one without a node not at all', async () => {
    const { client } = aServer();
    const create = (name: string, nodeName?: string) =>
      client.create<Pod>(
        pods,
        {
          metadata: { namespace: 'a', name },
          spec: { containers: [], ...(nodeName === undefined ? {} : { nodeName }) },
        },
        {},
        signal,
      );
    const remove = ({ metadata }: Pod) =>
      client.delete(pods, metadata, { uid: metadata.uid, propagationPolicy: 'Background' }, signal);
    expect(await remove(await create('unbound'))).toEqual({ kind: 'Deleted' });
    const bound = await create('bound', 'n1');
    expect(await remove(bound)).toMatchObject({
      kind: 'Deleting',
      object: { metadata: { deletionGracePeriodSeconds: 30 } },
    });
    expect((await client.get(pods, bound.metadata, signal)).metadata.deletionTimestamp).toBeDefined();
  });

  it('plays the garbage collector, in the background and in the foreground', async () => {
    for (const propagationPolicy of ['Background', 'Foreground'] as const) {
      const { server, client } = aServer();
      const spec = { template: {} };
      const owner = await client.create<Job>(jobs, { metadata: { namespace: 'a', name: 'j' }, spec }, {}, signal);
      const { name, uid } = owner.metadata;
      const ownerReferences = [{ apiVersion: 'batch/v1', kind: 'Job', name, uid, blockOwnerDeletion: true }];
      await client.create(configMaps, { metadata: { namespace: 'a', name: 'x', ownerReferences } }, {}, signal);
      await client.delete(jobs, owner.metadata, { uid, propagationPolicy }, signal);
      expect((await client.list(configMaps, {}, signal)).items).toHaveLength(1);
      server.collectGarbage();
      expect((await client.list(configMaps, {}, signal)).items).toEqual([]);
      expect((await client.list(jobs, {}, signal)).items).toEqual([]);
    }
  });

  it('lets a test stand in between: refuse, or carry out and lose the answer', async () => {
    const { server, client } = aServer();
    const create = (name: string) => client.create(configMaps, { metadata: { namespace: 'a', name } }, {}, signal);
    const stopRefusing = server.intercept(() => Promise.resolve({ status: 503, body: {} }));
    await expect(create('refused')).rejects.toMatchObject({ kind: 'Unavailable' });
    stopRefusing();
    const stopLosing = server.intercept(async (_, serve) => {
      await serve();
      throw new ApiError('Unreachable', 'the answer was lost');
    });
    await expect(create('lost')).rejects.toMatchObject({ kind: 'Unreachable' });
    stopLosing();
    expect((await client.list(configMaps, {}, signal)).items.map(({ metadata }) => metadata.name)).toEqual(['lost']);
  });
});
