// What all workloads that ask for the same have in common within one pass: the pools of the right kind, those that would do
// when empty, those that may be used now. It asks the rules once per class of nodes and never looks at what is in use.
import type { Ask, BackendName, CardPool, Policy, ResourceAmounts, Workload } from '../model.ts';
import { takenOfCard, workersOnEmpty } from './room.ts';
import { cardsPerWorkerAllowed, classKindViolation, classViolation, hasAmount } from './fit.ts';
import { backendOf } from '../cards/backend-of.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { NodeClass } from '../inventory/node-class.ts';
import { looksAtNodes, nodeMatches } from './selectors.ts';

/** One pool of one class of nodes. */
export interface Site {
  readonly nodeClass: NodeClass;
  readonly poolIndex: number;
  readonly pool: CardPool;
  /** The nodes of the class that the workload's own selectors allow, by name; undefined: all. */
  readonly matching: readonly string[] | undefined;
}

/** Sites of one product under one resource name: a gang lives in one group. */
export interface SiteGroup {
  readonly product: string;
  readonly resourceName: string;
  /** Stands for the pools of all its sites in everything but their number of cards. */
  readonly pool: CardPool;
  readonly sites: readonly Site[];
  /** One worker with its cards. */
  readonly perWorker: ResourceAmounts;
}

export interface Shape {
  readonly ask: Ask;
  readonly workers: number;
  /** Without headroom. */
  readonly vramMebibytes: number;
  /** Cards of the right kind, whatever their size and state. */
  readonly kindSites: readonly Site[];
  /** Where all workers would fit, were it empty and in order. */
  readonly hopeful: readonly SiteGroup[];
  /** The same, less what must not be used at the moment. */
  readonly usable: readonly SiteGroup[];
  /** Card sizes among the hopeful, ascending. */
  readonly sizes: readonly number[];
}

/** Equal keys ask for the same. The order of keys in the template's maps may tell twins apart, which costs time and nothing else. */
export function shapeKey(workload: Workload): string {
  const { vramMebibytes, hasMargin, gpus, workers, isolation, allocation, products } = workload;
  const { policyName, constraints, perWorker } = workload;
  return JSON.stringify([
    vramMebibytes,
    hasMargin,
    gpus,
    workers,
    isolation,
    allocation,
    products,
    policyName,
    constraints,
    perWorker,
  ]);
}

export function buildShape(inventory: Inventory, workload: Workload, policy: Policy): Shape {
  const kindSites = sitesOfKind(inventory, workload);
  const { vramMebibytes } = workload;
  const withHeadroom = needWithHeadroom(workload, policy.headroomPartsPerMillion);
  const preferred = shapeAt(withHeadroom, workload, kindSites);
  // Headroom is a preference: it holds only where cards in service offer it to all workers.
  return offersRoom(preferred) || withHeadroom === vramMebibytes
    ? preferred
    : shapeAt(vramMebibytes, workload, kindSites);
}

/** In MiB. What comes from an out-of-memory holds a margin already. */
export function needWithHeadroom(
  { vramMebibytes, hasMargin }: Pick<Workload, 'vramMebibytes' | 'hasMargin'>,
  headroomPartsPerMillion: number,
): number {
  const headroom = hasMargin ? 0 : headroomPartsPerMillion;
  return Math.ceil((vramMebibytes * (1_000_000 + headroom)) / 1_000_000);
}

function sitesOfKind(inventory: Inventory, workload: Workload): Site[] {
  const sites: Site[] = [];
  for (const nodeClass of inventory.classes()) {
    if (nodeClass.example.deleting === true) continue;
    const kinds = nodeClass.pools.map((pool) => classKindViolation(workload, nodeClass.example, pool) === undefined);
    if (!kinds.includes(true)) continue;
    const matching = matchingNodes(inventory, nodeClass, workload);
    if (matching?.length === 0) continue;
    nodeClass.pools.forEach((pool, poolIndex) => {
      if (kinds[poolIndex] === true) sites.push({ nodeClass, poolIndex, pool, matching });
    });
  }
  return sites;
}

export function matchingNodes(
  inventory: Inventory,
  nodeClass: NodeClass,
  { constraints }: Pick<Workload, 'constraints'>,
): readonly string[] | undefined {
  if (!looksAtNodes(constraints)) return undefined;
  return nodeClass.nodeNames.filter((name) => {
    const entry = inventory.node(name);
    return entry !== undefined && nodeMatches(entry.facts, constraints);
  });
}

