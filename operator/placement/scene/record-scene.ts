// Makes the scene of a decision while it is being made. It is small because nodes of a class differ in nothing but what is free.
import type { Workload } from '../model.ts';
import type { Scene, SceneNode, SceneSite } from './scene.ts';
import { nodesWithSignals } from '../choice/score.ts';
import type { SearchContext } from '../choice/search.ts';
import { freeCards, workersNow } from '../choice/search.ts';
import type { Ask } from '../fit/fit.ts';
import { asksShares } from '../fit/room.ts';
import type { Shape, Site } from '../fit/shape.ts';
import { inService, isRoomy, siteRoom } from '../fit/shape.ts';

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
 * The fullest nodes, as many as the gang has workers: whatever the weights, within a class the fullest is taken first. Nodes
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
  for (const name of byFree(context, site, ask)) {
    const isAvoided = avoided.has(name);
    const kind = isAvoided ? 'avoided' : 'plain';
    const isSpecial = special.has(name);
    if (!isSpecial && left[kind] === 0) continue;
    const fitting = workersNow(context, ask, site, name);
    if (fitting === 0) continue;
    if (!isSpecial) left[kind] -= 1;
    const reliability = signals.reliabilityByNode?.get(name);
    const heat = signals.heatByNode?.get(name);
    found.push({
      name,
      free: freeCards(context.inventory, ask, name, site),
      workers: fitting,
      ...(isAvoided ? { avoided: true } : {}),
      ...(reliability === undefined ? {} : { reliability }),
      ...(heat === undefined ? {} : { heat }),
    });
    if (special.size === 0 && avoided.size === 0 && left.plain === 0) break;
  }
  return found;
}

/** Nodes with enough free cards for one worker: the fullest first, then by name. */
function* byFree({ inventory }: SearchContext, site: Site, ask: Ask): Iterable<string> {
  const { gpus } = ask;
  const { matching, nodeClass, poolIndex, pool } = site;
  if (matching !== undefined || asksShares(ask, pool)) {
    const free = (name: string): number => freeCards(inventory, ask, name, site);
    yield* (matching ?? nodeClass.nodeNames)
      .filter((name) => free(name) >= gpus)
      .sort((a, b) => free(a) - free(b) || (a < b ? -1 : 1));
    return;
  }
  for (let free = gpus; free <= pool.count; free += 1) yield* nodeClass.withFree(poolIndex, free);
}
