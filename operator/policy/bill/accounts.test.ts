// The bill on an API server: what is durable when, what a burst costs, and what a month is kept in.
import { describe, expect, it } from 'vitest';
import { labels } from '../../resources/labels.ts';
import { ApiError } from '../../runtime/errors.ts';
import { configMaps } from '../../runtime/resource.ts';
import {
  aServer,
  aTerm,
  anEntry,
  bookOfNovember,
  bookText,
  countWrites,
  december,
  hour,
  isWrite,
  loseAnswer,
  namespace,
  never,
  november,
  within,
} from './testing.ts';

describe('R7: the books', () => {
  it('are one ConfigMap for each policy and month, and there for the next leader', async () => {
    const world = aServer();
    const { accounts } = await aTerm(world);
    await within(world, accounts.open(anEntry('a/1')));
    expect(await within(world, accounts.settle(anEntry('b/1', { namespace: 'web' }), november + hour))).toBe(2_000_000);
    const { metadata, data } = await world.client.get(configMaps, { namespace, name: bookOfNovember }, never);
    expect(metadata.labels).toEqual({ [labels.policy]: 'default', [labels.managedBy]: 'orquanta' });
    expect(JSON.parse(data?.['book'] ?? '')).toEqual({
      policy: 'default',
      month: '2026-11',
      currency: 'USD',
      spent: { web: 2_000_000 },
      open: { 'a/1': anEntry('a/1').run },
      settled: { 'b/1': { cost: 2_000_000, namespace: 'web' } },
    });
    const next = await aTerm(world);
    const { whole, namespaces } = next.accounts.accrued('default', november + 3 * hour);
    expect([whole, namespaces.get('ml'), namespaces.get('web')]).toEqual([8_000_000, 6_000_000, 2_000_000]);
    expect(next.accounts.openRuns()).toEqual([anEntry('a/1')]);
  });

  it('count an open run at once, before it is written', async () => {
    const world = aServer();
    const { accounts } = await aTerm(world);
    const opened = accounts.open(anEntry('a/1'));
    expect(accounts.accrued('default', november + hour).whole).toBe(2_000_000);
    await expect(bookText(world)).rejects.toThrow('not found');
    await within(world, opened);
    expect(await bookText(world)).toContain('a/1');
  });

  it('cost a write every 300 ms at most, however often a run begins or ends', async () => {
    const world = aServer();
    const { accounts } = await aTerm(world);
    const counted = countWrites(world);
    for (let index = 0; index < 60; index += 1) {
      void accounts.open(anEntry(`job-${index}/1`));
      await world.clock.advance(50);
    }
    // 3 s: the first after 100 ms, then one in 300.
    expect(counted.writes).toBe(10);
    await world.clock.advance(1_000);
    const quiet = counted.writes;
    void accounts.open(anEntry('last/1'));
    await world.clock.advance(100);
    expect(counted.writes).toBe(quiet + 1);
  });

  it('cost one write for a burst, and one for all that comes while a write is under way', async () => {
    const world = aServer();
    const { accounts } = await aTerm(world);
    const counted = countWrites(world);
    const keys = Array.from({ length: 100 }, (_, index) => `job-${index}/1`);
    await within(world, Promise.all(keys.map((key) => accounts.open(anEntry(key)))));
    expect(counted.writes).toBe(1);
    const held = Promise.withResolvers<undefined>();
    const release = world.server.intercept(async (request, serve) => {
      if (isWrite(request.method)) await held.promise;
      return serve();
    });
    const first = accounts.settle(anEntry(keys[0]!), november + hour);
    await world.clock.advance(1_000);
    const others = keys.slice(1).map((key) => accounts.settle(anEntry(key), november + hour));
    await world.clock.advance(1_000);
    release();
    held.resolve(undefined);
    await within(world, Promise.all([first, ...others]));
    expect(counted.writes).toBe(3);
    expect(accounts.accrued('default', december - 1).whole).toBe(200_000_000);
  });

  it('cost no write for what they know already', async () => {
    const world = aServer();
    const { accounts } = await aTerm(world);
    await within(world, accounts.open(anEntry('a/1')));
    const counted = countWrites(world);
    await within(world, accounts.open(anEntry('a/1')));
    expect(counted.writes).toBe(0);
  });

  it('bill a run that goes on over the turn in both months and tell its whole cost, again when asked again', async () => {
    const world = aServer();
    const { accounts } = await aTerm(world);
    const entry = anEntry('a/1', { since: december - hour });
    await within(world, accounts.open(entry));
    expect(await within(world, accounts.settle(entry, december + 2 * hour))).toBe(6_000_000);
    const next = await aTerm(world);
    expect(await within(world, next.accounts.settle(entry, december + 2 * hour))).toBe(6_000_000);
    expect(next.accounts.accrued('default', december - 1).whole).toBe(2_000_000);
    expect(next.accounts.accrued('default', december).whole).toBe(4_000_000);
  });

  it('forget a run once status tells of it, and not before', async () => {
    const world = aServer();
    const told = new Set<string>();
    const { accounts } = await aTerm(world, { mayForget: (key) => told.has(key) });
    await within(world, accounts.settle(anEntry('a/1'), november + hour));
    await within(world, accounts.settle(anEntry('b/1'), november + hour));
    expect(await bookText(world)).toContain('a/1');
    told.add('a/1');
    await within(world, accounts.settle(anEntry('c/1'), november + hour));
    expect(await bookText(world)).not.toContain('a/1');
    expect(accounts.accrued('default', december - 1).whole).toBe(6_000_000);
  });

  it('never forget a run whose cost nobody was told, even if its GPUJob is gone', async () => {
    const world = aServer();
    const { accounts } = await aTerm(world, { mayForget: () => true });
    const stop = world.server.intercept(loseAnswer);
    await expect(within(world, accounts.settle(anEntry('a/1'), november + hour))).rejects.toThrow('got lost');
    stop();
    await within(world, accounts.settle(anEntry('b/1'), november + hour));
    await within(world, accounts.settle(anEntry('a/1'), november + hour));
    expect(accounts.accrued('default', december - 1).whole).toBe(4_000_000);
  });

  it('take a run that is settled by two at once as one, even if its GPUJob is gone', async () => {
    const world = aServer();
    const { accounts } = await aTerm(world, { mayForget: () => true });
    const entry = anEntry('a/1', { since: december - hour });
    const first = accounts.settle(entry, december + hour);
    await world.clock.advance(150);
    // The second is held up in December until another write to November could have forgotten the run.
    const held = Promise.withResolvers<undefined>();
    world.server.intercept(async (request, serve) => {
      if (isWrite(request.method) && request.path.endsWith('2026-12')) await held.promise;
      return serve();
    });
    const second = accounts.settle(entry, december + 2 * hour);
    const others = [accounts.settle(anEntry('b/1', { since: december }), december + hour)];
    await world.clock.advance(200);
    others.push(accounts.settle(anEntry('c/1'), november + hour));
    await world.clock.advance(200);
    held.resolve(undefined);
    expect(await within(world, Promise.all([first, second]))).toEqual([4_000_000, 4_000_000]);
    await within(world, Promise.all(others));
    expect(accounts.accrued('default', december - 1).whole).toBe(4_000_000);
    expect(accounts.accrued('default', december).whole).toBe(4_000_000);
  });

  it('still know a run as open that is settled in one of its months only, and count it no further', async () => {
    const world = aServer();
    const { accounts } = await aTerm(world);
    const entry = anEntry('a/1', { since: december - hour });
    await within(world, accounts.open(entry));
    world.server.intercept((request, serve) =>
      isWrite(request.method) && request.path.endsWith(bookOfNovember)
        ? Promise.reject(new ApiError('Unavailable', 'not now'))
        : serve(),
    );
    await expect(within(world, accounts.settle(entry, december + hour))).rejects.toThrow('not now');
    const next = await aTerm(world);
    expect(next.accounts.openRuns()).toEqual([entry]);
    expect(next.accounts.accrued('default', december - hour / 2).whole).toBe(1_000_000);
    expect(next.accounts.accrued('default', december + 5 * hour).whole).toBe(2_000_000);
  });

  it('keep what was to be opened when a write fails, and reject what was to be settled', async () => {
    const world = aServer();
    const { accounts } = await aTerm(world);
    const stop = world.server.intercept(() => Promise.reject(new ApiError('Unavailable', 'not now')));
    const opened = accounts.open(anEntry('a/1'));
    await expect(within(world, accounts.settle(anEntry('b/1'), november + hour))).rejects.toThrow('not now');
    expect(accounts.accrued('default', november + hour).whole).toBe(2_000_000);
    stop();
    await within(world, opened);
    expect(await bookText(world)).toContain('a/1');
  });

  it('are written by nobody whose term is over', async () => {
    const world = aServer();
    const { accounts, end } = await aTerm(world);
    const opened = accounts.open(anEntry('a/1'));
    void accounts.open(anEntry('b/1'));
    end();
    await expect(within(world, opened)).rejects.toThrow('aborted');
    await expect(bookText(world)).rejects.toThrow('not found');
  });
});

