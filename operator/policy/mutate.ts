// How a policy's state changes: by a failure that teaches, by time, by an edit of its baseline. Pure: the same state, cause,
// rules and time always give the same next state, whoever computes it, so that every version can be checked.
import type { LearningCause } from '../resources/sovereignpolicy.ts';
import { type WeightName, weightNames } from '../resources/weights.ts';
import {
  type Account,
  type LearningRules,
  mapWeights,
  type PolicyState,
  type Setting,
  type Weights,
  whole,
} from './state.ts';

/** Why a cause changed nothing. */
export type Held = 'NamespaceShift' | 'Breaker';

export interface Teaching {
  readonly cause: LearningCause;
  readonly namespace: string;
  /** The workload has failed so often in a row that it teaches nothing for now. */
  readonly breakerIsOpen: boolean;
}

export interface Mutation {
  readonly state: PolicyState;
  readonly held?: Held;
}

/** More namespaces than these have no say until others' shifts are forgotten: a version holds all accounts. */
export const maxAccounts = 256;

/** An account's amounts are kept by slots of this share of a half-life. */
const slotsPerHalfLife = 8;

/** One failure: a bounded step of the learned setting, charged to the namespace it came from. */
export function mutate(
  state: PolicyState,
  teaching: Teaching,
  rules: LearningRules,
  nowMilliseconds: number,
): Mutation {
  const accounts = state.accounts
    .map((account) => withoutExpired(account, nowMilliseconds))
    .filter(({ moved }) => moved.length > 0);
  const unmoved = { ...state, accounts };
  if (teaching.breakerIsOpen) return { state: unmoved, held: 'Breaker' };
  const room = roomOf(accounts, teaching.namespace, rules);
  const wanted = step(state.learned, rules.impacts[teaching.cause], rules, rules.maxStep);
  const learned = step(state.learned, rules.impacts[teaching.cause], rules, Math.min(rules.maxStep, room));
  const amount = distance(state.learned, learned);
  if (amount === 0)
    return distance(state.learned, wanted) > 0 ? { state: unmoved, held: 'NamespaceShift' } : { state: unmoved };
  return {
    state: put(
      { ...state, accounts: charged(accounts, teaching.namespace, amount, rules, nowMilliseconds) },
      learned,
      rules,
    ),
  };
}

/** Time: what was learned fades toward the baseline, half of it in each half-life. */
export function decay(state: PolicyState, rules: LearningRules, elapsedMilliseconds: number): PolicyState {
  const factor = 2 ** (-elapsedMilliseconds / rules.halfLifeMilliseconds);
  const { baseline } = rules;
  const deviation = mapWeights((name) => state.learned.weights[name] - baseline.weights[name]);
  const left = scaled(deviation, factor);
  const learned = {
    weights: mapWeights((name) => baseline.weights[name] + left[name]),
    headroom: baseline.headroom + Math.trunc((state.learned.headroom - baseline.headroom) * factor),
  };
  return put(state, learned, rules);
}

/**
 * An edit of the baseline or the bounds in Git: what was learned, as a deviation from the old baseline, is put on the new
 * one, as far as the bounds allow. In mode Apply what is learned is in force from then on.
 */
export function rebase(state: PolicyState, oldBaseline: Setting, rules: LearningRules): PolicyState {
  const moved = (setting: Setting): Setting => ({
    weights: project(
      mapWeights((name) => rules.baseline.weights[name] + setting.weights[name] - oldBaseline.weights[name]),
      rules,
    ),
    headroom: clamp(rules.baseline.headroom + setting.headroom - oldBaseline.headroom, 0, rules.maxHeadroom),
  });
  return put({ ...state, effective: moved(state.effective) }, moved(state.learned), rules);
}

/** The largest change of any weight or the headroom. */
export function distance(one: Setting, other: Setting): number {
  const changes = weightNames.map((name) => Math.abs(one.weights[name] - other.weights[name]));
  return Math.max(...changes, Math.abs(one.headroom - other.headroom));
}

function put(state: PolicyState, learned: Setting, { mode }: LearningRules): PolicyState {
  return { ...state, learned, effective: mode === 'Apply' ? learned : state.effective };
}

