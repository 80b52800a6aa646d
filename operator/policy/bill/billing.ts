// The bill of the GPUJobs: opens a run when its first Pod starts, settles it when it ends or its GPUJob is deleted, and says
// whose budget is spent. What has no price costs nothing and is in no book.
import type { PolicyRefusal } from '../../placement/model.ts';
import type { GPUJob } from '../../resources/gpujob.ts';
import { currencyOf, policyDefaults, type SovereignPolicy } from '../../resources/sovereignpolicy.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import type { Store } from '../../runtime/store.ts';
import { type Accounts, type BillEntry, type BillFinding, UnreadableBookError } from './accounts.ts';
import type { Accrued } from './book.ts';
import { budgetRefusal, type BudgetStanding, budgetStanding } from './budget.ts';
import { formatMoney, parseMoney } from './money.ts';
import { monthOf } from './month.ts';
import type { RunBill } from './run-bill.ts';

export interface BillingOptions {
  readonly accounts: Accounts;
  readonly policies: Pick<Store<SovereignPolicy>, 'get'>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface PolicyBill {
  readonly month: string;
  readonly currency: string;
  readonly accrued: Accrued;
  /** Undefined: the policy has no budget. */
  readonly standing: BudgetStanding | undefined;
  readonly findings: readonly BillFinding[];
}

/** Sums over thousands of open runs are made at most so often. */
const freshMilliseconds = 1_000;

export class Billing {
  readonly #options: BillingOptions;
  readonly #bills = new Map<string, { at: number; bill: PolicyBill }>();

  constructor(options: BillingOptions) {
    this.#options = options;
  }

  /** The run's cards are in use from now on. */
  open(gpujob: GPUJob, bill: RunBill): void {
    const entry = this.#entryOf(gpujob, bill);
    if (entry) void this.#options.accounts.open(entry).catch(() => undefined);
  }

  /** What the run cost, as text, once that is durable; the same however often it is asked. Undefined where it has no price. */
  async settle(gpujob: GPUJob, bill: RunBill, until: number): Promise<string | undefined> {
    const entry = this.#entryOf(gpujob, bill);
    if (!entry) return undefined;
    try {
      return formatMoney(await this.#options.accounts.settle(entry, until));
    } catch (error) {
      // Nobody's work waits for a book that somebody has spoiled: the policy's condition and the log say it.
      if (!(error instanceof UnreadableBookError)) throw error;
      this.#options.log.error({ err: error, gpujob: entry.key }, 'a run could not be billed');
      return undefined;
    }
  }

  /** Deleting a GPUJob erases nothing: what still ran is billed until now. */
  async settleGone(isThere: (uid: string) => boolean): Promise<void> {
    const { accounts, clock, log } = this.#options;
    const gone = accounts.openRuns().filter(({ key }) => !isThere(key.slice(0, key.lastIndexOf('/'))));
    const settled = await Promise.allSettled(gone.map((entry) => accounts.settle(entry, clock.now())));
    for (const result of settled) {
      if (result.status === 'rejected') log.warn({ err: result.reason as unknown }, 'a run could not be billed yet');
    }
  }

  /** Of this month. */
  billOf(policy: SovereignPolicy): PolicyBill {
    const { accounts, clock } = this.#options;
    const now = clock.now();
    const { name, generation } = policy.metadata;
    const known = this.#bills.get(`${name}/${generation ?? 0}`);
    if (known && now - known.at < freshMilliseconds) return known.bill;
    const { budget } = policyDefaults(policy.spec);
    const wanted = currencyOf(policy.spec);
    const month = monthOf(now);
    const currency = accounts.currencyAt(name, wanted, now);
    const accrued = accounts.accrued(name, now);
    const standing = budget && budgetStanding(budget, accrued, { policy: name, month, currency });
    const bill = { month, currency, accrued, standing, findings: accounts.findings(name, wanted, now) };
    this.#bills.set(`${name}/${generation ?? 0}`, { at: now, bill });
    return bill;
  }

  /** Why new runs of a namespace wait. */
  refusalOf(policy: SovereignPolicy, namespace: string): PolicyRefusal | undefined {
    if (!policy.spec.budget) return undefined;
    const { standing } = this.billOf(policy);
    return standing && budgetRefusal(standing, namespace);
  }

  #entryOf(gpujob: GPUJob, { run, policyName, product, cards, since }: RunBill): BillEntry | undefined {
    const policy = this.#options.policies.get(policyName);
    const price = policy && priceOf(policy, product);
    if (!policy || price === undefined) return undefined;
    const { namespace, name, uid } = gpujob.metadata;
    return {
      policy: policyName,
      currency: currencyOf(policy.spec),
      key: `${uid}/${run}`,
      run: { namespace, name, cards, microPerHour: price, since },
    };
  }
}

/** In micro-units an hour; a slice or a share is billed by its own entry in the catalogue only. */
function priceOf({ spec }: SovereignPolicy, product: string): number | undefined {
  const cost = spec.gpus?.find((gpu) => gpu.product === product)?.costPerHour;
  const price = cost === undefined ? 0 : parseMoney(cost);
  return price > 0 ? price : undefined;
}

/** Whether the status tells what a run cost, or the GPUJob is gone: then nobody asks for it again. */
export function isTold(key: string, gpujobOf: (uid: string) => GPUJob | undefined): boolean {
  const slash = key.lastIndexOf('/');
  const gpujob = gpujobOf(key.slice(0, slash));
  if (!gpujob) return true;
  const run = Number(key.slice(slash + 1));
  const attempts = gpujob.status?.attempts ?? [];
  return run < (attempts[0]?.run ?? 0) || attempts.some((attempt) => attempt.run === run && attempt.cost !== undefined);
}
