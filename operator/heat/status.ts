// What the status of a HeatObserver says: pure, from its spec and from what is known of its observer.
import { type Condition, dated } from '../resources/condition.ts';
import type { HeatObserver, HeatObserverStatus } from '../resources/heatobserver.ts';
import { type HeatConditionName, heatConditionTypes, type HeatReason } from '../resources/heatobserver/conditions.ts';
import { timestamp } from '../resources/timestamp.ts';
import type { Figures } from './figures.ts';
import { observationPoints, reasons } from './observation.ts';
import type { GoldenResult } from './golden.ts';

/** Why nothing is observed until somebody changes something. */
export interface Obstacle {
  readonly reason: HeatReason;
  readonly message: string;
}

/** What is known of one observer, in this process. */
export interface Known {
  /** Undefined while it connects. */
  readonly standing:
    | { readonly kind: 'Reading' }
    | { readonly kind: 'Failing'; readonly reason: HeatReason; readonly message: string }
    | undefined;
  readonly golden: GoldenResult | undefined;
  readonly figures: Figures | undefined;
  /** Since this process began to lead; the status has what was before. */
  readonly totals: Totals;
  /** Epoch milliseconds. */
  readonly lastObservationAt: number | undefined;
  /** When plans were last skipped, and when too many were last unread; by the monotonic clock. */
  readonly skippedAt: number | undefined;
  readonly laggedAt: number | undefined;
  readonly handledVerify: string | undefined;
}

export interface Totals {
  readonly observed: number;
  readonly skipped: number;
  readonly redisErrors: number;
  readonly parseErrors: number;
}

export const noTotals: Totals = { observed: 0, skipped: 0, redisErrors: 0, parseErrors: 0 };

export function addFigures(totals: Totals, { reasons: counts, skipped }: Figures): Totals {
  const early = counts[observationPoints.early];
  const late = counts[observationPoints.late];
  const all = reasons.reduce((sum, reason) => sum + early[reason], 0);
  return {
    observed: totals.observed + all,
    skipped: totals.skipped + skipped,
    redisErrors: totals.redisErrors + early.redis_error + late.redis_error,
    parseErrors: totals.parseErrors + early.parse_error + late.parse_error,
  };
}

type Verdict = Pick<Condition, 'status' | 'message'> & { readonly reason: HeatReason };

/** More unread entries than this is a lag. */
const laggingEntries = 10_000;
/** Said for so long after it was last seen: a condition must not come and go with every second's figures. */
export const troubleMilliseconds = 60_000;

export function isLagging({ lag }: Figures): boolean {
  return lag !== undefined && lag > laggingEntries;
}

export function heatStatus(
  observer: HeatObserver,
  obstacle: Obstacle | undefined,
  known: Known,
  base: Totals,
  nowMilliseconds: number,
  monotonicMilliseconds: number,
): HeatObserverStatus {
  const before = observer.status ?? {};
  const { figures, totals } = known;
  return {
    ...before,
    observedGeneration: observer.metadata.generation ?? 0,
    conditions: conditionsOf(
      observer,
      verdictsOn(observer, obstacle, known, monotonicMilliseconds),
      timestamp(nowMilliseconds),
    ),
    ...(figures?.coverage === undefined ? {} : { coverage: figures.coverage }),
    ...(figures?.earlyCoverage === undefined ? {} : { earlyCoverage: figures.earlyCoverage }),
    ...(figures?.lag === undefined ? {} : { lag: figures.lag }),
    observed: base.observed + totals.observed,
    skipped: base.skipped + totals.skipped,
    redisErrors: base.redisErrors + totals.redisErrors,
    parseErrors: base.parseErrors + totals.parseErrors,
    ...(known.lastObservationAt === undefined ? {} : { lastObservationTime: timestamp(known.lastObservationAt) }),
    ...(known.handledVerify === undefined ? {} : { lastHandledVerify: known.handledVerify }),
  };
}

