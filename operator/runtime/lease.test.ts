import { describe, expect, it } from 'vitest';
import { ApiClient } from './client.ts';
import { ApiError, isApiError } from './errors.ts';
import { InvalidLeaseTimes, LeaderElector } from './lease.ts';
import type { LeaderElectorOptions } from './lease.ts';
import { silentLog } from './log.ts';
import { leases } from './resource.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { InMemoryApiServer } from './testing/in-memory-api-server.ts';
import type { ApiRequest, Transport } from './transport.ts';

const times = { leaseDurationMilliseconds: 5_000, renewDeadlineMilliseconds: 3_500, retryPeriodMilliseconds: 500 };
const key = { namespace: 'system', name: 'operator' };
const forever = new AbortController().signal;

function aCluster() {
  const clock = new FakeClock();
  const server = new InMemoryApiServer({ clock });
  const client = new ApiClient(server, { fieldManager: 'test' });
  /** Identities cut off from the server. */
  const cutOff = new Set<string>();
  const record = async () => (await client.get(leases, key, forever)).spec;

  const candidate = (identity: string, options: Partial<LeaderElectorOptions> = {}) => {
    const log: string[] = [];
    const stop = new AbortController();
    const stopped = Promise.withResolvers<undefined>();
    const own = new ApiClient(
      reachable(server, () => !cutOff.has(identity)),
      { fieldManager: identity },
    );
    const elector = new LeaderElector({
      ...{ client: own, ...key, identity, clock, log: silentLog, random: () => 0 },
      ...times,
      onLeadingChanged: (leading) => log.push(leading ? 'leads' : 'stands by'),
      ...options,
    });
    let end: 'released' | 'lost' | undefined;
    /** Set to keep the work from stopping when it is told to. */
    let busy: Promise<unknown> = Promise.resolve();
    const running = elector.run(stop.signal, {
      onStartedLeading: async (signal) => {
        log.push('work starts');
        await new Promise<void>((resolve) => {
          if (signal.aborted) resolve();
          signal.addEventListener('abort', () => {
            resolve();
          });
        });
        await busy;
        log.push('work ends');
        stopped.resolve(undefined);
      },
    });
    void running.then((how) => {
      end = how;
    });
    return {
      elector,
      stop,
      log,
      running,
      end: () => end,
      keepBusy: (work: Promise<unknown>) => {
        busy = work;
      },
    };
  };
  return { clock, server, client, cutOff, record, candidate };
}

/** The server as one process sees it: gone while cut off. */
function reachable(server: InMemoryApiServer, isReachable: () => boolean): Transport {
  const refuse = () => {
    if (!isReachable()) throw new ApiError('Unreachable', 'no route');
  };
  return {
    request: async (request: ApiRequest) => {
      refuse();
      return server.request(request);
    },
    async *stream(request: ApiRequest) {
      refuse();
      for await (const line of server.stream(request)) {
        refuse();
        yield line;
      }
    },
    close: () => Promise.resolve(),
  };
}

