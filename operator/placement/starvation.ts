// Who has waited too long, and which nodes are kept for it. A smaller job may pass a larger one, but not for ever: the job at
// the head for a minute, or passed twenty times, gets the nodes that could free first. Only the first starving job in queue
// order has nodes kept, one job at a time, so that two starving jobs never keep half of what each needs.
import type { HeldNodes, QueueMemory } from './model.ts';
import type { SearchContext } from './search.ts';
import type { Shape, Site, SiteGroup } from './shape.ts';
import { nodesOf, workersIn } from './shape.ts';

export const headPatienceMilliseconds = 60_000;
export const passedLimit = 20;
/** How much of the queue's front is counted: only its first starving job gets anything, so more would be waste. */
const watchedWaiters = 100;

interface Waiter {
  readonly uid: string;
  readonly shape: Shape;
  /** Passed so often before this pass. */
  readonly passedBefore: number;
  /** Placements of this pass that came before it in the queue. */
  readonly placedAhead: number;
}

/** Follows one pass through the queue, in queue order. */
export class Patience {
  readonly #memory: QueueMemory;
  readonly #nowMilliseconds: number;
  readonly #waiters: Waiter[] = [];
  #placed = 0;

  constructor(memory: QueueMemory, nowMilliseconds: number) {
    this.#memory = memory;
    this.#nowMilliseconds = nowMilliseconds;
  }

  wasPlaced(): void {
    this.#placed += 1;
  }

  mustWait(uid: string, shape: Shape): void {
    if (this.#waiters.length >= watchedWaiters) return;
    const passedBefore = this.#memory.passed[uid] ?? 0;
    this.#waiters.push({ uid, shape, passedBefore, placedAhead: this.#placed });
  }

  /** The starving jobs seen so far in this pass, in queue order. */
  starving(): { uid: string; shape: Shape }[] {
    return this.#waiters.filter((waiter, index) => this.#isStarving(waiter, index === 0));
  }

  remember(held: HeldNodes | undefined): QueueMemory {
    const passed: Record<string, number> = {};
    for (const waiter of this.#waiters) {
      const times = this.#timesPassed(waiter);
      if (times > 0) passed[waiter.uid] = times;
    }
    const [head] = this.#waiters;
    return {
      ...(head === undefined ? {} : { head: { uid: head.uid, sinceMilliseconds: this.#headSince(head.uid) } }),
      passed,
      ...(held === undefined ? {} : { held }),
    };
  }

  #isStarving(waiter: Waiter, isHead: boolean): boolean {
    if (this.#timesPassed(waiter) >= passedLimit) return true;
    return isHead && this.#nowMilliseconds - this.#headSince(waiter.uid) >= headPatienceMilliseconds;
  }

  #timesPassed({ passedBefore, placedAhead }: Waiter): number {
    return passedBefore + this.#placed - placedAhead;
  }

  #headSince(uid: string): number {
    const { head } = this.#memory;
    return head?.uid === uid ? head.sinceMilliseconds : this.#nowMilliseconds;
  }
}

interface HoldCandidate {
  readonly node: string;
  /** Cards that must come free before a first worker fits there. */
  readonly missing: number;
  /** Workers there when empty. */
  readonly workers: number;
  readonly avoided: boolean;
}

interface Hold {
  readonly nodes: readonly string[];
  readonly missing: number;
}

/** The nodes that could free first for all workers of a shape; undefined when there aren't enough in service. */
export function nodesToHold(
  context: SearchContext,
  shape: Shape,
  avoided: ReadonlySet<string>,
): readonly string[] | undefined {
  let best: Hold | undefined;
  for (const group of shape.usable) {
    const hold = holdIn(context, shape, group, avoided);
    if (hold !== undefined && (best === undefined || hold.missing < best.missing)) best = hold;
  }
  return best?.nodes;
}

function holdIn(
  context: SearchContext,
  shape: Shape,
  group: SiteGroup,
  avoided: ReadonlySet<string>,
): Hold | undefined {
  const chosen: string[] = [];
  let missing = 0;
  let room = 0;
  for (const candidate of holdCandidates(context, shape, group, avoided)) {
    if (room >= shape.workers) break;
    chosen.push(candidate.node);
    missing += candidate.missing;
    room += candidate.workers;
  }
  return room >= shape.workers ? { nodes: chosen.sort(), missing } : undefined;
}

/** Fewest missing cards first, then the most workers, then by name; nodes to avoid last. */
function holdCandidates(
  context: SearchContext,
  shape: Shape,
  group: SiteGroup,
  avoided: ReadonlySet<string>,
): HoldCandidate[] {
  const candidates = group.sites.flatMap((site) =>
    nodesOf(site).flatMap((node) => {
      const workers = workersThere(context, shape, site, node);
      if (workers === 0) return [];
      const free = context.inventory.node(node)?.free[site.poolIndex] ?? 0;
      return [{ node, missing: Math.max(0, shape.ask.gpus - free), workers, avoided: avoided.has(node) }];
    }),
  );
  return candidates.sort(
    (one, other) =>
      Number(one.avoided) - Number(other.avoided) ||
      one.missing - other.missing ||
      other.workers - one.workers ||
      (one.node < other.node ? -1 : 1),
  );
}

function workersThere(context: SearchContext, shape: Shape, site: Site, node: string): number {
  const entry = context.inventory.node(node);
  return entry === undefined ? 0 : workersIn(entry.allocatable, shape.ask, site.pool.count);
}

/** Whether a shape would still fit on the held nodes, were they empty: if not, they are let go. */
export function stillFitsOn(context: SearchContext, shape: Shape, held: HeldNodes): boolean {
  const nodes = new Set(held.nodes);
  return shape.usable.some(({ sites }) => {
    const workers = sites.map((site) =>
      nodesOf(site)
        .filter((node) => nodes.has(node))
        .reduce((sum, node) => sum + workersThere(context, shape, site, node), 0),
    );
    return workers.reduce((sum, count) => sum + count, 0) >= shape.workers;
  });
}
