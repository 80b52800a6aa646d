// How much VRAM a job asks for next: the rules of shared/design.md, "Failure rules", and what must hold for any numbers.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextVRAM } from './grow.ts';
import type { Growth } from './grow.ts';

const gibibyte = 1024;

const base: Growth = {
  currentMebibytes: 20 * gibibyte,
  failedCardMebibytes: 24_564,
  neededMebibytes: undefined,
  cardSizesMebibytes: [15_360, 24_564, 40_960, 81_920],
  maxVRAMMebibytes: 80 * gibibyte,
  shared: false,
};

interface Case {
  name: string;
  change: Partial<Growth>;
  want: ReturnType<typeof nextVRAM>;
}

const cases: Case[] = [
  {
    name: 'without sizes the next card is asked for',
    change: {},
    want: { kind: 'Grow', vramMebibytes: 40_960 },
  },
  {
    name: 'evidence below the next card asks for the next card',
    change: { neededMebibytes: 30 * gibibyte },
    want: { kind: 'Grow', vramMebibytes: 40_960 },
  },
  {
    name: 'evidence above the next card asks for itself and a tenth',
    change: { neededMebibytes: 40_001 },
    want: { kind: 'Grow', vramMebibytes: 44_002 },
  },
  {
    name: 'evidence below the failed card still asks for more than that card',
    change: { neededMebibytes: 1000, cardSizesMebibytes: [] },
    want: { kind: 'Grow', vramMebibytes: 24_565 },
  },
  {
    name: 'where no larger card exists the evidence is asked for, and the planner says NeverFits',
    change: { neededMebibytes: 30 * gibibyte, cardSizesMebibytes: [24_564] },
    want: { kind: 'Grow', vramMebibytes: 33_792 },
  },
  {
    name: 'the next card is clamped to maxVRAM when the evidence is within it',
    change: { neededMebibytes: 28_000, maxVRAMMebibytes: 36 * gibibyte },
    want: { kind: 'Grow', vramMebibytes: 36 * gibibyte },
  },
  {
    name: 'evidence above maxVRAM is the limit, with its number',
    change: { neededMebibytes: 90 * gibibyte },
    want: {
      kind: 'LimitReached',
      neededMebibytes: 101_376,
      message: 'needs at least 99Gi on one GPU; maxVRAM is 80Gi',
    },
  },
  {
    name: 'a maxVRAM that the failed card had already is the limit',
    change: { maxVRAMMebibytes: 24_000 },
    want: {
      kind: 'LimitReached',
      neededMebibytes: 24_565,
      message: 'needs at least 24Gi on one GPU; maxVRAM is 23.4Gi',
    },
  },
  {
    name: 'without maxVRAM there is no limit',
    change: { neededMebibytes: 900 * gibibyte, maxVRAMMebibytes: undefined },
    want: { kind: 'Grow', vramMebibytes: 990 * gibibyte },
  },
  {
    name: 'on an unknown card the next card above what was asked is taken',
    change: { failedCardMebibytes: undefined },
    want: { kind: 'Grow', vramMebibytes: 24_564 },
  },
  {
    name: 'a share without sizes grows by half',
    change: { shared: true },
    want: { kind: 'Grow', vramMebibytes: 30 * gibibyte },
  },
  {
    name: 'a share with sizes grows to them',
    change: { shared: true, neededMebibytes: 22 * gibibyte },
    want: { kind: 'Grow', vramMebibytes: 24_781 },
  },
];

describe('nextVRAM', () => {
  it.each(cases)('$name', ({ change, want }) => {
    expect(nextVRAM({ ...base, ...change })).toEqual(want);
  });

  const size = fc.integer({ min: 64, max: 2_000_000 });
  const growth: fc.Arbitrary<Growth> = fc.record({
    currentMebibytes: size,
    failedCardMebibytes: fc.option(size, { nil: undefined }),
    neededMebibytes: fc.option(fc.oneof(size, fc.double({ min: 0, max: 1e9, noNaN: true })), { nil: undefined }),
    cardSizesMebibytes: fc
      .array(fc.oneof(size, fc.double({ min: 64, max: 2e6, noNaN: true })), { maxLength: 8 })
      .map((sizes) => sizes.sort((a, b) => a - b)),
    maxVRAMMebibytes: fc.option(size, { nil: undefined }),
    shared: fc.boolean(),
  });

  it('always grows strictly, by whole Mebibytes, above a failed whole card, and never above maxVRAM', () => {
    fc.assert(
      fc.property(growth, (input) => {
        const next = nextVRAM(input);
        const max = input.maxVRAMMebibytes ?? Infinity;
        if (next.kind === 'LimitReached') return next.neededMebibytes > max;
        const failedCard = input.shared ? 0 : (input.failedCardMebibytes ?? 0);
        return (
          Number.isInteger(next.vramMebibytes) &&
          next.vramMebibytes > input.currentMebibytes &&
          next.vramMebibytes > failedCard &&
          next.vramMebibytes <= max
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('covers the evidence with its margin whenever it grows', () => {
    fc.assert(
      fc.property(growth, (input) => {
        const next = nextVRAM(input);
        const asked = next.kind === 'Grow' ? next.vramMebibytes : next.neededMebibytes;
        return asked >= (input.neededMebibytes ?? 0) * 1.1 - 1e-6 * asked;
      }),
      { numRuns: 2000 },
    );
  });

  it('ends after finitely many failures: each step grows until the limit', () => {
    fc.assert(
      fc.property(growth, (input) => {
        let current = input.currentMebibytes;
        for (let step = 0; step < 64; step += 1) {
          const next = nextVRAM({
            ...input,
            currentMebibytes: current,
            failedCardMebibytes: current,
            neededMebibytes: current * 1.2,
            maxVRAMMebibytes: 1_000_000,
          });
          if (next.kind === 'LimitReached') return true;
          current = next.vramMebibytes;
        }
        return false;
      }),
      { numRuns: 300 },
    );
  });
});
