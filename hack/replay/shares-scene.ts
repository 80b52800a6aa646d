// What a replay with shares plays: the first arrivals of a seed, by the paper's measure (shared/data/openb/README.md), on a
// cluster cut so small that they ask for 130 % of it. Only values.
import { arrivals, demandMillis } from '../bench/placement/arrivals.ts';
import { mostPercent } from '../bench/placement/run.ts';
import { cardsOf, cutToCards } from '../openb/cut.ts';
import type { Trace, TraceNode, TraceTask } from '../openb/trace.ts';

export interface SharesScene {
  readonly nodes: readonly TraceNode[];
  readonly cards: number;
  /** In the order of their arrival. The measure draws some of them twice: here each has a name of its own. */
  readonly tasks: readonly TraceTask[];
  /** With the last of so many tasks all cards there are have been asked for. */
  readonly tasksToFull: number;
  /** What all tasks ask for, in % of the cards. */
  readonly askedPercent: number;
}

export function sharesScene({ nodes, tasks }: Trace, count: number, seed: number): SharesScene {
  const mostMillis = cardsOf(nodes) * 10 * mostPercent;
  const first = arrivals(tasks, mostMillis, seed).slice(0, count);
  const asked = first.reduce((sum, task) => sum + demandMillis(task), 0);
  const cut = cutToCards(nodes, asked / 10 / mostPercent);
  const cards = cardsOf(cut);
  return {
    nodes: cut,
    cards,
    tasks: first.map((task, index) => ({ ...task, name: `${task.name}-${index}` })),
    tasksToFull: tasksToFull(first, cards),
    askedPercent: asked / 10 / cards,
  };
}

/** All of them where they ask for less. */
function tasksToFull(tasks: readonly TraceTask[], cards: number): number {
  let asked = 0;
  const last = tasks.findIndex((task) => (asked += demandMillis(task)) >= cards * 1000);
  return last < 0 ? tasks.length : last + 1;
}
