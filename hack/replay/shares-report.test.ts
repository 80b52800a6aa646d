// The figures that a replay with shares ends with, word for word.
import { expect, it } from 'vitest';
import { allocationLines } from './shares-report.ts';
import type { Replayed } from './replay.ts';
import type { SharesScene } from './shares-scene.ts';

const replayed: Replayed = {
  gpuJobs: new Map(),
  pods: new Map(),
  waitedMilliseconds: [],
  mostCardsHeld: 0,
  seconds: 60,
  cameToRest: true,
};

it('what kube-scheduler allocated stands beside the mean of the simulation, its least and its most, and the measure', () => {
  const scene: SharesScene = { nodes: [], cards: 0, tasks: [], tasksToFull: 0, askedPercent: 129.7 };
  const live = {
    replayed,
    whenFull: { percent: 94.754, mostOfOneCardPercent: 100 },
    atEnd: { percent: 95, mostOfOneCardPercent: 100 },
  };
  const simulations = {
    live: [
      { whenFull: 94, atEnd: 94.5 },
      { whenFull: 95, atEnd: 95.5 },
    ],
    measure: { whenFull: 95.607, atEnd: 95.74 },
  };
  expect(allocationLines(scene, live, simulations)).toEqual([
    'allocated, % of the cards          kube-scheduler  simulated               by the measure',
    '  100 % asked for                  94.75           94.50 (94.00 to 95.00)  95.61',
    '  130 % asked for                  95.00           95.00 (94.50 to 95.50)  95.74',
  ]);
});
