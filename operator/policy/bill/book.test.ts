// Every run is billed exactly once and in the months in which it ran, whatever is said twice, lost and said again.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConfigMap } from '../../runtime/kubernetes.ts';
import {
  accruedIn,
  type BilledRun,
  type Book,
  type Change,
  costInMonth,
  emptyBook,
  isFull,
  maxRuns,
  withChanges,
  withoutSettled,
} from './book.ts';
import { manifestOf, readBook } from './book-map.ts';
import { runCost } from './money.ts';
import { endOf, endTimeOf, monthOf, monthsBetween, startOf } from './month.ts';

const hour = 3_600_000;
const day = 24 * hour;
const november = startOf('2026-11');
const december = startOf('2026-12');

function aRun(changes: Partial<BilledRun> = {}): BilledRun {
  return { namespace: 'ml', name: 'train', cards: 2, microPerHour: 1_000_000, since: november, ...changes };
}

function open(run = aRun(), key = 'a/1'): Change {
  return { kind: 'Open', key, run };
}

function settle(until: number, run = aRun(), key = 'a/1'): Change {
  return { kind: 'Settle', key, run, until };
}

function bookOf(...changes: Change[]): Book {
  return withChanges(emptyBook('default', '2026-11', 'USD'), changes);
}

describe('a month', () => {
  it('is that of UTC and ends where the next one begins', () => {
    expect(monthOf(december - 1)).toBe('2026-11');
    expect(monthOf(december)).toBe('2026-12');
    expect(endOf('2026-12')).toBe(startOf('2027-01'));
    expect(endTimeOf('2026-12')).toBe('2027-01-01T00:00:00Z');
  });

  it('is touched by a run only where the run has time in it', () => {
    expect(monthsBetween(november + day, december)).toEqual(['2026-11']);
    expect(monthsBetween(november + day, startOf('2027-01') + 1)).toEqual(['2026-11', '2026-12', '2027-01']);
    expect(monthsBetween(december, november)).toEqual(['2026-12']);
  });
});

describe('R7: the book', () => {
  it('counts an open run up to the moment, and a closed one to its end', () => {
    const { whole, namespaces } = accruedIn([bookOf(open())], '2026-11', november + 3 * hour);
    expect([whole, ...namespaces]).toEqual([6_000_000, ['ml', 6_000_000]]);
    const closed = bookOf(open(), settle(november + 5 * hour));
    expect(accruedIn([closed], '2026-11', november + 3 * hour).whole).toBe(10_000_000);
    expect(closed.open.size).toBe(0);
  });

  it('opens a run once, at the price of its start', () => {
    const dearer = open(aRun({ microPerHour: 9_000_000 }));
    const book = bookOf(open(), dearer, settle(november + hour, aRun({ microPerHour: 9_000_000 })));
    expect(book.spent).toEqual(new Map([['ml', 2_000_000]]));
  });

  it('settles a run once, whatever is said of it later', () => {
    const book = bookOf(open(), settle(november + hour));
    expect(withChanges(book, [settle(november + 9 * hour), open()])).toBe(book);
    expect(book.settled.get('a/1')).toEqual({ cost: 2_000_000, namespace: 'ml' });
  });

  it('settles a run that was never opened', () => {
    expect(bookOf(settle(november + hour)).spent.get('ml')).toBe(2_000_000);
  });

  it('keeps what a forgotten run has cost', () => {
    const book = bookOf(settle(november + hour), settle(november + hour, aRun({ namespace: 'web' }), 'b/1'));
    const forgotten = withoutSettled(book, (key) => key === 'a/1');
    expect([...forgotten.settled.keys()]).toEqual(['b/1']);
    expect(forgotten.spent).toEqual(book.spent);
    expect(withoutSettled(book, () => false)).toBe(book);
  });

  it('bills a run that goes on over the turn in both months, without anything being written at the turn', () => {
    const book = bookOf(open(aRun({ since: december - 2 * hour })));
    const later = december + 3 * hour;
    expect(accruedIn([book], '2026-11', later).whole).toBe(4_000_000);
    expect(accruedIn([book], '2026-12', later).whole).toBe(6_000_000);
    expect(accruedIn([book], '2027-01', later).whole).toBe(0);
  });

  it('rounds so that the months add up to the whole', () => {
    // 1.5 and 1.5 micro-units: each for itself rounded half up would make 4.
    const run = aRun({ cards: 1, microPerHour: 3, since: december - hour / 2 });
    const months = ['2026-11', '2026-12'].map((month) => costInMonth(run, month, december + hour / 2));
    expect(months).toEqual([2, 1]);
  });

  it('notes no more runs than fit into a ConfigMap, and bills the others when they end', () => {
    const longest = aRun({ namespace: 'n'.repeat(63), name: 'j'.repeat(50), cards: 100_000, microPerHour: 1e15 - 1 });
    const uid = crypto.randomUUID();
    const book = bookOf(...Array.from({ length: maxRuns + 1 }, (_, index) => open(longest, `${uid}/${1e9 + index}`)));
    expect(book.open.size).toBe(maxRuns);
    expect(isFull(book)).toBe(true);
    expect(manifestOf(book, 'orquanta-system').data.book.length).toBeLessThan(1024 * 1024);
    expect(withChanges(book, [settle(november + hour, aRun(), 'late/1')]).spent.get('ml')).toBe(2_000_000);
  });
});

