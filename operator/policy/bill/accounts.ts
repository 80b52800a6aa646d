// The bill of all policies, one book for each policy and month. It knows no GPUJob: who runs them says when a run begins and
// ends, and whether a run that is settled may be forgotten. Each leader makes its own.
import { configMaps } from '../../runtime/resource.ts';
import { type Accrued, accruedIn, type BilledRun, type Book, type Change, isFull, maxRuns } from './book.ts';
import { bookName, bookSelector, placeOf } from './book-map.ts';
import { addMoney } from './money.ts';
import { endTimeOf, monthOf, monthsBetween } from './month.ts';
import { Page, type PageOptions } from './page.ts';

export { UnreadableBookError } from './page.ts';

export interface AccountsOptions extends Omit<PageOptions, 'mayForget'> {
  /**
   * True: nobody will settle this run any more, because the GPUJob's status tells of it, or the GPUJob is gone. `key` is
   * '<gpujob uid>/<run>'.
   */
  readonly mayForget: PageOptions['mayForget'];
}

export interface BillEntry {
  readonly policy: string;
  /** What the policy's prices are in: a month's first entry decides for the month. */
  readonly currency: string;
  /** '<gpujob uid>/<run>' */
  readonly key: string;
  readonly run: BilledRun;
}

/** For a condition of the policy. */
export interface BillFinding {
  readonly kind: 'CurrencyKept' | 'UnreadableBook' | 'BookFull';
  readonly message: string;
}

export class Accounts {
  readonly #options: AccountsOptions;
  readonly #pages = new Map<string, Map<string, Page>>();
  /** Who asked to settle them wasn't told the cost yet, and may ask again: these are never forgotten. */
  readonly #unanswered = new Set<string>();
  readonly #settling = new Map<string, Promise<number>>();
  #signal: AbortSignal | undefined;

  constructor(options: AccountsOptions) {
    this.#options = options;
  }

  /** Reads all books there are. The signal ends all writing from then on. */
  async start(signal: AbortSignal): Promise<void> {
    const { client, namespace } = this.#options;
    this.#signal = signal;
    const { items } = await client.list(configMaps, { namespace, labelSelector: bookSelector }, signal);
    for (const item of items) {
      const place = placeOf(item.metadata.name);
      if (place) this.#page(place.policy, place.month).adopt(item);
    }
  }

  /**
   * Counts from now on, unless the book is full. Resolves when it is durable; nobody needs to wait for that, a failed write
   * is tried again.
   */
  open({ policy, currency, key, run }: BillEntry): Promise<void> {
    const change = { kind: 'Open', key, run } as const;
    const done = this.#change(policy, monthOf(run.since), currency, change).then(() => undefined);
    // It fails only when the leader's time is over, and that isn't news to anybody who doesn't wait.
    done.catch(() => undefined);
    return done;
  }

  /**
   * The run's cost in micro-units over all months, once all of it is durable. Where the run is open in a book, its cards,
   * price and start are those of the book. After a rejection ask again, with the same `until`: it bills nothing twice.
   */
  settle(entry: BillEntry, until: number): Promise<number> {
    const underWay = this.#settling.get(entry.key);
    if (underWay) return underWay;
    const settling = this.#settle(entry, until).finally(() => this.#settling.delete(entry.key));
    this.#settling.set(entry.key, settling);
    return settling;
  }

  /** Of the month of that moment, up to that moment. */
  accrued(policy: string, moment: number): Accrued {
    return accruedIn(this.#books(policy), monthOf(moment), moment);
  }

  /** What the amounts of that moment's month are in. `wanted`: what the policy's budget says. */
  currencyAt(policy: string, wanted: string, moment: number): string {
    return this.#currency(policy, monthOf(moment), wanted);
  }

  /** All that isn't settled; whoever knows that a GPUJob is gone settles its runs. */
  openRuns(): readonly BillEntry[] {
    return [...this.#pages.keys()].flatMap((policy) =>
      this.#books(policy).flatMap(({ currency, open }) =>
        [...open].map(([key, run]) => ({ policy, currency, key, run })),
      ),
    );
  }

