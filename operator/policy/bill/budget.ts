// What is spent against what may be spent: which alert is reached, and whether new runs must wait. Pure.
import type { PolicyRefusal } from '../../placement/model.ts';
import type { DefaultedPolicySpec } from '../../resources/sovereignpolicy-defaults.ts';
import type { Accrued } from './book.ts';
import { formatMoney, parseMoney } from './money.ts';
import { endTimeOf } from './month.ts';

export type Budget = NonNullable<DefaultedPolicySpec['budget']>;

export interface BudgetPeriod {
  readonly policy: string;
  /** '2026-11' */
  readonly month: string;
  /** Of the book, which may be another than the budget's. */
  readonly currency: string;
}

export interface BudgetShare {
  /** In micro-units. */
  readonly spent: number;
  readonly limit: number;
  /** The highest of alertPercents that is reached; undefined: none is. */
  readonly alertPercent: number | undefined;
  /** Spent is at the limit or above it: new runs wait. Undefined: not yet. */
  readonly exhausted: PolicyRefusal | undefined;
}

export interface BudgetStanding {
  readonly whole: BudgetShare;
  /** By namespace, those with a share of their own. */
  readonly namespaces: ReadonlyMap<string, BudgetShare>;
}

export function budgetStanding(budget: Budget, accrued: Accrued, period: BudgetPeriod): BudgetStanding {
  const { policy } = period;
  const whole = shareOf(budget, accrued.whole, parseMoney(budget.monthly), {
    ...period,
    who: `policy "${policy}"`,
    wayOut: `raise budget.monthly of SovereignPolicy ${policy}`,
  });
  const namespaces = budget.namespaces.map(({ namespace, monthly }) => {
    const share = shareOf(budget, accrued.namespaces.get(namespace) ?? 0, parseMoney(monthly), {
      ...period,
      who: `namespace "${namespace}" under policy "${policy}"`,
      wayOut: `raise monthly of namespace ${namespace} in budget.namespaces of SovereignPolicy ${policy}`,
    });
    return [namespace, share] as const;
  });
  return { whole, namespaces: new Map(namespaces) };
}

/** Why a namespace's new runs must wait; the whole first, because raising a share doesn't help then. */
export function budgetRefusal({ whole, namespaces }: BudgetStanding, namespace: string): PolicyRefusal | undefined {
  return whole.exhausted ?? namespaces.get(namespace)?.exhausted;
}

type Words = BudgetPeriod & { readonly who: string; readonly wayOut: string };

function shareOf({ alertPercents }: Budget, spent: number, limit: number, words: Words): BudgetShare {
  const reached = alertPercents.filter((percent) => BigInt(spent) * 100n >= BigInt(limit) * BigInt(percent));
  return {
    spent,
    limit,
    alertPercent: reached.length === 0 ? undefined : Math.max(...reached),
    exhausted: spent >= limit ? refusal(spent, limit, words) : undefined,
  };
}

function refusal(spent: number, limit: number, { who, wayOut, month, currency }: Words): PolicyRefusal {
  const amounts = `${formatMoney(spent)} of ${formatMoney(limit)} ${currency}`;
  const message = `${who} has spent ${amounts} for ${month}: ${wayOut}, or wait for ${endTimeOf(month)}`;
  return { reason: 'BudgetExhausted', message };
}
