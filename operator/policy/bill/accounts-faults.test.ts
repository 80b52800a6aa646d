// Nothing is billed twice or lost when answers get lost, writers overtake each other, leaders end, and books are tampered with.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configMaps } from '../../runtime/resource.ts';
import { UnreadableBookError } from './accounts.ts';
import { runCost } from './money.ts';
import { startOf } from './month.ts';
import {
  aServer,
  aTerm,
  anEntry,
  bookMetadata,
  bookOfNovember,
  bookText,
  countWrites,
  december,
  failInOrder,
  hour,
  namespace,
  never,
  november,
  within,
} from './testing.ts';

describe('several writers', () => {
  it('overtake each other and lose nothing', async () => {
    const world = aServer();
    const terms = [await aTerm(world), await aTerm(world), await aTerm(world)];
    const settling = terms.flatMap(({ accounts }, writer) =>
      Array.from({ length: 30 }, async (_, index) => {
        await world.clock.advance(index * 7);
        return accounts.settle(anEntry(`${writer}-${index}/1`), november + hour);
      }),
    );
    await within(world, Promise.all(settling));
    const { accounts } = await aTerm(world);
    expect(accounts.accrued('default', december - 1).whole).toBe(180_000_000);
  });

  it('bill each run exactly once, whatever writes fail, answers get lost and leaders end in the middle', async () => {
    const aPart = fc.record({
      cards: fc.integer({ min: 1, max: 8 }),
      startHours: fc.nat(1000),
      lengthHours: fc.nat(2000),
    });
    const faults = fc.array(fc.constantFrom('none', 'refused', 'lost'), { maxLength: 12 });
    const ends = fc.array(fc.boolean(), { maxLength: 4 });
    const opens = fc.boolean();
    await fc.assert(
      fc.asyncProperty(fc.array(aPart, { minLength: 1, maxLength: 6 }), faults, ends, opens, async (...script) => {
        await expectExactBill(...script);
      }),
      { numRuns: 100 },
    );
  });
});

interface Part {
  readonly cards: number;
  readonly startHours: number;
  readonly lengthHours: number;
}

async function expectExactBill(
  parts: readonly Part[],
  faults: readonly string[],
  ends: readonly boolean[],
  opens: boolean,
): Promise<void> {
  const world = aServer();
  const runs = parts.map(({ cards, startHours, lengthHours }, index) => {
    const since = november + startHours * hour + index;
    return {
      entry: anEntry(`${index}/1`, { cards, since, microPerHour: 1_290_001 }),
      until: since + lengthHours * hour,
    };
  });
  const costs = new Map<string, number>();
  failInOrder(world, faults);
  for (let round = 0; costs.size < runs.length; round += 1) {
    const { accounts, end } = await aTerm(world, { mayForget: (key) => costs.has(key) });
    const left = runs.filter(({ entry }) => !costs.has(entry.key));
    if (opens) for (const { entry } of left) void accounts.open(entry);
    const settling = left.map(async ({ entry, until }) => {
      costs.set(entry.key, await accounts.settle(entry, until));
    });
    if (ends[round]) void world.clock.advance(150).then(end);
    await within(world, Promise.allSettled(settling));
    end();
  }
  for (const { entry, until } of runs) {
    const { cards, since, microPerHour } = entry.run;
    expect(costs.get(entry.key)).toBe(runCost(cards, until - since, microPerHour));
  }
  const { accounts } = await aTerm(world);
  expect(accounts.openRuns()).toEqual([]);
  const months = ['2026-11', '2026-12', '2027-01', '2027-02', '2027-03'].map((month) => startOf(month));
  const billed = months.map((moment) => accounts.accrued('default', moment).whole);
  expect(billed.reduce((sum, cost) => sum + cost)).toBe([...costs.values()].reduce((sum, cost) => sum + cost));
}

describe('a book that somebody has tampered with', () => {
  const metadata = bookMetadata();
  const another = '{"policy":"other","month":"2026-11","currency":"USD","spent":{},"open":{},"settled":{}}';

  it.each([
    ['no book at all', {}, 'data.book is missing'],
    ['no JSON', { book: '{' }, 'data.book: ✖ Invalid input: expected object, received undefined'],
    ['a sum that is no whole number', { book: another.replace('"spent":{}', '"spent":{"ml":0.5}') }, 'spent.ml'],
    ['the book of another policy', { book: another }, 'it is the book of other for 2026-11'],
  ])('with %s is said aloud and never written over', async (_, data, words) => {
    const world = aServer();
    await world.client.create(configMaps, { metadata, data }, {}, never);
    const { accounts } = await aTerm(world);
    const [finding] = accounts.findings('default', 'USD', november);
    expect(finding?.kind).toBe('UnreadableBook');
    expect(finding?.message).toContain(`ConfigMap ${namespace}/${bookOfNovember} is no book that can be read (`);
    expect(finding?.message).toContain(words);
    const counted = countWrites(world);
    const settled = within(world, accounts.settle(anEntry('a/1'), november + hour));
    await expect(settled).rejects.toThrow(UnreadableBookError);
    expect(counted.writes).toBe(0);
  });

  it('is used again as soon as it is mended, or deleted', async () => {
    const world = aServer();
    const { metadata: made } = await world.client.create(configMaps, { metadata, data: { book: '{' } }, {}, never);
    const { accounts } = await aTerm(world);
    const opened = accounts.open(anEntry('a/1'));
    await world.client.delete(configMaps, metadata, { uid: made.uid, propagationPolicy: 'Background' }, never);
    await within(world, opened);
    expect(accounts.findings('default', 'USD', november)).toEqual([]);
    expect(await bookText(world)).toContain('"currency":"USD"');
  });

  it('by deleting it is written anew with all that is known of it', async () => {
    const world = aServer();
    const { accounts } = await aTerm(world);
    await within(world, accounts.settle(anEntry('a/1'), november + hour));
    const { metadata: made } = await world.client.get(configMaps, metadata, never);
    await world.client.delete(configMaps, metadata, { uid: made.uid, propagationPolicy: 'Background' }, never);
    await within(world, accounts.settle(anEntry('b/1'), november + hour));
    const next = await aTerm(world);
    expect(next.accounts.accrued('default', december - 1).whole).toBe(4_000_000);
  });

  it('is nobody else: what only has our labels is left alone', async () => {
    const world = aServer();
    await world.client.create(configMaps, { metadata: { ...metadata, name: 'notes' } }, {}, never);
    const { accounts } = await aTerm(world);
    expect(accounts.findings('default', 'USD', november)).toEqual([]);
  });
});
