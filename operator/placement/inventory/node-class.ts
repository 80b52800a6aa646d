// Nodes that are alike for placement (same cards, taints, readiness), and among them who has how many cards free. It is what
// keeps one decision cheap at 5,000 nodes: rules are asked once per class, free cards are found by bucket.
import { backendOf } from '../cards/backend-of.ts';
import type { CardPool, NodeFacts, ResourceAmounts } from '../model.ts';
import type { CardState } from './cards-in-use.ts';
import { ChangeLog } from './change-log.ts';

/** A node as the inventory keeps it. */
export interface NodeEntry {
  readonly facts: NodeFacts;
  readonly allocatable: ResourceAmounts;
  readonly nodeClass: NodeClass;
  /** Of each of the class's pools, in the same order; undefined where a device plugin offers cards that are all alike. */
  readonly cards: readonly (readonly CardState[] | undefined)[];
  /** Free units of each of the class's pools, in the same order; of cards that can be shared, those nobody uses. */
  readonly free: number[];
  /** Of each pool, whether its cards are in use the other way: by device plugin and not by claim, or by claim. */
  readonly closed: boolean[];
}

/** Sorted names with binary search: adding and removing moves memory, it compares about a dozen times. */
class SortedNames {
  readonly names: string[] = [];

  add(name: string): void {
    const at = this.#position(name);
    if (this.names[at] !== name) this.names.splice(at, 0, name);
  }

  indexOf(name: string): number | undefined {
    const at = this.#position(name);
    return this.names[at] === name ? at : undefined;
  }

  remove(name: string): void {
    const at = this.#position(name);
    if (this.names[at] === name) this.names.splice(at, 1);
  }

  #position(name: string): number {
    let low = 0;
    let high = this.names.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.names[middle] ?? '') < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const noNames: readonly string[] = [];
const nothing: ResourceAmounts = {};

export class NodeClass {
  readonly key: string;
  readonly pools: readonly CardPool[];
  /** Stands for all of the class in rules that don't look at labels or the name. */
  readonly example: NodeFacts;
  /** One vendor's cards by device plugin and by DRA: a node on its way from one to the other. */
  readonly offersBothWays: boolean;
  readonly #nodes = new SortedNames();
  readonly #allocatable = new Map<string, ResourceAmounts>();
  readonly #buckets: SortedNames[][];
  #largest: ResourceAmounts | undefined;
  #membership = 0;
  /** Nodes whose use changed, by their index among the names, as long as no node comes or goes. */
  readonly changes = new ChangeLog();
  /** Of each node by the same index: another number after every change. */
  #versions: number[] = [];

  constructor(key: string, pools: readonly CardPool[], example: NodeFacts) {
    this.key = key;
    this.pools = pools;
    this.example = example;
    this.offersBothWays = pools.some((one) =>
      pools.some(
        (other) => one.vendor === other.vendor && backendOf(one) === 'DevicePlugin' && backendOf(other) === 'DRA',
      ),
    );
    this.#buckets = pools.map((pool) => Array.from({ length: pool.count + 1 }, () => new SortedNames()));
  }

  get size(): number {
    return this.#nodes.names.length;
  }

  /** By name. */
  get nodeNames(): readonly string[] {
    return this.#nodes.names;
  }

  /** Another number whenever a node has come, gone or changed its size. */
  get membership(): number {
    return this.#membership;
  }

  indexOf(name: string): number | undefined {
    return this.#nodes.indexOf(name);
  }

  /** Something of a node's use has changed. */
  touch(name: string): void {
    const index = this.#nodes.indexOf(name);
    if (index === undefined) return;
    this.changes.add(index, this.size);
    this.#versions[index] = (this.#versions[index] ?? 0) + 1;
  }

  versionOf(index: number): number {
    return this.#versions[index] ?? 0;
  }

  add(name: string, allocatable: ResourceAmounts): void {
    this.#membership += 1;
    this.#versions = [];
    this.#nodes.add(name);
    this.#allocatable.set(name, allocatable);
    this.#largest = undefined;
  }

  remove(name: string): void {
    this.#membership += 1;
    this.#versions = [];
    this.#nodes.remove(name);
    this.#allocatable.delete(name);
    this.#largest = undefined;
  }

  /** Nodes with exactly that many units free in a pool, by name. */
  withFree(poolIndex: number, free: number): readonly string[] {
    return this.#buckets[poolIndex]?.[free]?.names ?? noNames;
  }

  moveFree(poolIndex: number, name: string, from: number | undefined, to: number | undefined): void {
    if (from !== undefined) this.#buckets[poolIndex]?.[from]?.remove(name);
    if (to !== undefined) this.#buckets[poolIndex]?.[to]?.add(name);
  }

  allocatableOf(name: string): ResourceAmounts {
    return this.#allocatable.get(name) ?? nothing;
  }

  /** The most that any node of the class has of each resource; not necessarily one node of all. An upper bound. */
  get largestAllocatable(): ResourceAmounts {
    this.#largest ??= largestOf(this.#allocatable.values());
    return this.#largest;
  }
}

function largestOf(all: Iterable<ResourceAmounts>): ResourceAmounts {
  const largest: Record<string, number> = {};
  for (const amounts of all) {
    for (const name in amounts) largest[name] = Math.max(largest[name] ?? 0, amounts[name] ?? 0);
  }
  return largest;
}

/** Everything that rules ask of a node but its name, its labels and its other resources. */
export function classKey(facts: NodeFacts, pools: readonly CardPool[]): string {
  const taints = [...facts.taints].map(({ key, value, effect }) => `${key}=${value ?? ''}:${effect}`).sort();
  return JSON.stringify([facts.ready, facts.unschedulable, facts.deleting ?? false, taints, pools]);
}
