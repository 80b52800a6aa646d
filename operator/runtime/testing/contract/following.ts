// What a reflector and its store make of an API server.
import { describe, expect, it, vi } from 'vitest';
import { compareVersions } from '../../resource-version.ts';
import { keyOf } from '../../resource.ts';
import { Store } from '../../store.ts';
import type { Change } from '../../store.ts';
import { Line } from './line.ts';
import { unserved } from './world.ts';
import type { ConfigMap, World } from './world.ts';

export function followingContract(world: World): void {
  describe('a reflector', () => {
    it('fills the store, then follows every change', async () => {
      const label = world.aName();
      const before = await world.createMap(world.aName(), { a: '1' }, { reflect: label });
      const store = new Store<ConfigMap>();
      const changes: Change<ConfigMap>[] = [];
      store.subscribe((change) => changes.push(change));
      world.reflect(store, { labelSelector: `reflect=${label}` });
      await store.until(() => store.synced, world.signal);
      await world.setData(before.metadata.name, { a: '2' });
      const second = await world.createMap(world.aName(), {}, { reflect: label });
      await world.deleteMap(before);
      await store.until(() => store.size === 1 && store.get(keyOf(second.metadata)) !== undefined, world.signal);
      await store.until(() => changes.length === 4, world.signal);
      expect(changes.map(({ type }) => type)).toEqual(['added', 'modified', 'added', 'deleted']);
    });

    it('reads a listing of several pages', async () => {
      const label = world.aName();
      const count = 501;
      const names = Array.from({ length: count }, () => world.aName());
      for (let i = 0; i < count; i += 50) {
        await Promise.all(names.slice(i, i + 50).map((name) => world.createMap(name, {}, { many: label })));
      }
      const store = new Store<ConfigMap>();
      world.reflect(store, { labelSelector: `many=${label}` });
      await store.until(() => store.synced, world.signal);
      expect(store.size).toBe(count);
    });

    it('goes on after its connection broke, without losing what happened meanwhile', async () => {
      const store = new Store<ConfigMap>();
      const { metadata } = await world.createMap(world.aName(), {});
      world.reflect(store);
      await store.until(() => store.synced, world.signal);
      world.server.breakConnections();
      // A write may still meet a connection that is broken without knowing it.
      await vi.waitFor(() => world.setData(metadata.name, { a: '1' }));
      await store.until(() => store.get(keyOf(metadata))?.data?.['a'] === '1', world.signal);
      expect(store.get(keyOf(metadata))?.metadata.uid).toBe(metadata.uid);
    });

    it('lists again when its version has expired, and drops what was deleted meanwhile', async (context) => {
      const compact = world.compaction(context);
      const line = new Line(world.server.transport);
      const store = new Store<ConfigMap>();
      const label = world.aName();
      const gone = await world.createMap(world.aName(), {}, { reflect: label });
      world.reflect(store, { line, labelSelector: `reflect=${label}` });
      await store.until(() => store.size === 1, world.signal);
      const { lists } = line;
      line.cut();
      await world.deleteMap(gone);
      await compact();
      line.mend();
      await store.until(() => store.size === 0, world.signal);
      expect(line.lists).toBeGreaterThan(lists);
      const next = await world.createMap(world.aName(), {}, { reflect: label });
      await store.until(() => store.get(keyOf(next.metadata)) !== undefined, world.signal);
    });

    it('catches up with everything that was there when it was asked', async () => {
      const store = new Store<ConfigMap>();
      const reflector = world.reflect(store);
      for (let i = 0; i < 20; i++) {
        const map = await world.createMap(world.aName(), { i: `${i}` });
        const changed = await world.setData(map.metadata.name, { i: 'changed' });
        if (i % 2 === 0) await world.deleteMap(map);
        await reflector.catchUp(world.signal);
        const seen = store.get(keyOf(map.metadata));
        expect(seen?.metadata.resourceVersion).toBe(i % 2 === 0 ? undefined : changed.metadata.resourceVersion);
      }
    });

    it('catches up with more than a page of objects, though the cluster moves on elsewhere', async () => {
      for (let i = 0; i < 550; i += 50) {
        await Promise.all(Array.from({ length: 50 }, () => world.createMap(world.aName(), {})));
      }
      const store = new Store<ConfigMap>();
      const line = new Line(world.server.transport);
      const reflector = world.reflect(store, { line });
      await store.until(() => store.synced, world.signal);
      const { lists } = line;
      const job = await world.createJob(world.aName());
      await reflector.catchUp(world.signal);
      expect(
        compareVersions(store.feed(world.inNamespace().namespace).resourceVersion, job.metadata.resourceVersion),
      ).toBeGreaterThanOrEqual(0);
      expect(line.lists - lists).toBeLessThanOrEqual(2);
    });

    it('catches up at once with a collection in which nothing happens, though the cluster moves on', async () => {
      const store = new Store<ConfigMap>();
      const reflector = world.reflect(store);
      await store.until(() => store.synced, world.signal);
      await world.createJob(world.aName());
      await reflector.catchUp(world.signal);
      expect(store.synced).toBe(true);
    });

    it('takes a kind that the server does not have for a collection of none, and catches up with it', async () => {
      const store = new Store<ConfigMap>();
      const line = new Line(world.server.transport);
      const reflector = world.reflect(store, { line, resource: unserved, optional: true });
      await reflector.catchUp(world.signal);
      expect([store.synced, store.size, reflector.isServed]).toEqual([true, 0, false]);
      // One list for it and one to catch up.
      expect(line.lists).toBe(2);
    });
  });
}