/** What a script or a person would act on; the numbers of a status that hasn't changed otherwise can wait. */
export function saysTheSame(one: HeatObserverStatus, other: HeatObserverStatus | undefined): boolean {
  const said = ({ conditions = [], observedGeneration, lastHandledVerify }: HeatObserverStatus) =>
    JSON.stringify([conditions, observedGeneration, lastHandledVerify]);
  return other !== undefined && said(one) === said(other);
}

function verdictsOn(
  { spec, metadata }: HeatObserver,
  obstacle: Obstacle | undefined,
  known: Known,
  monotonicMilliseconds: number,
): Record<HeatConditionName, Verdict> {
  const yes = (reason: HeatReason, message = ''): Verdict => ({ status: 'True', reason, message });
  const no = (reason: HeatReason, message = ''): Verdict => ({ status: 'False', reason, message });
  const unknown = (reason: HeatReason, message = ''): Verdict => ({ status: 'Unknown', reason, message });
  const { standing, golden } = known;
  const suspended = spec.suspend === true;
  const waitsForGolden = spec.golden === 'Require' && golden?.kind !== 'Passed' && standing === undefined;
  const ready = (): Verdict => {
    if (obstacle) return no(obstacle.reason, obstacle.message);
    if (suspended) return yes('Suspended');
    if (standing?.kind === 'Failing') return no(standing.reason, standing.message);
    if (waitsForGolden) return golden ? no(goldenReason(golden), golden.words) : unknown('GoldenPending');
    return standing ? yes('Observing') : unknown('Connecting');
  };
  const reconciling = !obstacle && !suspended && standing === undefined;
  return {
    Ready: ready(),
    Reconciling: reconciling ? yes('Connecting') : no('Observed'),
    Stalled: obstacle ? yes(obstacle.reason, obstacle.message) : no('NothingToChange'),
    Degraded: degraded(known, metadata.name, monotonicMilliseconds),
    GoldenVerified: goldenVerdict(spec.golden, golden),
  };
}

function goldenReason({ kind }: GoldenResult): HeatReason {
  return ({ Passed: 'GoldenPassed', Failed: 'GoldenFailed', Pending: 'GoldenPending' } as const)[kind];
}

function goldenVerdict(mode: HeatObserver['spec']['golden'], golden: GoldenResult | undefined): Verdict {
  if (golden) {
    const status = golden.kind === 'Passed' ? 'True' : golden.kind === 'Failed' ? 'False' : 'Unknown';
    return { status, reason: goldenReason(golden), message: golden.words };
  }
  if (mode === 'Skip') return { status: 'Unknown', reason: 'GoldenSkipped', message: '' };
  return { status: 'Unknown', reason: 'GoldenPending', message: '' };
}

function degraded({ standing, skippedAt, laggedAt }: Known, name: string, monotonicMilliseconds: number): Verdict {
  const isRecent = (at: number | undefined): boolean =>
    at !== undefined && monotonicMilliseconds - at < troubleMilliseconds;
  if (standing?.kind === 'Failing') return { status: 'True', reason: standing.reason, message: standing.message };
  if (isRecent(skippedAt)) {
    const message = `more plans are in flight than late.maxInFlight allows: some have no late observation; raise it with kubectl edit heat ${name}`;
    return { status: 'True', reason: 'SkippingPlans', message };
  }
  if (isRecent(laggedAt)) {
    return { status: 'True', reason: 'Lagging', message: `more than ${laggingEntries} plans are not read yet` };
  }
  return { status: 'False', reason: 'Healthy', message: '' };
}

function conditionsOf(
  { metadata, status }: HeatObserver,
  verdicts: Record<HeatConditionName, Verdict>,
  now: string,
): Condition[] {
  const before = status?.conditions ?? [];
  const names = Object.keys(heatConditionTypes) as HeatConditionName[];
  return names.map((type) => dated({ type, ...verdicts[type] }, before, metadata.generation ?? 0, now));
}
