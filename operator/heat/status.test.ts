// What the status of a HeatObserver says, as a function of its spec and of what is known of its observer.
import { describe, expect, it } from 'vitest';
import type { HeatObserver, HeatObserverSpec } from '../resources/heatobserver.ts';
import { heatConditionTypes } from '../resources/heatobserver/conditions.ts';
import type { GoldenResult } from './golden.ts';
import { reasons } from './observation.ts';
import { addFigures, heatStatus, type Known, noTotals, type Obstacle, saysTheSame } from './status.ts';
import { anObserver, someFigures } from './testing.ts';

const start = Date.parse('2026-01-01T00:00:00.700Z');
const minute = 60_000;

const nothing: Known = {
  ...{ standing: undefined, golden: undefined, figures: undefined, totals: noTotals },
  ...{ lastObservationAt: undefined, skippedAt: undefined, laggedAt: undefined, handledVerify: undefined },
};
const reads: Partial<Known> = { standing: { kind: 'Reading' } };
const fails: Partial<Known> = { standing: { kind: 'Failing', reason: 'RedisRefused', message: 'WRONGPASS' } };
const obstacle: Obstacle = { reason: 'SecretNotFound', message: 'there is no Secret ml/redis' };
const passed: GoldenResult = { kind: 'Passed', planID: 'p', words: 'all is there' };
const failed: GoldenResult = { kind: 'Failed', words: 'no key heat:p' };
const pending: GoldenResult = { kind: 'Pending', words: 'no plan yet' };

interface Situation {
  readonly spec?: Partial<HeatObserverSpec>;
  readonly obstacle?: Obstacle;
  readonly known?: Partial<Known>;
}

function statusOf({ spec, obstacle, known }: Situation, before?: HeatObserver['status'], now = start) {
  return heatStatus(anObserver(spec, before), obstacle, { ...nothing, ...known }, noTotals, now, now);
}

/** '<status> <reason>: <message>' by type. */
function said(situation: Situation): Record<string, string> {
  const conditions = statusOf(situation).conditions ?? [];
  return Object.fromEntries(
    conditions.map(({ type, status, reason, message }) => [
      type,
      `${status} ${reason}${message === '' ? '' : `: ${message}`}`,
    ]),
  );
}

/** What is said where nothing special is to be said. */
const calm = {
  Ready: 'True Observing',
  Reconciling: 'False Observed',
  Stalled: 'False NothingToChange',
  Degraded: 'False Healthy',
  GoldenVerified: 'Unknown GoldenPending',
};
const connecting = { ...calm, Ready: 'Unknown Connecting', Reconciling: 'True Connecting' };

const skipping =
  'True SkippingPlans: more plans are in flight than late.maxInFlight allows: some have no late observation; raise it with kubectl edit heat harvest';
const lagging = 'True Lagging: more than 10000 plans are not read yet';

