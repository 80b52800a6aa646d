import { describe, expect, it } from 'vitest';
import type { Attempt } from '../resources/gpujob.ts';
import { aGPUJob, anObservation } from './testing/builders.ts';
import { workloadOf } from './workload.ts';

function avoidedAfter(...attempts: readonly Partial<Attempt>[]) {
  const whole = attempts.map((attempt, index): Attempt => ({
    ...{ run: index + 1, outcome: 'Unschedulable', vram: '20Gi', nodes: [`node-${index + 1}`] },
    ...attempt,
  }));
  const gpujob = aGPUJob({}, { run: whole.length, attempts: whole });
  const { avoidNodes, avoidCards } = workloadOf(gpujob, anObservation({ gpujob }).spec, 0);
  return { nodes: avoidNodes, cards: avoidCards.map(({ node, identity }) => `${node}/${identity}`) };
}

const neighbourOn = (cards?: string[]): Partial<Attempt> => ({
  outcome: 'NeighbourOutOfMemory',
  evidence: { signature: 'torch', blame: 'Neighbour', node: 'node-1', ...(cards ? { cards } : {}) },
});

describe('a workload avoids', () => {
  it.each([
    ['nodes on which it could not be bound', [{}, {}], { nodes: ['node-1', 'node-2'], cards: [] }],
    ['none from before another end', [{}, { outcome: 'ApplicationError' }, {}], { nodes: ['node-3'], cards: [] }],
    ["a neighbour's node where its card isn't known", [neighbourOn()], { nodes: ['node-1'], cards: [] }],
    [
      "a neighbour's card, and not its node",
      [neighbourOn(['GPU-0', 'GPU-1'])],
      { nodes: [], cards: ['node-1/GPU-0', 'node-1/GPU-1'] },
    ],
    ['both, one after the other', [neighbourOn(['GPU-0']), {}], { nodes: ['node-2'], cards: ['node-1/GPU-0'] }],
    [
      'nothing after an out-of-memory of its own',
      [{ ...neighbourOn(['GPU-0']), outcome: 'OutOfMemory' }],
      { nodes: [], cards: [] },
    ],
  ] satisfies [string, Partial<Attempt>[], object][])('%s', (_title, attempts, want) => {
    expect(avoidedAfter(...attempts)).toEqual(want);
  });
});
