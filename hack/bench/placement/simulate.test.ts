// The simulated cluster by hand-made tasks: the rules of the paper's measure, and those of a cluster where who finds no room waits.
import { describe, expect, it } from 'vitest';
import type { TraceNode, TraceTask } from '../../openb/trace.ts';
import { traceTask } from '../../openb/testing.ts';
import { policyOf } from './policies.ts';
import { type Rules, simulate } from './simulate.ts';

function node(name: string, cards: number, own: Partial<TraceNode> = {}): TraceNode {
  return { name, cpuMillis: 96_000, memoryMebibytes: 393_216, cards, model: 'T4', ...own };
}

const task = (own: Partial<TraceTask> = {}): TraceTask => traceTask({ cpuMillis: 100, memoryMebibytes: 128, ...own });

const share = (millis: number): TraceTask => task({ shareMillis: millis });
const times = (count: number, one: TraceTask): TraceTask[] => Array.from({ length: count }, () => one);

function allocatedAfterEach(nodes: readonly TraceNode[], tasks: readonly TraceTask[], rules?: Rules): number[] {
  const allocated: number[] = [];
  simulate(nodes, tasks, policyOf('default'), (_, millis) => allocated.push(millis), rules);
  return allocated;
}

describe('by the measure', () => {
  it('shares add up on one card, whole cards are exclusive, and who finds no room leaves', () => {
    const tasks = [share(600), share(400), task(), share(500), task({ cards: 2 }), share(500)];
    expect(allocatedAfterEach([node('a', 3)], tasks)).toEqual([600, 1000, 2000, 2500, 2500, 3000]);
  });

  it('tasks without cards take CPU, too', () => {
    const nodes = [node('a', 2, { cpuMillis: 1000 })];
    expect(allocatedAfterEach(nodes, [task({ cards: 0, cpuMillis: 950 }), task()])).toEqual([0, 0]);
  });
});

describe('by the rules of a cluster', () => {
  const waits: Rules = { whoFindsNoRoom: 'Waits' };
  const tooLate = [task(), task({ cards: 8 })];

  it('a node is kept for who was passed 20 times, and nobody else gets the rest of it', () => {
    const tasks = [...tooLate, ...times(30, share(100))];
    expect(allocatedAfterEach([node('a', 8)], tasks).at(-1)).toBe(4000);
    expect(allocatedAfterEach([node('a', 8)], tasks, waits).at(-1)).toBe(3000);
  });

  it('as long as nobody waits too long everything is as by the measure', () => {
    const tasks = [...tooLate, ...times(10, share(100))];
    expect(allocatedAfterEach([node('a', 8)], tasks, waits)).toEqual(allocatedAfterEach([node('a', 8)], tasks));
  });

  it('a plain Pod is bound where it is told, and holds its CPU there', () => {
    const nodes = ['a', 'b'].map((name) => node(name, 2, { cpuMillis: 1000 }));
    const seen: number[] = [];
    const bindPod: Rules['bindPod'] = (_, requestedOn) => {
      seen.push(requestedOn('b').cpuMillis);
      return 'b';
    };
    const pod = task({ cards: 0, cpuMillis: 450 });
    expect(allocatedAfterEach(nodes, [pod, pod, ...times(4, task())], { ...waits, bindPod }).at(-1)).toBe(3000);
    expect(seen).toEqual([0, 450]);
  });

  it('a plain Pod that finds no room takes nothing', () => {
    const rules: Rules = { ...waits, bindPod: () => undefined };
    const tasks = [task({ cards: 0, cpuMillis: 96_000 }), task()];
    expect(allocatedAfterEach([node('a', 1)], tasks, rules)).toEqual([0, 1000]);
  });
});