describe('the conditions of an observer', () => {
  it.each<[string, Situation, Record<string, string>]>([
    ['that connects', {}, connecting],
    ['that reads', { known: reads }, calm],
    [
      'that fails: not ready, and degraded',
      { known: fails },
      { ...calm, Ready: 'False RedisRefused: WRONGPASS', Degraded: 'True RedisRefused: WRONGPASS' },
    ],
    [
      'with something in its way: nothing will happen until somebody changes it',
      { obstacle },
      {
        ...calm,
        Ready: 'False SecretNotFound: there is no Secret ml/redis',
        Stalled: 'True SecretNotFound: there is no Secret ml/redis',
      },
    ],
    [
      'with something in its way that failed before: the way counts',
      { obstacle, known: fails },
      {
        ...calm,
        Ready: 'False SecretNotFound: there is no Secret ml/redis',
        Stalled: 'True SecretNotFound: there is no Secret ml/redis',
        Degraded: 'True RedisRefused: WRONGPASS',
      },
    ],
    ['that is suspended, as its spec says', { spec: { suspend: true } }, { ...calm, Ready: 'True Suspended' }],
    [
      'that is suspended with something in its way',
      { spec: { suspend: true }, obstacle },
      {
        ...calm,
        Ready: 'False SecretNotFound: there is no Secret ml/redis',
        Stalled: 'True SecretNotFound: there is no Secret ml/redis',
      },
    ],
    [
      'that is not suspended, and says so',
      { spec: { suspend: false }, known: reads },
      { ...calm, Ready: 'True Observing' },
    ],
    ['that skips plans', { known: { ...reads, skippedAt: start } }, { ...calm, Degraded: skipping }],
    [
      'that skipped plans not long ago',
      { known: { ...reads, skippedAt: start - 59_999 } },
      { ...calm, Degraded: skipping },
    ],
    ['that skipped plans long ago', { known: { ...reads, skippedAt: start - 60_000 } }, calm],
    ['that lags behind', { known: { ...reads, laggedAt: start - 59_999 } }, { ...calm, Degraded: lagging }],
    ['that lagged behind long ago', { known: { ...reads, laggedAt: start - 60_000 } }, calm],
    [
      'that skips plans and lags behind: what is lost comes first',
      { known: { ...reads, skippedAt: start - 59_999, laggedAt: start } },
      { ...calm, Degraded: skipping },
    ],
    [
      'that skipped plans long ago and lags behind',
      { known: { ...reads, skippedAt: start - 60_000, laggedAt: start } },
      { ...calm, Degraded: lagging },
    ],
    [
      'that fails after it skipped plans: what stands in the way comes first',
      { known: { ...fails, skippedAt: start } },
      { ...calm, Ready: 'False RedisRefused: WRONGPASS', Degraded: 'True RedisRefused: WRONGPASS' },
    ],
    [
      'that reads, with errors that it got over',
      { known: { ...reads, figures: someFigures({ redisErrors: 3, deadLetters: 1, duplicates: 2, lag: 5 }) } },
      calm,
    ],
  ])('%s', (_, situation, conditions) => {
    expect(said(situation)).toEqual(conditions);
  });

  it.each<[string, HeatObserverSpec['golden'], Partial<Known>, Record<string, string>]>([
    [
      'required waits for it',
      'Require',
      {},
      { ...connecting, Ready: 'Unknown GoldenPending', GoldenVerified: 'Unknown GoldenPending' },
    ],
    [
      'required is not ready before there is a plan',
      'Require',
      { golden: pending },
      {
        ...connecting,
        Ready: 'False GoldenPending: no plan yet',
        GoldenVerified: 'Unknown GoldenPending: no plan yet',
      },
    ],
    [
      'required and failed is not ready',
      'Require',
      { golden: failed },
      {
        ...connecting,
        Ready: 'False GoldenFailed: no key heat:p',
        GoldenVerified: 'False GoldenFailed: no key heat:p',
      },
    ],
    [
      'required and passed connects',
      'Require',
      { golden: passed },
      { ...connecting, GoldenVerified: 'True GoldenPassed: all is there' },
    ],
    [
      'required that cannot reach Redis says that instead',
      'Require',
      { ...fails, golden: failed },
      {
        ...calm,
        Ready: 'False RedisRefused: WRONGPASS',
        Degraded: 'True RedisRefused: WRONGPASS',
        GoldenVerified: 'False GoldenFailed: no key heat:p',
      },
    ],
    [
      'required once is not undone by a later one that fails',
      'Require',
      { ...reads, golden: failed },
      { ...calm, GoldenVerified: 'False GoldenFailed: no key heat:p' },
    ],
    [
      'wanted observes before it passed',
      'Warn',
      { ...reads, golden: failed },
      { ...calm, GoldenVerified: 'False GoldenFailed: no key heat:p' },
    ],
    [
      'wanted connects without it',
      'Warn',
      { golden: failed },
      { ...connecting, GoldenVerified: 'False GoldenFailed: no key heat:p' },
    ],
    ['left out says so', 'Skip', reads, { ...calm, GoldenVerified: 'Unknown GoldenSkipped' }],
    [
      'left out, and asked for all the same, has its result',
      'Skip',
      { ...reads, golden: passed },
      { ...calm, GoldenVerified: 'True GoldenPassed: all is there' },
    ],
    ['by default is wanted', undefined, reads, calm],
  ])('with a golden verification that is %s', (_, golden, known, conditions) => {
    expect(said({ spec: golden ? { golden } : {}, known })).toEqual(conditions);
  });

  it('are all there, Ready first, and speak of the newest spec', () => {
    const { conditions = [], observedGeneration } = heatStatus(
      { ...anObserver(), metadata: { ...anObserver().metadata, generation: 7 } },
      undefined,
      nothing,
      noTotals,
      start,
      start,
    );
    expect(conditions.map(({ type }) => type)).toEqual(Object.keys(heatConditionTypes));
    expect(conditions.map((condition) => condition.observedGeneration)).toEqual([7, 7, 7, 7, 7]);
    expect(observedGeneration).toBe(7);
  });
});

