// How good a place is: from 0 to 1000 for each of the policy's weights, summed by weight. It judges places that fit;
// whether one fits is fit.ts's business.
import type { Take } from '../inventory/cards-in-use.ts';
import { weightNames } from '../model.ts';
import type { ScoreSignals, WeightName, Weights } from '../model.ts';

/** One worker on one node's cards. */
export interface Candidate {
  readonly node: string;
  readonly product: string;
  readonly vramMebibytes: number;
  /** From 0 to 1: see packing.ts. */
  readonly packing: number;
  /** Cards left free with the worker there, parts of cards counted as parts. */
  readonly freeAfter: number;
  readonly count: number;
}

export interface ScoringContext {
  readonly weights: Weights;
  /** The card sizes in this inventory that would do for the workload, ascending. */
  readonly sizes: readonly number[];
  readonly signals: ScoreSignals;
}

/**
 * Of packing and cost: with the default weights the two together decide between cards of one size, and size (up to a dozen
 * sizes) decides before them. Who wants the cheap card before the small one raises the weight of Cost.
 */
const narrowRange = 60;

type Scorer = (candidate: Candidate, context: ScoringContext) => number;

export const bestScore = 1000;
/** Where nothing is known. */
export const neutralScore = 500;

/**
 * The smallest card that does is best; each next size that exists here is one step worse. Steps and not mebibytes, so that
 * the order of sizes decides as firmly between 22 and 24 GiB as between 24 and 80.
 */
function fitScore({ vramMebibytes }: Candidate, { sizes }: ScoringContext): number {
  let smaller = 0;
  while (smaller < sizes.length && (sizes[smaller] ?? vramMebibytes) < vramMebibytes) smaller += 1;
  return bestScore - Math.floor((bestScore * smaller) / Math.max(1, sizes.length));
}

/** Best is what leaves the least that nobody can use. */
function packingScore({ packing }: Candidate): number {
  return bestScore - narrowRange * (1 - packing);
}

/** The cheapest of the catalogue is best. */
function costScore({ product }: Candidate, { signals }: ScoringContext): number {
  const cheapness = signals.costByProduct?.get(product) ?? neutralScore;
  return bestScore - Math.floor((narrowRange * (bestScore - cheapness)) / bestScore);
}

function reliabilityScore({ node, product }: Candidate, { signals }: ScoringContext): number {
  const ofNode = signals.reliabilityByNode?.get(node) ?? neutralScore;
  const ofProduct = signals.reliabilityByProduct?.get(product) ?? bestScore;
  return Math.floor((ofNode * ofProduct) / bestScore);
}

function heatScore({ node }: Candidate, { signals }: ScoringContext): number {
  return signals.heatByNode?.get(node) ?? neutralScore;
}

const scorers: Readonly<Record<WeightName, Scorer>> = {
  Fit: fitScore,
  Packing: packingScore,
  Cost: costScore,
  Reliability: reliabilityScore,
  Heat: heatScore,
};

/** The weighted sum; weights are parts of a million, so 1,000,000,000 is the most. */
export function totalScore(candidate: Candidate, context: ScoringContext): number {
  let total = 0;
  for (const name of weightNames) total += context.weights[name] * scorers[name](candidate, context);
  return total;
}

/** Each score by its name, for the journal. */
export function scoresOf(candidate: Candidate, context: ScoringContext): Record<WeightName, number> {
  return {
    Fit: fitScore(candidate, context),
    Packing: packingScore(candidate),
    Cost: costScore(candidate, context),
    Reliability: reliabilityScore(candidate, context),
    Heat: heatScore(candidate, context),
  };
}

/** Nodes about which something is known that others of their class don't share. */
export function nodesWithSignals(signals: ScoreSignals): ReadonlySet<string> {
  const known = special.get(signals);
  if (known) return known;
  const nodes = new Set([...(signals.reliabilityByNode?.keys() ?? []), ...(signals.heatByNode?.keys() ?? [])]);
  special.set(signals, nodes);
  return nodes;
}

/** Asked for each worker of each job, and the same for a whole pass. */
const special = new WeakMap<ScoreSignals, ReadonlySet<string>>();

export interface ScoredCandidate extends Candidate {
  readonly score: number;
  /** What the worker takes of which cards, where they are published one by one. */
  readonly cards?: readonly Take[];
}

/**
 * Negative where the first is better: score, then the smaller card, then what packs better, then the fuller node, then the one
 * that has more in use, then the name. Equal scores go to few nodes: that decides how much a full cluster holds
 * (shared/data/openb/README.md).
 */
export function compareCandidates(one: ScoredCandidate, other: ScoredCandidate): number {
  return (
    other.score - one.score ||
    one.vramMebibytes - other.vramMebibytes ||
    other.packing - one.packing ||
    one.freeAfter - other.freeAfter ||
    other.count - one.count ||
    (one.node < other.node ? -1 : one.node > other.node ? 1 : 0)
  );
}
