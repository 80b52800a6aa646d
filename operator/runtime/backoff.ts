// How long to wait after the n-th failure in a row. Pure arithmetic: it neither waits nor counts.

export interface Backoff {
  firstMilliseconds: number;
  maxMilliseconds: number;
}

/**
 * Doubles from the first to the longest wait, then takes a random point of its upper half, so that many who failed
 * together don't come back together. `failures` counts from 1; `random` is in [0, 1).
 */
export function backoffMilliseconds(backoff: Backoff, failures: number, random: number): number {
  // 2 ** 52 is far beyond any cap and still exact.
  const doubled = backoff.firstMilliseconds * 2 ** Math.min(failures - 1, 52);
  const full = Math.min(doubled, backoff.maxMilliseconds);
  return Math.round(full * (0.5 + random / 2));
}
