// What a failure, a request or time makes of a policy: proposals for the ledger. Pure but for the ledger's own writes; every
// proposal is idempotent, so that whatever is asked twice makes one version.
import type { DefaultedPolicySpec } from '../resources/sovereignpolicy.ts';
import type { Chain } from './ledger/chain.ts';
import type { Proposal } from './ledger/ledger.ts';
import { type Cause, type Failure, isFailure, type Version } from './ledger/version.ts';
import { decay, distance, mutate, rebase } from './mutate.ts';
import { initialState, type LearningRules, learningRulesOf, type PolicyState } from './state.ts';

const dayMilliseconds = 86_400_000;

/** The version that this failure made, if it made one. */
export function versionOf(
  chain: Chain,
  { kind, uid, run }: Pick<Failure, 'kind' | 'uid' | 'run'>,
): Version | undefined {
  if (chain.kind !== 'Intact') return undefined;
  return chain.versions.findLast(
    ({ cause }) => isFailure(cause) && cause.uid === uid && cause.run === run && cause.kind === kind,
  );
}

/** The first version: the baseline. */
export function created(spec: DefaultedPolicySpec, nowMilliseconds: number): Proposal {
  const rules = learningRulesOf(spec);
  return proposal({ kind: 'Created' }, initialState(rules), rules, nowMilliseconds);
}

export function taught(
  spec: DefaultedPolicySpec,
  head: Version,
  failure: Failure,
  breakerIsOpen: boolean,
  nowMilliseconds: number,
): Proposal {
  const rules = learningRulesOf(spec);
  const teaching = { cause: failure.kind, namespace: failure.namespace, breakerIsOpen };
  const { state, held } = mutate(stateOf(head), teaching, rules, nowMilliseconds);
  return { ...proposal(failure, state, rules, nowMilliseconds, head), ...(held === undefined ? {} : { held }) };
}

/** Undefined while the head was made by the rules that the spec gives now. */
export function edited(spec: DefaultedPolicySpec, head: Version, nowMilliseconds: number): Proposal | undefined {
  const rules = learningRulesOf(spec);
  const state = rebase(stateOf(head), head.baseline, rules);
  const isSame =
    head.mode === rules.mode &&
    distance(head.baseline, rules.baseline) === 0 &&
    distance(head.learned, state.learned) === 0 &&
    distance(head.effective, state.effective) === 0;
  return isSame ? undefined : proposal({ kind: 'Edited' }, state, rules, nowMilliseconds, head);
}

/** Once a day, for as long as there is something to forget. */
export function faded(spec: DefaultedPolicySpec, head: Version, nowMilliseconds: number): Proposal | undefined {
  const rules = learningRulesOf(spec);
  if (rules.mode === 'Off' || distance(head.learned, rules.baseline) === 0) return undefined;
  const elapsedMilliseconds = nowMilliseconds - Date.parse(head.fadedUntil);
  if (elapsedMilliseconds < dayMilliseconds) return undefined;
  const state = decay(stateOf(head), rules, elapsedMilliseconds);
  if (distance(state.learned, head.learned) === 0) return undefined;
  return proposal({ kind: 'Decay', elapsedMilliseconds }, state, rules, nowMilliseconds);
}

/** When `faded` may propose something next. */
export function fadesAt({ fadedUntil }: Version): number {
  return Date.parse(fadedUntil) + dayMilliseconds;
}

/** Exactly the weights of an older version. Undefined: it isn't kept any more. */
export function rolledBack(
  spec: DefaultedPolicySpec,
  { versions, head }: Chain & { kind: 'Intact' },
  request: { toVersion: number; token: string },
  nowMilliseconds: number,
): Proposal | undefined {
  const target = versions.find(({ version }) => version === request.toVersion);
  if (!target) return undefined;
  const state = { ...stateOf(head), learned: target.effective, effective: target.effective };
  return proposal({ kind: 'Rollback', ...request }, state, learningRulesOf(spec), nowMilliseconds, head);
}

/** The baseline, with all accounts forgotten; the only way out of a broken chain. */
export function resetTo(spec: DefaultedPolicySpec, chain: Chain, token: string, nowMilliseconds: number): Proposal {
  const rules = learningRulesOf(spec);
  const after = chain.kind === 'Broken' ? { after: chain.words } : {};
  return proposal({ kind: 'Reset', token, ...after }, initialState(rules), rules, nowMilliseconds);
}

export function stateOf({ learned, effective, accounts }: Version): PolicyState {
  return { learned, effective, accounts };
}

function proposal(
  cause: Cause,
  state: PolicyState,
  rules: LearningRules,
  nowMilliseconds: number,
  head?: Version,
): Proposal {
  const time = new Date(nowMilliseconds).toISOString();
  return {
    time,
    // What begins anew, and what has just faded, has nothing older to forget.
    fadedUntil: head?.fadedUntil ?? time,
    cause,
    mode: rules.mode,
    baseline: rules.baseline,
    learned: state.learned,
    effective: state.effective,
    accounts: state.accounts.map(({ namespace, moved }) => ({ namespace, moved: moved.map((one) => ({ ...one })) })),
  };
}