function shapeAt(needMebibytes: number, workload: Workload, kindSites: readonly Site[]): Shape {
  const { isolation, allocation, products, constraints, gpus, perWorker, workers, vramMebibytes } = workload;
  const kind = { isolation, allocation, products, constraints };
  const ask: Ask = { ...kind, gpus, perWorker, needMebibytes, leastMebibytes: vramMebibytes };
  const roomy = kindSites.filter((site) => isRoomy(site, ask));
  const hopeful = groupSites(roomy, ask).filter((group) => groupRoom(group, ask, workers) >= workers);
  const usable = hopeful
    .map((group) => ({ ...group, sites: group.sites.filter((site) => inService(site, ask)) }))
    .filter(({ sites }) => sites.length > 0);
  return { ask, workers, vramMebibytes, kindSites, hopeful, usable, sizes: sizesOf(hopeful) };
}

/** Its cards are large enough, and an empty node of it would hold a worker. */
export function isRoomy(site: Site, ask: Ask): boolean {
  return takenOfCard(ask, site.pool) > 0 && siteRoom(site, ask, 1) > 0;
}

export function inService({ nodeClass, pool }: Site, ask: Ask): boolean {
  return classViolation(ask, nodeClass.example, pool) === undefined;
}

function offersRoom(shape: Shape): boolean {
  return shape.usable.some((group) => groupRoom(group, shape.ask, shape.workers) >= shape.workers);
}

/** Workers that the nodes of a site hold together when nothing else runs there; counted no further than to `enough`. */
export function siteRoom(site: Site, ask: Ask, enough = Infinity): number {
  const { nodeClass, pool } = site;
  if (!cardsPerWorkerAllowed(ask, pool) || workersIn(nodeClass.largestAllocatable, ask, pool, pool.installed) === 0)
    return 0;
  let workers = 0;
  for (const name of nodesOf(site)) {
    workers += workersIn(nodeClass.allocatableOf(name), ask, pool, pool.installed);
    if (workers >= enough) break;
  }
  return workers;
}

/** How often one worker's request goes into some empty cards and other amounts. */
export function workersIn(amounts: ResourceAmounts, ask: Ask, pool: CardPool, cards: number): number {
  const { perWorker } = ask;
  let workers = workersOnEmpty(ask, pool, cards);
  for (const name in perWorker) {
    const asked = perWorker[name] ?? 0;
    const there = amounts[name];
    if (!hasAmount(name, there, asked)) return 0;
    if (asked > 0 && there !== undefined) workers = Math.min(workers, Math.floor(there / asked));
  }
  return workers;
}

export function nodesOf({ matching, nodeClass }: Site): readonly string[] {
  return matching ?? nodeClass.nodeNames;
}

/** Workers that all nodes of a group hold together when empty; counted no further than to `enough`. */
export function groupRoom({ sites }: SiteGroup, ask: Ask, enough = Infinity): number {
  let workers = 0;
  for (const site of sites) {
    if (workers >= enough) break;
    workers += siteRoom(site, ask, enough - workers);
  }
  return workers;
}

/** By product and resource name, so that the order in which nodes came up doesn't matter. */
export function groupSites(sites: readonly Site[], { perWorker, gpus }: Ask): SiteGroup[] {
  const groups = new Map<string, Site[]>();
  for (const site of sites) {
    const key = groupKey(site.pool);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [site]);
    else group.push(site);
  }
  return [...groups.keys()].sort().flatMap((key) => {
    const group = groups.get(key) ?? [];
    const [first] = group;
    if (first === undefined) return [];
    const { product, resourceName } = first.pool;
    const own = withCards(perWorker, backendOf(first.pool), resourceName, gpus);
    return [{ product, resourceName, pool: first.pool, sites: group, perWorker: own }];
  });
}

/**
 * Where claims hold the cards, all workers' claims are made from one template: cards of one driver, and of one size, as whoever
 * asks for a whole card asks for all of its capacity. Those come first: the scheduler itself holds them by VRAM.
 */
export function groupKey({ product, resourceName, devices }: CardPool): string {
  const terms = devices === undefined ? '' : JSON.stringify(devices);
  return `${devices === undefined ? 1 : 0}\n${product}\n${resourceName}\n${terms}`;
}

/** One worker's requests as its Pod will have them: with its cards among them, where a device plugin offers them. */
export function withCards(
  perWorker: ResourceAmounts,
  backend: BackendName,
  resourceName: string,
  gpus: number,
): ResourceAmounts {
  if (backend === 'DRA') return perWorker;
  return { ...perWorker, [resourceName]: (perWorker[resourceName] ?? 0) + gpus };
}

function sizesOf(groups: readonly SiteGroup[]): number[] {
  const sizes = new Set<number>();
  for (const { sites } of groups) {
    for (const { pool } of sites) if (pool.vram.known) sizes.add(pool.vram.mebibytes);
  }
  return [...sizes].sort((a, b) => a - b);
}
