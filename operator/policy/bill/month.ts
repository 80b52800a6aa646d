// Calendar months in UTC, as text that sorts as time does: '2026-11'. Moments are epoch milliseconds.

export function monthOf(moment: number): string {
  return new Date(moment).toISOString().slice(0, 7);
}

export function startOf(month: string): number {
  return Date.parse(`${month}-01T00:00:00Z`);
}

/** The first moment that isn't in it any more. */
export function endOf(month: string): number {
  const start = new Date(startOf(month));
  return Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1);
}

/** '2026-12-01T00:00:00Z' for '2026-11'. */
export function endTimeOf(month: string): string {
  return `${monthOf(endOf(month))}-01T00:00:00Z`;
}

/** So many months earlier: 12 before '2026-11' is '2025-11'. */
export function monthBefore(month: string, months: number): string {
  const start = new Date(startOf(month));
  return monthOf(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() - months, 1));
}

/** From the month of one moment to that of the other, oldest first; the first one at least. */
export function monthsBetween(since: number, until: number): string[] {
  const months = [monthOf(since)];
  for (let start = endOf(monthOf(since)); start < until; start = endOf(monthOf(start))) months.push(monthOf(start));
  return months;
}
