// Kubernetes quantities, read and printed exactly: no floating point, no rounding but where a function's name says so.
// Grammar and rounding: k8s.io/apimachinery/pkg/api/resource/quantity.go.

export type QuantityErrorKind =
  /** Not a quantity at all. */
  | 'Malformed'
  /** More digits or a larger exponent than any real amount has. */
  | 'OutOfRange'
  /** A negative amount where only zero and more makes sense. */
  | 'Negative';

export class QuantityError extends Error {
  override readonly name = 'QuantityError';
  readonly kind: QuantityErrorKind;
  readonly text: string;

  constructor(kind: QuantityErrorKind, text: string) {
    super(quantityErrorMessages[kind](JSON.stringify(text.slice(0, 64))));
    this.kind = kind;
    this.text = text;
  }
}

const quantityErrorMessages: Readonly<Record<QuantityErrorKind, (text: string) => string>> = {
  Malformed: (text) =>
    `${text} is not a quantity: write a number with one of m, k, M, G, T, Ki, Mi, Gi, Ti, such as 38Gi`,
  OutOfRange: (text) => `${text} is out of range for a quantity`,
  Negative: (text) => `${text} is negative; zero or more is meant`,
};

/** An exact amount. Kubernetes keeps nothing finer than a billionth, so billionths are whole numbers here. */
export interface Quantity {
  readonly nanos: bigint;
}

const nanosPerUnit = 1_000_000_000n;
const nanosPerMilli = 1_000_000n;
const bytesPerMebibyte = 1_048_576n;

const longestText = 64;
const largestExponent = 30;

// `2E` is two exa, `2E3` two thousand: the exponent needs digits, so it is tried first.
const grammar = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:[eE]([+-]?\d+)|([KMGTPE]i|[numkMGTPE]))?$/;

/** [multiplier, divisor] of each suffix. */
const suffixes: Readonly<Record<string, readonly [bigint, bigint]>> = {
  n: [1n, 10n ** 9n],
  u: [1n, 10n ** 6n],
  m: [1n, 10n ** 3n],
  k: [10n ** 3n, 1n],
  M: [10n ** 6n, 1n],
  G: [10n ** 9n, 1n],
  T: [10n ** 12n, 1n],
  P: [10n ** 15n, 1n],
  E: [10n ** 18n, 1n],
  Ki: [2n ** 10n, 1n],
  Mi: [2n ** 20n, 1n],
  Gi: [2n ** 30n, 1n],
  Ti: [2n ** 40n, 1n],
  Pi: [2n ** 50n, 1n],
  Ei: [2n ** 60n, 1n],
};

/** Reads a quantity; throws QuantityError. What is finer than a billionth is rounded away from zero, as Kubernetes does. */
export function parseQuantity(text: string): Quantity {
  const quantity = readQuantity(text);
  if (quantity instanceof QuantityError) throw quantity;
  return quantity;
}

/** The same without throwing, for text that others wrote. */
export function readQuantity(text: string): Quantity | QuantityError {
  if (text.length > longestText) return new QuantityError('OutOfRange', text);
  const match = grammar.exec(text);
  if (match === null) return new QuantityError('Malformed', text);
  const [, sign, number = '', exponentText, suffix] = match;
  const exponent = Number(exponentText ?? '0');
  if (Math.abs(exponent) > largestExponent) return new QuantityError('OutOfRange', text);

  const [whole = '', fraction = ''] = number.split('.');
  const [multiplier, divisor] = scaleOf(suffix, exponent);
  const numerator = BigInt(whole + fraction) * multiplier * nanosPerUnit;
  const nanos = divideRoundingUp(numerator, 10n ** BigInt(fraction.length) * divisor);
  return { nanos: sign === '-' ? -nanos : nanos };
}

/** Reads an amount that can't be negative; throws QuantityError. */
export function parseAmount(text: string): Quantity {
  const quantity = parseQuantity(text);
  if (quantity.nanos < 0n) throw new QuantityError('Negative', text);
  return quantity;
}

function scaleOf(suffix: string | undefined, exponent: number): readonly [bigint, bigint] {
  if (suffix !== undefined) return suffixes[suffix] ?? [1n, 1n];
  return exponent >= 0 ? [10n ** BigInt(exponent), 1n] : [1n, 10n ** BigInt(-exponent)];
}

function divideRoundingUp(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}

