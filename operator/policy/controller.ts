// The controller of the policies: carries out what the spec, the annotations and the time ask of one, and writes its status.
import { isDeepStrictEqual } from 'node:util';
import { policyDefaults, sovereignPolicies, type SovereignPolicy } from '../resources/sovereignpolicy.ts';
import type { ApiClient } from '../runtime/client.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Outcome } from '../runtime/controller.ts';
import { isApiError } from '../runtime/errors.ts';
import type { Store } from '../runtime/store.ts';
import { type BudgetNotice, budgetNotices } from './bill/alerts.ts';
import type { Billing, PolicyBill } from './bill/billing.ts';
import { type Breaker, openBreakers } from './breaker.ts';
import type { Keeper } from './keeper.ts';
import { heatAvailability, type KnownObservers } from './heat-availability.ts';
import { fadesAt } from './learn.ts';
import type { Chain } from './ledger/chain.ts';
import { type ForeignRevision, ForeignRevisionError } from './ledger/ledger.ts';
import type { PolicyStanding } from './metrics.ts';
import { resetRequest, type RollbackRequest, rollbackRequest } from './requests.ts';
import { type Findings, foreignWords, policyStatus } from './status.ts';

export interface PolicyControllerOptions {
  readonly client: ApiClient;
  readonly policies: Store<SovereignPolicy>;
  readonly keeper: Keeper;
  readonly billing: Pick<Billing, 'billOf'>;
  readonly heatObservers: KnownObservers;
  readonly ledgerNamespace: string;
  readonly succeededAt: (signature: string) => number | undefined;
  readonly clock: Clock;
  readonly onBroken: (policy: SovereignPolicy, words: string) => void;
  readonly onForeign: (policy: SovereignPolicy, foreign: ForeignRevision) => void;
  /**
   * Before the status that says it was told is written: who dies between the two tells it again, and the same telling twice
   * must be one. A rejection is an alert that is not told yet.
   */
  readonly onBudget: (policy: SovereignPolicy, notice: BudgetNotice, signal: AbortSignal) => Promise<void>;
  /** Each time it was looked at, whether status changes or not. */
  readonly onStanding: (policy: SovereignPolicy, standing: PolicyStanding) => void;
  readonly onGone: (policy: string) => void;
}

/** What a look at a policy finds, all of one moment. */
interface Look {
  readonly now: number;
  readonly chain: Chain;
  readonly foreign: ForeignRevision | undefined;
  readonly breakers: readonly Breaker[];
  readonly bill: PolicyBill;
}

type Handled = Pick<Findings, 'refusal' | 'handledRollback' | 'handledReset'>;

/** What runs costs more with each second: an alert is due within so much time. */
const billMilliseconds = 5_000;

const done: Outcome = { kind: 'done' };

export class PolicyController {
  readonly #options: PolicyControllerOptions;

  constructor(options: PolicyControllerOptions) {
    this.#options = options;
  }

  async reconcile(name: string, signal: AbortSignal): Promise<Outcome> {
    const { policies, keeper, onGone } = this.#options;
    const policy = policies.get(name);
    // The ledger outlives it: made again, it goes on where it was.
    if (!policy) onGone(name);
    if (!policy || policy.metadata.deletionTimestamp !== undefined) return done;
    const handled = await this.#carryOut(policy, signal);
    const chain = await keeper.confirmedChainOf(policy, signal);
    const look = this.#look(policy, chain, await keeper.foreignRevisionOf(policy, signal));
    const outcome = await this.#writeStatus(policy, look, handled, signal);
    return outcome ?? again(look);
  }

