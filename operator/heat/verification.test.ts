import { describe, expect, it } from 'vitest';
import { type HeatObserver, heatDefaults, type HeatObserverSpec } from '../resources/heatobserver.ts';
import type { GroupStanding } from './redis/group.ts';
import {
  type Check,
  consumerGroup,
  golden,
  lateResults,
  newestSpec,
  prefix,
  ready,
  type Tally,
  tallyOf,
  type Verification,
} from './verification.ts';
import { hasPassed, verificationReport } from './verification-report.ts';

const observed = 'quantum:stream:apply.heat.observed';
const plans = 'quantum:stream:apply.plan';

const specOf = (fields: Partial<HeatObserverSpec> = {}) =>
  heatDefaults({ redis: { url: 'redis://redis' }, lookupPrefix: 'heat:', ...fields });

const tally = (early: [found: number, missed: number], late: [found: number, missed: number], others = 0): Tally => ({
  counts: {
    create_apply_plan: { found: early[0], missed: early[1] },
    publish_plan_post: { found: late[0], missed: late[1] },
  },
  others,
});

describe('the tally', () => {
  it('H8: counts real entries by observation point and result, wherever the fields stand', () => {
    const entry = (...fields: string[]) => ['1-0', fields] as const;
    const of = (point: string, found: string) => entry('plan_id', 'p', 'obs_point', point, 'heat_found', found);
    expect(
      tallyOf([
        of('create_apply_plan', '0'),
        of('create_apply_plan', '1'),
        of('publish_plan_post', '1'),
        entry('heat_found', '1', 'obs_point', 'publish_plan_post'),
        of('publish_plan_post', 'true'),
        of('elsewhere', '1'),
        entry('plan_id', 'obs_point', 'publish_plan_post', 'heat_found'),
      ]),
    ).toEqual(tally([1, 1], [2, 0], 3));
  });
});

describe('late results', () => {
  const late = (of: Tally, spec = specOf()) => {
    const { result, words } = lateResults(of, spec, 200);
    return `${result}: ${words}`;
  };

  it('pass where both stand in the stream', () => {
    expect(late(tally([0, 0], [1, 1]))).toBe('passed: publish_plan_post with heat_found=1 and with heat_found=0');
  });

  it.each<[string, Tally, string]>([
    [
      'nothing',
      tally([0, 0], [0, 0]),
      `stream ${observed} has no entries: publish plans to ${plans}, and see that ready passes`,
    ],
    [
      'early ones alone',
      tally([1, 2], [0, 0]),
      `no publish_plan_post is among the newest 3 entries of ${observed}: wait 2000 ms after a plan, and see whether status.skipped grows, as plans beyond late.maxInFlight have none`,
    ],
    [
      'misses alone',
      tally([1, 2], [0, 3]),
      `no publish_plan_post with heat_found=1 is among the newest 6 entries of ${observed}: heat comes later than late.maxWaitMilliseconds (2000), under another prefix than heat:, or not at all; see golden, or look at more with --newest=2000`,
    ],
    [
      'finds alone',
      tally([1, 2], [3, 0], 1),
      `no publish_plan_post with heat_found=0 is among the newest 7 entries of ${observed}: that is fine if all heat came, but shows no miss; publish one plan without heat, or look at more with --newest=2000`,
    ],
  ])('fail where there is %s', (_, of, words) => {
    expect(late(of)).toBe(`failed: ${words}`);
  });

  it('fail where there are none by the spec', () => {
    expect(late(tally([1, 1], [0, 0]), specOf({ late: { enabled: false } }))).toBe(
      'failed: spec.late.enabled is false: there is no publish_plan_post until it is true',
    );
  });
});

const readyIs = (status: 'True' | 'False' | 'Unknown', reason: string, message = '') => ({
  conditions: [{ type: 'Ready', status, reason, message, lastTransitionTime: '2026-01-02T03:04:05Z' }],
});

function observer(status: HeatObserver['status'], suspend = false): HeatObserver {
  return {
    metadata: { namespace: 'ml', name: 'harvest', uid: 'u', resourceVersion: '1', generation: 2 },
    spec: { redis: { url: 'redis://redis' }, lookupPrefix: 'heat:', suspend },
    ...(status ? { status } : {}),
  };
}

