// What leader electors make of an API server, with real time: the finer points have a fake clock in lease.test.ts.
import { describe, expect, it } from 'vitest';
import { LeaderElector } from '../../lease.ts';
import { silentLog } from '../../log.ts';
import { leases } from '../../resource.ts';
import type { World } from './world.ts';

export function leadingContract(world: World): void {
  describe('leader election', () => {
    const times = {
      leaseDurationMilliseconds: 2_000,
      renewDeadlineMilliseconds: 1_500,
      retryPeriodMilliseconds: 300,
    };
    const candidate = (name: string, identity: string) => {
      const log: string[] = [];
      const elector = new LeaderElector({
        client: world.client,
        clock: world.clock,
        ...world.keyFor(name),
        ...times,
        identity,
        log: silentLog,
        random: () => 0,
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
      const name = world.aName();
      const a = candidate(name, 'a');
      await a.leading;
      const b = candidate(name, 'b');
      expect([a.elector.isHeld(), b.elector.isHeld()]).toEqual([true, false]);
      const stoppedAt = world.clock.monotonic();
      a.stop.abort();
      expect(await a.running).toBe('released');
      await b.leading;
      expect(world.clock.monotonic() - stoppedAt).toBeLessThan(1_000);
      expect([a.elector.isHeld(), b.elector.isHeld()]).toEqual([false, true]);
      const lease = await world.client.get(leases, world.keyFor(name), world.signal);
      expect(lease.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
      b.stop.abort();
      await b.running;
    });

    it('gives an orderly release the form that client-go gives it', async () => {
      const name = world.aName();
      const a = candidate(name, 'a');
      await a.leading;
      a.stop.abort();
      await a.running;
      const { spec } = await world.client.get(leases, world.keyFor(name), world.signal);
      expect(spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
      expect(spec?.renewTime).toMatch(/\.\d{6}Z$/);
    });

    it('takes over from a leader that is silent, after the lease and not before', async () => {
      const name = world.aName();
      await createLease(name, 'dead');
      const startedAt = world.clock.monotonic();
      const b = candidate(name, 'b');
      await b.leading;
      expect(world.clock.monotonic() - startedAt).toBeGreaterThanOrEqual(2_000 - 50);
      expect(world.clock.monotonic() - startedAt).toBeLessThan(4_000);
      b.stop.abort();
      await b.running;
    });

    it('ends a leader whose lease was taken: its work stops and its fence is down', async () => {
      const name = world.aName();
      const a = candidate(name, 'a');
      await a.leading;
      await world.client.patch(leases, world.keyFor(name), { spec: { holderIdentity: 'thief' } }, world.signal);
      expect(await a.running).toBe('lost');
      expect(a.log).toEqual(['leading', 'stopped']);
      expect(a.elector.isHeld()).toBe(false);
    });

    const createLease = (name: string, holderIdentity: string) =>
      world.client.create(
        leases,
        { metadata: world.keyFor(name), spec: { holderIdentity, leaseDurationSeconds: 2, leaseTransitions: 0 } },
        {},
        world.signal,
      );
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}
