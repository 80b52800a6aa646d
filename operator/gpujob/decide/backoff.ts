// When the next run may start: 10 s, doubling to 5 minutes, counted from the recorded ends, so that a restart changes nothing.
import type { Attempt } from '../../resources/gpujob.ts';
import type { Refusal, Settings } from '../observation.ts';

/** Ends after which the next run waits. A job that grows, or was suspended, has nothing to wait for. */
const backedOff: ReadonlySet<Attempt['outcome']> = new Set([
  'ApplicationError',
  'HostOutOfMemory',
  'NeighbourOutOfMemory',
  'Disrupted',
  'Unschedulable',
  'PodsRefused',
]);

export function delayMilliseconds(inARow: number, settings: Settings): number {
  const doubled = settings.firstBackOffMilliseconds * 2 ** Math.max(0, inARow - 1);
  return Math.min(doubled, settings.maxBackOffMilliseconds);
}

/** How often in a row the job ended the way it ended last; another way starts anew. */
export function endsInARow(attempts: readonly Attempt[]): number {
  const outcome = attempts.at(-1)?.outcome;
  return attempts.length - 1 - attempts.findLastIndex((attempt) => attempt.outcome !== outcome);
}

/** Epoch milliseconds; undefined where nothing has to be waited for. `vram`: what is asked for now. */
export function backOffEndMilliseconds(
  attempts: readonly Attempt[],
  settings: Settings,
  vram: string | undefined,
): number | undefined {
  const last = attempts.at(-1);
  if (last === undefined || !isBackedOff(last, vram)) return undefined;
  return Date.parse(last.endTime ?? '') + delayMilliseconds(endsInARow(attempts), settings);
}

/** A job that ran out of memory and did not grow would only do it again at once. */
function isBackedOff({ outcome, vram: failedWith }: Attempt, vram: string | undefined): boolean {
  return backedOff.has(outcome) || (outcome === 'OutOfMemory' && vram === failedWith);
}

export function refusalEndMilliseconds(refusal: Refusal, settings: Settings): number {
  return refusal.atMilliseconds + delayMilliseconds(refusal.count, settings);
}
