// The nodes kept for jobs that have waited too long. A job has all nodes it needs kept or none, and no node is kept for two,
// so that two starving jobs never keep half of what each needs.
import type { Inventory } from '../inventory/inventory.ts';
import type { HeldNodes, Workload } from '../model.ts';
import type { NodeEntry } from '../inventory/node-class.ts';
import { nodeMatches } from '../fit/selectors.ts';
import { cardsFree } from '../fit/room.ts';
import type { Shape, Site } from '../fit/shape.ts';
import { nodesOf, workersIn } from '../fit/shape.ts';

/** A job that must wait although its cards exist. */
export interface Waiter {
  readonly workload: Workload;
  readonly shape: Shape;
}

/** The nodes that are kept, none of them for two. */
export class Holds {
  readonly #nodesByUid = new Map<string, readonly string[]>();
  readonly #uidByNode = new Map<string, string>();

  nodesOf(uid: string): readonly string[] | undefined {
    return this.#nodesByUid.get(uid);
  }

  isKept(node: string): boolean {
    return this.#uidByNode.has(node);
  }

  isKeptFrom(uid: string, node: string): boolean {
    const holder = this.#uidByNode.get(node);
    return holder !== undefined && holder !== uid;
  }

  keep(uid: string, nodes: readonly string[]): void {
    this.#nodesByUid.set(uid, nodes);
    for (const node of nodes) this.#uidByNode.set(node, uid);
  }

  letGo(uid: string): void {
    for (const node of this.#nodesByUid.get(uid) ?? []) this.#uidByNode.delete(node);
    this.#nodesByUid.delete(uid);
  }

  remember(): HeldNodes[] {
    return [...this.#nodesByUid].map(([uid, nodes]) => ({ uid, nodes }));
  }
}

/** A node that could be kept for a shape. */
interface HoldCandidate {
  readonly node: string;
  /** Cards that must come free before a first worker fits there. */
  readonly missing: number;
  /** Workers there when empty. */
  readonly workers: number;
}

/** By group; those that could free first at the front: fewest missing cards, then the most workers, then by name. */
export type HoldCandidates = readonly (readonly HoldCandidate[])[];

export function holdCandidates(inventory: Inventory, shape: Shape): HoldCandidates {
  return shape.usable.map(({ sites }) => {
    const candidates = sites.flatMap((site) =>
      nodesOf(site).flatMap((node) => {
        const entry = inventory.node(node);
        const workers = entry === undefined ? 0 : workersIn(entry.allocatable, shape.ask, site.pool, site.pool.count);
        if (entry === undefined || workers === 0) return [];
        return [{ node, missing: Math.max(0, shape.ask.gpus - cardsFree(shape.ask, entry, site.poolIndex)), workers }];
      }),
    );
    return candidates.sort(
      (one, other) => one.missing - other.missing || other.workers - one.workers || (one.node < other.node ? -1 : 1),
    );
  });
}

interface Hold {
  readonly nodes: readonly string[];
  readonly missing: number;
}

/** The nodes that could free first for all workers of a job, nodes to avoid last; undefined when there aren't enough. */
export function nodesToHold(
  candidates: HoldCandidates,
  { workload, shape }: Waiter,
  isLeftOut: (node: string) => boolean,
): readonly string[] | undefined {
  const avoided = new Set(workload.avoidNodes);
  const isAvoided = ({ node }: HoldCandidate): number => Number(avoided.has(node));
  let best: Hold | undefined;
  for (const group of candidates) {
    const ordered = avoided.size === 0 ? group : [...group].sort((one, other) => isAvoided(one) - isAvoided(other));
    const hold = holdIn(ordered, shape.workers, isLeftOut);
    if (hold !== undefined && (best === undefined || hold.missing < best.missing)) best = hold;
  }
  return best?.nodes;
}

function holdIn(
  group: readonly HoldCandidate[],
  workers: number,
  isLeftOut: (node: string) => boolean,
): Hold | undefined {
  const chosen: string[] = [];
  let missing = 0;
  let room = 0;
  for (const candidate of group) {
    if (room >= workers) break;
    if (isLeftOut(candidate.node)) continue;
    chosen.push(candidate.node);
    missing += candidate.missing;
    room += candidate.workers;
  }
  return room >= workers ? { nodes: chosen.sort(), missing } : undefined;
}

/** Whether a shape would still fit on the nodes kept for it, were they empty: if not, they are let go. */
export function stillFitsOn(inventory: Inventory, shape: Shape, held: readonly string[]): boolean {
  return shape.usable.some(({ sites }) => {
    const workers = held.map((node) => workersAlone(inventory, shape, sites, node));
    return workers.reduce((sum, count) => sum + count, 0) >= shape.workers;
  });
}

/** Workers of a shape on a node when nothing else runs there; 0 on a node outside these sites. */
export function workersAlone(inventory: Inventory, shape: Shape, sites: readonly Site[], node: string): number {
  const entry = inventory.node(node);
  const site = entry && siteOf(shape, sites, entry);
  return entry && site ? workersIn(entry.allocatable, shape.ask, site.pool, site.pool.count) : 0;
}

/** Whether cards enough for one worker of a shape are free on one of these nodes. */
export function hasFreeCardsOn(inventory: Inventory, shape: Shape, nodes: readonly string[]): boolean {
  return nodes.some((node) => {
    const entry = inventory.node(node);
    if (entry === undefined) return false;
    return shape.usable.some(({ sites }) => {
      const site = siteOf(shape, sites, entry);
      return site !== undefined && cardsFree(shape.ask, entry, site.poolIndex) >= shape.ask.gpus;
    });
  });
}

function siteOf({ ask }: Shape, sites: readonly Site[], { nodeClass, facts }: NodeEntry): Site | undefined {
  return sites.find(
    (site) => site.nodeClass === nodeClass && (site.matching === undefined || nodeMatches(facts, ask.constraints)),
  );
}
