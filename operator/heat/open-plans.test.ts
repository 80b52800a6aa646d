import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type OpenPlan, OpenPlans } from './open-plans.ts';

function aPlan(planID: string, dueAt: number): OpenPlan {
  const state = { state: 'Waiting' as const, isHinted: false, isDue: false, errors: 0 };
  return { planID, entryID: `${planID}-0`, symbol: 's', dueAt, ...state };
}

describe('plans that are awaited', () => {
  it('are due once each, never before their time, and at most a beat after the first look behind it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 50 }),
        fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 40 }),
        (dues, steps) => {
          const open = new OpenPlans();
          dues.forEach((dueAt, index) => {
            const plan = aPlan(`p${index}`, dueAt);
            open.add(plan);
            open.await(plan);
          });
          let now = 0;
          const seen = new Map<string, number>();
          for (const step of [...steps, 4_000, 10]) {
            now += step;
            for (const plan of open.due(now)) {
              expect(seen.has(plan.planID)).toBe(false);
              expect(plan.dueAt).toBeLessThan(now);
              seen.set(plan.planID, now);
            }
            for (const plan of open.list()) if (plan.dueAt < now - 8) expect(seen.has(plan.planID)).toBe(true);
          }
          expect(seen.size).toBe(dues.length);
        },
      ),
    );
  });

  it('that have ended are not due, nor is another under their name', () => {
    const open = new OpenPlans();
    const [one, other] = [aPlan('p', 10), aPlan('p', 20)];
    open.add(one);
    open.await(one);
    open.remove(one);
    open.add(other);
    open.await(other);
    open.remove(one);
    expect(open.get('p')).toBe(other);
    expect(open.due(100)).toEqual([other]);
  });

  it('that are added with their time past are due with the next look', () => {
    const open = new OpenPlans();
    open.due(1_000);
    const plan = aPlan('p', 10);
    open.add(plan);
    open.await(plan);
    expect(open.due(1_004)).toEqual([plan]);
  });
});
