// Money is exact, or rounded by a rule that is said.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addMoney, formatMoney, MoneyError, parseMoney, runCost } from './money.ts';

const hour = 3_600_000;

describe('an amount of money', () => {
  it.each([
    ['0', 0, '0.00'],
    ['1.29', 1_290_000, '1.29'],
    ['100', 100_000_000, '100.00'],
    ['1.5', 1_500_000, '1.50'],
    ['0.000001', 1, '0.000001'],
    ['1.234500', 1_234_500, '1.2345'],
    ['999999999.999999', 999_999_999_999_999, '999999999.999999'],
  ])('%s is %d micro-units and is shown as %s', (text, micro, shown) => {
    expect(parseMoney(text)).toBe(micro);
    expect(formatMoney(micro)).toBe(shown);
  });

  it.each(['', '-1', '+1', '01', '1.', '.5', '1,29', '1.0000001', '1000000000', '1e3', ' 1', '1\n', 'NaN'])(
    'is not %j',
    (text) => {
      expect(() => parseMoney(text)).toThrow(MoneyError);
    },
  );

  it('says what is wrong with a text', () => {
    expect(() => parseMoney('1,29')).toThrow(
      '"1,29" is no amount of money: write a decimal number with at most six decimals, e.g. "1.29"',
    );
  });

  it('comes back from its text as it went', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999_999_999 }), (micro) => {
        expect(parseMoney(formatMoney(micro))).toBe(micro);
      }),
    );
  });

  it('stands still at the largest that can be said exactly', () => {
    expect(addMoney(Number.MAX_SAFE_INTEGER, 1)).toBe(Number.MAX_SAFE_INTEGER);
    expect(runCost(100_000, 31 * 24 * hour, 999_999_999_999_999)).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('the cost of a run', () => {
  it.each([
    ['an hour of one card', 1, hour, 1_290_000, 1_290_000],
    ['90 minutes of eight cards', 8, 1.5 * hour, 1_290_000, 15_480_000],
    ['no time', 8, 0, 1_290_000, 0],
    ['half a micro-unit, rounded up', 1, hour / 2, 1, 1],
    ['a little less than half of one, rounded down', 1, hour / 2 - 1, 1, 0],
    // In floating point it is 208207642290.
    ['a product beyond 2^53', 18, 1_052_218_028, 39_575_000, 208_207_642_291],
  ])('of %s', (_, cards, milliseconds, price, cost) => {
    expect(runCost(cards, milliseconds, price)).toBe(cost);
  });

  it('is never further than half a micro-unit from the exact cost', () => {
    const amounts = fc.tuple(fc.nat(1000), fc.nat(10_000_000_000), fc.nat(1_000_000_000));
    fc.assert(
      fc.property(amounts, ([cards, milliseconds, price]) => {
        const exact = BigInt(cards) * BigInt(milliseconds) * BigInt(price);
        const cost = runCost(cards, milliseconds, price);
        if (cost === Number.MAX_SAFE_INTEGER) return;
        const twiceOff = 2n * (BigInt(cost) * BigInt(hour) - exact);
        expect(twiceOff > -BigInt(hour) && twiceOff <= BigInt(hour)).toBe(true);
      }),
    );
  });
});
