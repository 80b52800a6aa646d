import { describe, expect, it } from 'vitest';
import { ApiClient } from './client.ts';
import { ApiError } from './errors.ts';
import type { ApiErrorKind } from './errors.ts';
import type { KubernetesObject } from './kubernetes.ts';
import { Reflector } from './reflector.ts';
import type { ReflectorOptions } from './reflector.ts';
import { Store } from './store.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { InMemoryApiServer, configMaps } from './testing/in-memory-api-server.ts';
import { recordingLog } from './testing/recording-log.ts';
import type { ApiRequest } from './transport.ts';

const forever = new AbortController().signal;

function aWorld(own: Partial<ReflectorOptions<KubernetesObject>> = {}) {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const server = new InMemoryApiServer({ clock });
  const client = new ApiClient(server, { fieldManager: 'test' });
  const store = new Store<KubernetesObject>();
  const options = { client, resource: configMaps, store, clock, random: () => 0.5, log, ...own };
  const reflector = new Reflector(options);
  const requests: ApiRequest[] = [];
  server.intercept((request, serve) => {
    requests.push(request);
    return serve();
  });
  const stop = new AbortController();
  const run = () => reflector.run(stop.signal);
  const create = (name: string) => client.create(configMaps, { metadata: { namespace: 'a', name } }, {}, forever);
  const remove = ({ metadata }: KubernetesObject) =>
    client.delete(configMaps, metadata, { uid: metadata.uid, propagationPolicy: 'Background' }, forever);
  const label = ({ metadata }: KubernetesObject, value: string) =>
    client.patch(configMaps, metadata, { metadata: { labels: { value } } }, forever);
  const reads = () => requests.filter(({ method }) => method === 'GET');
  const lists = () => reads().filter(({ query }) => query?.['watch'] === undefined);
  const watches = () => reads().filter(({ query }) => query?.['watch'] !== undefined);
  return { clock, server, client, store, reflector, stop, run, create, remove, label, lists, watches, lines };
}

const names = (store: Store<KubernetesObject>) => [...store.list()].map(({ metadata }) => metadata.name).sort();

