// The figures of make bench-heat must find what is lost, doubled or missed, or they are worth nothing.
import { describe, expect, it } from 'vitest';
import { planIDOf } from './heat-scene.ts';
import { type Observation, Tally, type TallyOptions } from './heat-tally.ts';

const options: TallyOptions = {
  plans: 2,
  keysSetAt: Float64Array.of(1_000.7, 0),
  maxWaitMilliseconds: 2_000,
  fromMilliseconds: 0,
  toMilliseconds: 10_000,
};

function early(number: number): Observation {
  return { plan_id: planIDOf(number), obs_point: 'create_apply_plan', heat_found: '0', ts: '500' };
}

function late(number: number, wish: Partial<Observation> = {}): Observation {
  const found = { heat_found: '1', ts: '1004', waited_exact_ms: '504' };
  return { plan_id: planIDOf(number), obs_point: 'publish_plan_post', ...found, ...wish };
}

function tallyOf(observations: readonly Observation[], wish: Partial<TallyOptions> = {}): Tally {
  const tally = new Tally({ ...options, ...wish });
  for (const observation of observations) tally.add(observation);
  return tally;
}

const timeout = { heat_found: '0', ts: '2501', waited_exact_ms: '2001' };
const complete = [early(0), early(1), late(0), late(1, timeout)];

describe('Tally', () => {
  it('finds nothing wrong where each plan has one early and one late observation', () => {
    const tally = tallyOf(complete);
    expect(tally).toMatchObject({ doubled: 0, missed: 0, coverage: 0.5 });
    expect(tally.lost(0)).toBe(0);
  });

  it('counts what is lost, but for the late observations of skipped plans', () => {
    const tally = tallyOf([early(0), late(0)]);
    expect(tally.lost(0)).toBe(2);
    expect(tally.lost(1)).toBe(1);
  });

  it('counts each observation beyond the first as doubled', () => {
    expect(tallyOf([...complete, early(0), late(1, timeout), late(1, timeout)]).doubled).toBe(3);
  });

  it('takes the detection from whole milliseconds of the same clock', () => {
    expect(tallyOf(complete).detectionMilliseconds).toEqual([4]);
  });

  it('leaves out detections before and after the span that is measured', () => {
    expect(tallyOf(complete, { fromMilliseconds: 1_005 }).detectionMilliseconds).toEqual([]);
    expect(tallyOf(complete, { toMilliseconds: 1_004 }).detectionMilliseconds).toEqual([]);
  });

  it('counts a key as missed only if it was there before the deadline', () => {
    expect(tallyOf([late(0, timeout)]).missed).toBe(1);
    expect(tallyOf([late(0, timeout)], { keysSetAt: Float64Array.of(2_500.2, 0) }).missed).toBe(0);
  });
});
