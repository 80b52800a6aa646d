// What holds of a HeatObserver where neither it nor the operator's settings say anything, and the bounds of what both may say.
// One place, because the schema's texts, the rules, the defaults and the settings all speak of these numbers.

export const shippedStreams = {
  plans: 'quantum:stream:apply.plan',
  observed: 'quantum:stream:apply.heat.observed',
  decisions: 'quantum:stream:harvest.heat.decision',
} as const;

/** Behind the name of the plans' stream. */
export const deadLetterSuffix = '.dead';

export const shippedLate = {
  enabled: true,
  pollMilliseconds: 100,
  maxWaitMilliseconds: 2000,
  maxWorkers: 4,
  maxInFlight: 200,
} as const;

/** The least and the most. */
export const lateBounds = {
  pollMilliseconds: [10, 10_000],
  maxWaitMilliseconds: [0, 60_000],
  maxWorkers: [1, 64],
  maxInFlight: [1, 200_000],
} as const satisfies Readonly<Record<string, readonly [number, number]>>;

export const shipped = {
  passwordKey: 'password',
  caKey: 'ca.crt',
  maxRedisErrors: 2,
  golden: 'Warn',
  deduplicationSeconds: 60,
  maxObservedEntries: 100_000,
} as const;

/** Of a prefix, and of the name of a stream. */
export const maxKeyLength = 256;
