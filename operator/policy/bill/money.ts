// Amounts of money as whole millionths of the currency's unit, always safe integers: nothing of a bill is ever a float. An
// amount that couldn't be said exactly any more stands still at the largest one that can.

/** A decimal number as the policies have it (money in resources/sovereignpolicy/spec.ts). */
const decimalPattern = /^(0|[1-9][0-9]{0,8})(?:\.([0-9]{1,6}))?$/;
const decimals = 6;
const microPerUnit = 10 ** decimals;
const leastDecimals = 2;
const millisecondsPerHour = 3_600_000n;

/** A text that is no amount of money. */
export class MoneyError extends RangeError {
  override readonly name = 'MoneyError';

  constructor(text: string) {
    super(`"${text}" is no amount of money: write a decimal number with at most six decimals, e.g. "1.29"`);
  }
}

/** "1.29" -> 1290000. Exact: there are no more decimals than a micro-unit has. Throws MoneyError. */
export function parseMoney(text: string): number {
  const [, whole, fraction = ''] = decimalPattern.exec(text) ?? [];
  if (whole === undefined) throw new MoneyError(text);
  return Number(whole) * microPerUnit + Number(fraction.padEnd(decimals, '0'));
}

/** 1290000 -> "1.29". Exact: it shows as many decimals as there are, and at least two. */
export function formatMoney(micro: number): string {
  const fraction = micro % microPerUnit;
  const digits = String(fraction).padStart(decimals, '0').replace(/0+$/, '').padEnd(leastDecimals, '0');
  return `${(micro - fraction) / microPerUnit}.${digits}`;
}

export function addMoney(one: number, other: number): number {
  return Math.min(one + other, Number.MAX_SAFE_INTEGER);
}

/** What so many cards cost for so long, rounded half up to a whole micro-unit. All arguments are whole numbers >= 0. */
export function runCost(cards: number, milliseconds: number, microPerHour: number): number {
  const product = BigInt(cards) * BigInt(milliseconds) * BigInt(microPerHour);
  const cost = (2n * product + millisecondsPerHour) / (2n * millisecondsPerHour);
  return cost > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(cost);
}
