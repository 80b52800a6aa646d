// A production cluster's tasks on its own nodes: whoever fits is placed when everything has come to rest, by an oracle that
// knows nothing of how.
import { describe, expect, it } from 'vitest';
import { operatorForFile } from '../setup/gpujobs.ts';
import { onWrongCards, overbooked, waiting, waitsInVain } from './oracle.ts';
import { openb, replayToRest, skipped, traceIsThere } from './scenario.ts';
import { expectAsSimulated, expectLastingWaits, replaySharesToRest } from './shares.ts';
import { overdrawn, waitsInVain as sharesWaitInVain } from './shares-oracle.ts';

describe.runIf(traceIsThere)(`a replay of openb${skipped}`, () => {
  operatorForFile({ name: 'operator-replay' });

  // The long form has all 1,213 nodes.
  it('places every job that fits on a sixth of the cluster', { timeout: 900_000 }, async () => {
    const { nodes, tasks } = openb();
    const sixth = nodes.filter((_, index) => index % 6 === 0);
    const { replayed, state } = await replayToRest({ nodes: sixth, tasks: tasks.slice(0, 60) }, 'replay sixth');
    expect(replayed.cameToRest).toBe(true);
    expect(state.nodes).toHaveLength(203);
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

  // The long form has 2,000 and plain Pods among them: where those go decides more, on few nodes, than all that is judged here.
  it('with shares of cards fills a small cluster as the simulation does', { timeout: 600_000 }, async () => {
    const { nodes, tasks } = openb();
    const withCards = { nodes, tasks: tasks.filter(({ cards }) => cards > 0) };
    const rest = await replaySharesToRest(withCards, 200, 'replay shares');
    const { live, state } = rest;
    expect(live.replayed.cameToRest).toBe(true);
    expect(waiting(state).length).toBeGreaterThan(0);
    await expectLastingWaits(rest);
    // One card of these is nearly a point.
    expectAsSimulated(rest, 2);
    // The oracle isn't blind: without Pods and claims everybody would fit, with each claim twice no card would do.
    expect(sharesWaitInVain({ ...state, pods: [], claims: [] })).not.toEqual([]);
    expect(overdrawn({ ...state, claims: [...state.claims, ...state.claims] })).not.toEqual([]);
  });
});
