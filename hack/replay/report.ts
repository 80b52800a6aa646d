// The lines a replay ends with, assumptions included: figures without them would be worth nothing.
import { percentile } from '../bench/figures.ts';
import { assumptions } from '../openb/cards.ts';
import { cardsOf } from '../openb/cut.ts';
import type { TraceNode, TraceTask } from '../openb/trace.ts';
import { type Speed, meaningOfWholeCards } from './objects.ts';
import type { Replayed } from './replay.ts';
import type { Standing } from './standing.ts';

export function line(what: string, figure: string): string {
  return `${what.padEnd(34)} ${figure}`;
}

function count(standings: ReadonlyMap<string, Standing>, kind: Standing['kind']): number {
  return [...standings.values()].filter((standing) => standing.kind === kind).length;
}

function waitingByReason(standings: ReadonlyMap<string, Standing>): string {
  const reasons = new Map<string, number>();
  for (const standing of standings.values()) {
    if (standing.kind === 'Waiting') reasons.set(standing.reason, (reasons.get(standing.reason) ?? 0) + 1);
  }
  const sorted = [...reasons].sort(([, one], [, other]) => other - one);
  return sorted.length === 0 ? 'none' : sorted.map(([reason, times]) => `${reason} ${times}`).join(', ');
}

function standingLine(what: string, standings: ReadonlyMap<string, Standing>): string {
  const placed = count(standings, 'Bound') + count(standings, 'Ended');
  const ended = count(standings, 'Ended');
  return line(what, `${placed} of ${standings.size} placed${ended > 0 ? `, ${ended} of them ended` : ''}`);
}

function waits(milliseconds: readonly number[]): string {
  if (milliseconds.length === 0) return 'nobody was placed';
  const at = (share: number): string => (percentile(milliseconds, share) / 1_000).toFixed(2);
  return `p50 ${at(0.5)}  p99 ${at(0.99)}  max ${at(1)}`;
}

/** How the tasks fared, whatever their cards are held by. */
export function standingLines({ gpuJobs, pods, waitedMilliseconds }: Replayed): string[] {
  return [
    standingLine('GPUJobs', gpuJobs),
    line('GPUJobs that wait, by reason', waitingByReason(gpuJobs)),
    standingLine('plain Pods', pods),
    line('plain Pods that wait, by reason', waitingByReason(pods)),
    line('wait for a binding, s', waits(waitedMilliseconds)),
  ];
}

export function tookLine({ seconds, cameToRest }: Replayed): string {
  return line('took, s', `${seconds.toFixed(1)}${cameToRest ? '' : ', and was still moving when its time was up'}`);
}

export function report(
  replayed: Replayed,
  nodes: readonly TraceNode[],
  tasks: readonly TraceTask[],
  speed: Speed,
): string[] {
  const { mostCardsHeld } = replayed;
  const cards = cardsOf(nodes);
  const asked = tasks.reduce((sum, task) => sum + task.cards, 0);
  const share = ((100 * mostCardsHeld) / cards).toFixed(1);
  return [
    ...meaningOfWholeCards,
    ...assumptions,
    speed === 0
      ? 'All are submitted at once, in the order of the trace; nobody leaves.'
      : `All are submitted at once, in the order of the trace; life times are divided by ${speed}.`,
    '',
    ...standingLines(replayed),
    line('allocation', `${mostCardsHeld} of ${cards} cards (${share} %); the tasks ask for ${asked}`),
    tookLine(replayed),
  ];
}
