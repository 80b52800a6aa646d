// The mathematics of learning, as properties: whatever fails in whatever order, the weights stay weights.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { policyDefaults, type SovereignPolicySpec } from '../resources/sovereignpolicy.ts';
import { weightNames } from '../resources/weights.ts';
import { decay, distance, maxAccounts, mutate, rebase, type Teaching } from './mutate.ts';
import { initialState, type LearningRules, learningRulesOf, type PolicyState, type Setting, whole } from './state.ts';

const shipped: SovereignPolicySpec = {
  weights: [
    { name: 'Fit', permille: 350 },
    { name: 'Packing', permille: 250 },
    { name: 'Cost', permille: 200 },
    { name: 'Reliability', permille: 150 },
    { name: 'Heat', permille: 50 },
  ],
};

function rulesOf(spec: Partial<SovereignPolicySpec> = {}): LearningRules {
  return learningRulesOf(policyDefaults({ ...shipped, ...spec }));
}

const outOfMemory: Teaching = { cause: 'OutOfMemory', namespace: 'ml', breakerIsOpen: false };
const start = Date.parse('2026-11-21T00:00:00Z');
const day = 86_400_000;

function after(teachings: readonly Teaching[], rules: LearningRules, state = initialState(rules)): PolicyState {
  return teachings.reduce((before, teaching) => mutate(before, teaching, rules, start).state, state);
}

function repeated(count: number, teaching: Teaching): Teaching[] {
  return Array.from({ length: count }, () => teaching);
}

/** Five shares of the whole, those that are on within the bounds. */
const baselines = fc
  .tuple(fc.integer({ min: 60, max: 300 }), fc.integer({ min: 60, max: 300 }), fc.integer({ min: 0, max: 1 }))
  .map(([packing, cost, heat]): SovereignPolicySpec['weights'] => {
    const off = heat * 20;
    return [
      { name: 'Fit', permille: 1000 - packing - cost - 100 - off },
      { name: 'Packing', permille: packing },
      { name: 'Cost', permille: cost },
      { name: 'Reliability', permille: 100 },
      { name: 'Heat', permille: off },
    ];
  });

const specs = fc.record({
  weights: baselines,
  headroomPermille: fc.integer({ min: 0, max: 200 }),
  learning: fc.record({
    mode: fc.constantFrom('Apply' as const, 'Observe' as const),
    maxStepPermille: fc.integer({ min: 1, max: 300 }),
    maxNamespaceShiftPermille: fc.integer({ min: 1, max: 500 }),
    halfLifeSeconds: fc.integer({ min: 3600, max: 2_000_000 }),
  }),
  impacts: fc
    .tuple(fc.integer({ min: -400, max: 400 }), fc.integer({ min: -400, max: 400 }))
    .map(([one, other]): SovereignPolicySpec['impacts'] => [
      {
        cause: 'OutOfMemory',
        headroomPermille: one,
        weights: [
          { name: 'Fit', permille: -other },
          { name: 'Cost', permille: other },
        ],
      },
      {
        cause: 'NeverFits',
        headroomPermille: other,
        weights: [
          { name: 'Packing', permille: one },
          { name: 'Heat', permille: -one },
        ],
      },
    ]),
});

const events = fc.array(
  fc.record({
    teaching: fc.record({
      cause: fc.constantFrom('OutOfMemory' as const, 'NeverFits' as const),
      namespace: fc.constantFrom('ml', 'research', 'batch'),
      breakerIsOpen: fc.boolean(),
    }),
    days: fc.double({ min: 0, max: 20, noNaN: true }),
  }),
  { maxLength: 60 },
);

function expectWeights({ weights, headroom }: Setting, rules: LearningRules): void {
  expect(weightNames.reduce((sum, name) => sum + weights[name], 0)).toBe(whole);
  for (const name of weightNames) {
    if (rules.baseline.weights[name] === 0) expect(weights[name]).toBe(0);
    else expect(weights[name]).toBeGreaterThanOrEqual(rules.minWeight);
    expect(weights[name]).toBeLessThanOrEqual(rules.maxWeight);
    expect(Number.isInteger(weights[name])).toBe(true);
  }
  expect(headroom).toBeGreaterThanOrEqual(0);
  expect(headroom).toBeLessThanOrEqual(rules.maxHeadroom);
}

