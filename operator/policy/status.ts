// The status of a policy, as a function of its spec, its ledger and what was asked of it. Pure: it can be wiped and comes back.
import {
  type PolicyConditionName,
  type PolicyReason,
  policyConditionTypes,
} from '../resources/sovereignpolicy/conditions.ts';
import {
  type DefaultedPolicySpec,
  maxShownBreakers,
  maxShownNamespaces,
  type SovereignPolicy,
  type SovereignPolicyStatus,
} from '../resources/sovereignpolicy.ts';
import { type Condition, dated } from '../resources/condition.ts';
import { annotations } from '../resources/labels.ts';
import { timestamp } from '../resources/timestamp.ts';
import { weightNames } from '../resources/weights.ts';
import { toldBudgets } from './bill/alerts.ts';
import type { PolicyBill } from './bill/billing.ts';
import { sharesOf } from './bill/budget.ts';
import { formatMoney } from './bill/money.ts';
import type { Breaker } from './breaker.ts';
import { outdatedCatalogue } from './default-policy.ts';
import type { HeatAvailability } from './heat-availability.ts';
import { type Chain, settingInForce } from './ledger/chain.ts';
import type { ForeignRevision } from './ledger/ledger.ts';
import { type Cause, isFailure, type Version } from './ledger/version.ts';
import type { Setting } from './state.ts';

/** What is to be said beside the chain. */
export interface Findings {
  readonly breakers: readonly Breaker[];
  /** Undefined where nothing keeps the next version from being made. */
  readonly foreign: ForeignRevision | undefined;
  /** A rollback that could not be carried out. */
  readonly refusal: { readonly reason: PolicyReason; readonly message: string } | undefined;
  readonly handledRollback: string | undefined;
  readonly handledReset: string | undefined;
  /** Undefined where nothing was billed and there is no budget. */
  readonly bill: PolicyBill | undefined;
  /** Undefined where the policy names no observer. */
  readonly heat: HeatAvailability | undefined;
  readonly ledgerNamespace: string;
}

export function policyStatus(
  policy: SovereignPolicy,
  spec: DefaultedPolicySpec,
  chain: Chain,
  findings: Findings,
  nowMilliseconds: number,
): SovereignPolicyStatus {
  const before = policy.status ?? {};
  const generation = policy.metadata.generation ?? 0;
  const setting = settingInForce(spec, chain);
  const now = timestamp(nowMilliseconds);
  const status: Change = {
    ...before,
    observedGeneration: generation,
    ledgerNamespace: findings.ledgerNamespace,
    mode: chain.kind === 'Broken' ? 'Broken' : spec.learning.mode,
    effectiveWeights: shares(setting),
    effectiveHeadroomPermille: permille(setting.headroom),
    ...ofHead(chain, before),
    ...observed(spec, chain),
    lastHandledRollback: findings.handledRollback,
    lastHandledReset: findings.handledReset,
    spent: findings.bill && spentStatus(findings.bill, before.spent),
    breakers: findings.breakers.length === 0 ? undefined : findings.breakers.slice(0, maxShownBreakers).map(shown),
    conditions: conditionsOf(policy, spec, chain, findings, now),
  };
  return Object.fromEntries(Object.entries(status).filter(([, value]) => value !== undefined));
}

/** "OutOfMemory on ml/train, run 1" */
export function causeWords(cause: Cause): string {
  switch (cause.kind) {
    case 'OutOfMemory':
    case 'NeverFits':
      return `${cause.kind} on ${cause.namespace}/${cause.name}`;
    case 'Decay':
      return 'Decay toward the baseline';
    case 'Created':
      return 'Created from the baseline';
    case 'Edited':
      return 'Edit of the spec';
    case 'Rollback':
      return `Rollback to v${cause.toVersion}`;
    case 'Reset':
      return 'Reset to the baseline';
  }
}

/** The same, with why nothing changed. */
export function versionWords({ cause, held }: Version): string {
  if (held === 'Breaker') return `${causeWords(cause)} (no change: its breaker is open)`;
  if (held === 'NamespaceShift' && isFailure(cause)) {
    return `${causeWords(cause)} (no change: ${cause.namespace} has shifted all it may for now)`;
  }
  return causeWords(cause);
}

/** While the chain is broken, what was last known of the head stays: it is the witness. */
function ofHead(chain: Chain, before: SovereignPolicyStatus): Partial<SovereignPolicyStatus> {
  if (chain.kind !== 'Intact') {
    const { version, hash } = before;
    return { ...(version === undefined ? {} : { version }), ...(hash === undefined ? {} : { hash }) };
  }
  const { head } = chain;
  return {
    version: head.version,
    hash: head.hash,
    lastCause: head.cause.kind,
    lastChange: versionWords(head).slice(0, 512),
    lastChangeTime: timestamp(Date.parse(head.time)),
  };
}

type Change = { [K in keyof SovereignPolicyStatus]?: SovereignPolicyStatus[K] | undefined };

function observed({ learning }: DefaultedPolicySpec, chain: Chain): Change {
  if (learning.mode !== 'Observe' || chain.kind !== 'Intact') {
    return { observedWeights: undefined, observedHeadroomPermille: undefined };
  }
  const { learned } = chain.head;
  return { observedWeights: shares(learned), observedHeadroomPermille: permille(learned.headroom) };
}

function permille(partsPerMillion: number): number {
  return Math.round(partsPerMillion / 1000);
}

function shares({ weights }: Setting): { name: string; partsPerMillion: number }[] {
  return weightNames.map((name) => ({ name, partsPerMillion: weights[name] }));
}

