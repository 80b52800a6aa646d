// What the runtime relies on an API server to do, and what runtime and server must do together: one suite, run on the
// in-memory server and on a real one, so that a test that passes in memory means something. It uses ConfigMaps, Leases and
// Jobs with the suspend field set, so that no controller of a real cluster interferes.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../client.ts';
import type { WatchEvent } from '../client.ts';
import { systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { isApiError } from '../errors.ts';
import type { ApiErrorKind } from '../errors.ts';
import type { Fence } from '../fence.ts';
import type { Job, KubernetesObject } from '../kubernetes.ts';
import { LeaderElector } from '../lease.ts';
import { silentLog } from '../log.ts';
import { Reflector } from '../reflector.ts';
import { jobs, keyOf, leases } from '../resource.ts';
import type { Resource } from '../resource.ts';
import { compareVersions } from '../resource-version.ts';
import { Store } from '../store.ts';
import type { Change } from '../store.ts';
import type { Transport } from '../transport.ts';

/** What one run of the suite needs of a server. */
export interface ContractServer {
  transport: Transport & { fenceWrites(fence: Fence): void };
  /** A namespace that exists and is empty. */
  namespace: string;
  /** Makes old watches and continue tokens Expired; absent where that can't be brought about. */
  compact?: () => Promise<void>;
  /** Ends all connections without a word; absent where that can't be brought about. */
  breakConnections?: () => void;
  stop: () => Promise<void>;
}

interface ConfigMap extends KubernetesObject {
  data?: Record<string, string>;
}

const configMaps: Resource<ConfigMap> = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};

