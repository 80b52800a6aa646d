// What makes a crossing of a budget another one than those that were told.
import { describe, expect, it } from 'vitest';
import { budgetNotices, toldBudgets } from './alerts.ts';
import type { PolicyBill } from './billing.ts';
import { budgetStanding } from './budget.ts';

const half = { alertPercents: [50], namespaces: ['ml', 'web'].map((namespace) => ({ namespace, monthly: '10.00' })) };

function aBill(
  spent: Record<string, number>,
  { month = '2026-11', currency = 'USD', monthly = '10.00' } = {},
): PolicyBill {
  const namespaces = new Map(Object.entries(spent));
  const accrued = { whole: [...namespaces.values()].reduce((sum, one) => sum + one, 0), namespaces };
  const standing = budgetStanding({ ...half, monthly, currency }, accrued, { policy: 'default', month, currency });
  return { month, currency, accrued, standing, findings: [] };
}

/** As status tells of a bill. */
const toldOf = (bill: PolicyBill) => ({
  month: bill.month,
  currency: bill.currency,
  alerts: toldBudgets(bill, undefined),
});

const five = { ml: 5_000_000 };
const first = aBill(five);

describe('R7: a crossing of a budget', () => {
  it.each([
    [
      'at the same moment, by the whole and by two namespaces with the same limit',
      aBill({ ml: 5e6, web: 5e6 }),
      undefined,
      4,
    ],
    ['that was told', aBill(five), toldOf(first), 0],
    ['in another month', aBill(five, { month: '2026-12' }), toldOf(first), 2],
    ['in another currency', aBill(five, { currency: 'EUR' }), toldOf(first), 2],
    ['of another limit', aBill({ ml: 5e6, x: 3e6 }, { monthly: '16.00' }), toldOf(first), 1],
  ])('%s is told as often as it should be', (_, bill, told, count) => {
    const occasions = budgetNotices(bill, told).map(({ occasion }) => occasion);
    expect([occasions.length, new Set(occasions).size]).toEqual([count, count]);
  });

  it('has an occasion that follows from the crossing alone, so that two leaders mean the same', () => {
    const occasionsOf = (bill: PolicyBill) => budgetNotices(bill, undefined).map(({ occasion }) => occasion);
    expect(occasionsOf(aBill({ ml: 5_500_000 }))).toEqual(occasionsOf(first));
  });

  it('without a budget there is none', () => {
    const bill = { ...first, standing: undefined };
    expect([budgetNotices(bill, undefined), toldBudgets(bill, toldOf(first))]).toEqual([[], []]);
  });
});