function shown({ signature, namespace, image, failures, untilMilliseconds }: Breaker) {
  return { signature, namespace, image, failures, untilTime: timestamp(untilMilliseconds) };
}

type Verdict = Pick<Condition, 'status' | 'message'> & { reason: PolicyReason };

function conditionsOf(
  policy: SovereignPolicy,
  spec: DefaultedPolicySpec,
  chain: Chain,
  findings: Findings,
  now: string,
): Condition[] {
  const generation = policy.metadata.generation ?? 0;
  const before = policy.status?.conditions ?? [];
  const verdicts = verdictsOn(policy, spec, chain, findings);
  const names = (Object.keys(policyConditionTypes) as PolicyConditionName[]).filter((type) => verdicts[type]);
  return names.map((type) => dated({ type, ...(verdicts[type] as Verdict) }, before, generation, now));
}

const readyReasons = { Apply: 'Learning', Observe: 'Observing', Off: 'LearningOff' } as const;

function verdictsOn(
  policy: SovereignPolicy,
  { learning }: DefaultedPolicySpec,
  chain: Chain,
  { breakers, foreign, refusal, bill, heat }: Findings,
): Partial<Record<PolicyConditionName, Verdict>> {
  const { name } = policy.metadata;
  const outdated = outdatedCatalogue(policy);
  const yes = (reason: PolicyReason, message: string): Verdict => ({ status: 'True', reason, message });
  const no = (reason: PolicyReason, message = ''): Verdict => ({ status: 'False', reason, message });
  const broken = chain.kind === 'Broken' ? yes('ChainBroken', brokenWords(name, chain.words)) : undefined;
  // First of the two: not even the reset that a broken chain needs can be carried out.
  const stalled = foreign ? yes('NameTaken', foreignWords(foreign)) : broken;
  const [worst] = breakers;
  return {
    Ready: stalled ? no(stalled.reason, stalled.message) : yes(readyReasons[learning.mode], ''),
    Reconciling: no('Observed'),
    Stalled: stalled ?? no('ChainIntact'),
    ChainBroken: broken ?? no('ChainIntact'),
    RequestRefused: refusal ? yes(refusal.reason, refusal.message) : no('RollbackCarriedOut'),
    BreakerOpen: worst
      ? yes(
          'BreakerOpen',
          `${breakers.length} workload${breakers.length === 1 ? '' : 's'} out of memory again and again, first ${worst.image} in ${worst.namespace} (${worst.failures} times): it teaches nothing until it ends well, or ${timestamp(worst.untilMilliseconds)}`,
        )
      : no('BreakerClosed'),
    BudgetAlert: budgetAlert(bill, yes, no),
    CatalogueOutdated: outdated === undefined ? no('CatalogueIsOwn') : yes('NewerCatalogueShipped', outdated),
    ...(heat ? { HeatAvailable: heat } : {}),
  };
}

type Says = (reason: PolicyReason, message: string) => Verdict;

/** The worst of the whole and of all shares. */
function budgetAlert(bill: PolicyBill | undefined, yes: Says, no: (reason: PolicyReason) => Verdict): Verdict {
  const shares = sharesOf(bill?.standing);
  const notes = (bill?.findings ?? []).map(({ message }) => message);
  const exhausted = shares.find(([, share]) => share.exhausted !== undefined)?.[1].exhausted;
  if (exhausted) return yes('BudgetExhausted', [exhausted.message, ...notes].join('; '));
  const alerts = shares.flatMap(([namespace, { alerts: reached, limit }]) => {
    const highest = reached.at(-1);
    const who = namespace === '' ? 'the policy' : namespace;
    return highest ? [`${who} has reached ${highest.percent} % of ${formatMoney(limit)}`] : [];
  });
  if (alerts.length > 0 || notes.length > 0) return yes('BudgetAlert', [...alerts, ...notes].join('; '));
  return no('WithinBudget');
}

type Spent = NonNullable<SovereignPolicyStatus['spent']>;

/** What was told is there at once, so that it isn't told again; the amounts only when they have changed noticeably. */
function spentStatus(bill: PolicyBill, before: Spent | undefined): Spent {
  const { alerts: _before, ...amounts } = amountsOf(bill, before);
  const alerts = toldBudgets(bill, before);
  return alerts.length > 0 ? { ...amounts, alerts } : amounts;
}

/** In hundredths, which is what people compare; as it was while it has grown by less than a percent. */
function amountsOf({ month, currency, accrued }: PolicyBill, before: Spent | undefined): Spent {
  const shown = before?.month === month && before.currency === currency ? Number(before.amount) * 1_000_000 : undefined;
  if (before && shown !== undefined && shown > 0 && Math.abs(accrued.whole - shown) < shown / 100) return before;
  const amountOf = (micro: number) => (micro / 1_000_000).toFixed(2);
  const most = [...accrued.namespaces].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, maxShownNamespaces);
  const namespaces = most.map(([namespace, micro]) => ({ namespace, amount: amountOf(micro) }));
  return { month, amount: amountOf(accrued.whole), currency, ...(namespaces.length > 0 ? { namespaces } : {}) };
}

export function brokenWords(name: string, words: string): string {
  return `${words}. The baseline holds and nothing is learned. Look at what changed the ControllerRevisions, then: kubectl annotate sovereignpolicy ${name} ${annotations.reset}="$(date +%s)" --overwrite`;
}

export function foreignWords({ namespace, name }: ForeignRevision): string {
  return `ControllerRevision ${namespace}/${name} isn't this policy's, but has the name of its next version. What is in force holds and nothing is learned. Look whose it is, then delete it, or make it anew under another name: kubectl --namespace ${namespace} delete controllerrevision ${name}`;
}