describe('the configuration in force', () => {
  const said = ({ result, words }: Omit<Check, 'name'>) => `${result}: ${words}`;

  it('is the newest spec', () => {
    expect(said(newestSpec(observer({ observedGeneration: 2 })))).toBe('passed: generation 2 is in force');
    expect(said(newestSpec(observer({ observedGeneration: 1 })))).toBe(
      'failed: the spec is at generation 2, and status speaks of 1: run this again in some seconds; if it stays so, see whether the operator runs, and its log',
    );
  });

  it.each<[string, HeatObserver, string]>([
    [
      'nobody says so',
      observer({}),
      'failed: status has no condition Ready: see whether the operator runs, and its log',
    ],
    ['it is', observer(readyIs('True', 'Observing')), 'passed: Observing'],
    [
      'Redis is away',
      observer(readyIs('False', 'RedisUnreachable', 'connect ECONNREFUSED')),
      'failed: Ready is False, RedisUnreachable: connect ECONNREFUSED (kubectl -n ml describe heat harvest shows more)',
    ],
    [
      'it connects',
      observer(readyIs('Unknown', 'Connecting')),
      'failed: Ready is Unknown, Connecting: docs/reasons.md says what that means (kubectl -n ml describe heat harvest shows more)',
    ],
    [
      'it is suspended',
      observer(readyIs('True', 'Suspended'), true),
      `failed: spec.suspend is true, so no plan is observed: kubectl -n ml patch heat harvest --type=merge -p '{"spec":{"suspend":false}}'`,
    ],
  ])('is ready or not: %s', (_, of, words) => {
    expect(said(ready(of))).toBe(words);
  });

  it('H1: has one prefix', () => {
    expect(prefix(specOf(), undefined).result).toBe('skipped');
    expect(prefix(specOf(), '').result).toBe('skipped');
    expect(prefix(specOf(), 'heat:').result).toBe('passed');
    expect(said(prefix(specOf(), 'other:'))).toBe(
      "failed: spec.lookupPrefix is heat:, and P28_HEAT_LOOKUP_PREFIX here is other:: make them equal, in the operator's environment and here",
    );
  });

  const elsewhere =
    "if the operator's HEAT_STREAM_IN is another stream, set it here as well, or write spec.streams.plans";
  const group = (unreadMilliseconds: number | undefined): GroupStanding => ({
    ...{ kind: 'Group', unreadMilliseconds, pending: 3 },
  });
  it.each<[string, GroupStanding, string]>([
    ['has read all', group(undefined), 'passed: orquanta:ml/harvest on plans: all is read, 3 are pending'],
    ['reads', group(30_000), 'passed: orquanta:ml/harvest on plans: the oldest unread plan is 30 s old, 3 are pending'],
    [
      'does not read',
      group(31_000),
      'failed: group orquanta:ml/harvest leaves plans on plans unread, the oldest for 31 s: see whether the operator runs, that ready passes, and status.lag',
    ],
    [
      'has no stream',
      { kind: 'NoStream' },
      `failed: there is no stream plans in this database: see that ready passes, and whether spec.redis.url means this Redis; ${elsewhere}`,
    ],
    [
      'is not there',
      { kind: 'NoGroup', groups: ['a', 'b', 'c', 'd'] },
      `failed: stream plans has no group orquanta:ml/harvest (there: a, b, c), so the observer doesn't read it: see that ready passes; ${elsewhere}`,
    ],
    [
      'is not there, and no other',
      { kind: 'NoGroup', groups: [] },
      `failed: stream plans has no group orquanta:ml/harvest (there: none), so the observer doesn't read it: see that ready passes; ${elsewhere}`,
    ],
  ])('has a group that %s', (_, standing, words) => {
    expect(said(consumerGroup(standing, 'orquanta:ml/harvest', 'plans'))).toBe(words);
  });

  it('is golden, or not', () => {
    expect(said(golden({ kind: 'Passed', planID: 'p', words: 'all there' }))).toBe('passed: all there');
    expect(said(golden({ kind: 'Failed', words: 'no key' }))).toBe('failed: no key');
    expect(said(golden({ kind: 'Pending', words: 'no plan' }))).toBe(
      'failed: no plan; publish one, and run this again',
    );
    expect(said(golden(undefined))).toBe('skipped: spec.golden is Skip');
  });
});

describe('the report', () => {
  const checks: Check[] = [
    { name: 'late results', result: 'passed', words: 'both' },
    { name: 'prefix', result: 'skipped', words: 'not set' },
    { name: 'golden', result: 'failed', words: 'no key heat:p' },
  ];
  const verification = (of: Tally, all: Check[]): Verification => ({
    ...{ namespace: 'ml', name: 'harvest', redis: 'redis.ml.svc:6379/0' },
    ...{ spec: specOf(), tally: of, checks: all },
  });

  it('is tables, what to do, and one sentence', () => {
    expect(verificationReport(verification(tally([6, 94], [90, 9], 1), checks))).toBe(`redis       redis.ml.svc:6379/0
plans       quantum:stream:apply.plan
observed    quantum:stream:apply.heat.observed
decisions   quantum:stream:harvest.heat.decision
prefix      heat:

observation point   heat found   not found   share
create_apply_plan            6          94     6 %
publish_plan_post           90           9    91 %
no observations                          1

late results   passed
prefix         skipped
golden         failed

prefix: not set

golden: no key heat:p

HeatObserver ml/harvest: 1 of 3 checks failed: golden
`);
    expect(hasPassed(checks)).toBe(false);
  });

  it('says when all is well, and stays within 80 columns with the largest counts', () => {
    const of = tally([100_000, 100_000], [0, 0]);
    const text = verificationReport(verification(of, checks.slice(0, 2)));
    expect(text).toContain('\n\nHeatObserver ml/harvest observes as its spec says: no check failed\n');
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(hasPassed(checks.slice(0, 2))).toBe(true);
  });
});
