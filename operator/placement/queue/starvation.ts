// Who has waited too long. A smaller job may pass a larger one, but not for ever: a job at the head for a minute, or passed
// twenty times, gets the nodes that could free first kept for it (holds.ts).
import { type Waiter, workersAlone } from './holds.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { QueueMemory } from '../model.ts';
import type { NodeClass } from '../inventory/node-class.ts';
import type { Shape, Site } from '../fit/shape.ts';
import { groupRoom } from '../fit/shape.ts';

export const headPatienceMilliseconds = 60_000;
export const passedLimit = 20;

interface WatchedWaiter extends Waiter {
  /** Among those who wait, in queue order. */
  readonly position: number;
  readonly line: Line;
  /** Before this pass, less the passings of its line that were no passings of it: they came before it in the queue. */
  readonly passedBefore: number;
  /** undefined: not at the head. */
  readonly headSinceMilliseconds: number | undefined;
}

/** All who wait for the same. */
interface Line {
  readonly shape: Shape;
  /** Where all workers could be, were it empty. */
  readonly sites: readonly Site[];
  /** Placements of this pass that took room there. */
  passings: number;
  /** Whether somebody in it waits for any of its nodes, and not only for those kept for it. */
  isWanted: boolean;
  /** Who starves as soon as there are so many passings. */
  readonly starvingAt: Map<number, WatchedWaiter[]>;
}

/**
 * Follows one pass through the queue, in queue order. Only those compete who could use the same node, were it empty: a job is
 * at the head when nobody ahead of it competes with it, and it is passed by a placement that took room where it could be. Else
 * one job that waits for some rare card would use up the patience of all who wait for others. Slurm too looks at each
 * partition's queue by itself (slurm.schedmd.com/sched_config.html).
 */
export class Patience {
  readonly #memory: QueueMemory;
  readonly #nowMilliseconds: number;
  readonly #inventory: Inventory;
  readonly #waiters: WatchedWaiter[] = [];
  readonly #lines = new Map<Shape, Line>();
  readonly #linesByClass = new Map<NodeClass, Set<Line>>();
  readonly #wanted = new WantedNodes();

  constructor(memory: QueueMemory, nowMilliseconds: number, inventory: Inventory) {
    this.#memory = memory;
    this.#nowMilliseconds = nowMilliseconds;
    this.#inventory = inventory;
  }

  /** Whether it starves by now. `held` are the nodes kept for it: a job that has some waits for these and no others. */
  mustWait({ workload, shape }: Waiter, held: readonly string[] | undefined): boolean {
    const { uid } = workload;
    const line = this.#lineOf(shape);
    const isHead = !this.#wanted.includeAny(line.sites);
    this.#want(line, held);
    const since = isHead ? (this.#memory.headSinceMilliseconds[uid] ?? this.#nowMilliseconds) : undefined;
    const timesPassed = this.#memory.passed[uid] ?? 0;
    const passedBefore = timesPassed - line.passings;
    const position = this.#waiters.length;
    const waiter: WatchedWaiter = { workload, shape, position, line, passedBefore, headSinceMilliseconds: since };
    this.#waiters.push(waiter);
    if (timesPassed >= passedLimit) return true;
    if (since !== undefined && this.#nowMilliseconds - since >= headPatienceMilliseconds) return true;
    getOrMake(line.starvingAt, passedLimit - passedBefore, () => []).push(waiter);
    return false;
  }

  /** Returns those who starve from now on, in queue order. */
  wasPlaced(nodes: Iterable<string>): readonly Waiter[] {
    const passed = new Set<Line>();
    for (const node of new Set(nodes)) {
      const nodeClass = this.#inventory.node(node)?.nodeClass;
      const lines = nodeClass && this.#linesByClass.get(nodeClass);
      for (const line of lines ?? []) {
        if (!passed.has(line) && workersAlone(this.#inventory, line.shape, line.sites, node) > 0) passed.add(line);
      }
    }
    const starving: WatchedWaiter[] = [];
    for (const line of passed) {
      line.passings += 1;
      starving.push(...(line.starvingAt.get(line.passings) ?? []));
    }
    return starving.sort((one, other) => one.position - other.position);
  }

  remember(): Omit<QueueMemory, 'held'> {
    const headSinceMilliseconds: Record<string, number> = {};
    const passed: Record<string, number> = {};
    for (const waiter of this.#waiters) {
      const { uid } = waiter.workload;
      const timesPassed = waiter.passedBefore + waiter.line.passings;
      if (timesPassed > 0) passed[uid] = timesPassed;
      if (waiter.headSinceMilliseconds !== undefined) headSinceMilliseconds[uid] = waiter.headSinceMilliseconds;
    }
    return { headSinceMilliseconds, passed };
  }

  #lineOf(shape: Shape): Line {
    let line = this.#lines.get(shape);
    if (line === undefined) {
      line = { shape, sites: startingSites(shape), passings: 0, isWanted: false, starvingAt: new Map() };
      this.#lines.set(shape, line);
      for (const { nodeClass } of line.sites) getOrMake(this.#linesByClass, nodeClass, () => new Set()).add(line);
    }
    return line;
  }

  #want(line: Line, held: readonly string[] | undefined): void {
    if (held !== undefined) {
      for (const node of held) {
        const entry = this.#inventory.node(node);
        if (entry !== undefined) this.#wanted.add(entry.nodeClass, [node]);
      }
    } else if (!line.isWanted) {
      line.isWanted = true;
      this.#wanted.addSites(line.sites);
    }
  }
}

/** The sites where a whole job could start. Where too few nodes are in service it can't, and stands in nobody's way. */
export function startingSites({ usable, ask, workers }: Shape): Site[] {
  return usable.filter((group) => groupRoom(group, ask, workers) >= workers).flatMap(({ sites }) => sites);
}

/** A set of nodes, told by sites. */
export class WantedNodes {
  readonly #wholeClasses = new Set<NodeClass>();
  readonly #nodes = new Map<NodeClass, Set<string>>();

  /** CPU and memory don't count: it may say so of two who can't use the same nodes for these, never the other way round. */
  includeAny(sites: readonly Site[]): boolean {
    return sites.some(({ nodeClass, matching }) => {
      if (this.#wholeClasses.has(nodeClass)) return true;
      const nodes = this.#nodes.get(nodeClass);
      return nodes !== undefined && (matching === undefined || matching.some((node) => nodes.has(node)));
    });
  }

  addSites(sites: readonly Site[]): void {
    for (const { nodeClass, matching } of sites) {
      if (matching === undefined) this.#wholeClasses.add(nodeClass);
      else this.add(nodeClass, matching);
    }
  }

  add(nodeClass: NodeClass, nodes: readonly string[]): void {
    const wanted = getOrMake(this.#nodes, nodeClass, () => new Set<string>());
    for (const node of nodes) wanted.add(node);
  }
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