describe('a leader elector', () => {
  it('refuses times with which two could lead at once', () => {
    const { candidate } = aCluster();
    const lease = { leaseDurationMilliseconds: 3_500 };
    expect(() => candidate('a', lease)).toThrow(InvalidLeaseTimes);
    expect(() => candidate('a', lease)).toThrow('must be longer than the renew deadline (3500 ms)');
    expect(() => candidate('a', { retryPeriodMilliseconds: 3_000 })).toThrow('must be longer than 1.2 retry periods');
  });

  it('takes a lease nobody has, and writes it as client-go does', async () => {
    const { clock, candidate, record } = aCluster();
    const a = candidate('a');
    await clock.advance(0);
    expect(a.log).toEqual(['leads', 'work starts']);
    expect(await record()).toEqual({
      holderIdentity: 'a',
      leaseDurationSeconds: 5,
      leaseTransitions: 0,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
    });
  });

  it('renews every retry period, and keeps the fence up by it', async () => {
    const { clock, candidate, record } = aCluster();
    const a = candidate('a');
    await clock.advance(0);
    expect(a.elector.remainingMilliseconds()).toBe(3_500);
    await clock.advance(60_200);
    expect((await record())?.renewTime).toBe('2026-01-01T00:01:00.000000Z');
    expect(a.elector.remainingMilliseconds()).toBe(3_300);
    expect(a.log).toEqual(['leads', 'work starts']);
  });

  it('K2: has one leader among many, whoever comes first', async () => {
    const { clock, candidate } = aCluster();
    const all = ['a', 'b', 'c', 'd'].map((identity) => candidate(identity));
    for (let i = 0; i < 40; i++) {
      await clock.advance(500);
      expect(all.filter(({ elector }) => elector.isHeld())).toHaveLength(1);
    }
  });

  it('takes over when a leader is cut off, after its fence has come down', async () => {
    const { clock, cutOff, candidate, record } = aCluster();
    const a = candidate('a');
    await clock.advance(0);
    const b = candidate('b');
    await clock.advance(1_000);
    cutOff.add('a');
    const cutAt = clock.monotonic();
    while (!b.elector.isHeld()) {
      await clock.advance(10);
      expect(a.elector.isHeld() && b.elector.isHeld()).toBe(false);
    }
    expect(clock.monotonic() - cutAt).toBeLessThanOrEqual(5_100);
    expect(await record()).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
    expect(a.log).toEqual(['leads', 'work starts', 'work ends', 'stands by']);
  });

  it('K2: a leader that was stopped while another took over holds no fence from its first instant awake, and ends', async () => {
    const { clock, client, candidate } = aCluster();
    const a = candidate('a');
    await clock.advance(100);
    // Nothing of a runs while 20 s pass, in which somebody else takes the lease.
    clock.freeze(20_000);
    expect(a.elector.isHeld()).toBe(false);
    expect(a.elector.remainingMilliseconds()).toBe(0);
    const lease = await client.get(leases, key, forever);
    await client.replace(
      leases,
      { ...lease, spec: { ...lease.spec, holderIdentity: 'b', leaseTransitions: 1 } },
      forever,
    );
    await clock.advance(1_000);
    expect(a.end()).toBe('lost');
    expect(a.log).toEqual(['leads', 'work starts', 'work ends', 'stands by']);
  });

  it('goes on after it lost its deadline when nobody has led meanwhile', async () => {
    const { clock, cutOff, candidate, record } = aCluster();
    const a = candidate('a');
    await clock.advance(100);
    cutOff.add('a');
    await clock.advance(60_000);
    expect([a.elector.isHeld(), a.end()]).toEqual([false, undefined]);
    cutOff.delete('a');
    await clock.advance(1_000);
    expect(a.elector.isHeld()).toBe(true);
    expect(await record()).toMatchObject({ holderIdentity: 'a', leaseTransitions: 0 });
    expect(a.log).toEqual(['leads', 'work starts', 'work ends', 'stands by', 'leads', 'work starts']);
  });

  it('ends when somebody else has led since it lost its deadline, though the lease is free again', async () => {
    const { clock, cutOff, candidate } = aCluster();
    const a = candidate('a');
    await clock.advance(100);
    cutOff.add('a');
    const b = candidate('b');
    await clock.advance(10_000);
    b.stop.abort();
    await b.running;
    cutOff.delete('a');
    await clock.advance(1_000);
    expect(a.end()).toBe('lost');
  });

  it('ends when the record names it again after others have led, as the transitions tell', async () => {
    const { clock, client, cutOff, candidate } = aCluster();
    const a = candidate('a');
    await clock.advance(100);
    cutOff.add('a');
    await clock.advance(10_000);
    await client.patch(leases, key, { spec: { leaseTransitions: 2 } }, forever);
    cutOff.delete('a');
    await clock.advance(1_000);
    expect(a.end()).toBe('lost');
  });

  it('K2: drops its fence at once when the lease was taken, while its work still stops', async () => {
    const { clock, client, candidate } = aCluster();
    const a = candidate('a');
    await clock.advance(100);
    const work = Promise.withResolvers<undefined>();
    a.keepBusy(work.promise);
    await client.patch(leases, key, { spec: { holderIdentity: 'thief' } }, forever);
    await clock.advance(0);
    expect([a.elector.isHeld(), a.end()]).toEqual([false, undefined]);
    work.resolve(undefined);
    await clock.advance(0);
    expect(a.end()).toBe('lost');
  });

  it('releases the lease though somebody labelled it a moment before', async () => {
    const { clock, server, client, candidate, record } = aCluster();
    const a = candidate('a');
    await clock.advance(100);
    let labelled = false;
    server.intercept(async (request, serve) => {
      if (request.method === 'PUT' && !labelled) {
        labelled = true;
        await client.patch(leases, key, { metadata: { labels: { a: 'b' } } }, forever);
      }
      return serve();
    });
    a.stop.abort();
    await clock.advance(0);
    expect([labelled, a.end()]).toEqual([true, 'released']);
    expect((await record())?.holderIdentity).toBe('');
  });

  it('takes over in time though somebody labels the dead leader’s lease all the while', async () => {
    const { clock, client, cutOff, candidate } = aCluster();
    candidate('a');
    await clock.advance(0);
    const b = candidate('b');
    await clock.advance(100);
    cutOff.add('a');
    for (let i = 0; i < 12; i++) {
      await client.patch(leases, key, { metadata: { labels: { n: `${i}` } } }, forever);
      await clock.advance(500);
    }
    expect(b.elector.isHeld()).toBe(true);
  });

  it('stops its work before it gives the lease up, and renews until then', async () => {
    const { clock, candidate, record } = aCluster();
    const a = candidate('a');
    await clock.advance(100);
    const work = Promise.withResolvers<undefined>();
    a.keepBusy(work.promise);
    a.stop.abort();
    await clock.advance(30_000);
    expect([a.elector.isHeld(), a.end()]).toEqual([true, undefined]);
    expect((await record())?.holderIdentity).toBe('a');
    work.resolve(undefined);
    await clock.advance(0);
    expect([a.elector.isHeld(), a.end()]).toEqual([false, 'released']);
    expect(await record()).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
  });

  it('lets a standby see an orderly release at once, without waiting for its next try', async () => {
    const { clock, candidate } = aCluster();
    const a = candidate('a');
    await clock.advance(0);
    const b = candidate('b');
    await clock.advance(510);
    a.stop.abort();
    await clock.advance(0);
    expect([a.end(), b.elector.isHeld()]).toEqual(['released', true]);
  });

  it('takes a renewal whose answer was lost for its own, and goes on', async () => {
    const { clock, server, candidate } = aCluster();
    const a = candidate('a');
    await clock.advance(100);
    let lost = 0;
    const stop = server.intercept(async (request, serve) => {
      const answer = await serve();
      if (request.method !== 'PUT') return answer;
      lost++;
      throw new ApiError('Unreachable', 'the answer was lost');
    });
    await clock.advance(1_000);
    stop();
    expect(lost).toBeGreaterThan(0);
    await clock.advance(30_000);
    expect(a.elector.isHeld()).toBe(true);
    expect(a.log).toEqual(['leads', 'work starts']);
  });

  it('counts its right to write from the sending of a renewal, not from its answer', async () => {
    const { clock, server, candidate } = aCluster();
    server.intercept(async (request, serve) => {
      if (request.method !== 'GET') clock.freeze(1_000);
      return serve();
    });
    const a = candidate('a');
    await clock.advance(0);
    expect(a.elector.remainingMilliseconds()).toBeLessThanOrEqual(2_500);
  });

  it('gives each try a time limit that leaves time for others, and goes down its own lane', async () => {
    const { clock, server, candidate } = aCluster();
    const seen: ApiRequest[] = [];
    server.intercept((request, serve) => {
      if (request.lane !== 'watch' && request.query?.['fieldSelector'] === undefined) seen.push(request);
      return serve();
    });
    candidate('a');
    await clock.advance(2_000);
    expect(new Set(seen.map(({ lane }) => lane))).toEqual(new Set(['lease']));
    expect(Math.max(...seen.map(({ timeoutMilliseconds = Infinity }) => timeoutMilliseconds))).toBeLessThan(1_200);
  });

  it('leaves a deleted lease to its leader as long as that may still believe in it', async () => {
    const { clock, client, cutOff, candidate, record } = aCluster();
    const a = candidate('a');
    await clock.advance(0);
    const b = candidate('b');
    await clock.advance(600);
    cutOff.add('a');
    const { metadata } = await client.get(leases, key, forever);
    await client.delete(leases, key, { uid: metadata.uid, propagationPolicy: 'Background' }, forever);
    while (a.elector.isHeld()) {
      expect(b.elector.isHeld()).toBe(false);
      await clock.advance(10);
    }
    await clock.advance(3_000);
    expect((await record())?.holderIdentity).toBe('b');
  });

  it('releases the lease and passes the error on when the work fails by itself', async () => {
    const { clock, client, record } = aCluster();
    const options = { client, ...key, identity: 'a', clock, log: silentLog, ...times };
    const running = new LeaderElector(options).run(forever, {
      onStartedLeading: () => Promise.reject(new Error('broken')),
    });
    await expect(running).rejects.toThrow('broken');
    expect((await record())?.holderIdentity).toBe('');
  });

  it('stops standing by when it is told to', async () => {
    const { clock, client, candidate } = aCluster();
    const a = candidate('a');
    await clock.advance(0);
    const b = candidate('b');
    await clock.advance(0);
    b.stop.abort();
    expect(await b.running).toBe('released');
    expect(a.elector.isHeld()).toBe(true);
    expect(isApiError(await client.get(leases, key, forever).catch((error: unknown) => error))).toBe(false);
  });
});