export function apiServerContract(name: string, startServer: () => Promise<ContractServer>): void {
  describe(`${name} as an API server`, () => {
    let server: ContractServer;
    let client: ApiClient;
    let test: AbortController;
    let names = 0;
    const clock: Clock = systemClock;

    beforeAll(async () => {
      server = await startServer();
      client = new ApiClient(server.transport, { fieldManager: 'contract' });
      test = new AbortController();
    });
    afterEach(() => {
      test.abort();
      test = new AbortController();
      server.transport.fenceWrites({ isHeld: () => true, remainingMilliseconds: () => 60_000 });
    });
    afterAll(() => server.stop());

    const aName = () => `c${++names}`;
    const keyFor = (objectName: string) => ({ namespace: server.namespace, name: objectName });
    const createMap = (objectName: string, data: Record<string, string>, labels: Record<string, string> = {}) =>
      client.create(configMaps, { metadata: { ...keyFor(objectName), labels }, data }, {}, test.signal);
    const setData = (objectName: string, data: Record<string, string>) =>
      client.patch(configMaps, keyFor(objectName), { data }, test.signal);
    const createJob = (objectName: string) =>
      client.create<Job>(jobs, suspendedJob(keyFor(objectName)), {}, test.signal);
    const deleteMap = ({ metadata }: ConfigMap) =>
      client.delete(configMaps, metadata, { uid: metadata.uid, propagationPolicy: 'Background' }, test.signal);
    const inNamespace = () => ({ namespace: server.namespace });
    const reflect = (store: Store<ConfigMap>, selection: { labelSelector?: string } = {}) => {
      const reflector = new Reflector({
        client,
        resource: configMaps,
        store,
        ...inNamespace(),
        ...selection,
        clock,
        random: () => 0.5,
        log: silentLog,
      });
      return { reflector, running: reflector.run(test.signal) };
    };

    describe('writes', () => {
      it('give an object a uid, a version and a time of creation', async () => {
        const { metadata } = await createMap(aName(), { a: '1' });
        expect(metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
        expect(metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        expect(compareVersions(metadata.resourceVersion, '0')).toBeGreaterThan(0);
      });

      it('refuse a name that is taken as AlreadyExists, not as a Conflict', async () => {
        const name = aName();
        await createMap(name, {});
        await expectRefusal(createMap(name, {}), 'AlreadyExists', `configmaps "${name}" already exists`);
      });

      it('refuse a bad name as Invalid, in words that name the field', async () => {
        await expectRefusal(createMap('Bad_Name', {}), 'Invalid', 'metadata.name: Invalid value: "Bad_Name"');
      });

      it('refuse what is not there as NotFound', async () => {
        const name = aName();
        await expectRefusal(setData(name, {}), 'NotFound', `configmaps "${name}" not found`);
        await expectRefusal(client.get(configMaps, keyFor(name), test.signal), 'NotFound', `"${name}" not found`);
      });

      it('refuse to replace a version that is no longer the newest as a Conflict', async () => {
        const first = await createMap(aName(), { a: '1' });
        await client.replace(configMaps, { ...first, data: { a: '2' } }, test.signal);
        const late = client.replace(configMaps, { ...first, data: { a: '3' } }, test.signal);
        await expectRefusal(late, 'Conflict', 'the object has been modified');
        expect((await client.get(configMaps, first.metadata, test.signal)).data).toEqual({ a: '2' });
      });

      it('give an object that is written without a change no new version', async () => {
        const first = await createMap(aName(), { a: '1' });
        const second = await setData(first.metadata.name, { a: '1' });
        expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
      });

      it('merge a patch: null removes, objects merge', async () => {
        const { metadata } = await createMap(aName(), { a: '1', b: '2' });
        const patch = { data: { a: null, c: '3' } };
        expect((await client.patch(configMaps, metadata, patch, test.signal)).data).toEqual({ b: '2', c: '3' });
      });

      it('of one version by many at once succeed exactly once', async () => {
        const { metadata } = await createMap(aName(), {});
        const { resourceVersion } = metadata;
        const writes = Array.from({ length: 8 }, (_, i) =>
          client.patch(configMaps, metadata, { metadata: { resourceVersion }, data: { by: `${i}` } }, test.signal),
        );
        const outcomes = await Promise.allSettled(writes);
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
        expect(refused.every(({ reason }) => isApiError(reason, 'Conflict'))).toBe(true);
      });

      it('of a dry run are answered as if done, and nothing is stored', async () => {
        const name = aName();
        const object = await client.create(configMaps, { metadata: keyFor(name) }, { dryRun: true }, test.signal);
        expect(object.metadata.uid).not.toBe('');
        await expectRefusal(client.get(configMaps, keyFor(name), test.signal), 'NotFound', `"${name}" not found`);
      });

      it('are refused while the fence is down, and nothing of them reaches the server', async () => {
        const name = aName();
        server.transport.fenceWrites({ isHeld: () => false, remainingMilliseconds: () => 0 });
        await expectRefusal(createMap(name, {}), 'FencedOff', 'the right to write was lost');
        await expectRefusal(client.get(configMaps, keyFor(name), test.signal), 'NotFound', `"${name}" not found`);
      });
    });

    describe('the status', () => {
      it('is written apart from the rest, and makes no new generation', async () => {
        const job = await createJob(aName());
        const written = await client.patchStatus(jobs, job, { active: 1, ready: 0 }, test.signal);
        expect(written.status).toMatchObject({ active: 1 });
        expect(written.metadata.generation).toBe(1);
        const patch = { spec: { suspend: true }, status: { active: 7 }, metadata: { labels: { a: 'b' } } };
        const patched = await client.patch(jobs, job.metadata, patch, test.signal);
        expect(patched.status?.active).toBe(1);
        expect(patched.metadata.generation).toBe(1);
      });

      it('of an older version is refused as a Conflict', async () => {
        const job = await createJob(aName());
        await client.patch(jobs, job.metadata, { metadata: { labels: { a: 'b' } } }, test.signal);
        const late = client.patchStatus(jobs, job, { active: 1 }, test.signal);
        await expectRefusal(late, 'Conflict', 'the object has been modified');
      });

      it('of an object that was deleted and made again is refused as a Conflict', async () => {
        const name = aName();
        const old = await createJob(name);
        await client.delete(
          jobs,
          old.metadata,
          { uid: old.metadata.uid, propagationPolicy: 'Background' },
          test.signal,
        );
        await createJob(name);
        const late = client.patchStatus(jobs, old, { active: 1 }, test.signal);
        await expectRefusal(late, 'Conflict', 'the object has been modified');
      });

      it('changes nothing in the spec, whose change makes a new generation', async () => {
        const job = await createJob(aName());
        const changed = await client.patch(jobs, job.metadata, { spec: { backoffLimit: 3 } }, test.signal);
        expect(changed.metadata.generation).toBe(2);
      });
    });

    describe('a delete', () => {
      it('of another uid is refused as a Conflict', async () => {
        const { metadata } = await createMap(aName(), {});
        const uid = '00000000-0000-0000-0000-000000000000';
        const wrong = client.delete(configMaps, metadata, { uid, propagationPolicy: 'Background' }, test.signal);
        await expectRefusal(wrong, 'Conflict', 'the UID in the precondition');
      });

      it('of an older version is refused as a Conflict', async () => {
        const { metadata } = await createMap(aName(), {});
        await setData(metadata.name, { a: '1' });
        const { uid, resourceVersion } = metadata;
        const options = { uid, resourceVersion, propagationPolicy: 'Background' } as const;
        const late = client.delete(configMaps, metadata, options, test.signal);
        await expectRefusal(late, 'Conflict', 'the ResourceVersion in the precondition');
      });

      it('of what has no finalizers is over at once', async () => {
        const map = await createMap(aName(), {});
        expect(await deleteMap(map)).toEqual({ kind: 'Deleted' });
        await expectRefusal(deleteMap(map), 'NotFound', 'not found');
      });

      it('of what has finalizers lasts until the last of them is gone', async () => {
        const metadata = { ...keyFor(aName()), finalizers: ['example.com/wait'] };
        const map = await client.create(configMaps, { metadata }, {}, test.signal);
        const result = await deleteMap(map);
        expect(result).toMatchObject({ kind: 'Deleting', object: { metadata: { finalizers: ['example.com/wait'] } } });
        await client.patch(configMaps, map.metadata, { metadata: { finalizers: null } }, test.signal);
        await expectRefusal(client.get(configMaps, map.metadata, test.signal), 'NotFound', 'not found');
      });
    });

    describe('a list', () => {
      it('comes in pages that all show the state of the first', async () => {
        const label = aName();
        for (let i = 0; i < 5; i++) await createMap(aName(), {}, { page: label });
        const select = { ...inNamespace(), labelSelector: `page=${label}`, limit: 2 };
        const first = await client.list(configMaps, select, test.signal);
        await createMap(aName(), {}, { page: label });
        const second = await client.list(configMaps, { ...select, continue: first.continue! }, test.signal);
        const third = await client.list(configMaps, { ...select, continue: second.continue! }, test.signal);
        expect([first, second, third].map(({ items }) => items.length)).toEqual([2, 2, 1]);
        expect(third.continue).toBeUndefined();
        expect(third.resourceVersion).toBe(first.resourceVersion);
      });

      it('holds what its selectors select', async () => {
        const label = aName();
        const [a, b, c] = [aName(), aName(), aName()];
        await createMap(a, {}, { set: label, tier: 'gold' });
        await createMap(b, {}, { set: label, tier: 'iron' });
        await createMap(c, {}, { set: label });
        const cases: [string, string[]][] = [
          ['tier=gold', [a]],
          ['tier!=gold', [b, c]],
          ['tier in (gold, iron)', [a, b]],
          ['tier notin (gold)', [b, c]],
          ['tier', [a, b]],
          ['!tier', [c]],
        ];
        for (const [selector, wanted] of cases) {
          const labelSelector = `set=${label},${selector}`;
          const { items } = await client.list(configMaps, { ...inNamespace(), labelSelector }, test.signal);
          expect(items.map(({ metadata }) => metadata.name).sort(), selector).toEqual([...wanted].sort());
        }
        const fieldSelector = `metadata.name=${b}`;
        const { items } = await client.list(configMaps, { ...inNamespace(), fieldSelector }, test.signal);
        expect(items.map(({ metadata }) => metadata.name)).toEqual([b]);
      });

      it('by a field that has no selector is refused as a BadRequest', async () => {
        const selecting = client.list(configMaps, { ...inNamespace(), fieldSelector: 'data.a=1' }, test.signal);
        await expectRefusal(selecting, 'BadRequest', 'data.a');
      });

      it('of metadata only leaves out the rest', async () => {
        const { metadata } = await createMap(aName(), { a: '1' });
        const fieldSelector = `metadata.name=${metadata.name}`;
        const { items } = await client.listMetadata(configMaps, { ...inNamespace(), fieldSelector }, test.signal);
        expect(items.map((item) => item.metadata.resourceVersion)).toEqual([metadata.resourceVersion]);
        expect(items[0]).not.toHaveProperty('data');
      });

      it('of built-in objects gives items without kind and apiVersion', async () => {
        await createMap(aName(), {});
        const { items } = await client.list(configMaps, { ...inNamespace(), limit: 1 }, test.signal);
        expect(items[0]?.kind).toBeUndefined();
      });

      it('whose pages are too old is refused as Expired', async ({ skip }) => {
        if (!server.compact) skip();
        for (let i = 0; i < 3; i++) await createMap(aName(), {});
        const page = await client.list(configMaps, { ...inNamespace(), limit: 1 }, test.signal);
        await server.compact?.();
        const next = client.list(configMaps, { ...inNamespace(), limit: 1, continue: page.continue! }, test.signal);
        await expectRefusal(next, 'Expired', 'too old');
      });
    });

    describe('a watch', () => {
      const watch = (resourceVersion: string, more: { labelSelector?: string; timeoutSeconds?: number } = {}) =>
        client.watch(configMaps, { ...inNamespace(), timeoutSeconds: 60, ...more, resourceVersion }, test.signal);

      it('resumes right after a version, without loss or repetition', async () => {
        const first = await createMap(aName(), { a: '1' });
        await setData(first.metadata.name, { a: '2' });
        await deleteMap(first);
        const events = await take(watch(first.metadata.resourceVersion), 2);
        expect(events.map(({ type }) => type)).toEqual(['MODIFIED', 'DELETED']);
      });

      it('gives a deletion a version of its own, newer than the last state', async () => {
        const first = await createMap(aName(), {});
        await deleteMap(first);
        const [deleted] = await take(watch(first.metadata.resourceVersion), 1);
        expect(deleted).toMatchObject({ type: 'DELETED', object: { metadata: { uid: first.metadata.uid } } });
        expect(compareVersions(versionOf(deleted!), first.metadata.resourceVersion)).toBeGreaterThan(0);
      });

      it('with a selector sees what enters as ADDED and what leaves as DELETED', async () => {
        const label = aName();
        const map = await createMap(aName(), {});
        const patchLabels = (labels: object) =>
          client.patch(configMaps, map.metadata, { metadata: { labels } }, test.signal);
        await patchLabels({ in: label });
        await patchLabels({ in: null });
        const events = await take(watch(map.metadata.resourceVersion, { labelSelector: `in=${label}` }), 2);
        expect(events.map(({ type }) => type)).toEqual(['ADDED', 'DELETED']);
      });

      it('ends by itself after its time', async () => {
        const map = await createMap(aName(), {});
        const events = await all(watch(map.metadata.resourceVersion, { timeoutSeconds: 1 }));
        // A server may send a last bookmark before it ends.
        expect(events.filter(({ type }) => type !== 'BOOKMARK')).toEqual([]);
      });

      it('ends with the reason of its signal when that is aborted', async () => {
        const map = await createMap(aName(), {});
        const events = watch(map.metadata.resourceVersion);
        const next = events.next();
        const reason = new Error('enough');
        test.abort(reason);
        await expect(next).rejects.toBe(reason);
      });

      it('from a version that is too old is refused as Expired', async ({ skip }) => {
        if (!server.compact) skip();
        const map = await createMap(aName(), {});
        await setData(map.metadata.name, { a: '1' });
        await server.compact?.();
        await expectRefusal(all(watch(map.metadata.resourceVersion)), 'Expired', 'too old resource version');
      });
    });

    describe('a reflector', () => {
      it('fills the store, then follows every change', async () => {
        const label = aName();
        const before = await createMap(aName(), { a: '1' }, { reflect: label });
        const store = new Store<ConfigMap>();
        const changes: Change<ConfigMap>[] = [];
        store.subscribe((change) => changes.push(change));
        reflect(store, { labelSelector: `reflect=${label}` });
        await store.until(() => store.synced, test.signal);
        await setData(before.metadata.name, { a: '2' });
        const second = await createMap(aName(), {}, { reflect: label });
        await deleteMap(before);
        await store.until(() => store.size === 1 && store.get(keyOf(second.metadata)) !== undefined, test.signal);
        await store.until(() => changes.length === 4, test.signal);
        expect(changes.map(({ type }) => type)).toEqual(['added', 'modified', 'added', 'deleted']);
      });

      it('reads a listing of several pages', async () => {
        const label = aName();
        const count = 501;
        const names = Array.from({ length: count }, () => aName());
        for (let i = 0; i < count; i += 50) {
          await Promise.all(names.slice(i, i + 50).map((name) => createMap(name, {}, { many: label })));
        }
        const store = new Store<ConfigMap>();
        reflect(store, { labelSelector: `many=${label}` });
        await store.until(() => store.synced, test.signal);
        expect(store.size).toBe(count);
      });

      it('goes on after its connection broke, without losing what happened meanwhile', async ({ skip }) => {
        if (!server.breakConnections) skip();
        const store = new Store<ConfigMap>();
        reflect(store);
        await store.until(() => store.synced, test.signal);
        server.breakConnections?.();
        const map = await createMap(aName(), {});
        await store.until(() => store.get(keyOf(map.metadata)) !== undefined, test.signal);
      });

      it('lists again when its version has expired', async ({ skip }) => {
        if (!server.compact || !server.breakConnections) skip();
        const store = new Store<ConfigMap>();
        const gone = await createMap(aName(), {});
        reflect(store);
        await store.until(() => store.get(keyOf(gone.metadata)) !== undefined, test.signal);
        server.breakConnections?.();
        await deleteMap(gone);
        await server.compact?.();
        await store.until(() => store.get(keyOf(gone.metadata)) === undefined, test.signal);
      });

      it('catches up with everything that was there when it was asked', async () => {
        const store = new Store<ConfigMap>();
        const { reflector } = reflect(store);
        for (let i = 0; i < 20; i++) {
          const map = await createMap(aName(), { i: `${i}` });
          const changed = await setData(map.metadata.name, { i: 'changed' });
          if (i % 2 === 0) await deleteMap(map);
          await reflector.catchUp(test.signal);
          const seen = store.get(keyOf(map.metadata));
          expect(seen?.metadata.resourceVersion).toBe(i % 2 === 0 ? undefined : changed.metadata.resourceVersion);
        }
      });

      it('catches up at once with a collection in which nothing happens, though the cluster moves on', async () => {
        const store = new Store<ConfigMap>();
        const { reflector } = reflect(store);
        await store.until(() => store.synced, test.signal);
        await createJob(aName());
        await reflector.catchUp(test.signal);
        expect(store.synced).toBe(true);
      });
    });

    describe('leader election', () => {
      const times = {
        leaseDurationMilliseconds: 2_000,
        renewDeadlineMilliseconds: 1_500,
        retryPeriodMilliseconds: 300,
      };
      const candidate = (name: string, identity: string) => {
        const log: string[] = [];
        const elector = new LeaderElector({
          ...{ client, ...keyFor(name), identity, clock, log: silentLog, random: () => 0 },
          ...times,
        });
        const stop = new AbortController();
        const leading = Promise.withResolvers<undefined>();
        const running = elector.run(stop.signal, {
          onStartedLeading: async (signal) => {
            log.push('leading');
            leading.resolve(undefined);
            await aborted(signal);
            log.push('stopped');
          },
        });
        return { elector, stop, log, leading: leading.promise, running };
      };

      it('has one leader, and hands over at once when that stops in an orderly way', async () => {
        const name = aName();
        const a = candidate(name, 'a');
        await a.leading;
        const b = candidate(name, 'b');
        expect([a.elector.isHeld(), b.elector.isHeld()]).toEqual([true, false]);
        const stoppedAt = clock.monotonic();
        a.stop.abort();
        expect(await a.running).toBe('released');
        await b.leading;
        expect(clock.monotonic() - stoppedAt).toBeLessThan(1_000);
        expect([a.elector.isHeld(), b.elector.isHeld()]).toEqual([false, true]);
        const lease = await client.get(leases, keyFor(name), test.signal);
        expect(lease.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
        b.stop.abort();
        await b.running;
      });

      it('gives an orderly release the form that client-go gives it', async () => {
        const name = aName();
        const a = candidate(name, 'a');
        await a.leading;
        a.stop.abort();
        await a.running;
        const { spec } = await client.get(leases, keyFor(name), test.signal);
        expect(spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
        expect(spec?.renewTime).toMatch(/\.\d{6}Z$/);
      });

      it('takes over from a leader that is silent, after the lease and not before', async () => {
        const name = aName();
        await createLease(name, 'dead');
        const startedAt = clock.monotonic();
        const b = candidate(name, 'b');
        await b.leading;
        expect(clock.monotonic() - startedAt).toBeGreaterThanOrEqual(2_000 - 50);
        expect(clock.monotonic() - startedAt).toBeLessThan(4_000);
        b.stop.abort();
        await b.running;
      });

      it('ends a leader whose lease was taken: its work stops and its fence is down', async () => {
        const name = aName();
        const a = candidate(name, 'a');
        await a.leading;
        await client.patch(leases, keyFor(name), { spec: { holderIdentity: 'thief' } }, test.signal);
        expect(await a.running).toBe('lost');
        expect(a.log).toEqual(['leading', 'stopped']);
        expect(a.elector.isHeld()).toBe(false);
      });

      const createLease = (name: string, holderIdentity: string) =>
        client.create(
          leases,
          { metadata: keyFor(name), spec: { holderIdentity, leaseDurationSeconds: 2, leaseTransitions: 0 } },
          {},
          test.signal,
        );
    });
  });
}

function suspendedJob(metadata: { namespace: string; name: string }) {
  const containers = [{ name: 'main', image: 'example.com/none' }];
  return { metadata, spec: { suspend: true, template: { spec: { restartPolicy: 'Never', containers } } } };
}

async function expectRefusal(attempt: Promise<unknown>, kind: ApiErrorKind, words: string): Promise<void> {
  const error: unknown = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: 'ApiError', kind });
  expect((error as Error).message).toContain(words);
}

async function take<T>(events: AsyncIterable<WatchEvent<T>>, count: number): Promise<WatchEvent<T>[]> {
  const taken: WatchEvent<T>[] = [];
  for await (const event of events) {
    if (event.type !== 'BOOKMARK') taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

async function all<T>(events: AsyncIterable<WatchEvent<T>>): Promise<WatchEvent<T>[]> {
  const taken: WatchEvent<T>[] = [];
  for await (const event of events) taken.push(event);
  return taken;
}

function versionOf(event: WatchEvent<KubernetesObject>): string {
  return event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}