describe('a reflector', () => {
  it('lists once in pages, then watches from there, with its selection in both', async () => {
    const { clock, run, create, store, lists, watches } = aWorld({ namespace: 'a', labelSelector: '!hidden' });
    await create('x');
    void run();
    await clock.advance(0);
    expect(names(store)).toEqual(['x']);
    expect(lists().map(({ path, query }) => [path, query])).toEqual([
      ['/api/v1/namespaces/a/configmaps', { labelSelector: '!hidden', limit: '500' }],
    ]);
    expect(watches().map(({ query }) => query)).toEqual([
      {
        labelSelector: '!hidden',
        resourceVersion: store.feed('a').resourceVersion,
        watch: 'true',
        allowWatchBookmarks: 'true',
        timeoutSeconds: '450',
      },
    ]);
  });

  it('renews its watch when that has ended, from the last version it saw, without listing', async () => {
    const { clock, run, create, store, server, lists, watches } = aWorld();
    void run();
    await clock.advance(0);
    const { metadata } = await create('x');
    await clock.advance(1);
    server.sendBookmarks();
    await clock.advance(450_000);
    expect(lists()).toHaveLength(1);
    expect(watches().map(({ query }) => query?.['resourceVersion'])).toEqual(['1', metadata.resourceVersion]);
    expect(names(store)).toEqual(['x']);
  });

  it('lets bookmarks move the version it resumes from', async () => {
    const { clock, run, client, server, store, watches } = aWorld();
    void run();
    await clock.advance(0);
    const elsewhere = { metadata: { namespace: 'a', name: 'elsewhere' }, spec: {} };
    const { metadata } = await client.create(
      { ...configMaps, plural: 'services', kind: 'Service' },
      elsewhere,
      {},
      forever,
    );
    server.sendBookmarks();
    await clock.advance(450_000);
    expect(store.feed().resourceVersion).toBe(metadata.resourceVersion);
    expect(watches().at(-1)?.query?.['resourceVersion']).toBe(metadata.resourceVersion);
  });

  it('resumes after a broken connection, and loses nothing', async () => {
    const { clock, run, create, remove, server, store, lists } = aWorld();
    const x = await create('x');
    void run();
    await clock.advance(0);
    server.breakWatches();
    await remove(x);
    await create('y');
    await clock.advance(1_000);
    expect(names(store)).toEqual(['y']);
    expect(lists()).toHaveLength(1);
  });

  it('lists again when its version has expired, and only then', async () => {
    const { clock, run, create, remove, server, store, lists } = aWorld();
    const x = await create('x');
    void run();
    await clock.advance(0);
    server.breakWatches();
    await remove(x);
    await create('y');
    server.compact();
    await clock.advance(1_000);
    expect(names(store)).toEqual(['y']);
    expect(lists()).toHaveLength(2);
  });

  it('lists soon when its version has expired over an outage, however long it had waited before', async () => {
    const { clock, run, create, server, store, watches } = aWorld();
    void run();
    await clock.advance(0);
    server.breakWatches();
    const stopRefusing = server.intercept((request, serve) =>
      request.method === 'GET' ? Promise.reject(new ApiError('Unreachable', 'no route')) : serve(),
    );
    await clock.advance(60_000);
    stopRefusing();
    await create('x');
    server.compact();
    while (watches().length < 2) await clock.advance(10);
    // The first wait of a new failure, not the longest one of the outage.
    await clock.advance(200);
    expect(names(store)).toEqual(['x']);
  });

  it('does not hammer a server for which every version has expired', async () => {
    const { clock, run, server, lists } = aWorld();
    server.intercept((request, serve) =>
      request.query?.['watch'] === undefined ? serve() : Promise.reject(new ApiError('Expired', 'too old')),
    );
    void run();
    await clock.advance(60_000);
    expect(lists().length).toBeLessThan(30);
  });

  it('lists whole when its pages expire under its hands', async () => {
    const { clock, run, create, server, store, lists } = aWorld();
    for (let i = 0; i < 501; i++) await create(`x${i}`);
    let compacted = false;
    server.intercept((request, serve) => {
      if (request.query?.['continue'] !== undefined && !compacted) {
        compacted = true;
        server.compact();
      }
      return serve();
    });
    void run();
    await clock.advance(1_000);
    expect([store.synced, store.size]).toEqual([true, 501]);
    expect(lists().map(({ query }) => query?.['limit'])).toEqual(['500', '500', undefined]);
  });

  it('never gives up, whatever the server says, and asks less and less often', async () => {
    const { clock, run, create, server, store, lists } = aWorld();
    let answer: () => never = () => {
      throw new ApiError('Unreachable', 'no route');
    };
    const stopRefusing = server.intercept((request, serve) => (request.method === 'GET' ? answer() : serve()));
    await create('x');
    void run();
    await clock.advance(60_000);
    answer = () => {
      throw new ApiError('Forbidden', 'not yet');
    };
    await clock.advance(60_000);
    expect(store.synced).toBe(false);
    expect(lists().length).toBe(0);
    stopRefusing();
    await clock.advance(5_000);
    expect(names(store)).toEqual(['x']);
  });

  it('does not hammer a server that ends every watch at once', async () => {
    const { clock, run, server, watches } = aWorld();
    void run();
    await clock.advance(0);
    server.intercept(async (request, serve) => {
      const answer = await serve();
      if (request.lane === 'watch')
        queueMicrotask(() => {
          server.endWatches();
        });
      return answer;
    });
    server.endWatches();
    await clock.advance(60_000);
    expect(watches().length).toBeLessThan(30);
  });

  it('waits as long as the server asked for', async () => {
    const { clock, run, server, store, lists } = aWorld();
    let refusals = 1;
    server.intercept((_, serve) => {
      if (refusals-- <= 0) return serve();
      return Promise.resolve({ status: 429, body: {}, retryAfterSeconds: 20 });
    });
    void run();
    await clock.advance(19_999);
    expect([store.synced, lists().length]).toEqual([false, 0]);
    await clock.advance(1);
    expect(store.synced).toBe(true);
  });

  it('ends when it is told to, also while it waits', async () => {
    const { clock, run, server, stop } = aWorld();
    server.intercept(() => Promise.reject(new ApiError('Unreachable', 'no route')));
    const running = run();
    await clock.advance(10);
    stop.abort();
    await running;
    expect(clock.timers).toBe(0);
  });
});

