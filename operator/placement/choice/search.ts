// Finds the best free place for one worker, and for all workers of a gang together. It looks at what is free now; what is
// right for the workload at all was settled in its shape.
import { hasAmount } from '../fit/fit.ts';
import type { Ask } from '../model.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { boardFor } from './board.ts';
import type { Demand } from './demand.ts';
import type { Packing } from './packing.ts';
import { compareCandidates, nodesWithSignals, totalScore } from './score.ts';
import type { Candidate, ScoredCandidate, ScoringContext } from './score.ts';
import { asksShares, chooseCards, workersByCards } from '../fit/room.ts';
import type { Shape, Site, SiteGroup } from '../fit/shape.ts';
import { nodesOf } from '../fit/shape.ts';

export interface SearchContext {
  readonly inventory: Inventory;
  /** What free cards are wanted for. */
  readonly demand: Demand;
  readonly scoring: ScoringContext;
  /** Nodes that must not be used: kept for another workload, or to be avoided. */
  readonly isLeftOut: (node: string) => boolean;
}

/** Where all workers go: one entry per worker, and the cards' group. */
export interface Places {
  readonly group: SiteGroup;
  readonly ask: Ask;
  readonly workers: readonly ScoredCandidate[];
}

/** All workers of a shape in one group, or undefined. The inventory is as before when this returns. */
export function choosePlaces(context: SearchContext, shape: Shape): Places | undefined {
  let best: Places | undefined;
  for (const group of shape.usable) {
    const workers =
      shape.workers === 1 ? chooseOne(context, shape.ask, group) : chooseGang(context, shape.ask, group, shape.workers);
    if (workers === undefined) continue;
    const places = { group, ask: shape.ask, workers };
    if (best === undefined || comparePlaces(workers, best.workers) < 0) best = places;
  }
  return best;
}

function chooseOne(context: SearchContext, ask: Ask, group: SiteGroup): readonly ScoredCandidate[] | undefined {
  const candidate = bestCandidate(context, ask, group.sites);
  return candidate === undefined ? undefined : [withCards(context, ask, candidate)];
}

/** Worker after worker takes the best place that is left. All workers are alike, so this finds room for all if there is any. */
function chooseGang(
  context: SearchContext,
  ask: Ask,
  group: SiteGroup,
  workers: number,
): readonly ScoredCandidate[] | undefined {
  if (freeSlots(context, ask, group) < workers) return undefined;
  return context.inventory.inDraft((draft) => {
    const chosen: ScoredCandidate[] = [];
    while (chosen.length < workers) {
      const best = bestCandidate(context, ask, group.sites);
      if (best === undefined) return undefined;
      const candidate = withCards(context, ask, best);
      chosen.push(candidate);
      draft.take(candidate.node, group.perWorker, candidate.cards);
    }
    return chosen;
  });
}

/** Negative where the first is better: the sum of scores, then the smaller card, then fewer nodes, then the names. */
export function comparePlaces(one: readonly ScoredCandidate[], other: readonly ScoredCandidate[]): number {
  const [first] = one;
  const [second] = other;
  if (first === undefined || second === undefined) return 0;
  return (
    sumOfScores(other) - sumOfScores(one) ||
    first.vramMebibytes - second.vramMebibytes ||
    nodeCount(one) - nodeCount(other) ||
    compareCandidates(first, second)
  );
}

function sumOfScores(workers: readonly ScoredCandidate[]): number {
  return workers.reduce((sum, { score }) => sum + score, 0);
}

function nodeCount(workers: readonly ScoredCandidate[]): number {
  return new Set(workers.map(({ node }) => node)).size;
}

