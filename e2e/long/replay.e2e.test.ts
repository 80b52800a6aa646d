// The long forms of e2e/replay: the first 500 tasks of openb on all of its nodes, and 2,000 arrivals with shares of cards.
import { describe, expect, it } from 'vitest';
import { operatorForFile } from '../setup/gpujobs.ts';
import { onWrongCards, overbooked, waitsInVain } from '../replay/oracle.ts';
import { expectAsSimulated, expectLastingWaits, replaySharesToRest } from '../replay/shares.ts';
import { openb, replayToRest, skipped, traceIsThere } from '../replay/scenario.ts';

const jobs = Number(process.env['JOBS'] ?? 500);

describe.runIf(traceIsThere)(`a long replay of openb${skipped}`, () => {
  operatorForFile({ name: 'operator-replay' });

  it('ends with every job that fits placed', async () => {
    const { nodes, tasks } = openb();
    const { replayed, state } = await replayToRest({ nodes, tasks: tasks.slice(0, jobs) }, 'replay 500');
    expect(replayed.cameToRest).toBe(true);
    expect(waitsInVain(state)).toEqual([]);
    expect(overbooked(state)).toEqual([]);
    expect(onWrongCards(state)).toEqual([]);
  });

  it('of 2,000 tasks with shares fills a cluster as the simulation does, within one point', async () => {
    const rest = await replaySharesToRest(openb(), 2_000, 'replay shares of 2,000');
    expect(rest.live.replayed.cameToRest).toBe(true);
    await expectLastingWaits(rest);
    expectAsSimulated(rest, 1);
  });
});
