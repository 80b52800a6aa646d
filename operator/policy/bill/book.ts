// The book of one policy and one calendar month (UTC). Pure. Whatever is said twice is billed once, and a book bills only
// what of a run lies in its own month: a run that is open over midnight of the first is closed in every book it touches.
import { endOf, monthOf, startOf } from './month.ts';
import { addMoney, runCost } from './money.ts';

/**
 * How many runs a book can name: a ConfigMap holds 1 MiB, and a run takes 240 bytes at most. One that is opened beyond that
 * isn't noted; it is billed all the same when it is settled.
 */
export const maxRuns = 4_000;

/** A run as it is billed; cards and price stay what they were when it was opened. */
export interface BilledRun {
  readonly namespace: string;
  /** Of its GPUJob. */
  readonly name: string;
  readonly cards: number;
  /** Price of one card in micro-units. */
  readonly microPerHour: number;
  /** When it began, in epoch milliseconds, also in the book of a later month. */
  readonly since: number;
}

export interface SettledRun {
  /** What this month bills of it, in micro-units. */
  readonly cost: number;
  readonly namespace: string;
}

/** A run's key is '<gpujob uid>/<run>', as in PodFacts.run. */
export interface Book {
  readonly policy: string;
  /** '2026-11' */
  readonly month: string;
  readonly currency: string;
  /** By namespace: sums of the closed runs, those already forgotten included, in micro-units. */
  readonly spent: ReadonlyMap<string, number>;
  /** By key: the runs that began in this month and go on. */
  readonly open: ReadonlyMap<string, BilledRun>;
  /** By key: closed, but the GPUJob's status may not tell of it yet. */
  readonly settled: ReadonlyMap<string, SettledRun>;
}

export type Change =
  | { readonly kind: 'Open'; readonly key: string; readonly run: BilledRun }
  /** `run` counts only where the run isn't open in the book. */
  | { readonly kind: 'Settle'; readonly key: string; readonly run: BilledRun; readonly until: number };

/** In micro-units. */
export interface Accrued {
  readonly whole: number;
  readonly namespaces: ReadonlyMap<string, number>;
}

export function emptyBook(policy: string, month: string, currency: string): Book {
  return { policy, month, currency, spent: new Map(), open: new Map(), settled: new Map() };
}

/** The very same book where the changes tell it nothing new. */
export function withChanges(book: Book, changes: readonly Change[]): Book {
  const draft = new Draft(book);
  for (const change of changes) {
    if (change.kind === 'Open') draft.open(change.key, change.run);
    else draft.settle(change.key, change.run, change.until);
  }
  return draft.book();
}

/** The very same book where nothing may be forgotten. What is forgotten stays spent. */
export function withoutSettled(book: Book, mayForget: (key: string, settled: SettledRun) => boolean): Book {
  const kept = [...book.settled].filter(([key, settled]) => !mayForget(key, settled));
  return kept.length === book.settled.size ? book : { ...book, settled: new Map(kept) };
}

/** Nothing in it goes on, and nobody asks for anything in it any more: it is only kept for people to read. */
export function isClosed({ open, settled }: Book, mayForget: (key: string, settled: SettledRun) => boolean): boolean {
  return open.size === 0 && [...settled].every(([key, run]) => mayForget(key, run));
}

/**
 * What a month bills of a run that ends at `until`, or goes on then. It is the cost of the run up to the month's end, less
 * the cost up to its start, each rounded: so over all months it adds up to the cost of the whole, to the micro-unit.
 */
export function costInMonth(run: BilledRun, month: string, until: number): number {
  return costBetween(run, startOf(month), endOf(month), until);
}

/** What a month has cost by a moment, closed and open runs, those from earlier months included. `books`: all of the policy. */
export function accruedIn(books: readonly Book[], month: string, moment: number): Accrued {
  const [start, end] = [startOf(month), endOf(month)];
  const upToMonth = books.filter((book) => book.month <= month);
  const namespaces = new Map(upToMonth.find((book) => book.month === month)?.spent);
  for (const book of upToMonth) {
    const later = upToMonth.filter((other) => other.month > book.month);
    for (const [key, run] of book.open) {
      // Books are closed newest first: what one of them has closed bills nothing more here, or after it.
      if (later.some(({ settled }) => settled.has(key))) continue;
      add(namespaces, run.namespace, costBetween(run, start, end, moment));
    }
  }
  return { whole: [...namespaces.values()].reduce(addMoney, 0), namespaces };
}

export function isFull({ open, settled }: Pick<Book, 'open' | 'settled'>): boolean {
  return open.size + settled.size >= maxRuns;
}

function costBetween(run: BilledRun, start: number, end: number, until: number): number {
  const costUpTo = (moment: number) =>
    runCost(run.cards, Math.max(0, Math.min(until, moment) - run.since), run.microPerHour);
  return start <= run.since ? costUpTo(end) : costUpTo(end) - costUpTo(start);
}

function add(sums: Map<string, number>, namespace: string, amount: number): void {
  sums.set(namespace, addMoney(sums.get(namespace) ?? 0, amount));
}

/** A copy to write in, so that many changes copy a book only once. */
class Draft {
  readonly #before: Book;
  readonly #spent: Map<string, number>;
  readonly #open: Map<string, BilledRun>;
  readonly #settled: Map<string, SettledRun>;
  #isChanged = false;

  constructor(book: Book) {
    this.#before = book;
    this.#spent = new Map(book.spent);
    this.#open = new Map(book.open);
    this.#settled = new Map(book.settled);
  }

  open(key: string, run: BilledRun): void {
    if (this.#open.has(key) || this.#settled.has(key)) return;
    if (monthOf(run.since) !== this.#before.month)
      throw new TypeError('a run is opened in the month in which it began');
    if (isFull({ open: this.#open, settled: this.#settled })) return;
    this.#open.set(key, run);
    this.#isChanged = true;
  }

  settle(key: string, run: BilledRun, until: number): void {
    if (this.#settled.has(key)) return;
    const billed = this.#open.get(key) ?? run;
    const cost = costInMonth(billed, this.#before.month, until);
    this.#open.delete(key);
    this.#settled.set(key, { cost, namespace: billed.namespace });
    add(this.#spent, billed.namespace, cost);
    this.#isChanged = true;
  }

  book(): Book {
    if (!this.#isChanged) return this.#before;
    return { ...this.#before, spent: this.#spent, open: this.#open, settled: this.#settled };
  }
}
