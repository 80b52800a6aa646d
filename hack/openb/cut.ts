// A smaller cluster of the same make: every so manieth node of each model, until it has as many cards as wanted.
import type { TraceNode } from './trace.ts';

/** Of all such cuts the one whose cards come nearest to what is wanted; the same every time. */
export function cutToCards(nodes: readonly TraceNode[], wantedCards: number): readonly TraceNode[] {
  const alikeTogether = [...nodes].sort(byMakeAndName);
  let nearest: readonly TraceNode[] = [];
  for (let count = 1; count <= nodes.length; count += 1) {
    const cut = evenly(alikeTogether, count);
    if (distance(cut, wantedCards) < distance(nearest, wantedCards)) nearest = cut;
  }
  return nearest;
}

function byMakeAndName(one: TraceNode, other: TraceNode): number {
  if (one.model !== other.model) return one.model < other.model ? -1 : 1;
  return one.cards - other.cards || (one.name < other.name ? -1 : 1);
}

/** The one in the middle of each of `count` equal stretches. */
function evenly<T>(list: readonly T[], count: number): T[] {
  return Array.from({ length: count }, (_, index) => list[Math.floor(((index + 0.5) * list.length) / count)] as T);
}

function distance(nodes: readonly TraceNode[], wantedCards: number): number {
  return Math.abs(cardsOf(nodes) - wantedCards);
}

export function cardsOf(nodes: readonly TraceNode[]): number {
  return nodes.reduce((sum, { cards }) => sum + cards, 0);
}
