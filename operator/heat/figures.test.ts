import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Counting, latenessBuckets } from './figures.ts';
import { type ObservationPoint, observationPoints, type Observed, reasons } from './observation.ts';
import { someFigures } from './testing.ts';

const { early, late } = observationPoints;
const now = { inFlight: 0, lag: undefined, pending: undefined };

function aCount() {
  const told: unknown[] = [];
  const counting = new Counting({
    onObserved: (observed, planID) => void told.push([observed, planID]),
    onSkipped: (planID) => void told.push(planID),
  });
  const sees = (point: ObservationPoint, finds: readonly boolean[]) => {
    for (const found of finds) counting.onObserved({ point, found, reason: found ? 'ok' : 'missing' }, 'p');
  };
  return { counting, told, sees };
}

const times = (count: number, found: boolean) => Array.from({ length: count }, () => found);

describe('the figures of an observer', () => {
  it('are zero and unknown before anything happened', () => {
    expect(aCount().counting.take(now)).toEqual(someFigures());
  });

  it.each(Object.values(observationPoints).flatMap((point) => reasons.map((reason) => ({ point, reason }))))(
    'H6: count $reason at $point there and nowhere else',
    ({ point, reason }) => {
      const { counting } = aCount();
      for (const planID of ['p', 'q']) counting.onObserved({ point, found: reason === 'ok', reason }, planID);
      const { reasons: counted } = counting.take(now);
      expect(counted).toEqual(someFigures({ [point === early ? 'early' : 'late']: { [reason]: 2 } }).reasons);
    },
  );

  it('H6: have a plan without an id as parse_error, and heat that is no number apart: its plan has its observation', () => {
    const { counting } = aCount();
    counting.onMalformed();
    counting.onUnreadableHeat();
    counting.onUnreadableHeat();
    expect(counting.take(now)).toEqual(someFigures({ early: { parse_error: 1 }, unreadable: 2 }));
  });

  it('H4: count what was skipped, and each of the other things by itself', () => {
    const { counting } = aCount();
    const counts = { skipped: 4, duplicates: 3, deadLetters: 2, redisErrors: 1 };
    for (let n = 0; n < counts.skipped; n += 1) counting.onSkipped('p');
    for (let n = 0; n < counts.duplicates; n += 1) counting.onDuplicate();
    for (let n = 0; n < counts.deadLetters; n += 1) counting.onDeadLetter();
    for (let n = 0; n < counts.redisErrors; n += 1) counting.onRedisError();
    expect(counting.take(now)).toEqual(someFigures(counts));
  });

  it('are those since the last time, but for the coverage', () => {
    const { counting, sees } = aCount();
    sees(early, [true]);
    sees(late, [true, false]);
    counting.onMalformed();
    counting.onSkipped('p');
    counting.onDuplicate();
    counting.onDeadLetter();
    counting.onRedisError();
    counting.onDeadline(3);
    const before = counting.take(now);
    expect(counting.take(now)).toEqual(someFigures({ coverage: 500, earlyCoverage: 1_000 }));
    counting.onDeadline(3);
    sees(early, [true]);
    expect(before).toMatchObject({ lateness: [0, 0, 1, 0, 0, 0, 0, 0, 0, 0], reasons: { [early]: { ok: 1 } } });
  });

  it('say how it stands in Redis as it was told', () => {
    expect(aCount().counting.take({ inFlight: 7, lag: 8, pending: 9 })).toEqual(
      someFigures({ inFlight: 7, lag: 8, pending: 9 }),
    );
  });

  it('pass on what is heard of single plans', () => {
    const { counting, told } = aCount();
    const observed: Observed = { point: late, found: false, reason: 'timeout' };
    counting.onObserved(observed, 'p');
    counting.onSkipped('q');
    counting.onDuplicate();
    counting.onUnreadableHeat();
    expect(told).toEqual([[observed, 'p'], 'q']);
  });
});

describe('coverage', () => {
  it('H10: is the share of plans whose heat was found, early and late apart', () => {
    const { counting, sees } = aCount();
    sees(early, [...times(6, true), ...times(94, false)]);
    sees(late, [...times(9, true), ...times(1, false)]);
    expect(counting.take(now)).toMatchObject({ earlyCoverage: 60, coverage: 900 });
  });

  it('H10: is 0 where nothing was found, and unknown only where nothing was looked for', () => {
    const { counting, sees } = aCount();
    sees(late, [false]);
    expect(counting.take(now)).toMatchObject({ earlyCoverage: undefined, coverage: 0 });
  });

  it('H10: is of observations that stand in the stream: what was skipped or unreadable does not count', () => {
    const { counting, sees } = aCount();
    sees(late, [true]);
    counting.onSkipped('p');
    counting.onMalformed();
    counting.onUnreadableHeat();
    expect(counting.take(now)).toMatchObject({ earlyCoverage: undefined, coverage: 1_000 });
  });

  it('H10: is of the last thousand, in whole permille', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 700 }), fc.boolean()), { minLength: 1, maxLength: 8 }),
        (runs) => {
          const { counting, sees } = aCount();
          const all = runs.flatMap(([count, found]) => times(count, found));
          sees(late, all);
          const last = all.slice(-1_000);
          const share = last.filter((found) => found).length / last.length;
          expect(counting.take(now).coverage).toBe(Math.round(1_000 * share));
        },
      ),
    );
  });
});

describe('the lateness of last looks', () => {
  it.each<[number, number]>([
    [0, 0],
    [1, 0],
    [1.01, 1],
    [20, 4],
    [20.5, 5],
    [2_000, 8],
    [2_001, 9],
    [60_000, 9],
  ])('of %d ms is counted in bucket %d', (milliseconds, bucket) => {
    const { counting } = aCount();
    counting.onDeadline(milliseconds);
    counting.onDeadline(milliseconds);
    const { lateness } = counting.take(now);
    expect(lateness).toHaveLength(latenessBuckets.length + 1);
    expect(lateness.flatMap((count, index) => (count > 0 ? [[index, count]] : []))).toEqual([[bucket, 2]]);
  });
});
