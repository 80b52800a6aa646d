// Which books are deleted, when, and that nothing which is still asked for goes with them.
import { describe, expect, it } from 'vitest';
import { ApiError } from '../../runtime/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { configMaps } from '../../runtime/resource.ts';
import type { AccountsOptions } from './accounts.ts';
import { keepBooks } from './keep-books.ts';
import { monthBefore, startOf } from './month.ts';
import { anEntry, aServer, aTerm, bookMetadata, countWrites, hour, namespace, never, type Server } from './testing.ts';

const day = 24 * hour;
const nameOf = (month: string, policy = 'default') => `orquanta-bill-${policy}-${month}`;
const aSettledRun = { 'a/1': { cost: 7, namespace: 'ml' } };
const anOpenRun = { 'a/1': anEntry('a/1', { since: startOf('2024-03') }).run };

interface Entries {
  readonly open?: object;
  readonly settled?: object;
}

/** As an earlier leader wrote it. */
async function aBook({ client }: Server, month: string, { open = {}, settled = {} }: Entries = {}): Promise<void> {
  const book = { policy: 'default', month, currency: 'USD', spent: { ml: 7 }, open, settled };
  const metadata = bookMetadata(nameOf(month));
  await client.create(configMaps, { metadata, data: { book: JSON.stringify(book) } }, {}, never);
}

/** A leader in November 2026, which has just looked at its books. */
async function aLeader(server: Server, options: Partial<AccountsOptions> = {}) {
  await server.clock.advance(startOf('2026-11') - server.clock.now());
  const { accounts, end } = await aTerm(server, { mayForget: () => true, ...options });
  const term = new AbortController();
  const keeping = keepBooks({ accounts, clock: server.clock, log: silentLog }, term.signal);
  await server.clock.advance(1);
  const stop = async () => {
    term.abort();
    end();
    await keeping;
  };
  return { accounts, stop };
}

async function monthsKept({ client }: Server): Promise<string[]> {
  const { items } = await client.list(configMaps, { namespace }, never);
  return items.map(({ metadata }) => metadata.name.slice(-'2026-11'.length)).sort();
}

describe('R7: old books', () => {
  it('are deleted, and this month’s and the twelve before it are kept', async () => {
    const server = aServer();
    for (let back = 0; back < 15; back += 1) await aBook(server, monthBefore('2026-11', back));
    const { stop } = await aLeader(server);
    const kept = await monthsKept(server);
    expect([kept[0], kept.at(-1), kept.length]).toEqual(['2025-11', '2026-11', 13]);
    await stop();
  });

  it('are deleted when the month turns, in the same term', async () => {
    const server = aServer();
    await aBook(server, '2025-11');
    const { stop } = await aLeader(server);
    expect(await monthsKept(server)).toEqual(['2025-11']);
    await server.clock.advance(30 * day);
    expect(await monthsKept(server)).toEqual([]);
    await stop();
  });

  it('cost no request while there is none to delete', async () => {
    const server = aServer();
    await aBook(server, '2026-10');
    const counted = countWrites(server);
    const { stop } = await aLeader(server);
    await server.clock.advance(10 * day);
    expect(counted.writes).toBe(0);
    await stop();
  });

  it.each([
    ['a run goes on in it', { open: anOpenRun }, {}],
    ['somebody may still ask what a run cost', { settled: aSettledRun }, { mayForget: () => false }],
  ])('are kept as long as %s', async (_, entries, options) => {
    const server = aServer();
    await aBook(server, '2024-03', entries);
    const { stop } = await aLeader(server, options);
    expect(await monthsKept(server)).toEqual(['2024-03']);
    await stop();
  });

  it('are deleted soon after the last run in them has ended', async () => {
    const server = aServer();
    await aBook(server, '2024-03', { open: anOpenRun });
    const { accounts, stop } = await aLeader(server);
    const until = startOf('2024-03') + hour;
    const settling = accounts.settle(anEntry('a/1', { since: startOf('2024-03') }), until);
    await server.clock.advance(1_000);
    expect(await settling).toBe(2_000_000);
    await server.clock.advance(day);
    expect(await monthsKept(server)).toEqual([]);
    await stop();
  });

  it('that cannot be read are kept for whoever mends them', async () => {
    const server = aServer();
    await server.client.create(configMaps, { metadata: bookMetadata(nameOf('2024-03')), data: {} }, {}, never);
    const { stop } = await aLeader(server);
    expect(await monthsKept(server)).toEqual(['2024-03']);
    await stop();
  });

  it('are not deleted as they were read, but as they are: what somebody wrote meanwhile counts', async () => {
    const server = aServer();
    await aBook(server, '2024-03');
    const key = { namespace, name: nameOf('2024-03') };
    const release = server.server.intercept(async (request, serve) => {
      if (request.method !== 'DELETE') return serve();
      release();
      const stored = await server.client.get(configMaps, key, never);
      const book = { ...(JSON.parse(stored.data?.['book'] ?? '') as object), open: anOpenRun };
      await server.client.replace(configMaps, { ...stored, data: { book: JSON.stringify(book) } }, never);
      return serve();
    });
    const { accounts, stop } = await aLeader(server);
    expect(await monthsKept(server)).toEqual(['2024-03']);
    expect(accounts.openRuns().map((entry) => entry.key)).toEqual(['a/1']);
    await server.clock.advance(day);
    expect(await monthsKept(server)).toEqual(['2024-03']);
    await stop();
  });

  it('that could not be deleted are deleted the day after', async () => {
    const server = aServer();
    await aBook(server, '2024-03');
    const release = server.server.intercept((request, serve) =>
      request.method === 'DELETE' ? Promise.reject(new ApiError('Unavailable', 'not now')) : serve(),
    );
    const { stop } = await aLeader(server);
    expect(await monthsKept(server)).toEqual(['2024-03']);
    release();
    await server.clock.advance(day);
    expect(await monthsKept(server)).toEqual([]);
    await stop();
  });

  it('are begun anew where a run of their month is billed while they are deleted', async () => {
    const server = aServer();
    await aBook(server, '2024-03');
    const held = Promise.withResolvers<undefined>();
    server.server.intercept(async (request, serve) => {
      if (request.method === 'DELETE') await held.promise;
      return serve();
    });
    const { accounts, stop } = await aLeader(server);
    const settling = accounts.settle(anEntry('late/1', { since: startOf('2024-03') }), startOf('2024-03') + hour);
    await server.clock.advance(1);
    held.resolve(undefined);
    await server.clock.advance(1_000);
    expect(await settling).toBe(2_000_000);
    expect(await monthsKept(server)).toEqual(['2024-03']);
    expect(accounts.accrued('default', startOf('2024-03')).whole).toBe(2_000_000);
    await stop();
  });
});
