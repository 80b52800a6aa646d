// A cut cluster: near to the cards that were wanted, of the same make, the same every time.
import { describe, expect, it } from 'vitest';
import { cardsOf, cutToCards } from './cut.ts';
import type { TraceNode } from './trace.ts';

function nodesOf(model: string, count: number, cards: number): TraceNode[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `${model}-${String(index).padStart(3, '0')}`,
    cpuMillis: 96_000,
    memoryMebibytes: 393_216,
    cards,
    model,
  }));
}

const cluster = [...nodesOf('G2', 60, 8), ...nodesOf('T4', 30, 2), ...nodesOf('V100', 10, 4)];

describe('a cut', () => {
  it.each([50, 100, 290, 579])('to %i cards comes within half a large node of them', (wanted) => {
    expect(Math.abs(cardsOf(cutToCards(cluster, wanted)) - wanted)).toBeLessThanOrEqual(4);
  });

  it('has of each model its share of the nodes', () => {
    const half = cutToCards(cluster, cardsOf(cluster) / 2);
    const counts = Map.groupBy(half, ({ model }) => model);
    expect([counts.get('G2')?.length, counts.get('T4')?.length, counts.get('V100')?.length]).toEqual([30, 15, 5]);
  });

  it('to all cards is the whole cluster, and no node is in it twice', () => {
    const names = cutToCards(cluster, cardsOf(cluster)).map(({ name }) => name);
    expect(new Set(names).size).toBe(cluster.length);
    const few = cutToCards(cluster, 333).map(({ name }) => name);
    expect(new Set(few).size).toBe(few.length);
  });

  it('is the same whatever the order of the nodes, which stays as it was', () => {
    const turned = [...cluster].reverse();
    expect(cutToCards(turned, 100)).toEqual(cutToCards(cluster, 100));
    expect(turned[0]?.name).toBe('V100-009');
  });
});