const runs = fc.array(
  fc.record({
    namespace: fc.constantFrom('ml', 'web', 'constructor'),
    name: fc.constant('train'),
    cards: fc.integer({ min: 0, max: 64 }),
    microPerHour: fc.integer({ min: 0, max: 40_000_001 }),
    since: fc.integer({ min: november - 30 * day, max: december + 20 * day }),
  }),
  { minLength: 1, maxLength: 5 },
);

/** What happens to which run: its next step, the repetition of an earlier one, a crash, status telling of it. */
const events = fc.array(fc.tuple(fc.constantFrom('next', 'again', 'crash', 'told'), fc.nat(4)), { maxLength: 60 });

function sumOf(amounts: readonly number[]): number {
  return amounts.reduce((sum, amount) => sum + amount, 0);
}

describe('any interleaving of opening, settling, repetition, crash and replay over the turn of months', () => {
  it('bills each run exactly once, at every moment', () => {
    const ends = fc.integer({ min: december + 20 * day, max: december + 70 * day });
    fc.assert(
      fc.property(runs, events, ends, (happening, script, until) => {
        const world = new World(happening, until);
        for (const [kind, index] of script) {
          world.happen(kind, index % happening.length);
          world.expectExact();
        }
        happening.forEach((_, index) => {
          world.finish(index);
        });
        world.expectExact();
        const billed = sumOf(world.months.map((month) => world.accrued(month)));
        const costs = happening.map(({ cards, microPerHour, since }) => runCost(cards, until - since, microPerHour));
        expect(billed).toBe(sumOf(costs));
      }),
      { numRuns: 500 },
    );
  });

  it('comes back from its ConfigMap as it went', () => {
    fc.assert(
      fc.property(runs, (happening) => {
        const changes = happening.flatMap((run, index) => {
          const inMonth = { ...run, since: november + index };
          return [open(inMonth, `${index}/1`), ...(index % 2 ? [settle(december, inMonth, `${index}/1`)] : [])];
        });
        const book = bookOf(...changes);
        expect(readBook(manifestOf(book, 'orquanta-system') as unknown as ConfigMap)).toEqual(book);
      }),
    );
  });
});

/** Runs that all end at one moment, so that what is billed by then is known whether they are closed already or not. */
class World {
  readonly months: readonly string[];
  readonly #books = new Map<string, Book>();
  readonly #runs: readonly BilledRun[];
  readonly #until: number;
  /** How many steps of each are done; a crash forgets it. */
  readonly #done: number[];
  readonly #begun = new Set<number>();
  readonly #told = new Set<string>();

  constructor(all: readonly BilledRun[], until: number) {
    this.#runs = all;
    this.#until = until;
    this.#done = all.map(() => 0);
    this.months = monthsBetween(Math.min(...all.map(({ since }) => since)), until);
    for (const month of this.months) this.#books.set(month, emptyBook('default', month, 'USD'));
  }

  happen(kind: string, index: number): void {
    const steps = this.#stepsOf(index);
    const done = this.#done[index] ?? 0;
    if (kind === 'next') this.#carryOut(index, done);
    if (kind === 'again' && !this.#told.has(`${index}/1`)) this.#carryOut(index, done - 1);
    if (kind === 'crash' && !this.#told.has(`${index}/1`)) this.#done[index] = 0;
    if (kind === 'told' && done === steps.length) this.#told.add(`${index}/1`);
    for (const [month, book] of this.#books) {
      this.#books.set(
        month,
        withoutSettled(book, (key) => this.#told.has(key)),
      );
    }
  }

  finish(index: number): void {
    for (let step = this.#done[index] ?? 0; step < this.#stepsOf(index).length; step += 1) this.#carryOut(index, step);
  }

  accrued(month: string): number {
    return accruedIn([...this.#books.values()], month, this.#until).whole;
  }

  expectExact(): void {
    for (const month of this.months) {
      const costs = [...this.#begun].map((index) => costInMonth(this.#runs[index]!, month, this.#until));
      expect(this.accrued(month)).toBe(sumOf(costs));
    }
  }

  #stepsOf(index: number): [string, Change][] {
    const run = this.#runs[index]!;
    const key = `${index}/1`;
    const newestFirst = monthsBetween(run.since, this.#until).reverse();
    const settling = newestFirst.map((month): [string, Change] => [month, settle(this.#until, run, key)]);
    return [[monthOf(run.since), open(run, key)], ...settling];
  }

  #carryOut(index: number, step: number): void {
    const [month, change] = this.#stepsOf(index)[step] ?? [];
    if (month === undefined || change === undefined) return;
    this.#books.set(month, withChanges(this.#books.get(month)!, [change]));
    this.#begun.add(index);
    this.#done[index] = Math.max(this.#done[index] ?? 0, step + 1);
  }
}
