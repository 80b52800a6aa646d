// What a SovereignPolicy means where its spec says nothing. Applied in code on reading, never written to the object.
import type { LearningCause, LearningMode, SovereignPolicySpec } from './spec.ts';
import { type WeightName, weightNames } from '../weights.ts';

type Weights = Readonly<Record<WeightName, number>>;

export interface Impact {
  readonly headroomPermille: number;
  /** Permille, signed; they sum to 0. */
  readonly weights: Weights;
}

/** A spec in which every field that has a default is there. Weights in permille, as users write them. */
export interface DefaultedPolicySpec {
  readonly namespaceSelector: NonNullable<SovereignPolicySpec['namespaceSelector']>;
  readonly weights: Weights;
  readonly headroomPermille: number;
  readonly learning: {
    readonly mode: LearningMode;
    readonly minPermille: number;
    readonly maxPermille: number;
    readonly maxStepPermille: number;
    readonly maxHeadroomPermille: number;
    readonly maxNamespaceShiftPermille: number;
    readonly halfLifeSeconds: number;
  };
  readonly impacts: Readonly<Record<LearningCause, Impact>>;
  readonly historyLimit: number;
  readonly gpus: NonNullable<SovereignPolicySpec['gpus']>;
  readonly models: NonNullable<SovereignPolicySpec['models']>;
  readonly warnAbove: NonNullable<SovereignPolicySpec['warnAbove']>;
  /** Absent: no HeatObserver steers this policy. */
  readonly heat: { readonly namespace: string; readonly name: string } | undefined;
  /** Absent: nothing limits what may be spent. */
  readonly budget:
    | {
        readonly monthly: string;
        readonly currency: string;
        readonly alertPercents: readonly number[];
        readonly namespaces: readonly { readonly namespace: string; readonly monthly: string }[];
      }
    | undefined;
}

/** Of prices and budgets, where a policy has no budget that names one. */
export const defaultCurrency = 'USD';

/** ISO 4217, of all prices of a policy. */
export function currencyOf({
  budget,
}: {
  readonly budget?: { readonly currency?: string | undefined } | undefined;
}): string {
  return budget?.currency ?? defaultCurrency;
}

const noWeights: Weights = { Fit: 0, Packing: 0, Cost: 0, Reliability: 0, Heat: 0 };

/**
 * An out-of-memory asks for more room on a card that has had fewer of them. A job that no card can hold says that large
 * work is wanted here: whole nodes are worth more than cheap ones.
 */
const shippedImpacts: Readonly<Record<LearningCause, Impact>> = {
  OutOfMemory: { headroomPermille: 10, weights: { ...noWeights, Fit: -10, Reliability: 10 } },
  NeverFits: { headroomPermille: 0, weights: { ...noWeights, Packing: 5, Cost: -5 } },
};

/** What an impact matrix doesn't speak of changes nothing. */
const noImpact: Impact = { headroomPermille: 0, weights: noWeights };

export function policyDefaults(spec: SovereignPolicySpec): DefaultedPolicySpec {
  const { heat } = spec;
  return {
    namespaceSelector: spec.namespaceSelector ?? {},
    weights: weightsOf(spec.weights),
    headroomPermille: spec.headroomPermille ?? 50,
    learning: learningDefaults(spec.learning),
    impacts: spec.impacts ? impactsOf(spec.impacts) : shippedImpacts,
    historyLimit: spec.historyLimit ?? 100,
    gpus: spec.gpus ?? [],
    models: spec.models ?? [],
    warnAbove: spec.warnAbove ?? {},
    heat: heat?.name ? { namespace: heat.namespace ?? '', name: heat.name } : undefined,
    budget: spec.budget && budgetDefaults(spec.budget),
  };
}

function learningDefaults(learning: SovereignPolicySpec['learning'] = {}): DefaultedPolicySpec['learning'] {
  return {
    mode: learning.mode ?? 'Apply',
    minPermille: learning.minPermille ?? 20,
    maxPermille: learning.maxPermille ?? 800,
    maxStepPermille: learning.maxStepPermille ?? 50,
    maxHeadroomPermille: learning.maxHeadroomPermille ?? 200,
    maxNamespaceShiftPermille: learning.maxNamespaceShiftPermille ?? 50,
    halfLifeSeconds: learning.halfLifeSeconds ?? 604_800,
  };
}

function budgetDefaults(budget: NonNullable<SovereignPolicySpec['budget']>): DefaultedPolicySpec['budget'] {
  return {
    monthly: budget.monthly,
    currency: currencyOf({ budget }),
    alertPercents: [...(budget.alertPercents ?? [80, 100])].sort((a, b) => a - b),
    namespaces: budget.namespaces ?? [],
  };
}

function weightsOf(shares: readonly { name: WeightName; permille: number }[]): Weights {
  const byName = new Map(shares.map(({ name, permille }) => [name, permille]));
  return Object.fromEntries(weightNames.map((name) => [name, byName.get(name) ?? 0])) as Record<WeightName, number>;
}

function impactsOf(impacts: NonNullable<SovereignPolicySpec['impacts']>): Record<LearningCause, Impact> {
  const found = new Map(
    impacts.map(({ cause, headroomPermille = 0, weights = [] }) => [
      cause,
      { headroomPermille, weights: weightsOf(weights) },
    ]),
  );
  return { OutOfMemory: found.get('OutOfMemory') ?? noImpact, NeverFits: found.get('NeverFits') ?? noImpact };
}