/** An upper bound by cards alone: cheap, and mostly it already says no. */
function freeSlots(context: SearchContext, ask: Ask, { sites }: SiteGroup): number {
  const { gpus } = ask;
  let slots = 0;
  for (const site of sites) {
    if (site.matching !== undefined || asksShares(ask, site.pool)) {
      for (const node of nodesOf(site)) slots += slotsByCards(context.inventory, ask, site, node);
      continue;
    }
    for (let free = gpus; free <= site.pool.count; free += 1) {
      slots += site.nodeClass.withFree(site.poolIndex, free).length * Math.floor(free / gpus);
    }
  }
  return slots;
}

interface Found extends ScoredCandidate {
  readonly site: Site;
  readonly fill: number | undefined;
}

function bestCandidate(context: SearchContext, ask: Ask, sites: readonly Site[]): Found | undefined {
  let best: Found | undefined;
  const consider = (candidate: Found): void => {
    if (best === undefined || compareCandidates(candidate, best) < 0) best = candidate;
  };
  const special = nodesWithSignals(context.scoring.signals);
  for (const site of sites) {
    const board = boardFor(context, site, ask);
    const isAllowed = (node: string): boolean => !context.isLeftOut(node) && isMatching(site, node);
    // Nodes of a site differ in nothing but how they pack, unless something is known of one of them.
    const plain = board.best((node) => !special.has(node) && isAllowed(node));
    if (plain !== undefined) consider(scored(context, site, plain.node, plain.packing));
    for (const node of special) {
      const packing = isAllowed(node) ? board.packingOf(node) : undefined;
      if (packing !== undefined) consider(scored(context, site, node, packing));
    }
  }
  return best;
}

/** Settled once for the node that is chosen, and not for each that is looked at. */
function withCards({ inventory }: SearchContext, ask: Ask, { site, fill, ...candidate }: Found): ScoredCandidate {
  const entry = inventory.node(candidate.node);
  const cards = entry && chooseCards(ask, entry, site.poolIndex, fill);
  return cards === undefined ? candidate : { ...candidate, cards };
}

function isMatching({ matching }: Site, node: string): boolean {
  return matching?.includes(node) ?? true;
}

function scored(context: SearchContext, site: Site, node: string, packing: Packing): Found {
  const candidate = candidateOf(site, node, packing);
  return { ...candidate, score: totalScore(candidate, context.scoring), site, fill: packing.fill };
}

function candidateOf({ pool }: Site, node: string, packing: Packing): Candidate {
  return {
    node,
    product: pool.product,
    vramMebibytes: pool.vram.known ? pool.vram.mebibytes : 0,
    packing: packing.score,
    freeAfter: packing.freeAfter,
    count: pool.count,
  };
}

function slotsByCards(inventory: Inventory, ask: Ask, { poolIndex }: Site, node: string): number {
  const entry = inventory.node(node);
  return entry === undefined ? 0 : workersByCards(ask, entry, poolIndex);
}

/** Workers that fit on a node beside what runs there now. */
export function workersNow(context: SearchContext, ask: Ask, site: Site, node: string): number {
  const entry = context.inventory.node(node);
  if (entry === undefined || context.isLeftOut(node)) return 0;
  const used = context.inventory.usedAmounts(node);
  let workers = workersByCards(ask, entry, site.poolIndex);
  for (const name in ask.perWorker) {
    const asked = ask.perWorker[name] ?? 0;
    const there = entry.allocatable[name];
    const left = there === undefined ? undefined : there - (used.get(name) ?? 0);
    if (!hasAmount(name, left, asked)) return 0;
    if (asked > 0 && left !== undefined) workers = Math.min(workers, Math.floor(left / asked));
  }
  return workers;
}

/** The most workers of a gang that fit now in one group. */
export function mostWorkersNow(context: SearchContext, shape: Shape): number {
  const perGroup = shape.usable.map(({ sites }) =>
    sites.reduce(
      (sum, site) => sum + nodesOf(site).reduce((nodes, node) => nodes + workersNow(context, shape.ask, site, node), 0),
      0,
    ),
  );
  return Math.max(0, ...perGroup);
}