describe('the currency', () => {
  it('of a month stays what it was at the first run, and that is said', async () => {
    const world = aServer();
    const { accounts } = await aTerm(world);
    await within(world, accounts.open(anEntry('a/1')));
    await within(world, accounts.open(anEntry('b/1', {}, 'EUR')));
    expect(accounts.currencyAt('default', 'EUR', november)).toBe('USD');
    expect(accounts.findings('default', 'EUR', november)).toEqual([
      {
        kind: 'CurrencyKept',
        message:
          'the bill of 2026-11 is kept in USD and nothing is converted, but budget.currency says EUR: set it back to USD, or wait for 2026-12-01T00:00:00Z',
      },
    ]);
    expect(accounts.findings('default', 'USD', november)).toEqual([]);
  });

  it('changes with the month, unless a run goes on at the old price', async () => {
    const world = aServer();
    const { accounts } = await aTerm(world);
    await within(world, accounts.open(anEntry('a/1')));
    expect(accounts.currencyAt('default', 'EUR', december)).toBe('USD');
    await within(world, accounts.settle(anEntry('a/1'), november + hour));
    await within(world, accounts.open(anEntry('b/1', { since: december }, 'EUR')));
    expect(accounts.currencyAt('default', 'EUR', december)).toBe('EUR');
    expect(await bookText(world, 'orquanta-bill-default-2026-12')).toContain('"currency":"EUR"');
  });
});