describe('catching up', () => {
  it('waits for the first listing', async () => {
    const { clock, run, reflector, create, store } = aWorld();
    await create('x');
    const done = reflector.catchUp(forever);
    void run();
    await clock.advance(0);
    await done;
    expect(names(store)).toEqual(['x']);
  });

  const missed: { name: string; miss: (world: ReturnType<typeof aWorld>, x: KubernetesObject) => Promise<unknown> }[] =
    [
      { name: 'a change', miss: ({ label }, x) => label(x, 'new') },
      { name: 'a deletion', miss: ({ remove }, x) => remove(x) },
      { name: 'a creation', miss: ({ create }) => create('y') },
    ];
  for (const { name, miss } of missed) {
    it(`waits for ${name} that was before it was asked`, async () => {
      const world = aWorld();
      const { clock, run, reflector, server, client, store } = world;
      const x = await world.create('x');
      void run();
      await clock.advance(0);
      server.breakWatches();
      await miss(world, x);
      let seen: string[] | undefined;
      const versions = (objects: Iterable<KubernetesObject>) =>
        [...objects].map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).sort();
      const done = reflector.catchUp(forever).then(() => {
        seen = versions(store.list());
      });
      // The reflector still waits before it watches again.
      await clock.advance(10);
      expect(seen).toBeUndefined();
      await clock.advance(1_000);
      await done;
      expect(seen).toEqual(versions((await client.list(configMaps, {}, forever)).items));
    });
  }

  it('needs no news of a quiet collection while the rest of the cluster moves on', async () => {
    const { clock, run, reflector, client, store } = aWorld();
    void run();
    await clock.advance(0);
    const elsewhere = { metadata: { namespace: 'a', name: 'elsewhere' } };
    await client.create({ ...configMaps, plural: 'services', kind: 'Service' }, elsewhere, {}, forever);
    await reflector.catchUp(forever);
    expect(store.feed().resourceVersion).toBe('1');
  });

  describe('with more than a page of objects', () => {
    const objects = 501;
    async function following() {
      const world = aWorld();
      for (let i = 0; i < objects; i++) await world.create(`x${i}`);
      void world.run();
      await world.clock.advance(0);
      expect(world.store.size).toBe(objects);
      const elsewhere = { metadata: { namespace: 'a', name: 'elsewhere' } };
      await world.client.create({ ...configMaps, plural: 'services', kind: 'Service' }, elsewhere, {}, forever);
      return { ...world, listsBefore: world.lists().length };
    }

    it('has a bookmark come early instead of reading them all, and then watches as before', async () => {
      const { clock, reflector, lists, listsBefore, watches, create, store } = await following();
      const done = reflector.catchUp(forever);
      await clock.advance(1_000);
      await done;
      expect(lists().length - listsBefore).toBe(2);
      expect(watches().map(({ query }) => query?.['timeoutSeconds'])).toEqual(['450', '3']);
      await clock.advance(2_000);
      expect(watches().at(-1)?.query?.['timeoutSeconds']).toBe('450');
      await create('later');
      await clock.advance(0);
      expect(store.size).toBe(objects + 1);
    });

    it('reads them all where the bookmark does not come', async () => {
      const { clock, reflector, server, lists, listsBefore } = await following();
      let done = false;
      const caughtUp = reflector.catchUp(forever).then(() => {
        done = true;
      });
      await clock.advance(500);
      expect(done).toBe(false);
      server.endWatches();
      await clock.advance(0);
      await caughtUp;
      expect(lists().length - listsBefore).toBe(3);
    });
  });

  it('tries again until the server answers, and ends with the reason of its signal', async () => {
    const { clock, run, reflector, server } = aWorld();
    void run();
    await clock.advance(0);
    const stopRefusing = server.intercept(() => Promise.reject(new ApiError('Unreachable', 'no route')));
    const abort = new AbortController();
    const given = reflector.catchUp(abort.signal);
    const done = reflector.catchUp(forever);
    await clock.advance(5_000);
    abort.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    stopRefusing();
    await clock.advance(5_000);
    await done;
  });
});

