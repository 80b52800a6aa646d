// The table of good and bad policies, through zod. The same table meets the real API server in e2e/policies.
import { describe, expect, it } from 'vitest';
import { policyDefaults, sovereignPolicySchema } from './sovereignpolicy.ts';
import { lonelyChecks, rulesOf } from './testing/rules.ts';
import { badPolicies, goodPolicies } from './testing/policies.ts';

const messagesOf = (object: unknown) =>
  sovereignPolicySchema.safeParse(object).error?.issues.map(({ message }) => message) ?? [];

describe('zod accepts', () => {
  it.each(goodPolicies)('$name', ({ object }) => {
    expect(messagesOf(object)).toEqual([]);
  });
});

describe('zod refuses', () => {
  it.each(badPolicies)('$name', ({ object, says, inServersWords }) => {
    const messages = messagesOf(object);
    expect(messages).not.toEqual([]);
    if (inServersWords !== true) expect(messages.join('\n')).toContain(says);
  });
});

describe('the table', () => {
  it('shows every rule broken at least once', () => {
    const shown = badPolicies.map(({ says }) => says);
    const isShown = (message: string) => shown.some((says) => message.includes(says));
    expect(
      rulesOf(sovereignPolicySchema)
        .map(({ message }) => message)
        .filter((message) => !isShown(message)),
    ).toEqual([]);
  });

  it('has no check in zod without its twin in CEL', () => {
    expect(lonelyChecks(sovereignPolicySchema)).toEqual([]);
  });
});

describe('what a spec leaves out', () => {
  it('is what the design says', () => {
    const spec = policyDefaults({ weights: [{ name: 'Fit', permille: 1000 }] });
    expect(spec).toMatchObject({
      weights: { Fit: 1000, Packing: 0, Cost: 0, Reliability: 0, Heat: 0 },
      headroomPermille: 50,
      learning: {
        mode: 'Apply',
        minPermille: 20,
        maxPermille: 800,
        maxStepPermille: 50,
        maxHeadroomPermille: 200,
        maxNamespaceShiftPermille: 50,
        halfLifeSeconds: 604_800,
      },
      historyLimit: 100,
      budget: undefined,
      heat: undefined,
    });
  });

  it('in a budget alerts at 80 and 100 percent, in dollars', () => {
    const { budget } = policyDefaults({ weights: [], budget: { monthly: '10' } });
    expect(budget).toEqual({ monthly: '10', currency: 'USD', alertPercents: [80, 100], namespaces: [] });
  });
});
