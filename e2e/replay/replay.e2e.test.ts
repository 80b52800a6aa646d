// A production cluster's tasks on its own nodes: whoever fits is placed when everything has come to rest, by an oracle that
// knows nothing of how.
import { describe, expect, it } from 'vitest';
import { operatorForFile } from '../setup/gpujobs.ts';
import { onWrongCards, overbooked, waiting, waitsInVain } from './oracle.ts';
import { openb, replayToRest, skipped, traceIsThere } from './scenario.ts';

describe.runIf(traceIsThere)(`a replay of openb${skipped}`, () => {
  operatorForFile({ name: 'operator-replay' });

  // The long form has all 1,213 nodes.
  it('places every job that fits on a third of the cluster', { timeout: 900_000 }, async () => {
    const { nodes, tasks } = openb();
    const third = nodes.filter((_, index) => index % 3 === 0);
    const { replayed, state } = await replayToRest({ nodes: third, tasks: tasks.slice(0, 100) }, 'replay third');
    expect(replayed.cameToRest).toBe(true);
    expect(state.nodes).toHaveLength(405);
    expect(waitsInVain(state)).toEqual([]);
    expect(waiting(state)).toEqual([]);
    expect(overbooked(state)).toEqual([]);
    expect(onWrongCards(state)).toEqual([]);
  });

  it('leaves nobody waiting beside a free card on a cluster that is too small', { timeout: 600_000 }, async () => {
    const { nodes, tasks } = openb();
    const few = nodes.filter((_, index) => index % 75 === 0);
    const { replayed, state } = await replayToRest({ nodes: few, tasks: tasks.slice(0, 160) }, 'replay small cluster');
    expect(replayed.cameToRest).toBe(true);
    expect(waiting(state).length).toBeGreaterThan(0);
    expect(waitsInVain(state)).toEqual([]);
    expect(overbooked(state)).toEqual([]);
    expect(onWrongCards(state)).toEqual([]);
    // The oracle isn't blind: on the same nodes without Pods everybody would fit, with each Pod twice nothing would.
    expect(waitsInVain({ ...state, pods: [] })).not.toEqual([]);
    expect(overbooked({ ...state, pods: [...state.pods, ...state.pods] })).not.toEqual([]);
    const said = [...replayed.gpuJobs].filter(([, { kind }]) => kind === 'Waiting').map(([name]) => name);
    expect(said.sort()).toEqual(
      waiting(state)
        .map(({ metadata }) => metadata.name)
        .sort(),
    );
  });
});