describe('S3: learning from failures', () => {
  it('adds the impact of a cause, and to nothing else', () => {
    const rules = rulesOf();
    const { learned, effective } = after([outOfMemory], rules);
    expect(learned).toEqual({
      weights: { Fit: 340_000, Packing: 250_000, Cost: 200_000, Reliability: 160_000, Heat: 50_000 },
      headroom: 60_000,
    });
    expect(effective).toEqual(learned);
  });

  it('keeps every weight within its bounds and the sum exact, whatever happens for however long', () => {
    fc.assert(
      fc.property(specs, events, (spec, happened) => {
        const rules = rulesOf(spec);
        let state = initialState(rules);
        let now = start;
        for (const { teaching, days } of happened) {
          now += days * day;
          state = mutate(state, teaching, rules, now).state;
          expectWeights(state.learned, rules);
          expectWeights(state.effective, rules);
          if (days > 15) state = decay(state, rules, days * day);
          expectWeights(state.learned, rules);
        }
      }),
    );
  });

  it('moves nothing by more than one step', () => {
    fc.assert(
      fc.property(specs, events, (spec, happened) => {
        const rules = rulesOf(spec);
        let state = initialState(rules);
        for (const { teaching } of happened) {
          const next = mutate(state, teaching, rules, start).state;
          expect(distance(state.learned, next.learned)).toBeLessThanOrEqual(rules.maxStep);
          state = next;
        }
      }),
    );
  });

  it('gives the same weights for the same causes in whatever order they come', () => {
    const rules = rulesOf({ learning: { maxNamespaceShiftPermille: 300, maxHeadroomPermille: 1000 } });
    const causes: Teaching[] = [...repeated(4, outOfMemory), ...repeated(4, { ...outOfMemory, cause: 'NeverFits' })];
    fc.assert(
      fc.property(fc.shuffledSubarray(causes, { minLength: causes.length }), (order) => {
        expect(after(order, rules)).toEqual(after(causes, rules));
      }),
    );
  });

  it('stops at what one namespace may shift within a half-life, and lets others go on', () => {
    const rules = rulesOf({ learning: { maxNamespaceShiftPermille: 25 } });
    const five = after(repeated(5, outOfMemory), rules);
    expect(five.learned.headroom).toBe(75_000); // two steps of 10 and the half of a third
    expect(five.learned.weights.Fit).toBe(325_000);
    expect(mutate(five, outOfMemory, rules, start)).toEqual({ state: five, held: 'NamespaceShift' });
    const other = mutate(five, { ...outOfMemory, namespace: 'research' }, rules, start);
    expect(other.state.learned.headroom).toBe(85_000);
  });

  it('never lets a namespace shift more than its bound within any half-life, however its failures are spread', () => {
    fc.assert(
      fc.property(specs, fc.array(fc.double({ min: 0, max: 0.5, noNaN: true }), { maxLength: 60 }), (spec, pauses) => {
        const rules = rulesOf(spec);
        const moves: { at: number; amount: number }[] = [];
        let state = initialState(rules);
        let now = start;
        for (const pause of pauses) {
          now += pause * rules.halfLifeMilliseconds;
          const next = mutate(state, outOfMemory, rules, now).state;
          moves.push({ at: now, amount: distance(state.learned, next.learned) });
          const within = moves.filter(({ at }) => at > now - rules.halfLifeMilliseconds);
          expect(within.reduce((sum, { amount }) => sum + amount, 0)).toBeLessThanOrEqual(rules.maxNamespaceShift);
          state = next;
        }
      }),
    );
  });

  it('counts a shift for a whole half-life, wherever in it the failure came', () => {
    const rules = rulesOf({ learning: { maxNamespaceShiftPermille: 10, halfLifeSeconds: 8 * 3600 } });
    for (const minutes of [0, 1, 30, 59]) {
      const at = start + minutes * 60_000;
      const once = mutate(initialState(rules), outOfMemory, rules, at).state;
      expect(mutate(once, outOfMemory, rules, at + rules.halfLifeMilliseconds - 1000).held).toBe('NamespaceShift');
    }
  });

  it('scales an impact that is larger than a step as a whole', () => {
    const impacts: SovereignPolicySpec['impacts'] = [
      {
        cause: 'OutOfMemory',
        headroomPermille: 20,
        weights: [
          { name: 'Fit', permille: -200 },
          { name: 'Cost', permille: 150 },
          { name: 'Heat', permille: 50 },
        ],
      },
    ];
    const { learned } = after([outOfMemory], rulesOf({ impacts }));
    expect(learned.weights).toMatchObject({ Fit: 300_000, Cost: 237_500, Heat: 62_500 });
    expect(learned.headroom).toBe(55_000);
  });

  it('lets a namespace teach again when its shift is forgotten', () => {
    const rules = rulesOf({ learning: { maxNamespaceShiftPermille: 10 } });
    const once = mutate(initialState(rules), outOfMemory, rules, start).state;
    expect(mutate(once, outOfMemory, rules, start + day).held).toBe('NamespaceShift');
    expect(mutate(once, outOfMemory, rules, start + 9 * day).held).toBeUndefined();
  });

  it('changes nothing while the breaker of the workload is open', () => {
    const rules = rulesOf();
    const state = initialState(rules);
    expect(mutate(state, { ...outOfMemory, breakerIsOpen: true }, rules, start)).toEqual({ state, held: 'Breaker' });
  });

  it('keeps as many accounts as a version can hold; who comes later has no say until one is forgotten', () => {
    const rules = rulesOf({ learning: { maxHeadroomPermille: 1000, maxStepPermille: 1, minPermille: 1 } });
    const many = Array.from({ length: maxAccounts }, (_, index) => ({ ...outOfMemory, namespace: `team-${index}` }));
    const full = after(many, rules);
    expect(full.accounts).toHaveLength(maxAccounts);
    expect(mutate(full, { ...outOfMemory, namespace: 'late' }, rules, start).held).toBe('NamespaceShift');
    expect(mutate(full, { ...outOfMemory, namespace: 'late' }, rules, start + 9 * day).held).toBeUndefined();
  });

  it('in mode Observe follows what would be learned and leaves placement alone', () => {
    const rules = rulesOf({ learning: { mode: 'Observe' } });
    const state = after(repeated(3, outOfMemory), rules);
    expect(state.learned.headroom).toBe(80_000);
    expect(state.effective).toEqual(rules.baseline);
  });
});