describe('a kind that the server may not have', () => {
  const askedAgainMilliseconds = 20_000;

  /** Until it is called again the server has none of the kind; one that has it is an upgrade away. */
  async function withoutTheKind() {
    const world = aWorld({ optional: true });
    let asked = 0;
    const upgrade = world.server.intercept((request, serve) => {
      if (request.method !== 'GET') return serve();
      asked += 1;
      return Promise.resolve({ status: 404, body: '404 page not found' });
    });
    void world.run();
    await world.clock.advance(0);
    return { ...world, upgrade, asked: () => asked };
  }

  it('is a collection of none, and holds nobody up', async () => {
    const { store, reflector } = await withoutTheKind();
    await reflector.catchUp(forever);
    expect([store.synced, store.size, reflector.isServed]).toEqual([true, 0, false]);
  });

  it('is asked for three times a minute, and nothing is said of it', async () => {
    const { clock, asked, lines } = await withoutTheKind();
    await clock.advance(600_000);
    expect(asked()).toBe(31);
    expect(lines).toEqual([]);
  });

  it('is followed soon after its coming, which is said once', async () => {
    const { clock, create, upgrade, store, reflector, lines } = await withoutTheKind();
    await clock.advance(askedAgainMilliseconds * 4 + 1);
    await create('before');
    upgrade();
    await clock.advance(askedAgainMilliseconds);
    expect([names(store), reflector.isServed]).toEqual([['before'], true]);
    await create('after');
    await clock.advance(0);
    expect(names(store)).toEqual(['after', 'before']);
    await clock.advance(600_000);
    expect(lines).toEqual([{ level: 'info', resource: 'configmaps', message: 'the server has this kind now' }]);
  });

  it('is caught up with as any other once it is there', async () => {
    const { clock, create, upgrade, store, reflector } = await withoutTheKind();
    upgrade();
    await create('x');
    await clock.advance(askedAgainMilliseconds);
    await create('y');
    await reflector.catchUp(forever);
    expect(names(store)).toEqual(['x', 'y']);
  });

  it('stays as it was known where an older server answers for a while, and is followed again', async () => {
    const { clock, create, remove, server, store, run, reflector, lines } = aWorld({ optional: true });
    const x = await create('x');
    const z = await create('z');
    void run();
    await clock.advance(0);
    const newer = server.intercept((request, serve) =>
      request.method === 'GET' ? Promise.resolve({ status: 404, body: {} }) : serve(),
    );
    server.breakWatches();
    await remove(x);
    await create('y');
    await clock.advance(600_000);
    expect([names(store), reflector.isServed]).toEqual([['x', 'z'], false]);
    newer();
    await clock.advance(askedAgainMilliseconds);
    expect([names(store), reflector.isServed]).toEqual([['y', 'z'], true]);
    expect(store.get('a/z')?.metadata.uid).toBe(z.metadata.uid);
    expect(lines.slice(1).map(({ level, message }) => [level, message])).toEqual([
      [
        'warn',
        'the server does not have this kind any more; what is known of it stays until it is back or this process starts anew',
      ],
      ['info', 'the server has this kind now'],
    ]);
  });

  it('is waited for where there must be one', async () => {
    const { clock, run, server, store, reflector } = aWorld();
    server.intercept(() => Promise.resolve({ status: 404, body: {} }));
    void run();
    await clock.advance(60_000);
    expect([store.synced, reflector.isServed]).toEqual([false, undefined]);
  });

  it('is not taken for missing by a refusal: a leader that may not read must not write', async () => {
    const { clock, run, create, server, store, reflector } = aWorld({ optional: true });
    await create('x');
    const grant = server.intercept((request, serve) =>
      request.method === 'GET' ? Promise.reject(new ApiError('Forbidden', 'no')) : serve(),
    );
    void run();
    let caughtUp = false;
    const done = reflector.catchUp(forever).then(() => {
      caughtUp = true;
    });
    await clock.advance(600_000);
    expect([store.synced, reflector.isServed, caughtUp]).toEqual([false, undefined, false]);
    grant();
    await clock.advance(5_000);
    await done;
    expect(names(store)).toEqual(['x']);
  });
});

describe('a failure that lasts', () => {
  const widgets = { ...configMaps, group: 'example.com', plural: 'widgets' };
  const failing = async (kind: ApiErrorKind, milliseconds: number) => {
    const { clock, run, server, lines } = aWorld({ resource: widgets });
    server.intercept(() => Promise.reject(new ApiError(kind, 'no')));
    void run();
    await clock.advance(milliseconds);
    return lines;
  };

  it('is told when it begins, and then once a minute', async () => {
    const lines = await failing('Unreachable', 600_000);
    const words = 'list or watch failed and will be tried again';
    expect(lines[0]).toMatchObject({ level: 'warn', message: words, resource: 'widgets', failures: 1 });
    expect(lines.length).toBeGreaterThan(8);
    expect(lines.length).toBeLessThanOrEqual(10);
  });

  it('names the right that its role lacks, as a rule of a role has it', async () => {
    const lines = await failing('Forbidden', 30_000);
    expect(lines.map(({ level, message, needs }) => ({ level, message, needs }))).toEqual([
      { level: 'warn', message: 'list or watch failed and will be tried again', needs: undefined },
      {
        level: 'error',
        message: 'list or watch is refused: the role lacks a right; once it is granted, this goes on by itself',
        needs: { apiGroups: ['example.com'], resources: ['widgets'], verbs: ['list', 'watch'] },
      },
    ]);
  });

  it('is told again at once when it becomes another one, and when it comes back', async () => {
    const { clock, run, server, lines, create } = aWorld();
    let kind: ApiErrorKind | undefined;
    server.intercept((request, serve) =>
      request.method === 'GET' && kind !== undefined ? Promise.reject(new ApiError(kind, 'no')) : serve(),
    );
    const failsAs = async (next: ApiErrorKind) => {
      kind = next;
      server.breakWatches();
      await clock.advance(10_000);
    };
    void run();
    await clock.advance(0);
    // What breaks a watch is a lost connection.
    await failsAs('Unavailable');
    await failsAs('Unreachable');
    kind = undefined;
    await clock.advance(10_000);
    await create('x');
    await clock.advance(0);
    await failsAs('Unreachable');
    const told = lines.map(({ err }) => (err as ApiError).kind);
    expect(told).toEqual(['Unreachable', 'Unavailable', 'Unreachable', 'Unreachable']);
  });
});