/** Away from zero, so that a negative amount never reads as less negative than it is. */
function scaleRoundingUp(nanos: bigint, nanosPerStep: bigint): bigint {
  return nanos < 0n ? -divideRoundingUp(-nanos, nanosPerStep) : divideRoundingUp(nanos, nanosPerStep);
}

/** Beyond 9 PB a count of bytes isn't exact as a number any more; what has more is held to have that much. */
function toSafeNumber(value: bigint): number {
  const largest = BigInt(Number.MAX_SAFE_INTEGER);
  if (value > largest) return Number.MAX_SAFE_INTEGER;
  return value < -largest ? Number.MIN_SAFE_INTEGER : Number(value);
}

/** Whole units (bytes, cards, pods), a part counted as a whole one: Kubernetes' Value(). */
export function unitsRoundedUp(quantity: Quantity): number {
  return toSafeNumber(scaleRoundingUp(quantity.nanos, nanosPerUnit));
}

/** Thousandths (millicores), rounded up: Kubernetes' MilliValue(). */
export function millisRoundedUp(quantity: Quantity): number {
  return toSafeNumber(scaleRoundingUp(quantity.nanos, nanosPerMilli));
}

/** For what is asked. */
export function mebibytesRoundedUp(quantity: Quantity): number {
  return toSafeNumber(scaleRoundingUp(quantity.nanos, nanosPerUnit * bytesPerMebibyte));
}

/** The same of its text; throws QuantityError. */
export function parseMebibytes(text: string): number {
  return mebibytesRoundedUp(parseQuantity(text));
}

/** For what is there. */
export function mebibytesRoundedDown(quantity: Quantity): number {
  return toSafeNumber(quantity.nanos / (nanosPerUnit * bytesPerMebibyte));
}

const binarySuffixes = ['Ei', 'Pi', 'Ti', 'Gi', 'Mi', 'Ki'] as const;
const decimalSuffixes = ['E', 'P', 'T', 'G', 'M', 'k', '', 'm', 'u', 'n'] as const;

/**
 * Prints exactly, in the largest suffix that leaves a whole number. Binary suffixes are for memory: '1536Mi', never '1.5Gi'.
 * @throws nothing: every quantity has such a form, down to 'n'.
 */
export function formatQuantity(quantity: Quantity, base: 'binary' | 'decimal' = 'decimal'): string {
  if (quantity.nanos === 0n) return '0';
  if (base === 'binary') {
    const suffix = binarySuffixes.find((candidate) => quantity.nanos % nanosPerStep(candidate) === 0n);
    if (suffix !== undefined) return `${quantity.nanos / nanosPerStep(suffix)}${suffix}`;
  }
  const suffix = decimalSuffixes.find((candidate) => quantity.nanos % nanosPerStep(candidate) === 0n) ?? 'n';
  return `${quantity.nanos / nanosPerStep(suffix)}${suffix}`;
}

function nanosPerStep(suffix: string): bigint {
  const [multiplier, divisor] = suffixes[suffix] ?? [1n, 1n];
  return (nanosPerUnit * multiplier) / divisor;
}

const mebibytesPerGibibyte = 1024;

/** Exact, for the API and for what is asked: '38Gi' where whole, else '40550Mi'. */
export function formatMebibytes(mebibytes: number): string {
  return mebibytes > 0 && mebibytes % mebibytesPerGibibyte === 0
    ? `${mebibytes / mebibytesPerGibibyte}Gi`
    : `${mebibytes}Mi`;
}

/** What a card has, for people: '80Gi', '15.7Gi', '4.7Gi', '512Mi'. Rounded down, so that what it says really fits. */
export function formatCapacity(mebibytes: number): string {
  return formatTenths(mebibytes, Math.floor);
}

/** What was needed, for people. Rounded up, so that a card is never said to have what it had not. */
export function formatNeed(mebibytes: number): string {
  return formatTenths(mebibytes, Math.ceil);
}

function formatTenths(mebibytes: number, round: (tenths: number) => number): string {
  if (mebibytes < mebibytesPerGibibyte) return `${mebibytes}Mi`;
  const tenths = round((mebibytes * 10) / mebibytesPerGibibyte);
  return tenths % 10 === 0 ? `${tenths / 10}Gi` : `${Math.floor(tenths / 10)}.${tenths % 10}Gi`;
}