describe('what was learned', () => {
  it('fades toward the baseline: half of it in a half-life, all of it in the end', () => {
    const rules = rulesOf({ learning: { maxNamespaceShiftPermille: 100 } });
    const state = after(repeated(4, outOfMemory), rules);
    const half = decay(state, rules, rules.halfLifeMilliseconds);
    expect(half.learned.weights.Fit).toBe(330_000);
    expect(half.learned.headroom).toBe(70_000);
    expect(decay(state, rules, 40 * rules.halfLifeMilliseconds).learned).toEqual(rules.baseline);
  });

  it('never overshoots and keeps the sum when it fades', () => {
    fc.assert(
      fc.property(specs, events, fc.double({ min: 0, max: 5, noNaN: true }), (spec, happened, halfLives) => {
        const rules = rulesOf(spec);
        const state = after(
          happened.map(({ teaching }) => teaching),
          rules,
        );
        const faded = decay(state, rules, halfLives * rules.halfLifeMilliseconds);
        expectWeights(faded.learned, rules);
        for (const name of weightNames) {
          const before = Math.abs(state.learned.weights[name] - rules.baseline.weights[name]);
          expect(Math.abs(faded.learned.weights[name] - rules.baseline.weights[name])).toBeLessThanOrEqual(before);
        }
      }),
    );
  });

  it('is put on a new baseline as a deviation', () => {
    const rules = rulesOf();
    const state = after([outOfMemory], rules);
    const edited = rulesOf({
      headroomPermille: 100,
      weights: [
        { name: 'Fit', permille: 600 },
        { name: 'Packing', permille: 100 },
        { name: 'Cost', permille: 100 },
        { name: 'Reliability', permille: 100 },
        { name: 'Heat', permille: 100 },
      ],
    });
    expect(rebase(state, rules.baseline, edited).effective).toEqual({
      weights: { Fit: 590_000, Packing: 100_000, Cost: 100_000, Reliability: 110_000, Heat: 100_000 },
      headroom: 110_000,
    });
  });

  it('stays within new bounds, whatever was learned under the old ones', () => {
    fc.assert(
      fc.property(specs, specs, events, (before, edited, happened) => {
        const old = rulesOf(before);
        const rules = rulesOf(edited);
        const state = after(
          happened.map(({ teaching }) => teaching),
          old,
        );
        const rebased = rebase(state, old.baseline, rules);
        expectWeights(rebased.learned, rules);
        expectWeights(rebased.effective, rules);
        expect(rebase(rebased, rules.baseline, rules)).toEqual(rebased);
      }),
    );
  });

  it('comes into force when Observe becomes Apply', () => {
    const observed = after([outOfMemory], rulesOf({ learning: { mode: 'Observe' } }));
    const rules = rulesOf();
    expect(rebase(observed, rules.baseline, rules).effective).toEqual(observed.learned);
  });
});
