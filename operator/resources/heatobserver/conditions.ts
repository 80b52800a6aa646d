// The condition types and reasons of a HeatObserver, with one sentence each, from which the docs are generated. They are API:
// scripts, dashboards and Argo CD's health check read them. It decides nothing.

export const heatConditionTypes = {
  Ready:
    'True while plans are observed, or while the observer is suspended as its spec says; Unknown while it connects.',
  Reconciling: 'True while the operator has not put the newest spec into force yet.',
  Stalled: 'True when nothing will happen until somebody changes something: the reason and the message say what.',
  Degraded: 'True while it observes, but not every plan, or too late.',
  GoldenVerified:
    'True when the newest plan had a decision and a key at the last verification; Unknown before the first.',
} as const;

export type HeatConditionName = keyof typeof heatConditionTypes;

export const heatReasonMeanings = {
  Observing: 'Plans are read, and their heat is looked for.',
  Suspended: 'spec.suspend is true: no plan is read and no heat is looked for until it is set to false.',
  Connecting: 'The operator connects to Redis, for the first time or after a change of the spec.',
  Observed: 'The newest spec is in force.',
  NothingToChange: 'Nothing keeps the observer from working that somebody would have to change.',
  RedisUnreachable: 'No connection to Redis: the message says whether it is name, network, time or certificate.',
  RedisRefused: 'Redis refuses the operator, by password or access list (ACL): the message has its own words.',
  SecretNotFound: 'The Secret for the password or the certificate, or the key in it, is not there.',
  SecretForbidden: 'The operator may not read Secrets here: the message has the RoleBinding that would allow it.',
  HostNotAllowed: 'The host of redis.url is not among those that the operator may connect to.',
  PrefixConflict: 'spec.lookupPrefix differs from P28_HEAT_LOOKUP_PREFIX of the operator: make them equal.',
  StreamConflict: "With the operator's HEAT_STREAM_IN two of the streams are the same: give each a name of its own.",
  GoldenPassed: 'The newest plan has a decision and a key.',
  GoldenFailed:
    'The newest plan has no decision or no key: the message says which; with golden: Require nothing is observed.',
  GoldenSkipped: 'spec.golden is Skip: nothing is verified.',
  GoldenPending: 'There is no plan to verify yet, or the verification is under way.',
  SkippingPlans: 'More plans are in flight than late.maxInFlight allows: the others are skipped and counted.',
  Lagging: 'Plans come faster than they are read, or were left unread: status.lag says how many.',
  Healthy: 'Every plan is observed in time.',
} as const;

export type HeatReason = keyof typeof heatReasonMeanings;
