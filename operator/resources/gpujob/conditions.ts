// The condition types and the closed vocabulary of reasons, with one sentence each, from which the docs are generated.
// They are API: scripts, dashboards and Argo CD's health check read them. It decides nothing.

/** In the order in which `kubectl describe` shows them. */
export const conditionTypes = {
  Ready: 'Unknown while the job waits or runs, True when it is complete, False only when it has really failed.',
  Placed: 'True while the current run holds cards.',
  Suspended: 'True while spec.suspend keeps the job from running and its last run is gone.',
  Complete: 'True when a run ended well.',
  Failed: 'True when the job has ended without success and is not tried again.',
  Finished: 'True on both outcomes, so that `kubectl wait --for=condition=Finished` always returns.',
  Reconciling: 'True while the operator still has something to do for the job.',
  Stalled: 'True when nothing will happen until somebody changes something: the reason and the message say what.',
} as const;

export type ConditionName = keyof typeof conditionTypes;

/** Beside the others, and only while there is something to say: a job without a warning pays nothing for it. */
export const warningTypes = {
  CatalogueWarning:
    "There, and True, while the policy's catalogue doesn't know, doesn't recommend or calls untested or costly what the job names: the message says what, with alternatives.",
} as const;

export type WarningName = keyof typeof warningTypes;

/** Events on a GPUJob whose reason is none of those below. */
export const eventMeanings = {
  Placed: 'A run was given cards: the message says which, and where.',
  VRAMGrown: 'The next run asks for more VRAM than the one that ran out of GPU memory.',
  Finished: 'The job has ended: the message begins with the reason.',
  RetryIgnored: 'A new value of the annotation `orquanta.io/retry` changed nothing: the message says why.',
} as const;

/** When in a job's life a reason applies. */
export type Stage = 'BeforeRun' | 'InRun' | 'AfterRun';

export interface ReasonMeaning {
  readonly stage: Stage;
  readonly sentence: string;
}

/** Every reason there is. The most precise one that applies is shown. */
export const reasonMeanings = {
  Suspended: { stage: 'BeforeRun', sentence: 'spec.suspend is true: nothing runs until it is set to false.' },
  PolicyNotFound: { stage: 'BeforeRun', sentence: 'There is no SovereignPolicy with the name in spec.policyName.' },
  PolicyNotAllowed: { stage: 'BeforeRun', sentence: "The policy's namespaceSelector doesn't select this namespace." },
  ModelNotFound: {
    stage: 'BeforeRun',
    sentence: "The policy's catalogue doesn't know spec.model, and spec.requiredVRAM is absent.",
  },
  BudgetExhausted: {
    stage: 'BeforeRun',
    sentence: "The policy's monthly budget, or this namespace's share, is spent.",
  },
  InvalidTemplate: {
    stage: 'BeforeRun',
    sentence: "The API server refuses the Job made from spec.template: the message has the server's own words.",
  },
  NameTaken: {
    stage: 'BeforeRun',
    sentence: "A Job, Service or claim that isn't this GPUJob's has the name of its next run: delete or rename it.",
  },
  NoMatchingCards: {
    stage: 'BeforeRun',
    sentence:
      'No card passes the products, isolation, node selector, affinity and tolerations, or there is no GPU node yet.',
  },
  NeverFits: {
    stage: 'BeforeRun',
    sentence: 'Some cards match, but none has the VRAM, or no node the count, even when it is empty.',
  },
  CardsBusy: { stage: 'BeforeRun', sentence: 'Some nodes would fit if they were empty, and none is free enough now.' },
  WaitingForGang: { stage: 'BeforeRun', sentence: 'There is room for some of the workers, but not for all at once.' },
  BackingOff: { stage: 'BeforeRun', sentence: 'The last run failed or was undone, and the next try waits its time.' },
  Retrying: {
    stage: 'BeforeRun',
    sentence: 'The annotation `orquanta.io/retry` asked for another run: the next one is being placed.',
  },
  Starting: { stage: 'InRun', sentence: "The cards are chosen and the run's Pods are being bound and started." },
  PodsRefused: {
    stage: 'InRun',
    sentence: "A quota, Pod Security or a webhook refuses the run's Pods or its claim: the message has its words.",
  },
  Unschedulable: {
    stage: 'InRun',
    sentence: "The scheduler can't bind the run's Pods to the chosen nodes: the message has its words.",
  },
  Running: { stage: 'InRun', sentence: 'Every worker of the run has started.' },
  Complete: { stage: 'AfterRun', sentence: 'A run ended well.' },
  OutOfMemory: { stage: 'AfterRun', sentence: 'The run died of a GPU out-of-memory, as its own last words show.' },
  HostOutOfMemory: {
    stage: 'AfterRun',
    sentence: "The container was killed for using more than its memory limit (the host's memory, not the GPU's).",
  },
  ApplicationError: {
    stage: 'AfterRun',
    sentence: 'The run failed for a reason of its own: see its exit code and log.',
  },
  DeadlineExceeded: {
    stage: 'AfterRun',
    sentence: 'The job ran longer than spec.activeDeadlineSeconds over all runs.',
  },
  Disrupted: {
    stage: 'AfterRun',
    sentence: 'The run was ended from outside (drain, preemption, a lost node): it runs again, and no retry is spent.',
  },
  RetriesExhausted: {
    stage: 'AfterRun',
    sentence: 'More runs failed than spec.retry.maxFailures lets the job survive.',
  },
  VRAMLimitReached: {
    stage: 'AfterRun',
    sentence: 'The job needs more VRAM than spec.retry.maxVRAM lets it grow to.',
  },
} as const satisfies Record<string, ReasonMeaning>;

export type Reason = keyof typeof reasonMeanings;

/** `reasons.CardsBusy` is 'CardsBusy': a mistyped reason doesn't compile. */
export const reasons = namesOf(reasonMeanings);

/** `conditions.Ready` is 'Ready'. */
export const conditions = namesOf(conditionTypes);

function namesOf<T extends object>(meanings: T): { readonly [K in keyof T]: K } {
  return Object.fromEntries(Object.keys(meanings).map((name) => [name, name])) as { [K in keyof T]: K };
}
