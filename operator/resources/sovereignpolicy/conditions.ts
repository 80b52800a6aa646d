// The condition types and reasons of a SovereignPolicy, with one sentence each, from which the docs are generated. They are
// API: scripts, dashboards and Argo CD's health check read them. It decides nothing.

export const policyConditionTypes = {
  Ready:
    'True while placement uses this policy as its spec says; False while its ledger is broken or can take no version.',
  Reconciling: 'True while the operator has not looked at the newest spec yet.',
  Stalled: 'True when nothing will happen until somebody changes something: the reason and the message say what.',
  ChainBroken: 'True when a version in the ledger is missing or altered: the baseline holds and nothing is learned.',
  RequestRefused: 'True when the newest rollback could not be carried out: the message says why.',
  BreakerOpen: 'True while a workload fails so often in a row that it teaches nothing.',
  CatalogueOutdated: 'True when the operator ships a newer catalogue than the one in the policy it once made.',
  BudgetAlert: 'True from the first alert percentage of the budget on, for the policy or one of its namespaces.',
  HeatAvailable:
    'There while spec.heat names a HeatObserver: True while that one observes; False while placement goes on without new heat.',
} as const;

export type PolicyConditionName = keyof typeof policyConditionTypes;

export const policyReasonMeanings = {
  Learning: 'Failures change the weights that placement uses.',
  Observing: 'Failures are recorded with what they would have changed; placement uses the weights as they were.',
  LearningOff: 'Failures change nothing and are not recorded.',
  ChainBroken: 'The ledger is broken: baseline weights, and no learning, until the policy is reset.',
  NameTaken:
    "A ControllerRevision that isn't this policy's has the name of its next version: nothing is learned until it is deleted or renamed.",
  ChainIntact: 'Every version in the ledger follows the one before it.',
  Observed: 'The operator has looked at the newest spec.',
  RollbackCarriedOut: 'The newest request was carried out, or there was none.',
  VersionNotKept: 'The version to roll back to is not kept any more, or never was.',
  InvalidRequest: 'The annotation does not say what to do.',
  BreakerOpen: 'At least one workload is in its breaker.',
  BreakerClosed: 'No workload is in its breaker.',
  NewerCatalogueShipped: 'The message has the command that applies it.',
  CatalogueIsOwn: 'The catalogue is the newest one shipped, or one of your own.',
  BudgetAlert: 'An alert percentage of a budget is reached: the message has the numbers.',
  BudgetExhausted: 'A budget is spent: new runs wait, the message says how to go on.',
  WithinBudget: 'No alert percentage of a budget is reached, or there is no budget.',
  ObserverReady: 'The HeatObserver that spec.heat names reads plans, and the heat that it finds weighs on placement.',
  ObserverNotFound:
    'The HeatObserver that spec.heat names is not there, or not in the namespace that the operator watches.',
  ObserverNotReady: 'The HeatObserver that spec.heat names is not Ready: the message has its reason.',
  ObserverSuspended: 'spec.suspend of the HeatObserver that spec.heat names is true.',
} as const;

export type PolicyReason = keyof typeof policyReasonMeanings;
