// A move in words: what to move, where it would fit, and what that would cost.
import type { Move } from '../advice/move.ts';

/** `namespace`: whose eyes it is for. A job of another one is told by its node and uid: its name is none of theirs. */
export function adviceWords({ moved, to, then }: Move, namespace: string, nowMilliseconds: number): string {
  const { workload, node, startedAtMilliseconds } = moved;
  const which =
    workload.namespace === namespace ? workload.name : `a job of another namespace on ${node} (uid ${workload.uid})`;
  const target = to === node ? 'another card there' : to;
  const lost = durationWords(nowMilliseconds - startedAtMilliseconds);
  const cards = workload.gpus === 1 ? '1 card' : `${workload.gpus} cards`;
  return `would start on ${whereWords(then)} if ${which} moved to ${target}, which would lose ${lost} of its work on ${cards}`;
}

function whereWords([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}

const minute = 60_000;
const hour = 60 * minute;

/** To the unit that matters, and never more of it than there is. */
function durationWords(milliseconds: number): string {
  if (milliseconds < minute) return `${Math.max(0, Math.floor(milliseconds / 1000))} s`;
  if (milliseconds < hour) return `${Math.floor(milliseconds / minute)} min`;
  const hours = Math.floor(milliseconds / hour);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}
