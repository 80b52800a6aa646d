// Which crossings of a budget are told in an event, once each. What was told stands in the policy's status, so that no restart
// tells it again; here is what status is to say next, and what is new in it. Pure.
//
// A crossing is of one month, one scope, one limit and one share of it. A limit that was raised is another one: whoever raised
// it wants to be warned again. A limit that was reached stays told, though a clock of another leader may show a bit less.
import type { ToldBudget } from '../../resources/sovereignpolicy.ts';
import type { PolicyBill } from './billing.ts';
import { type BudgetShare, sharesOf } from './budget.ts';
import { formatMoney } from './money.ts';

export interface BudgetNotice {
  readonly reason: 'BudgetAlert' | 'BudgetExhausted';
  readonly message: string;
  /** Different for each crossing, and the same for one crossing whoever sees it. */
  readonly occasion: string;
}

/** What status says of the month that the bill is of. */
export interface Told {
  readonly month: string;
  readonly currency: string;
  readonly alerts?: readonly ToldBudget[] | undefined;
}

/** What status is to say: all that was told of the month's limits, and all that is reached now. */
export function toldBudgets(bill: PolicyBill, told: Told | undefined): ToldBudget[] {
  return sharesOf(bill.standing).flatMap(([namespace, share]) => {
    const now = crossingsOf(share).map(({ crossing }) => crossing);
    const crossings = [...new Set([...toldOf(bill, namespace, share, told), ...now])];
    return crossings.length === 0 ? [] : [{ namespace, limit: formatMoney(share.limit), crossings }];
  });
}

/** What nobody was told yet. */
export function budgetNotices(bill: PolicyBill, told: Told | undefined): BudgetNotice[] {
  return sharesOf(bill.standing).flatMap(([namespace, share]) => {
    const before = toldOf(bill, namespace, share, told);
    const limit = [bill.month, bill.currency, namespace, formatMoney(share.limit)];
    return crossingsOf(share)
      .filter(({ crossing }) => !before.includes(crossing))
      .map(({ crossing, ...notice }) => ({ ...notice, occasion: [...limit, crossing].join('/') }));
  });
}

type Crossing = Pick<BudgetNotice, 'reason' | 'message'> & { readonly crossing: string };

function crossingsOf({ alerts, exhausted }: BudgetShare): Crossing[] {
  const percentages = alerts.map(({ percent, message }): Crossing => {
    return { crossing: `${percent}%`, reason: 'BudgetAlert', message };
  });
  if (!exhausted) return percentages;
  const message = `${exhausted.message}; until then new runs wait, and what runs goes on`;
  return [...percentages, { crossing: 'Limit', reason: 'BudgetExhausted', message }];
}

function toldOf(
  { month, currency }: PolicyBill,
  namespace: string,
  { limit }: BudgetShare,
  told: Told | undefined,
): readonly string[] {
  if (told?.month !== month || told.currency !== currency) return [];
  const same = told.alerts?.find((one) => one.namespace === namespace && one.limit === formatMoney(limit));
  return same?.crossings ?? [];
}
