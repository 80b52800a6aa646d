// The nouns of observing: observation points, results, counts. Types and constants only.

/** Early: one look when the plan is read. Late: the key is awaited after the plan was published (requirement H2). */
export const observationPoints = { early: 'create_apply_plan', late: 'publish_plan_post' } as const;
export type ObservationPoint = (typeof observationPoints)[keyof typeof observationPoints];

/** Requirement H6: a closed list, metrics are labelled by it. */
export const reasons = ['ok', 'missing', 'timeout', 'redis_error', 'parse_error'] as const;
export type Reason = (typeof reasons)[number];

/** Where an observer reads and writes; all on one Redis. */
export interface Streams {
  readonly plans: string;
  readonly observed: string;
  readonly deadLetter: string;
}

export interface ObserverSettings {
  /** '<namespace>/<name>' of the HeatObserver: names the consumer group and the keys that are the observer's own. */
  readonly name: string;
  readonly lookupPrefix: string;
  readonly streams: Streams;
  readonly late: {
    readonly enabled: boolean;
    readonly pollMilliseconds: number;
    readonly maxWaitMilliseconds: number;
    /** Pipelines that look for keys, at a time. */
    readonly maxWorkers: number;
    /** Plans that wait, at a time; beyond it a plan has no late observation. */
    readonly maxInFlight: number;
  };
  /** So many end an observation. */
  readonly maxRedisErrors: number;
  /** For so long a plan id that comes again is not observed again. */
  readonly deduplicationSeconds: number;
  /** Of the stream of observations, about. */
  readonly maxObservedEntries: number;
}

/** An observation that stands in the output stream. */
export interface Observed {
  readonly point: ObservationPoint;
  readonly found: boolean;
  readonly reason: Reason;
}

/** What an observer tells; all of it is counted. */
export interface ObserverEvents {
  onObserved(observed: Observed, planID: string): void;
  /** The heat of a plan is no {"heat": 0-1000}. */
  onUnreadableHeat(planID: string): void;
  /** A malformed plan of which not even an observation can be written: it has no plan id. */
  onMalformed(entryID: string, why: string): void;
  /** Beyond maxInFlight: fail-open. */
  onSkipped(planID: string): void;
  /** A plan id that came again. */
  onDuplicate(planID: string): void;
  /** Delivered too often: it is on the dead-letter stream. */
  onDeadLetter(entryID: string): void;
  /** By how much a deadline was looked at too late, in milliseconds. */
  onDeadline(lateMilliseconds: number): void;
  /** A command failed, or the connection. */
  onRedisError(error: Error): void;
}