/** The impact within bounds and renormalised; scaled as a whole where a part of it would be larger than `most`. */
function step(from: Setting, impact: Setting, rules: LearningRules, most: number): Setting {
  const target = project(
    mapWeights((name) => from.weights[name] + impact.weights[name]),
    rules,
  );
  const headroom = clamp(from.headroom + impact.headroom, 0, rules.maxHeadroom);
  const whole = distance(from, { weights: target, headroom });
  const factor = whole > most ? most / whole : 1;
  const moves = scaled(
    mapWeights((name) => target[name] - from.weights[name]),
    factor,
  );
  return {
    weights: mapWeights((name) => from.weights[name] + moves[name]),
    headroom: from.headroom + Math.trunc((headroom - from.headroom) * factor),
  };
}

/** Multiplied by a factor of 0 to 1 and rounded toward 0, so that the sum stays 0 and no part grows. */
function scaled(moves: Weights, factor: number): Weights {
  const result: Record<WeightName, number> = { ...mapWeights((name) => Math.trunc(moves[name] * factor)) };
  let excess = weightNames.reduce((sum, name) => sum + result[name], 0);
  while (excess !== 0) {
    const sign = Math.sign(excess);
    const largest = weightNames.reduce((best, name) => (result[name] * sign > result[best] * sign ? name : best));
    result[largest] -= sign;
    excess -= sign;
  }
  return result;
}

/**
 * The nearest weights within the bounds that sum to the whole: what is missing or too much is shared by all that can still
 * move. A weight whose baseline is 0 is off and stays so.
 */
function project(weights: Weights, rules: LearningRules): Weights {
  const on = weightNames.filter((name) => rules.baseline.weights[name] > 0);
  const bounded = (value: number) => clamp(value, rules.minWeight, rules.maxWeight);
  const result: Record<WeightName, number> = {
    ...mapWeights((name) => (on.includes(name) ? bounded(weights[name]) : 0)),
  };
  for (;;) {
    const missing = whole - weightNames.reduce((sum, name) => sum + result[name], 0);
    const movable = on.filter((name) => bounded(result[name] + Math.sign(missing)) !== result[name]);
    if (missing === 0 || movable.length === 0) return result;
    const share = Math.trunc(missing / movable.length) || Math.sign(missing);
    let left = missing;
    for (const name of movable) {
      if (left === 0) break;
      const before = result[name];
      result[name] = bounded(before + share);
      left -= result[name] - before;
    }
  }
}

function withoutExpired({ namespace, moved }: Account, nowMilliseconds: number): Account {
  return { namespace, moved: moved.filter(({ untilSeconds }) => untilSeconds * 1000 > nowMilliseconds) };
}

function roomOf(accounts: readonly Account[], namespace: string, { maxNamespaceShift }: LearningRules): number {
  const account = accounts.find((candidate) => candidate.namespace === namespace);
  if (!account && accounts.length >= maxAccounts) return 0;
  const moved = (account?.moved ?? []).reduce((sum, { amount }) => sum + amount, 0);
  return Math.max(0, maxNamespaceShift - moved);
}

function charged(
  accounts: readonly Account[],
  namespace: string,
  amount: number,
  { halfLifeMilliseconds }: LearningRules,
  nowMilliseconds: number,
): Account[] {
  const slotSeconds = Math.max(1, Math.ceil(halfLifeMilliseconds / 1000 / slotsPerHalfLife));
  // Rounded up: an amount counts for a half-life at least.
  const untilSeconds = Math.ceil((nowMilliseconds + halfLifeMilliseconds) / 1000 / slotSeconds) * slotSeconds;
  const account = accounts.find((candidate) => candidate.namespace === namespace);
  const others = accounts.filter((candidate) => candidate !== account);
  const last = account?.moved.at(-1);
  const moved =
    account && last?.untilSeconds === untilSeconds
      ? [...account.moved.slice(0, -1), { amount: last.amount + amount, untilSeconds }]
      : [...(account?.moved ?? []), { amount, untilSeconds }];
  return [...others, { namespace, moved }].sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
