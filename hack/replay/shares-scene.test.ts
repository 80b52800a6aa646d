// The scene of a replay with shares: as many tasks as asked for, each with its own name, on a cluster that they overfill.
import { describe, expect, it } from 'vitest';
import { demandMillis } from '../bench/placement/arrivals.ts';
import { cardsOf } from '../openb/cut.ts';
import type { Trace, TraceNode, TraceTask } from '../openb/trace.ts';
import { sharesScene } from './shares-scene.ts';

const nodes = Array.from({ length: 100 }, (_, index): TraceNode => ({
  name: `node-${String(index).padStart(3, '0')}`,
  cpuMillis: 96_000,
  memoryMebibytes: 393_216,
  cards: 4,
  model: index % 2 === 0 ? 'G2' : 'T4',
}));

/** Some 0.75 cards a task; 500 of them ask for less than the cluster has, so some arrive twice. */
const tasks = Array.from({ length: 500 }, (_, index): TraceTask => ({
  name: `task-${index}`,
  cpuMillis: 1000,
  memoryMebibytes: 1024,
  cards: index % 10 === 0 ? 0 : 1,
  shareMillis: index % 3 === 0 ? 460 : 1000,
  models: [],
  createdAtSeconds: index,
  lifeSeconds: 60,
}));

const trace: Trace = { nodes, tasks };
const demandOf = (some: readonly TraceTask[]): number => some.reduce((sum, task) => sum + demandMillis(task), 0);

describe('a scene', () => {
  const scene = sharesScene(trace, 200, 42);

  it('has as many tasks as are asked for, and they ask for about 130 % of its cards', () => {
    expect(scene.tasks).toHaveLength(200);
    expect(scene.cards).toBe(cardsOf(scene.nodes));
    expect(scene.askedPercent).toBeCloseTo(demandOf(scene.tasks) / 10 / scene.cards);
    expect(Math.abs(scene.askedPercent - 130)).toBeLessThan(3);
  });

  it('says with which task all cards have been asked for', () => {
    const { tasksToFull, cards } = scene;
    expect(demandOf(scene.tasks.slice(0, tasksToFull))).toBeGreaterThanOrEqual(cards * 1000);
    expect(demandOf(scene.tasks.slice(0, tasksToFull - 1))).toBeLessThan(cards * 1000);
  });

  it('gives a name of its own to each task, also to one that arrives twice', () => {
    const all = sharesScene(trace, 10_000, 42);
    expect(all.tasks.length).toBeGreaterThan(tasks.length);
    expect(new Set(all.tasks.map(({ name }) => name)).size).toBe(all.tasks.length);
    expect(all.nodes).toHaveLength(nodes.length);
  });

  it('is the same for the same seed, and another for another', () => {
    expect(sharesScene(trace, 200, 42)).toEqual(scene);
    expect(sharesScene(trace, 200, 43).tasks).not.toEqual(scene.tasks);
  });
});
