// What is spent against what may be spent: which alert is reached, and whether new runs must wait. Pure.
import type { PolicyRefusal } from '../../placement/model.ts';
import type { DefaultedPolicySpec } from '../../resources/sovereignpolicy/defaults.ts';
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

export interface BudgetAlert {
  readonly percent: number;
  readonly message: string;
}

export interface BudgetShare {
  /** In micro-units. */
  readonly spent: number;
  readonly limit: number;
  /** Those of alertPercents that are reached, the lowest first. */
  readonly alerts: readonly BudgetAlert[];
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

/** By namespace; the whole under '', which no namespace is named. */
export function sharesOf(standing: BudgetStanding | undefined): readonly (readonly [string, BudgetShare])[] {
  return standing ? [['', standing.whole], ...standing.namespaces] : [];
}

/** Why a namespace's new runs must wait; the whole first, because raising a share doesn't help then. */
export function budgetRefusal({ whole, namespaces }: BudgetStanding, namespace: string): PolicyRefusal | undefined {
  return whole.exhausted ?? namespaces.get(namespace)?.exhausted;
}

type Words = BudgetPeriod & { readonly who: string; readonly wayOut: string };

function shareOf({ alertPercents }: Budget, spent: number, limit: number, words: Words): BudgetShare {
  const isReached = (percent: number) => limit > 0 && BigInt(spent) * 100n >= BigInt(limit) * BigInt(percent);
  const said = `${words.who} has spent ${formatMoney(spent)} of ${formatMoney(limit)} ${words.currency} for ${words.month}`;
  return {
    spent,
    limit,
    alerts: alertPercents.filter(isReached).map((percent) => alert(percent, said, words)),
    exhausted: spent >= limit ? refusal(limit, words) : undefined,
  };
}

function alert(percent: number, said: string, { wayOut, policy }: Words): BudgetAlert {
  const next = `see status.spent of SovereignPolicy ${policy} for who spends most, or ${wayOut}`;
  return { percent, message: `${said} and reached ${percent} %, and at the limit new runs wait: ${next}` };
}

/** Without what was spent: that goes on growing while runs go on, and would be a status write each time. */
function refusal(limit: number, { who, currency, wayOut, month }: Words): PolicyRefusal {
  const said = `${who} has spent its ${formatMoney(limit)} ${currency} for ${month}`;
  return { reason: 'BudgetExhausted', message: `${said}: ${wayOut}, or wait for ${endTimeOf(month)}` };
}
