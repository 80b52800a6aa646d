// The circuit breaker of a workload: many out-of-memory failures in a row say that more VRAM is not what it lacks. While it is
// open the workload teaches nothing and grows no further. Pure: a function of the ledger, the last success and the time.
import { isFailure, type Version } from './ledger/version.ts';

/** Below the smallest history there is, so that the ledger always knows. */
export const failuresToOpen = 10;
/** From the last failure: within it they count as in a row, and after it the breaker closes by itself. */
export const breakerMilliseconds = 600_000;

export interface Breaker {
  readonly signature: string;
  readonly namespace: string;
  readonly image: string;
  /** Of those that the ledger still holds. */
  readonly failures: number;
  readonly untilMilliseconds: number;
}

/** Every breaker that is open. `succeededAt`: when a run of the workload last ended well. */
export function openBreakers(
  versions: readonly Version[],
  succeededAt: (signature: string) => number | undefined,
  nowMilliseconds: number,
): Breaker[] {
  const rows = new Map<string, Breaker>();
  for (const { cause, time } of versions) {
    if (!isFailure(cause) || cause.kind !== 'OutOfMemory') continue;
    const at = Date.parse(time);
    const { signature, namespace, image } = cause;
    if (at <= (succeededAt(signature) ?? 0)) continue;
    const before = rows.get(signature);
    const continues = before !== undefined && at < before.untilMilliseconds;
    const failures = (continues ? before.failures : 0) + 1;
    rows.set(signature, { signature, namespace, image, failures, untilMilliseconds: at + breakerMilliseconds });
  }
  return [...rows.values()].filter(
    ({ failures, untilMilliseconds }) => failures >= failuresToOpen && untilMilliseconds > nowMilliseconds,
  );
}
