// Decides a recorded scene again, by the same rules as search.ts and by any policy's terms: what a dry run of that policy is
// made of. A property test holds the two to each other.
import type { ScoreSignals, Weights } from '../model.ts';
import { compareCandidates, type ScoredCandidate, type ScoringContext, totalScore } from '../choice/score.ts';
import type { Scene, SceneNode, SceneSite } from './scene.ts';
import { comparePlaces } from '../choice/search.ts';
import { needWithHeadroom } from '../fit/shape.ts';

/** What a policy brings to a decision. */
export interface Terms {
  /** Parts of a million each. */
  readonly weights: Weights;
  readonly headroomPartsPerMillion: number;
  /** From 0 to 1000; what is missing is neutral. */
  readonly costByProduct: ReadonlyMap<string, number>;
}

export interface Choice {
  readonly product: string;
  readonly resourceName: string;
  /** The smallest among them. */
  readonly cardVRAMMebibytes: number;
  /** One for each worker, in the order of the choice. */
  readonly nodes: readonly string[];
}

interface Group {
  readonly product: string;
  readonly resourceName: string;
  readonly sites: readonly SceneSite[];
}

/** Undefined where the policy would have let the job wait: for a card with its headroom that is busy. */
export function chooseAgain(scene: Scene, terms: Terms): Choice | undefined {
  const { groups, sizes } = groupsFor(scene, terms);
  const scoring = { weights: terms.weights, sizes, signals: signalsOf(scene, terms) };
  return (
    bestOf(groups, scene, scoring, ({ avoided }) => avoided !== true) ?? bestOf(groups, scene, scoring, () => true)
  );
}

/** Headroom holds only where cards in service offer it to all workers. */
function groupsFor(scene: Scene, { headroomPartsPerMillion }: Terms): { groups: Group[]; sizes: number[] } {
  const preferred = groupsAt(scene, needWithHeadroom(scene, headroomPartsPerMillion));
  return preferred.groups.some((group) => roomOf(group) >= scene.workers)
    ? preferred
    : groupsAt(scene, scene.vramMebibytes);
}

function groupsAt({ sites, workers }: Scene, needMebibytes: number): { groups: Group[]; sizes: number[] } {
  const byKey = new Map<string, SceneSite[]>();
  for (const site of sites) {
    if (site.vramMebibytes < needMebibytes) continue;
    const key = `${site.product}\n${site.resourceName}`;
    byKey.set(key, [...(byKey.get(key) ?? []), site]);
  }
  const hopeful = [...byKey.keys()]
    .sort()
    .map((key) => byKey.get(key) ?? [])
    .filter((group) => roomOf({ sites: group }) >= workers);
  const sizes = new Set(hopeful.flatMap((group) => group.map(({ vramMebibytes }) => vramMebibytes)));
  const groups = hopeful.flatMap((group) => {
    const usable = group.filter(({ inService }) => inService);
    const [first] = usable;
    return first ? [{ product: first.product, resourceName: first.resourceName, sites: usable }] : [];
  });
  return { groups, sizes: [...sizes].sort((a, b) => a - b) };
}

function roomOf({ sites }: Pick<Group, 'sites'>): number {
  return sites.reduce((sum, { room }) => sum + room, 0);
}

function signalsOf({ sites, reliabilityByProduct }: Scene, { costByProduct }: Terms): ScoreSignals {
  const nodes = sites.flatMap((site) => site.nodes);
  const known = (signal: 'reliability' | 'heat') =>
    new Map(nodes.flatMap((node) => (node[signal] === undefined ? [] : [[node.name, node[signal]]])));
  return {
    costByProduct,
    reliabilityByProduct: new Map(Object.entries(reliabilityByProduct)),
    reliabilityByNode: known('reliability'),
    heatByNode: known('heat'),
  };
}

function bestOf(
  groups: readonly Group[],
  scene: Scene,
  scoring: ScoringContext,
  isAllowed: (node: SceneNode) => boolean,
): Choice | undefined {
  let best: { group: Group; workers: readonly ScoredCandidate[] } | undefined;
  for (const group of groups) {
    const workers = chooseWorkers(group, scene, scoring, isAllowed);
    if (workers === undefined) continue;
    if (best === undefined || comparePlaces(workers, best.workers) < 0) best = { group, workers };
  }
  if (best === undefined) return undefined;
  const { product, resourceName } = best.group;
  const cardVRAMMebibytes = Math.min(...best.workers.map(({ vramMebibytes }) => vramMebibytes));
  return { product, resourceName, cardVRAMMebibytes, nodes: best.workers.map(({ node }) => node) };
}

/** Worker after worker takes the best place that is left. */
function chooseWorkers(
  { sites }: Group,
  { workers }: Scene,
  scoring: ScoringContext,
  isAllowed: (node: SceneNode) => boolean,
): ScoredCandidate[] | undefined {
  const places = sites.flatMap((site) =>
    site.nodes.filter(isAllowed).map(({ name, packings }) => ({ site, name, packings, taken: 0 })),
  );
  const chosen: ScoredCandidate[] = [];
  while (chosen.length < workers) {
    let best: { place: (typeof places)[number]; candidate: ScoredCandidate } | undefined;
    for (const place of places) {
      const packing = place.packings[place.taken];
      if (packing === undefined) continue;
      const { product, vramMebibytes, count } = place.site;
      const { score, freeAfter } = packing;
      const plain = { node: place.name, product, vramMebibytes, packing: score, freeAfter, count };
      const candidate = { ...plain, score: totalScore(plain, scoring) };
      if (best === undefined || compareCandidates(candidate, best.candidate) < 0) best = { place, candidate };
    }
    if (best === undefined) return undefined;
    best.place.taken += 1;
    chosen.push(best.candidate);
  }
  return chosen;
}
