// In which order tasks arrive for the paper's measure (shared/data/openb/README.md): the whole list, tasks drawn from it at random
// until the cards asked for reach a share of those there are, shuffled by a seed.
import type { TraceTask } from '../../openb/trace.ts';

/** In thousandths of a card. */
export function demandMillis({ cards, shareMillis }: TraceTask): number {
  return cards * shareMillis;
}

export function arrivals(tasks: readonly TraceTask[], upToMillis: number, seed: number): TraceTask[] {
  const random = mulberry32(seed);
  const pick = (count: number): number => Math.floor(random() * count);
  const list = [...tasks];
  let asked = list.reduce((sum, task) => sum + demandMillis(task), 0);
  for (let task = tasks[pick(tasks.length)]; task && asked < upToMillis; task = tasks[pick(tasks.length)]) {
    list.push(task);
    asked += demandMillis(task);
  }
  // One task more than enough is drawn, or the list asks for more to begin with: tasks go at random.
  while (asked > upToMillis) asked -= demandMillis(removeAt(list, pick(list.length)));
  return shuffled(list, random);
}

function removeAt(list: TraceTask[], index: number): TraceTask {
  const [removed] = list.splice(index, 1);
  if (removed === undefined) throw new RangeError(`${index} of ${list.length}`);
  return removed;
}

/** Fisher and Yates. */
function shuffled<T>(list: T[], random: () => number): T[] {
  for (let index = list.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    [list[index], list[other]] = [list[other] as T, list[index] as T];
  }
  return list;
}

/** A small generator whose numbers are the same everywhere (Tommy Ettinger, public domain). */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
