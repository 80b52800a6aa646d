// When a budget alerts and when it stops new runs, word for word.
import { describe, expect, it } from 'vitest';
import { type Budget, budgetRefusal, type BudgetShare, budgetStanding } from './budget.ts';
import { parseMoney } from './money.ts';

const budget: Budget = {
  monthly: '100.00',
  currency: 'USD',
  alertPercents: [80, 100],
  namespaces: [{ namespace: 'ml', monthly: '40.00' }],
};
const november = { policy: 'default', month: '2026-11', currency: 'USD' };

function standing(spent: Record<string, string>, changes: Partial<Budget> = {}) {
  const namespaces = new Map(Object.entries(spent).map(([namespace, text]) => [namespace, parseMoney(text)]));
  const whole = [...namespaces.values()].reduce((sum, amount) => sum + amount, 0);
  return budgetStanding({ ...budget, ...changes }, { whole, namespaces }, november);
}

const percentsOf = (share: BudgetShare | undefined) => share?.alerts.map(({ percent }) => percent);

describe('R7: the budget', () => {
  it.each([
    ['nothing spent reaches no alert', '0', []],
    ['one micro-unit below an alert percentage is not there yet', '79.999999', []],
    ['an alert percentage is reached to the micro-unit', '80', [80]],
    ['all that are reached count, the lowest first', '100', [80, 100]],
    ['beyond the budget they are the same', '250', [80, 100]],
  ])('%s', (_, spent, percents) => {
    expect(percentsOf(standing({ web: spent }).whole)).toEqual(percents);
  });

  it('alerts with what was spent, of how much, and what to do', () => {
    const { whole, namespaces } = standing({ ml: '33.5', web: '50' });
    expect(whole.alerts.map(({ message }) => message)).toEqual([
      'policy "default" has spent 83.50 of 100.00 USD for 2026-11 and reached 80 %, and at the limit new runs wait: see status.spent of SovereignPolicy default for who spends most, or raise budget.monthly of SovereignPolicy default',
    ]);
    expect(namespaces.get('ml')?.alerts.map(({ message }) => message)).toEqual([
      'namespace "ml" under policy "default" has spent 33.50 of 40.00 USD for 2026-11 and reached 80 %, and at the limit new runs wait: see status.spent of SovereignPolicy default for who spends most, or raise monthly of namespace ml in budget.namespaces of SovereignPolicy default',
    ]);
  });

  it('lets runs begin as long as anything of it is left', () => {
    expect(budgetRefusal(standing({ web: '99.999999' }), 'web')).toBeUndefined();
  });

  it('stops every namespace when the whole is spent, and says how to go on', () => {
    const spent = standing({ web: '60.10', ml: '39.95' });
    const message =
      'policy "default" has spent its 100.00 USD for 2026-11: raise budget.monthly of SovereignPolicy default, or wait for 2026-12-01T00:00:00Z';
    expect(budgetRefusal(spent, 'web')).toEqual({ reason: 'BudgetExhausted', message });
    expect(budgetRefusal(spent, 'new')).toEqual({ reason: 'BudgetExhausted', message });
    expect(budgetRefusal(standing({ web: '60', ml: '40.05' }), 'ml')).toEqual({ reason: 'BudgetExhausted', message });
  });

  it('stops a namespace at its share, and no other', () => {
    const spent = standing({ ml: '40' });
    expect(percentsOf(spent.namespaces.get('ml'))).toEqual([80, 100]);
    expect(percentsOf(spent.whole)).toEqual([]);
    expect(budgetRefusal(spent, 'ml')?.message).toBe(
      'namespace "ml" under policy "default" has spent its 40.00 USD for 2026-11: raise monthly of namespace ml in budget.namespaces of SovereignPolicy default, or wait for 2026-12-01T00:00:00Z',
    );
    expect(budgetRefusal(spent, 'web')).toBeUndefined();
  });

  it('counts a share from nothing where its namespace has no bill yet', () => {
    expect(standing({}).namespaces.get('ml')).toEqual({
      spent: 0,
      limit: 40_000_000,
      alerts: [],
      exhausted: undefined,
    });
  });

  it('of nothing is spent from the start, without an alert on the way', () => {
    const spent = standing({}, { monthly: '0', namespaces: [] });
    expect(budgetRefusal(spent, 'web')?.reason).toBe('BudgetExhausted');
    expect(spent.whole.alerts).toEqual([]);
  });

  it('ends a year in the next one', () => {
    const december = { ...november, month: '2026-12' };
    const { whole } = budgetStanding(budget, { whole: 1e9, namespaces: new Map() }, december);
    expect(whole.exhausted?.message).toContain('or wait for 2027-01-01T00:00:00Z');
  });
});
