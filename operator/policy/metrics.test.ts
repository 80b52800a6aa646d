// What Prometheus sees of the policies, and that it doesn't see for ever what is over.
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import type { PolicyBill } from './bill/billing.ts';
import { budgetStanding } from './bill/budget.ts';
import { policyMetrics } from './metrics.ts';

const budget = {
  monthly: '10.00',
  currency: 'USD',
  alertPercents: [50, 80],
  namespaces: [{ namespace: 'ml', monthly: '4.00' }],
};

function aBill(spent: Record<string, number>, currency = 'USD'): PolicyBill {
  const namespaces = new Map(Object.entries(spent));
  const accrued = { whole: [...namespaces.values()].reduce((sum, one) => sum + one, 0), namespaces };
  const standing = budgetStanding(budget, accrued, { policy: 'default', month: '2026-11', currency });
  return { month: '2026-11', currency, accrued, standing, findings: [] };
}

function aProcess() {
  const registry = new Registry();
  const metrics = policyMetrics(registry);
  const stands = (
    policy: string,
    bill: PolicyBill,
    { openBreakers = 0, chainIsBroken = false, nameIsTaken = false } = {},
  ) => {
    metrics.standing(policy, { openBreakers, chainIsBroken, nameIsTaken, bill });
  };
  const seen = async () => (await registry.metrics()).split('\n').filter((line) => /^[a-z]/.test(line));
  return { metrics, stands, seen };
}

describe('the metrics of a policy', () => {
  it('say what is spent, which alert is reached, how many breakers are open, and that the ledger holds', async () => {
    const { stands, seen } = aProcess();
    stands('default', aBill({ ml: 3_500_000, web: 2_000_000 }), { openBreakers: 2 });
    expect(await seen()).toEqual([
      'orquanta_policy_open_breakers{policy="default"} 2',
      'orquanta_policy_chain_broken{policy="default"} 0',
      'orquanta_policy_name_taken{policy="default"} 0',
      'orquanta_spent_this_month{policy="default",namespace="ml",currency="USD"} 3.5',
      'orquanta_spent_this_month{policy="default",namespace="web",currency="USD"} 2',
      'orquanta_budget_alert_percent{policy="default",namespace=""} 50',
      'orquanta_budget_alert_percent{policy="default",namespace="ml"} 80',
    ]);
  });

  it('say nothing any more of last month, of another currency, and of a budget that is taken away', async () => {
    const { stands, seen } = aProcess();
    stands('default', aBill({ ml: 3_500_000, web: 2_000_000 }));
    expect(await seen()).toHaveLength(7);
    stands('default', { ...aBill({ web: 1_000_000 }, 'EUR'), standing: undefined });
    expect(await seen()).toEqual([
      'orquanta_policy_open_breakers{policy="default"} 0',
      'orquanta_policy_chain_broken{policy="default"} 0',
      'orquanta_policy_name_taken{policy="default"} 0',
      'orquanta_spent_this_month{policy="default",namespace="web",currency="EUR"} 1',
    ]);
  });

  it('say which ledger is broken, and that it holds again', async () => {
    const { stands, seen } = aProcess();
    const ofChains = async () => (await seen()).filter((line) => line.startsWith('orquanta_policy_chain_broken'));
    stands('default', aBill({}), { chainIsBroken: true });
    stands('research', aBill({}));
    expect(await ofChains()).toEqual([
      'orquanta_policy_chain_broken{policy="default"} 1',
      'orquanta_policy_chain_broken{policy="research"} 0',
    ]);
    stands('default', aBill({}));
    expect(await ofChains()).toContain('orquanta_policy_chain_broken{policy="default"} 0');
  });

  it('say nothing any more of a policy that is gone', async () => {
    const { metrics, stands, seen } = aProcess();
    stands('default', aBill({ ml: 1_000_000 }), { chainIsBroken: true });
    expect(await seen()).toHaveLength(6);
    metrics.gone('default');
    expect(await seen()).toEqual([]);
  });
});
