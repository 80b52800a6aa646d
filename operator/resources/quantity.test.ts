import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatCapacity,
  formatMebibytes,
  formatNeed,
  formatQuantity,
  mebibytesRoundedDown,
  mebibytesRoundedUp,
  millisRoundedUp,
  parseAmount,
  parseQuantity,
  QuantityError,
  readQuantity,
  unitsRoundedUp,
} from './quantity.ts';

function kindOf(text: string): string {
  const quantity = readQuantity(text);
  return quantity instanceof QuantityError ? quantity.kind : 'fine';
}

describe('parseQuantity', () => {
  it.each([
    ['0', 0n],
    ['38Gi', 38n * 2n ** 30n],
    ['1.5Gi', 1_610_612_736n],
    ['81559Mi', 81_559n * 2n ** 20n],
    ['1e3', 1000n],
    ['1E3', 1000n],
    ['1.5e3', 1500n],
    ['2E', 2n * 10n ** 18n],
    ['2Ei', 2n ** 61n],
    ['2E0', 2n],
    ['.5k', 500n],
    ['5.', 5n],
    ['+7', 7n],
    ['-3k', -3000n],
    ['16777216Ki', 2n ** 34n],
    ['100G', 100n * 10n ** 9n],
  ])('reads %s exactly', (text, units) => {
    expect(parseQuantity(text).nanos).toBe(units * 1_000_000_000n);
  });

  it.each([
    ['500m', 500_000_000n],
    ['0.1', 100_000_000n],
    ['1e-3', 1_000_000n],
    ['100u', 100_000n],
    ['3n', 3n],
    ['0.5n', 1n],
    ['-0.5n', -1n],
  ])('reads %s down to a billionth, and rounds the rest away from zero', (text, nanos) => {
    expect(parseQuantity(text).nanos).toBe(nanos);
  });

  it.each([
    '',
    ' ',
    'Gi',
    '1.5.2',
    '1 Gi',
    '1gi',
    '1KI',
    '0x10',
    '1e',
    '1e3Mi',
    '--1',
    'NaN',
    'Infinity',
    '1,5',
    '１',
    '.',
    '+',
  ])('refuses %j as malformed', (text) => {
    expect(kindOf(text)).toBe('Malformed');
  });

  it.each(['1e31', '1e-31', '1e999999999', '9'.repeat(65)])(
    'refuses %s as out of range, without building it',
    (text) => {
      expect(kindOf(text)).toBe('OutOfRange');
    },
  );

  it('throws an error that says what to write', () => {
    expect(() => parseQuantity('38GB')).toThrow(new QuantityError('Malformed', '38GB').message);
    expect(new QuantityError('Malformed', '38GB').message).toBe(
      '"38GB" is not a quantity: write a number with one of m, k, M, G, T, Ki, Mi, Gi, Ti, such as 38Gi',
    );
  });

  it('refuses a negative amount by kind where an amount is meant', () => {
    expect(() => parseAmount('-1')).toThrow(expect.objectContaining({ kind: 'Negative' }));
    expect(unitsRoundedUp(parseAmount('0'))).toBe(0);
  });
});

describe('reading a quantity as a number', () => {
  it.each([
    ['1500m', 1500, 2],
    ['0.1', 100, 1],
    ['1', 1000, 1],
    ['1n', 1, 1],
    ['0', 0, 0],
  ])('%s is %i thousandths and %i units, rounded up', (text, millis, units) => {
    expect([millisRoundedUp(parseQuantity(text)), unitsRoundedUp(parseQuantity(text))]).toEqual([millis, units]);
  });

  it('rounds mebibytes up for what is asked and down for what is there', () => {
    const quantity = parseQuantity('1.0001Mi');
    expect([mebibytesRoundedUp(quantity), mebibytesRoundedDown(quantity)]).toEqual([2, 1]);
    expect(mebibytesRoundedUp(parseQuantity('38Gi'))).toBe(38 * 1024);
  });

  it('stays a safe integer for what no node has', () => {
    expect(unitsRoundedUp(parseQuantity('2Ei'))).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('formatQuantity', () => {
  it.each([
    ['1.5Gi', 'binary', '1536Mi'],
    ['38Gi', 'binary', '38Gi'],
    ['1000', 'binary', '1k'],
    ['1500m', 'decimal', '1500m'],
    ['2000m', 'decimal', '2'],
    ['0', 'binary', '0'],
    ['-3k', 'decimal', '-3k'],
    ['2E', 'decimal', '2E'],
  ] as const)('prints %s (%s) as %s', (text, base, printed) => {
    expect(formatQuantity(parseQuantity(text), base)).toBe(printed);
  });

  it('prints what reads back as the same amount, whatever it is', () => {
    fc.assert(
      fc.property(fc.bigInt(-(10n ** 30n), 10n ** 30n), fc.constantFrom('binary', 'decimal'), (nanos, base) => {
        expect(parseQuantity(formatQuantity({ nanos }, base)).nanos).toBe(nanos);
      }),
    );
  });
});

describe('VRAM for people', () => {
  it.each([
    [81920, '80Gi'],
    [16160, '15.7Gi'],
    [15360, '15Gi'],
    [46068, '44.9Gi'],
    [4864, '4.7Gi'],
    [512, '512Mi'],
    [1024, '1Gi'],
    [39538, '38.6Gi'],
  ])('%i MiB of a card is %s', (mebibytes, text) => {
    expect(formatCapacity(mebibytes)).toBe(text);
  });

  it('never promises more than a card has', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000_000 }), (mebibytes) => {
        const promised = parseQuantity(formatCapacity(mebibytes)).nanos;
        expect(promised <= BigInt(mebibytes) * 2n ** 20n * 1_000_000_000n).toBe(true);
      }),
    );
  });

  it('never says that less was needed than was', () => {
    expect([22_928, 22_888, 512, 40 * 1024].map((mebibytes) => formatNeed(mebibytes))).toEqual([
      '22.4Gi',
      '22.4Gi',
      '512Mi',
      '40Gi',
    ]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000_000 }), (mebibytes) => {
        const said = parseQuantity(formatNeed(mebibytes)).nanos;
        expect(said >= BigInt(mebibytes) * 2n ** 20n * 1_000_000_000n).toBe(true);
      }),
    );
  });

  it('prints what is asked exactly', () => {
    expect([formatMebibytes(38 * 1024), formatMebibytes(40550), formatMebibytes(0)]).toEqual([
      '38Gi',
      '40550Mi',
      '0Mi',
    ]);
  });
});