  /**
   * Deletes the books of earlier months than this one, in which nothing goes on. Costs no request where there is none. Those
   * that could not be deleted are tried again with the next call; the names of all that are gone.
   */
  async discardBefore(month: string): Promise<readonly string[]> {
    const old = [...this.#pages.values()].flatMap((pages) => [...pages.values()].filter((page) => page.month < month));
    const discarded: string[] = [];
    for (const page of old) {
      if (!(await page.discard())) continue;
      this.#pages.get(page.policy)?.delete(page.month);
      discarded.push(bookName(page.policy, page.month));
    }
    return discarded;
  }

  /** What is to be said of a policy's books; `wanted` is its budget's currency. */
  findings(policy: string, wanted: string, moment: number): readonly BillFinding[] {
    const pages = [...(this.#pages.get(policy)?.values() ?? [])];
    const findings = pages.flatMap((page) => findingsOf(page));
    const kept = this.currencyAt(policy, wanted, moment);
    if (kept === wanted) return findings;
    const month = monthOf(moment);
    const message = `the bill of ${month} is kept in ${kept} and nothing is converted, but budget.currency says ${wanted}: set it back to ${kept}, or wait for ${endTimeOf(month)}`;
    return [...findings, { kind: 'CurrencyKept', message }];
  }

  async #settle({ policy, currency, key, run }: BillEntry, until: number): Promise<number> {
    this.#unanswered.add(key);
    const billed = this.#openRun(policy, key) ?? run;
    let cost = 0;
    // Newest first: while the book of its first month has it open, it is still known that there is something to settle.
    for (const month of monthsBetween(billed.since, until).reverse()) {
      cost = addMoney(cost, await this.#change(policy, month, currency, { kind: 'Settle', key, run: billed, until }));
    }
    this.#unanswered.delete(key);
    return cost;
  }

  #change(policy: string, month: string, wanted: string, change: Change): Promise<number> {
    return this.#page(policy, month).change(change, this.#currency(policy, month, wanted));
  }

  /** A book keeps its own. Runs that go on from an earlier month keep their prices, so their currency holds for the next. */
  #currency(policy: string, month: string, wanted: string): string {
    const own = this.#pages.get(policy)?.get(month)?.currency;
    if (own) return own;
    const before = this.#books(policy).filter((book) => book.month < month && book.open.size > 0);
    return before.sort((a, b) => (a.month < b.month ? 1 : -1))[0]?.currency ?? wanted;
  }

  #openRun(policy: string, key: string): BilledRun | undefined {
    for (const page of this.#pages.get(policy)?.values() ?? []) {
      const run = page.openRun(key);
      if (run) return run;
    }
    return undefined;
  }

  #books(policy: string): readonly Book[] {
    return [...(this.#pages.get(policy)?.values() ?? [])].map(({ book }) => book);
  }

  #page(policy: string, month: string): Page {
    if (!this.#signal) throw new TypeError('the accounts are not started');
    const pages = this.#pages.get(policy) ?? new Map<string, Page>();
    this.#pages.set(policy, pages);
    const known = pages.get(month);
    if (known) return known;
    const page = new Page(policy, month, { ...this.#options, mayForget: this.#mayForget }, this.#signal);
    pages.set(month, page);
    return page;
  }

  readonly #mayForget: PageOptions['mayForget'] = (key, settled) =>
    !this.#unanswered.has(key) && this.#options.mayForget(key, settled);
}

function findingsOf({ book, fault }: Page): BillFinding[] {
  const findings: BillFinding[] = fault ? [{ kind: 'UnreadableBook', message: fault.message }] : [];
  if (isFull(book)) {
    const message = `the bill of ${book.month} holds ${maxRuns} runs, as many as it can: what else runs is billed when it ends, and counts for no budget before`;
    findings.push({ kind: 'BookFull', message });
  }
  return findings;
}
