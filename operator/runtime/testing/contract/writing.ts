// How an API server takes and refuses writes: what optimistic concurrency rests on.
import { describe, expect, it } from 'vitest';
import { isApiError } from '../../errors.ts';
import { jobs } from '../../resource.ts';
import { compareVersions } from '../../resource-version.ts';
import { expectRefusal } from './world.ts';
import type { World } from './world.ts';

export function writingContract(world: World): void {
  describe('writes', () => {
    it('give an object a uid, a version and a time of creation', async () => {
      const { metadata } = await world.createMap(world.aName(), { a: '1' });
      expect(metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(compareVersions(metadata.resourceVersion, '0')).toBeGreaterThan(0);
    });

    it('are answered with metadata only, where no more is asked for', async () => {
      const name = world.aName();
      const draft = { metadata: { ...world.keyFor(name), labels: { a: 'b' } }, data: { a: '1' } };
      const answer = await world.client.createForMetadata(world.configMaps, draft, {}, world.signal);
      expect(answer).not.toHaveProperty('data');
      const stored = await world.client.get(world.configMaps, world.keyFor(name), world.signal);
      expect(stored.data).toEqual({ a: '1' });
      expect(answer.metadata).toEqual(stored.metadata);
    });

    it('refuse a name that is taken as AlreadyExists, not as a Conflict', async () => {
      const name = world.aName();
      await world.createMap(name, {});
      await expectRefusal(world.createMap(name, {}), 'AlreadyExists', `configmaps "${name}" already exists`);
    });

    it('refuse a bad name as Invalid, in words that name the field', async () => {
      await expectRefusal(world.createMap('Bad_Name', {}), 'Invalid', 'metadata.name: Invalid value: "Bad_Name"');
    });

    it('refuse what is not there as NotFound', async () => {
      const name = world.aName();
      await expectRefusal(world.setData(name, {}), 'NotFound', `configmaps "${name}" not found`);
      await expectRefusal(
        world.client.get(world.configMaps, world.keyFor(name), world.signal),
        'NotFound',
        `"${name}" not found`,
      );
    });

    it('refuse to replace a version that is no longer the newest as a Conflict', async () => {
      const first = await world.createMap(world.aName(), { a: '1' });
      await world.client.replace(world.configMaps, { ...first, data: { a: '2' } }, world.signal);
      const late = world.client.replace(world.configMaps, { ...first, data: { a: '3' } }, world.signal);
      await expectRefusal(late, 'Conflict', 'the object has been modified');
      expect((await world.client.get(world.configMaps, first.metadata, world.signal)).data).toEqual({ a: '2' });
    });

    it('give an object that is written without a change no new version', async () => {
      const first = await world.createMap(world.aName(), { a: '1' });
      const second = await world.setData(first.metadata.name, { a: '1' });
      expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    });

    it('merge a patch: null removes, objects merge', async () => {
      const { metadata } = await world.createMap(world.aName(), { a: '1', b: '2' });
      const patch = { data: { a: null, c: '3' } };
      expect((await world.client.patch(world.configMaps, metadata, patch, world.signal)).data).toEqual({
        b: '2',
        c: '3',
      });
    });

    it('turn half a surrogate pair, as a cut leaves it, into the character for what is no character', async () => {
      const half = 'a😀'.slice(0, 2);
      const { metadata, data } = await world.createMap(world.aName(), { half });
      expect(data).toEqual({ half: 'a\uFFFD' });
      const patch = { metadata: { annotations: { half } } };
      const patched = await world.client.patch(world.configMaps, metadata, patch, world.signal);
      expect(patched.metadata.annotations).toEqual({ half: 'a\uFFFD' });
    });

    it('of one version by many at once succeed exactly once', async () => {
      const { metadata } = await world.createMap(world.aName(), {});
      const { resourceVersion } = metadata;
      const writes = Array.from({ length: 8 }, (_, i) =>
        world.client.patch(
          world.configMaps,
          metadata,
          { metadata: { resourceVersion }, data: { by: `${i}` } },
          world.signal,
        ),
      );
      const outcomes = await Promise.allSettled(writes);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
      expect(refused.every(({ reason }) => isApiError(reason, 'Conflict'))).toBe(true);
    });

    it('of a dry run are answered as if done, and nothing is stored', async () => {
      const name = world.aName();
      const object = await world.client.create(
        world.configMaps,
        { metadata: world.keyFor(name) },
        { dryRun: true },
        world.signal,
      );
      expect(object.metadata.uid).not.toBe('');
      await expectRefusal(
        world.client.get(world.configMaps, world.keyFor(name), world.signal),
        'NotFound',
        `"${name}" not found`,
      );
    });

    it('K2: handed over while the fence was up do not reach the server once it is down', async () => {
      const name = world.aName();
      const write = world.createMap(name, {});
      // In this very turn: the write can't have left yet, over TLS or not.
      world.server.transport.fenceWrites({ isHeld: () => false, remainingMilliseconds: () => 0 });
      await expectRefusal(write, 'FencedOff', 'the right to write was lost');
      await expectRefusal(
        world.client.get(world.configMaps, world.keyFor(name), world.signal),
        'NotFound',
        'not found',
      );
    });

    it('are refused while the fence is down, and nothing of them reaches the server', async () => {
      const name = world.aName();
      world.server.transport.fenceWrites({ isHeld: () => false, remainingMilliseconds: () => 0 });
      await expectRefusal(world.createMap(name, {}), 'FencedOff', 'the right to write was lost');
      await expectRefusal(
        world.client.get(world.configMaps, world.keyFor(name), world.signal),
        'NotFound',
        `"${name}" not found`,
      );
    });
  });

  describe('the status', () => {
    it('is written apart from the rest, and makes no new generation', async () => {
      const job = await world.createJob(world.aName());
      const written = await world.client.replaceStatus(jobs, job, { active: 1, ready: 0 }, world.signal);
      expect(written.status).toMatchObject({ active: 1 });
      expect(written.metadata.generation).toBe(1);
      expect(written.spec).toEqual(job.spec);
      expect(written.metadata.labels).toEqual(job.metadata.labels);
      const patch = { spec: { suspend: true }, status: { active: 7 }, metadata: { labels: { a: 'b' } } };
      const patched = await world.client.patch(jobs, job.metadata, patch, world.signal);
      expect(patched.status?.active).toBe(1);
      expect(patched.metadata.generation).toBe(1);
    });

    it('of an older version is refused as a Conflict', async () => {
      const job = await world.createJob(world.aName());
      await world.client.patch(jobs, job.metadata, { metadata: { labels: { a: 'b' } } }, world.signal);
      const late = world.client.replaceStatus(jobs, job, { active: 1 }, world.signal);
      await expectRefusal(late, 'Conflict', 'the object has been modified');
    });

    it('of an object that was deleted and made again is refused as a Conflict', async () => {
      const name = world.aName();
      const old = await world.createJob(name);
      await world.client.delete(
        jobs,
        old.metadata,
        { uid: old.metadata.uid, propagationPolicy: 'Background' },
        world.signal,
      );
      await world.createJob(name);
      const late = world.client.replaceStatus(jobs, old, { active: 1 }, world.signal);
      await expectRefusal(late, 'Conflict', 'UID in precondition');
    });

    it('changes nothing in the spec, whose change makes a new generation', async () => {
      const job = await world.createJob(world.aName());
      const changed = await world.client.patch(jobs, job.metadata, { spec: { backoffLimit: 3 } }, world.signal);
      expect(changed.metadata.generation).toBe(2);
    });
  });

  describe('a delete', () => {
    it('of another uid is refused as a Conflict', async () => {
      const { metadata } = await world.createMap(world.aName(), {});
      const uid = '00000000-0000-0000-0000-000000000000';
      const wrong = world.client.delete(
        world.configMaps,
        metadata,
        { uid, propagationPolicy: 'Background' },
        world.signal,
      );
      await expectRefusal(wrong, 'Conflict', 'the UID in the precondition');
    });

    it('of an older version is refused as a Conflict', async () => {
      const { metadata } = await world.createMap(world.aName(), {});
      await world.setData(metadata.name, { a: '1' });
      const { uid, resourceVersion } = metadata;
      const options = { uid, resourceVersion, propagationPolicy: 'Background' } as const;
      const late = world.client.delete(world.configMaps, metadata, options, world.signal);
      await expectRefusal(late, 'Conflict', 'the ResourceVersion in the precondition');
    });

    it('of what has no finalizers is over at once', async () => {
      const map = await world.createMap(world.aName(), {});
      expect(await world.deleteMap(map)).toEqual({ kind: 'Deleted' });
      await expectRefusal(world.deleteMap(map), 'NotFound', 'not found');
    });

    it('of what has finalizers lasts until the last of them is gone', async () => {
      const metadata = { ...world.keyFor(world.aName()), finalizers: ['example.com/wait'] };
      const map = await world.client.create(world.configMaps, { metadata }, {}, world.signal);
      const result = await world.deleteMap(map);
      expect(result).toMatchObject({ kind: 'Deleting', object: { metadata: { finalizers: ['example.com/wait'] } } });
      await world.client.patch(world.configMaps, map.metadata, { metadata: { finalizers: null } }, world.signal);
      await expectRefusal(world.client.get(world.configMaps, map.metadata, world.signal), 'NotFound', 'not found');
    });
  });
}