  /** As far as the ledger can be added to: what it can't take now is asked of it again at the next look. */
  async #carryOut(policy: SovereignPolicy, signal: AbortSignal): Promise<Handled> {
    const { keeper } = this.#options;
    let handled = handledBefore(policy);
    try {
      await keeper.begin(policy, signal);
      handled = await this.#handleRequests(policy, signal);
      await keeper.followSpec(policy, signal);
      await keeper.fade(policy, signal);
    } catch (error) {
      // The look that follows finds it, and status says it.
      if (!(error instanceof ForeignRevisionError)) throw error;
    }
    return handled;
  }

  #look(policy: SovereignPolicy, chain: Chain, foreign: ForeignRevision | undefined): Look {
    const { clock, succeededAt, billing, onStanding } = this.#options;
    const now = clock.now();
    const breakers = chain.kind === 'Intact' ? openBreakers(chain.versions, succeededAt, now) : [];
    const bill = billing.billOf(policy);
    onStanding(policy, {
      openBreakers: breakers.length,
      chainIsBroken: chain.kind === 'Broken',
      nameIsTaken: foreign !== undefined,
      bill,
    });
    return { now, chain, foreign, breakers, bill };
  }

  async #handleRequests(policy: SovereignPolicy, signal: AbortSignal): Promise<Handled> {
    const { keeper } = this.#options;
    const { lastHandledReset, lastHandledRollback } = policy.status ?? {};
    const reset = resetRequest(policy);
    if (reset !== undefined) await keeper.reset(policy, reset, signal);
    const rollback = rollbackRequest(policy);
    const refusal = rollback ? await this.#rollBack(policy, rollback, signal) : refusalBefore(policy);
    return {
      refusal,
      handledReset: reset ?? lastHandledReset,
      handledRollback: rollback?.token ?? lastHandledRollback,
    };
  }

  /** Why it could not be done. */
  async #rollBack(
    policy: SovereignPolicy,
    { token, toVersion }: RollbackRequest,
    signal: AbortSignal,
  ): Promise<Findings['refusal']> {
    const { keeper } = this.#options;
    if (toVersion === undefined) {
      const message = `the rollback annotation is ${JSON.stringify(token)}: write <version>@<anything new>, e.g. 7@${new Date(this.#options.clock.now()).toISOString()}`;
      return { reason: 'InvalidRequest', message };
    }
    if (await keeper.rollBack(policy, { toVersion, token }, signal)) return undefined;
    const chain = keeper.chainOf(policy);
    if (chain.kind !== 'Intact')
      return { reason: 'ChainBroken', message: 'the chain is broken: reset the policy first' };
    const kept = `versions ${chain.versions[0]?.version ?? 1} to ${chain.head.version} are kept`;
    return { reason: 'VersionNotKept', message: `there is no version ${toVersion} to roll back to: ${kept}` };
  }

  /** What must be written, was; undefined: nothing stands in the way of a later look. */
  async #writeStatus(
    policy: SovereignPolicy,
    { now, chain, foreign, breakers, bill }: Look,
    handled: Handled,
    signal: AbortSignal,
  ): Promise<Outcome | undefined> {
    const { client, policies, heatObservers, ledgerNamespace, onBroken, onForeign, onBudget } = this.#options;
    const heat = heatAvailability(policy, heatObservers);
    const findings = { ...handled, breakers, foreign, bill: shownBill(policy, bill), heat, ledgerNamespace };
    const status = policyStatus(policy, policyDefaults(policy.spec), chain, findings, now);
    if (isDeepStrictEqual(status, policy.status)) return undefined;
    for (const notice of budgetNotices(bill, policy.status?.spent)) await onBudget(policy, notice, signal);
    try {
      policies.absorb(await client.replaceStatus<SovereignPolicy>(sovereignPolicies, policy, status, signal));
    } catch (error) {
      if (isApiError(error, 'Conflict')) return { kind: 'requeueAfter', milliseconds: 1_000 };
      if (isApiError(error, 'NotFound')) return done;
      throw error;
    }
    if (chain.kind === 'Broken' && !wasBroken(policy)) onBroken(policy, chain.words);
    if (foreign && !wasSaid(policy, foreign)) onForeign(policy, foreign);
    return undefined;
  }
}

/** When time alone changes something: a run costs more, a breaker closes, a day of forgetting is due. */
function again({ now, chain, breakers }: Look): Outcome {
  if (chain.kind !== 'Intact') return { kind: 'requeueAfter', milliseconds: billMilliseconds };
  const closings = breakers.map((one) => one.untilMilliseconds);
  const fades = fadesAt(chain.head);
  const next = Math.min(now + billMilliseconds, ...closings, ...(fades > now ? [fades] : []));
  return { kind: 'requeueAfter', milliseconds: Math.max(1_000, next - now) };
}

/** Nothing is said of a bill that has nothing on it and no budget. */
function shownBill({ spec, status }: SovereignPolicy, bill: PolicyBill): PolicyBill | undefined {
  return spec.budget || bill.accrued.whole > 0 || status?.spent ? bill : undefined;
}

function wasBroken({ status }: SovereignPolicy): boolean {
  return (status?.conditions ?? []).some(({ type, status: truth }) => type === 'ChainBroken' && truth === 'True');
}

function wasSaid({ status }: SovereignPolicy, foreign: ForeignRevision): boolean {
  const condition = status?.conditions?.find(({ type }) => type === 'Stalled');
  return condition?.message === foreignWords(foreign);
}

function handledBefore(policy: SovereignPolicy): Handled {
  const { lastHandledReset, lastHandledRollback } = policy.status ?? {};
  return { refusal: refusalBefore(policy), handledReset: lastHandledReset, handledRollback: lastHandledRollback };
}

/** Stays until another request is made. */
function refusalBefore({ status }: SovereignPolicy): Findings['refusal'] {
  const condition = status?.conditions?.find(({ type }) => type === 'RequestRefused');
  if (condition?.status !== 'True') return undefined;
  return { reason: condition.reason as NonNullable<Findings['refusal']>['reason'], message: condition.message };
}
