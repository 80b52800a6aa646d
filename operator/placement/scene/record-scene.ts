// Makes the scene of a decision while it is being made. It is small because nodes of a class differ in nothing but what is free.
import type { Ask, ScoreSignals, Workload } from '../model.ts';
import type { Scene, SceneNode, SceneSite } from './scene.ts';
import { boardFor } from '../choice/board.ts';
import { nodesWithSignals } from '../choice/score.ts';
import type { SearchContext } from '../choice/search.ts';
import { backendOf } from '../cards/backend-of.ts';
import { chooseCards } from '../fit/room.ts';
import type { Shape, Site } from '../fit/shape.ts';
import { inService, isRoomy, siteRoom, withCards } from '../fit/shape.ts';

export function sceneOf(context: SearchContext, workload: Workload, shape: Shape): Scene {
  const { vramMebibytes, hasMargin, gpus, workers } = workload;
  // Another policy may have less headroom, so smaller cards were in question too.
  const ask = { ...shape.ask, needMebibytes: vramMebibytes };
  const avoided = new Set(workload.avoidNodes);
  const sites = shape.kindSites
    .filter((site) => isRoomy(site, ask))
    .map((site): SceneSite => {
      const { product, resourceName, vram, count } = site.pool;
      const isInService = inService(site, ask);
      return {
        product,
        resourceName,
        vramMebibytes: vram.known ? vram.mebibytes : 0,
        count,
        room: siteRoom(site, ask),
        inService: isInService,
        nodes: isInService ? nodesInQuestion(context, shape, site, avoided) : [],
      };
    });
  const byProduct = context.scoring.signals.reliabilityByProduct ?? new Map<string, number>();
  const products = new Set(sites.map(({ product }) => product));
  const reliabilityByProduct = Object.fromEntries([...byProduct].filter(([product]) => products.has(product)));
  return { vramMebibytes, hasMargin, gpus, workers, sites, reliabilityByProduct };
}

/**
 * The nodes that pack best, as many as the gang has workers: whatever the weights, within a site these are taken first. Nodes
 * about which something is known are judged one by one, and are all here; so is a second choice for those to be avoided.
 */
function nodesInQuestion(
  context: SearchContext,
  { ask, workers }: Shape,
  site: Site,
  avoided: ReadonlySet<string>,
): SceneNode[] {
  const { signals } = context.scoring;
  const special = nodesWithSignals(signals);
  const found: SceneNode[] = [];
  const left = { plain: workers, avoided: workers };
  for (const name of boardFor(context, site, ask).ranked()) {
    if (context.isLeftOut(name) || site.matching?.includes(name) === false) continue;
    const isAvoided = avoided.has(name);
    const kind = isAvoided ? 'avoided' : 'plain';
    const isSpecial = special.has(name);
    if (!isSpecial && left[kind] === 0) continue;
    if (!isSpecial) left[kind] -= 1;
    const packings = packingsOn(context, ask, site, name, workers);
    found.push({ name, packings, ...(isAvoided ? { avoided: true } : {}), ...knownOf(name, signals) });
    if (special.size === 0 && avoided.size === 0 && left.plain === 0) break;
  }
  return found;
}

function knownOf(name: string, { reliabilityByNode, heatByNode }: ScoreSignals): Partial<SceneNode> {
  const reliability = reliabilityByNode?.get(name);
  const heat = heatByNode?.get(name);
  return { ...(reliability === undefined ? {} : { reliability }), ...(heat === undefined ? {} : { heat }) };
}

/** One worker after the other on the same node; the inventory is as before when this returns. */
function packingsOn(
  context: SearchContext,
  ask: Ask,
  site: Site,
  node: string,
  workers: number,
): SceneNode['packings'] {
  const board = boardFor(context, site, ask);
  const perWorker = withCards(ask.perWorker, backendOf(site.pool), site.pool.resourceName, ask.gpus);
  return context.inventory.inDraft((draft) => {
    const packings: SceneNode['packings'][number][] = [];
    for (let packing = board.packingOf(node); packing !== undefined; packing = board.packingOf(node)) {
      packings.push({ score: packing.score, freeAfter: packing.freeAfter });
      if (packings.length === workers) break;
      const entry = context.inventory.node(node);
      draft.take(node, perWorker, entry && chooseCards(ask, entry, site.poolIndex, packing.fill));
    }
    return packings;
  });
}
