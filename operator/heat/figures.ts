// What an observer has seen, as plain numbers that can be sent from thread to thread and added up.
import {
  observationPoints,
  type ObservationPoint,
  type Observed,
  type ObserverEvents,
  type Reason,
  reasons,
} from './observation.ts';

/** How late a last look was, in milliseconds: the upper bounds of the buckets; beyond the last there is one more. */
export const latenessBuckets = [1, 2, 5, 10, 20, 50, 100, 500, 2_000] as const;
/** Coverage is of so many observations. */
const windowSize = 1_000;

export type ReasonCounts = Readonly<Record<ObservationPoint, Readonly<Record<Reason, number>>>>;

/** Since they were taken last, but for the coverage. */
export interface Figures {
  readonly reasons: ReasonCounts;
  readonly skipped: number;
  readonly duplicates: number;
  readonly deadLetters: number;
  readonly redisErrors: number;
  /** Placements whose heat was there and is no {"heat": 0-1000}. */
  readonly unreadable: number;
  /** One more than latenessBuckets. */
  readonly lateness: readonly number[];
  /** Permille of the last thousand; undefined before the first. */
  readonly coverage: number | undefined;
  readonly earlyCoverage: number | undefined;
  readonly inFlight: number;
  /** Undefined while Redis isn't reached, or doesn't know. */
  readonly lag: number | undefined;
  readonly pending: number | undefined;
}

export function noReasons(): Record<ObservationPoint, Record<Reason, number>> {
  const none = () => Object.fromEntries(reasons.map((reason) => [reason, 0])) as Record<Reason, number>;
  return { [observationPoints.early]: none(), [observationPoints.late]: none() };
}

/** Of the last thousand. */
class Share {
  readonly #found: boolean[] = [];
  #next = 0;
  #sum = 0;

  add(found: boolean): void {
    if (this.#found[this.#next] === true) this.#sum -= 1;
    this.#found[this.#next] = found;
    if (found) this.#sum += 1;
    this.#next = (this.#next + 1) % windowSize;
  }

  get permille(): number | undefined {
    return this.#found.length === 0 ? undefined : Math.round((1_000 * this.#sum) / this.#found.length);
  }
}

/** Who hears of single plans, beside the counts. */
export type CountingListener = Pick<ObserverEvents, 'onObserved' | 'onSkipped'>;

/** Listens to an observer and counts. */
export class Counting implements ObserverEvents {
  readonly #listener: CountingListener;
  readonly #shares = { [observationPoints.early]: new Share(), [observationPoints.late]: new Share() };
  #reasons = noReasons();
  #lateness: number[] = emptyLateness();
  #counts = { skipped: 0, duplicates: 0, deadLetters: 0, redisErrors: 0, unreadable: 0 };

  constructor(listener: CountingListener) {
    this.#listener = listener;
  }

  onObserved(observed: Observed, planID: string): void {
    const { point, found, reason } = observed;
    this.#reasons[point][reason] += 1;
    this.#shares[point].add(found);
    this.#listener.onObserved(observed, planID);
  }

  onMalformed(): void {
    this.#reasons[observationPoints.early].parse_error += 1;
  }

  onUnreadableHeat(): void {
    this.#counts.unreadable += 1;
  }

  onSkipped(planID: string): void {
    this.#counts.skipped += 1;
    this.#listener.onSkipped(planID);
  }

  onDuplicate(): void {
    this.#counts.duplicates += 1;
  }

  onDeadLetter(): void {
    this.#counts.deadLetters += 1;
  }

  onRedisError(): void {
    this.#counts.redisErrors += 1;
  }

  onDeadline(lateMilliseconds: number): void {
    const bucket = latenessBuckets.findIndex((bound) => lateMilliseconds <= bound);
    const index = bucket < 0 ? latenessBuckets.length : bucket;
    this.#lateness[index] = (this.#lateness[index] ?? 0) + 1;
  }

  /** And begins anew. */
  take(now: Pick<Figures, 'inFlight' | 'lag' | 'pending'>): Figures {
    const figures: Figures = {
      reasons: this.#reasons,
      ...this.#counts,
      lateness: this.#lateness,
      coverage: this.#shares[observationPoints.late].permille,
      earlyCoverage: this.#shares[observationPoints.early].permille,
      ...now,
    };
    this.#reasons = noReasons();
    this.#lateness = emptyLateness();
    this.#counts = { skipped: 0, duplicates: 0, deadLetters: 0, redisErrors: 0, unreadable: 0 };
    return figures;
  }
}

function emptyLateness(): number[] {
  return Array.from({ length: latenessBuckets.length + 1 }, () => 0);
}
