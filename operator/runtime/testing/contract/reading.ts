// How an API server lists and watches.
import { describe, expect, it } from 'vitest';
import type { ListPage, WatchEvent } from '../../client.ts';
import type { KubernetesObject } from '../../kubernetes.ts';
import { compareVersions } from '../../resource-version.ts';
import { collectionPath } from '../../resource.ts';
import type { ApiResponse } from '../../transport.ts';
import { expectRefusal } from './world.ts';
import type { World } from './world.ts';

export function readingContract(world: World): void {
  describe('a list', () => {
    it('comes in pages that all show the state of the first', async () => {
      const label = world.aName();
      for (let i = 0; i < 5; i++) await world.createMap(world.aName(), {}, { page: label });
      const select = { ...world.inNamespace(), labelSelector: `page=${label}`, limit: 2 };
      const next = (page: ListPage<unknown>) => ({ ...select, continue: page.continue ?? '' });
      const first = await world.client.list(world.configMaps, select, world.signal);
      await world.createMap(world.aName(), {}, { page: label });
      const second = await world.client.list(world.configMaps, next(first), world.signal);
      const third = await world.client.list(world.configMaps, next(second), world.signal);
      expect([first, second, third].map(({ items }) => items.length)).toEqual([2, 2, 1]);
      expect(third.continue).toBeUndefined();
      expect(third.resourceVersion).toBe(first.resourceVersion);
    });

    it('holds what its selectors select', async () => {
      const label = world.aName();
      const [a, b, c] = [world.aName(), world.aName(), world.aName()];
      await world.createMap(a, {}, { set: label, tier: 'gold' });
      await world.createMap(b, {}, { set: label, tier: 'iron' });
      await world.createMap(c, {}, { set: label });
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
        const { items } = await world.client.list(
          world.configMaps,
          { ...world.inNamespace(), labelSelector },
          world.signal,
        );
        expect(items.map(({ metadata }) => metadata.name).sort(), selector).toEqual([...wanted].sort());
      }
      const fieldSelector = `metadata.name=${b}`;
      const { items } = await world.client.list(
        world.configMaps,
        { ...world.inNamespace(), fieldSelector },
        world.signal,
      );
      expect(items.map(({ metadata }) => metadata.name)).toEqual([b]);
    });

    it('by a field that has no selector is refused as a BadRequest', async () => {
      const selecting = world.client.list(
        world.configMaps,
        { ...world.inNamespace(), fieldSelector: 'data.a=1' },
        world.signal,
      );
      await expectRefusal(selecting, 'BadRequest', 'data.a');
    });

    it('of metadata only leaves out the rest', async () => {
      const { metadata } = await world.createMap(world.aName(), { a: '1' });
      const fieldSelector = `metadata.name=${metadata.name}`;
      const { items } = await world.client.listMetadata(
        world.configMaps,
        { ...world.inNamespace(), fieldSelector },
        world.signal,
      );
      expect(items.map((item) => item.metadata.resourceVersion)).toEqual([metadata.resourceVersion]);
      expect(items[0]).not.toHaveProperty('data');
    });

    it('of built-in objects gives items without kind and apiVersion', async () => {
      await world.createMap(world.aName(), {});
      const { items } = await world.client.list(world.configMaps, { ...world.inNamespace(), limit: 1 }, world.signal);
      expect(items[0]?.kind).toBeUndefined();
    });

    it('says how many are left where nothing selects', async () => {
      for (let i = 0; i < 3; i++) await world.createMap(world.aName(), {}, { left: 'some' });
      const { body } = await rawList(world, { limit: '1' });
      const { metadata } = body as { metadata: { continue: string; remainingItemCount: number } };
      const rest = await world.client.list(
        world.configMaps,
        { ...world.inNamespace(), continue: metadata.continue },
        world.signal,
      );
      expect(metadata.remainingItemCount).toBe(rest.items.length);
      const selected = await rawList(world, { limit: '1', labelSelector: 'left=some' });
      expect(selected.body).toHaveProperty('metadata.continue');
      expect(selected.body).not.toHaveProperty('metadata.remainingItemCount');
    });

    it('whose pages are too old is refused as Expired, with a token for the rest as it is now', async (context) => {
      const compact = world.compaction(context);
      const label = world.aName();
      const names = [world.aName(), world.aName(), world.aName()];
      for (const name of names) await world.createMap(name, {}, { old: label });
      const select = { ...world.inNamespace(), labelSelector: `old=${label}`, limit: 1 };
      const page = await world.client.list(world.configMaps, select, world.signal);
      await compact();
      const next = (token = '') =>
        world.client.list(world.configMaps, { ...select, limit: 2, continue: token }, world.signal);
      await expectRefusal(next(page.continue), 'Expired', 'too old');
      const refusal = await rawList(world, { limit: '2', continue: page.continue ?? '' });
      const metadata = { continue: expect.any(String) as string };
      expect(refusal).toEqual({ status: 410, body: { ...gone, metadata, message: tokenIsTooOld } });
      await world.createMap(`${names.at(-1)}-later`, {}, { old: label });
      const rest = await next((refusal.body as { metadata: { continue: string } }).metadata.continue);
      expect(rest.items.map(({ metadata }) => metadata.name)).toEqual(names.slice(1));
      const last = await next(rest.continue);
      expect(last.items.map(({ metadata }) => metadata.name)).toEqual([`${names.at(-1)}-later`]);
    });
  });

  describe('a watch', () => {
    const watch = (resourceVersion: string, more: { labelSelector?: string; timeoutSeconds?: number } = {}) =>
      world.client.watch(
        world.configMaps,
        { ...world.inNamespace(), timeoutSeconds: 60, ...more, resourceVersion },
        world.signal,
      );

    it('resumes right after a version, without loss or repetition', async () => {
      const first = await world.createMap(world.aName(), { a: '1' });
      await world.setData(first.metadata.name, { a: '2' });
      await world.deleteMap(first);
      const events = await take(watch(first.metadata.resourceVersion), 2);
      expect(events.map(({ type }) => type)).toEqual(['MODIFIED', 'DELETED']);
    });

    it('gives a deletion a version of its own, newer than the last state', async () => {
      const first = await world.createMap(world.aName(), {});
      await world.deleteMap(first);
      const [deleted] = await take(watch(first.metadata.resourceVersion), 1);
      expect(deleted).toMatchObject({ type: 'DELETED', object: { metadata: { uid: first.metadata.uid } } });
      const version = deleted && versionOf(deleted);
      expect(compareVersions(version ?? '', first.metadata.resourceVersion)).toBeGreaterThan(0);
    });

    it('with a selector sees what enters as ADDED and what leaves as DELETED', async () => {
      const label = world.aName();
      const map = await world.createMap(world.aName(), {});
      const patchLabels = (labels: object) =>
        world.client.patch(world.configMaps, map.metadata, { metadata: { labels } }, world.signal);
      await patchLabels({ in: label });
      await patchLabels({ in: null });
      const events = await take(watch(map.metadata.resourceVersion, { labelSelector: `in=${label}` }), 2);
      expect(events.map(({ type }) => type)).toEqual(['ADDED', 'DELETED']);
    });

    it('ends by itself after its time', async () => {
      const map = await world.createMap(world.aName(), {});
      const events = await all(watch(map.metadata.resourceVersion, { timeoutSeconds: 1 }));
      // A server may send a last bookmark before it ends.
      expect(events.filter(({ type }) => type !== 'BOOKMARK')).toEqual([]);
    });

    it('says in a bookmark before its end how far the server is, if the cluster moves on elsewhere', async () => {
      const map = await world.createMap(world.aName(), {});
      const job = await world.createJob(world.aName());
      await world.client.listMetadata(world.configMaps, { ...world.inNamespace(), limit: 1 }, world.signal);
      const events = await all(watch(map.metadata.resourceVersion, { timeoutSeconds: 3 }));
      const last = events.at(-1);
      expect(last?.type).toBe('BOOKMARK');
      const version = last?.type === 'BOOKMARK' ? last.resourceVersion : '';
      expect(compareVersions(version, job.metadata.resourceVersion)).toBeGreaterThanOrEqual(0);
    });

    it('ends with the reason of its signal when that is aborted', async () => {
      const map = await world.createMap(world.aName(), {});
      const events = watch(map.metadata.resourceVersion);
      const next = events.next();
      const reason = new Error('enough');
      world.abort(reason);
      await expect(next).rejects.toBe(reason);
    });

    it('from a version that is too old is refused as Expired, the newest from before too', async (context) => {
      const compact = world.compaction(context);
      const { metadata } = await world.createMap(world.aName(), {});
      const newest = await world.setData(metadata.name, { a: '1' });
      await compact();
      for (const { resourceVersion } of [metadata, newest.metadata]) {
        const events = all(watch(resourceVersion, { timeoutSeconds: 1 }));
        await expectRefusal(events, 'Expired', `too old resource version: ${resourceVersion} (`);
      }
    });
  });
}

const gone = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Expired', code: 410 };

const tokenIsTooOld = [
  'The provided continue parameter is too old to display a consistent list result.',
  'You can start a new list without the continue parameter, or use the continue token in this response to retrieve the',
  'remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were',
  'created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
].join(' ');

/** The answer as it came: the client leaves out what the runtime has no use for. */
function rawList(world: World, query: Record<string, string>): Promise<ApiResponse> {
  const path = collectionPath(world.configMaps, world.server.namespace);
  return world.server.transport.request({ method: 'GET', path, query, lane: 'read', signal: world.signal });
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