describe('the times of conditions', () => {
  const timesOf = (status: HeatObserver['status']) =>
    Object.fromEntries((status?.conditions ?? []).map(({ type, lastTransitionTime }) => [type, lastTransitionTime]));
  const [first, later] = ['2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z'];

  it('stay where nothing changed: the status is the same to the last field', () => {
    const situation: Situation = {
      spec: { golden: 'Require' },
      known: { ...reads, golden: passed, figures: someFigures({ coverage: 900, lag: 3 }), lastObservationAt: start },
    };
    const before = statusOf(situation);
    const after = statusOf(situation, before, start + minute);
    expect(after).toEqual(before);
    expect(saysTheSame(after, before)).toBe(true);
    expect(timesOf(after)).toEqual({
      ...{ Ready: first, Reconciling: first, Stalled: first, Degraded: first, GoldenVerified: first },
    });
  });

  it('are those of the last change of each one', () => {
    const before = statusOf({});
    const after = statusOf({ known: reads }, before, start + minute);
    expect(timesOf(after)).toEqual({
      ...{ Ready: later, Reconciling: later, Stalled: first, Degraded: first, GoldenVerified: first },
    });
  });

  it('stay where only the reason or the message is another', () => {
    const before = statusOf({ known: reads });
    const suspended = statusOf({ spec: { suspend: true } }, before, start + minute);
    expect(said({ spec: { suspend: true } })).toMatchObject({ Ready: 'True Suspended' });
    expect(timesOf(suspended)).toEqual(timesOf(before));
    expect(saysTheSame(suspended, before)).toBe(false);
  });
});

describe('a status', () => {
  const before = statusOf({ known: reads });

  it('says nothing new where only its numbers are others', () => {
    const numbers = { coverage: 1, earlyCoverage: 1, observed: 1, skipped: 1, redisErrors: 1, parseErrors: 1, lag: 1 };
    expect(saysTheSame({ ...before, ...numbers, lastObservationTime: '2026-01-01T00:00:00Z' }, before)).toBe(true);
  });

  it.each<[string, HeatObserver['status']]>([
    ['there was none', undefined],
    ['there was none of ours', { observedGeneration: -1 }],
    ['a condition is another', statusOf({})],
    ['the generation is another', { ...before, observedGeneration: 2 }],
    ['a verification was carried out', { ...before, lastHandledVerify: 'now' }],
  ])('says something new where %s', (_, other) => {
    expect(saysTheSame(before, other)).toBe(false);
  });
});

describe('the numbers of a status', () => {
  const totals = { observed: 1_000, skipped: 200, redisErrors: 30, parseErrors: 4 };

  it('go on from what the status had before this process', () => {
    const base = { observed: 7, skipped: 7, redisErrors: 7, parseErrors: 7 };
    expect(heatStatus(anObserver(), undefined, { ...nothing, totals }, base, start, start)).toMatchObject({
      ...{ observed: 1_007, skipped: 207, redisErrors: 37, parseErrors: 11 },
    });
  });

  it('H10: have the coverage, early and late, and how far it is behind', () => {
    const figures = someFigures({ coverage: 871, earlyCoverage: 62, lag: 12 });
    expect(statusOf({ known: { ...reads, figures } })).toMatchObject({ coverage: 871, earlyCoverage: 62, lag: 12 });
    const none = someFigures({ coverage: 0, earlyCoverage: 0, lag: 0 });
    expect(statusOf({ known: { ...reads, figures: none } })).toMatchObject({ coverage: 0, earlyCoverage: 0, lag: 0 });
  });

  it('have nothing that nobody knows', () => {
    const status = statusOf({ known: { ...reads, figures: someFigures() } });
    for (const field of ['coverage', 'earlyCoverage', 'lag', 'lastObservationTime', 'lastHandledVerify']) {
      expect(status).not.toHaveProperty(field);
    }
  });

  it('keep what was last known until something newer is', () => {
    const old: HeatObserver['status'] = {
      ...{ coverage: 871, earlyCoverage: 62, lag: 12 },
      ...{ lastObservationTime: '2025-12-31T00:00:00Z', lastHandledVerify: 'then' },
    };
    expect(statusOf({ known: { ...reads, figures: someFigures() } }, old)).toMatchObject(old);
    const known = { ...reads, lastObservationAt: start, handledVerify: 'now' };
    expect(statusOf({ known }, old)).toMatchObject({
      ...{ lastObservationTime: '2026-01-01T00:00:00Z', lastHandledVerify: 'now' },
    });
  });
});

describe('totals', () => {
  const each = Object.fromEntries(reasons.map((reason, index) => [reason, 10 ** index]));

  it('count each plan once, by its early observation, and errors of both', () => {
    const added = addFigures(noTotals, someFigures({ early: each, late: each, skipped: 5 }));
    expect(added).toEqual({ observed: 11_111, skipped: 5, redisErrors: 2_000, parseErrors: 20_000 });
  });

  it('add up', () => {
    const figures = someFigures({ early: { ok: 1, redis_error: 1, parse_error: 1 }, skipped: 1 });
    expect(addFigures(addFigures(noTotals, figures), figures)).toEqual({
      ...{ observed: 6, skipped: 2, redisErrors: 2, parseErrors: 2 },
    });
  });
});
