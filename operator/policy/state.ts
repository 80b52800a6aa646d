// What a policy has learned, and by which rules it learns: plain data in parts of a million, so that sums are exact.
import type { DefaultedPolicySpec, Impact, LearningCause, LearningMode } from '../resources/sovereignpolicy.ts';
import { type WeightName, weightNames } from '../resources/weights.ts';

/** Parts of a million; all weights of a setting sum to `whole`. */
export type Weights = Readonly<Record<WeightName, number>>;

export const whole = 1_000_000;
export const perPermille = 1_000;

/** What placement is steered by. */
export interface Setting {
  readonly weights: Weights;
  /** Parts of a million of the VRAM asked for. */
  readonly headroom: number;
}

/** What failures of one namespace have moved within the last half-life, so that one namespace can't steer everybody. */
export interface Account {
  readonly namespace: string;
  /** Oldest first. An amount, in parts of a million, counts until its time, in epoch seconds, has come. */
  readonly moved: readonly { readonly amount: number; readonly untilSeconds: number }[];
}

export interface PolicyState {
  /** Follows every cause. */
  readonly learned: Setting;
  /** What placement uses: the learned one in mode Apply, what it last was in the others. */
  readonly effective: Setting;
  /** By namespace. */
  readonly accounts: readonly Account[];
}

/** The part of a policy's spec that learning obeys. Parts of a million. */
export interface LearningRules {
  readonly baseline: Setting;
  readonly mode: LearningMode;
  /** Bounds of every weight that is on. */
  readonly minWeight: number;
  readonly maxWeight: number;
  readonly maxHeadroom: number;
  /** Of one cause. */
  readonly maxStep: number;
  /** Of one namespace within a half-life. */
  readonly maxNamespaceShift: number;
  readonly halfLifeMilliseconds: number;
  /** Signed changes. */
  readonly impacts: Readonly<Record<LearningCause, Setting>>;
}

export function learningRulesOf({ weights, headroomPermille, learning, impacts }: DefaultedPolicySpec): LearningRules {
  return {
    baseline: settingOf({ weights, headroomPermille }),
    mode: learning.mode,
    minWeight: learning.minPermille * perPermille,
    maxWeight: learning.maxPermille * perPermille,
    maxHeadroom: learning.maxHeadroomPermille * perPermille,
    maxStep: learning.maxStepPermille * perPermille,
    maxNamespaceShift: learning.maxNamespaceShiftPermille * perPermille,
    halfLifeMilliseconds: learning.halfLifeSeconds * 1000,
    impacts: { OutOfMemory: settingOf(impacts.OutOfMemory), NeverFits: settingOf(impacts.NeverFits) },
  };
}

/** Nothing learned yet. */
export function initialState({ baseline }: LearningRules): PolicyState {
  return { learned: baseline, effective: baseline, accounts: [] };
}

export function mapWeights(map: (name: WeightName) => number): Weights {
  return Object.fromEntries(weightNames.map((name) => [name, map(name)])) as Record<WeightName, number>;
}

function settingOf({ weights, headroomPermille }: Impact): Setting {
  return { weights: mapWeights((name) => weights[name] * perPermille), headroom: headroomPermille * perPermille };
}
