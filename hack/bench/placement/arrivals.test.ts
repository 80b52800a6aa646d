// The order of arrival: the same for a seed, up to the bound that is set, and nothing but tasks of the list.
import { describe, expect, it } from 'vitest';
import type { TraceTask } from '../../openb/trace.ts';
import { arrivals, demandMillis } from './arrivals.ts';

function task(index: number): TraceTask {
  return {
    name: `task-${index}`,
    cpuMillis: 1000,
    memoryMebibytes: 1024,
    cards: [0, 1, 1, 2, 8][index % 5] ?? 0,
    shareMillis: index % 5 === 1 ? 460 : 1000,
    models: [],
    createdAtSeconds: index,
    lifeSeconds: 60,
  };
}

const list = Array.from({ length: 200 }, (_, index) => task(index));
const demandOf = (tasks: readonly TraceTask[]): number => tasks.reduce((sum, each) => sum + demandMillis(each), 0);
const namesOf = (tasks: readonly TraceTask[]): string[] => tasks.map(({ name }) => name);
const seeds = [42, 43, 44, 45, 46, 47, 48, 49, 50, 51];
const largestMillis = 8000;

describe('arrivals', () => {
  it('are the same for the same seed, and others for another', () => {
    const bound = 1.3 * demandOf(list);
    expect(namesOf(arrivals(list, bound, 42))).toEqual(namesOf(arrivals(list, bound, 42)));
    expect(namesOf(arrivals(list, bound, 43))).not.toEqual(namesOf(arrivals(list, bound, 42)));
  });

  it.each(seeds)('of seed %i ask for the bound, or less by no more than the largest task', (seed) => {
    for (const share of [0.5, 1, 1.3, 3]) {
      const bound = share * demandOf(list);
      const asked = demandOf(arrivals(list, bound, seed));
      expect(asked).toBeLessThanOrEqual(bound);
      expect(asked).toBeGreaterThan(bound - largestMillis);
    }
  });

  it('hold the whole list but for what one draw too much cost, and nothing that is not in it', () => {
    const order = namesOf(arrivals(list, 1.3 * demandOf(list), 42));
    const known = new Set(namesOf(list));
    expect(order.every((name) => known.has(name))).toBe(true);
    expect(new Set(order).size).toBeGreaterThan(list.length * 0.95);
    expect(order.length).toBeGreaterThan(list.length);
  });

  it('are shuffled: the drawn tasks come among the others', () => {
    const order = arrivals(list, demandOf(list), 42);
    expect(namesOf(order).toSorted()).toEqual(namesOf(list).toSorted());
    expect(namesOf(order)).not.toEqual(namesOf(list));
    const inPlace = order.filter((each, index) => each === list[index]).length;
    expect(inPlace).toBeLessThan(list.length * 0.1);
  });

  it('of a list that asks for more lose tasks at random, none twice', () => {
    const order = namesOf(arrivals(list, 0.5 * demandOf(list), 42));
    expect(new Set(order).size).toBe(order.length);
    expect(order.length).toBeLessThan(list.length * 0.7);
    expect(order).not.toEqual(namesOf(arrivals(list, 0.5 * demandOf(list), 43)));
  });

  it('leave the list as it is', () => {
    const before = [...list];
    arrivals(list, 0.5 * demandOf(list), 42);
    expect(list).toEqual(before);
  });
});
