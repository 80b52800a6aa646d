// Sizes as programs print them ("2.00 GiB", "4.44GiB", "25,600,000 bytes", "1900,00 MiB") -> Mebibytes. Reads one phrase
// at a time and knows nothing about what a size means.

// Digits are bounded, so a pattern costs a constant number of steps at each place it is tried: linear in the text.
const numberPattern = String.raw`(?<![\d.,])(-?\d[\d.,]{0,26})`;
const unitPattern = String.raw`\s?(bytes?|[KMGTP]i?B|[KMGTP]|B)(?![A-Za-z])`;

// CUDA and XLA print "MB", "G" and "M" for powers of 1024 (tsl/platform/numbers.cc, paddle's HumanReadableSize).
const bytesPerUnit: Readonly<Record<string, number>> = {
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
};
const bytesPerMebibyte = 2 ** 20;

// NVML answers "not available" with 2^64 - 1, which torch prints as 17179869184.00 GiB (pytorch under WSL 2), and
// HAMi-core prints its underflow as 18446744073604695040. No card has an exbibyte.
const notASizeBytes = 2 ** 60;

/** A pattern that finds one size between two phrases. The phrases are regular expression sources without groups. */
export function sizeBetween(before: string, after = ''): RegExp {
  return new RegExp(`${before}${numberPattern}${unitPattern}${after}`, 'i');
}

/** A pattern that finds a plain count of bytes between two phrases. */
export function bytesBetween(before: string, after = ''): RegExp {
  return new RegExp(`${before}${numberPattern}()${after}`, 'i');
}

/** The size at the pattern's first match. */
export function findSize(text: string, ...patterns: readonly RegExp[]): number | undefined {
  for (const pattern of patterns) {
    const match = pattern.exec(text);
    if (match !== null) return toMebibytes(match[1] ?? '', match[2] ?? '');
  }
  return undefined;
}

/** Every size that the pattern finds, at most `limit`. */
export function findSizes(text: string, pattern: RegExp, limit: number): number[] {
  const found: number[] = [];
  for (const match of text.matchAll(new RegExp(pattern.source, 'gi'))) {
    const size = toMebibytes(match[1] ?? '', match[2] ?? '');
    if (size !== undefined) found.push(size);
    if (found.length >= limit) break;
  }
  return found;
}

function toMebibytes(digits: string, unit: string): number | undefined {
  const factor = unit === '' ? 1 : bytesPerUnit[unit.charAt(0).toLowerCase()];
  const value = parseLocalizedNumber(digits, factor === 1);
  if (value === undefined || factor === undefined) return undefined;
  return mebibytesOf(value * factor);
}

/** Mebibytes of a count of bytes, unless no card could have that many. */
export function mebibytesOf(bytes: number): number | undefined {
  return bytes >= 0 && bytes < notASizeBytes ? bytes / bytesPerMebibyte : undefined;
}

/**
 * A number whose decimal and thousands signs depend on who printed it: "1,234,567", "1900,00", "1.234,56", "79.15".
 * One sign before three digits is a thousands sign for bytes (they are whole) and for a comma; a point is a decimal point.
 */
export function parseLocalizedNumber(text: string, whole = false): number | undefined {
  const digits = text.replace(/[.,]+$/, '');
  const last = Math.max(digits.lastIndexOf('.'), digits.lastIndexOf(','));
  if (last === -1) return finite(digits);
  const sign = digits.charAt(last);
  const isThousands =
    digits.indexOf(sign) !== last || (digits.length - last === 4 && (whole || sign === ',') && !digits.startsWith('0'));
  const integer = digits.slice(0, last).replace(/[.,]/g, '');
  const rest = digits.slice(last + 1);
  return finite(isThousands ? integer + rest : `${integer}.${rest}`);
}

function finite(text: string): number | undefined {
  const value = Number(text);
  return text !== '' && Number.isFinite(value) ? value : undefined;
}
