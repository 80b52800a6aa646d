// The cluster's cards as placement sees them: nodes grouped by class, free cards by bucket, kept up to date change by change.
// It holds no queue and decides nothing; what it says follows from the objects it was given, in whatever order.
import { readCardPools } from '../cards/card-pools.ts';
import { hamiDevices } from '../cards/hami-devices.ts';
import { classKindViolation } from '../fit/fit.ts';
import { backendOf } from '../cards/backend-of.ts';
import { freeMebibytes } from './card-room.ts';
import type {
  CardFilter,
  CardOnNode,
  CardPool,
  Catalogue,
  ClaimFacts,
  NodeDevices,
  NodeFacts,
  PodFacts,
  Reservation,
  ResourceAmounts,
  Vendor,
} from '../model.ts';
import { CardsInUse } from './cards-in-use.ts';
import type { CardState, Take } from './cards-in-use.ts';
import { classKey, NodeClass } from './node-class.ts';
import type { NodeEntry } from './node-class.ts';
import { readAmounts } from './pod-facts.ts';
import { type DeviceSource, PublishedDevices } from './published-devices.ts';
import { looksAtNodes, nodeMatches } from '../fit/selectors.ts';
import { Usage } from './usage.ts';
import { catalogueName } from '../cards/vram.ts';

/** One node's pool and what is free of it, for metrics. */
export interface PoolStanding {
  readonly node: string;
  readonly pool: CardPool;
  readonly free: number;
}

export class Inventory {
  #catalogue: Catalogue;
  readonly #nodes = new Map<string, NodeEntry>();
  readonly #classes = new Map<string, NodeClass>();
  readonly #published = new PublishedDevices();
  readonly #usage = new Usage((node) => {
    this.#recountFree(node);
  });
  readonly #cards = new CardsInUse((node) => {
    this.#recountFree(node);
  });

  constructor(catalogue: Catalogue = new Map()) {
    this.#catalogue = catalogue;
  }

  setNode(facts: NodeFacts): void {
    this.#publish('HAMi', facts.name, hamiDevices(facts));
    const devices = this.#cards.cardsOf(facts.name);
    const own = [...new Set(devices.map(({ device }) => device.pool))];
    const pools = [...readCardPools(facts, this.#catalogue), ...own];
    const cards = pools.map((pool) => cardsIn(pool, devices));
    const key = classKey(facts, pools);
    const allocatable = readAmounts(facts.allocatable);
    const previous = this.#nodes.get(facts.name);
    if (previous?.nodeClass.key === key && sameAmounts(previous.allocatable, allocatable)) {
      this.#nodes.set(facts.name, { ...previous, facts, cards });
      this.#recountFree(facts.name);
      return;
    }
    this.#leaveClass(facts.name);
    const nodeClass = this.#classOf(key, pools, facts);
    nodeClass.add(facts.name, allocatable);
    this.#nodes.set(facts.name, { facts, allocatable, nodeClass, cards, free: [], closed: [] });
    this.#recountFree(facts.name);
  }

  removeNode(name: string): void {
    this.#leaveClass(name);
    this.#publish('HAMi', name, { devices: [], counters: {} });
  }

  #leaveClass(name: string): void {
    const entry = this.#nodes.get(name);
    if (entry === undefined) return;
    entry.free.forEach((free, poolIndex) => {
      entry.nodeClass.moveFree(poolIndex, name, free, undefined);
    });
    entry.nodeClass.remove(name);
    if (entry.nodeClass.size === 0) this.#classes.delete(entry.nodeClass.key);
    this.#nodes.delete(name);
  }

  setPod(pod: PodFacts): void {
    this.#usage.setPod(pod);
    this.#cards.setPod(pod);
    const { uid, run, holds } = pod;
    if (holds === undefined) this.#cards.removeClaim(claimOfPod(uid));
    else this.#cards.setClaim({ uid: claimOfPod(uid), podUID: uid, holds, ...(run === undefined ? {} : { run }) });
  }

  removePod(uid: string): void {
    this.#usage.removePod(uid);
    this.#cards.removePod(uid);
    this.#cards.removeClaim(claimOfPod(uid));
  }

  /** What drivers publish of a node; nothing, where none does any more. */
  setDevices(node: string, devices: NodeDevices): void {
    this.#publish('Slices', node, devices);
    const entry = this.#nodes.get(node);
    if (entry !== undefined) this.setNode(entry.facts);
  }

  #publish(source: DeviceSource, node: string, devices: NodeDevices): void {
    const all = this.#published.replace(source, node, devices);
    if (all !== undefined) this.#cards.setDevices(node, all);
  }

  setClaim(claim: ClaimFacts): void {
    this.#cards.setClaim(claim);
  }

  removeClaim(uid: string): void {
    this.#cards.removeClaim(uid);
  }

  setReservation(reservation: Reservation): void {
    this.#usage.setReservation(reservation);
    this.#cards.setReservation(reservation);
  }

  removeReservation(run: string): void {
    this.#usage.removeReservation(run);
    this.#cards.removeReservation(run);
  }

  /** What the policies say of cards may have changed: the nodes with a card of which it did are read again, and no others. */
  setCatalogue(catalogue: Catalogue): void {
    const changed = changedProducts(this.#catalogue, catalogue);
    this.#catalogue = catalogue;
    const classes = [...this.#classes.values()].filter(({ pools }) =>
      pools.some(({ product }) => changed.has(catalogueName(product))),
    );
    for (const name of classes.flatMap(({ nodeNames }) => nodeNames)) {
      const entry = this.#nodes.get(name);
      if (entry !== undefined) this.setNode(entry.facts);
    }
  }

  get nodeCount(): number {
    return this.#nodes.size;
  }

  node(name: string): NodeEntry | undefined {
    return this.#nodes.get(name);
  }

  /** All classes, those of nodes without cards too; in the order in which they came up, so nothing may depend on it. */
  classes(): Iterable<NodeClass> {
    return this.#classes.values();
  }

  used(node: string, resourceName: string): number {
    return this.#usage.amount(node, resourceName);
  }

  usedAmounts(node: string): ReadonlyMap<string, number> {
    return this.#usage.amounts(node);
  }

  /** Every card pool with its free units, by node name. */
  standings(): PoolStanding[] {
    return [...this.#nodes.keys()].sort().flatMap((node) => {
      const entry = this.#nodes.get(node);
      return (entry?.nodeClass.pools ?? []).map((pool, index) => ({ node, pool, free: entry?.free[index] ?? 0 }));
    });
  }

  /** GPU nodes by how their cards are held; `shares`: those whose cards can be divided by VRAM. */
  nodesByBackend(): { devicePlugin: number; dra: number; both: number; shares: number } {
    const found = { devicePlugin: 0, dra: 0, both: 0, shares: 0 };
    for (const { pools, size } of this.#classes.values()) {
      const byClaim = pools.some((pool) => backendOf(pool) === 'DRA');
      const byPlugin = pools.some((pool) => backendOf(pool) === 'DevicePlugin');
      if (byClaim && byPlugin) found.both += size;
      else if (byClaim) found.dra += size;
      else if (byPlugin) found.devicePlugin += size;
      if (pools.some(({ devices }) => devices?.shares !== undefined)) found.shares += size;
    }
    return found;
  }

  /** All cards there are by product, in use or not: slices and shares by what they are called. */
  cardsByProduct(): ReadonlyMap<string, number> {
    const cards = new Map<string, number>();
    for (const { pools, size } of this.#classes.values()) {
      for (const { product, count } of pools) cards.set(product, (cards.get(product) ?? 0) + count * size);
    }
    return cards;
  }

  /** The VRAM sizes of the right kind that exist here, ascending, in MiB, whether the nodes are ready or not. */
  cardSizes(filter: CardFilter): number[] {
    const sizes = new Set<number>();
    for (const nodeClass of this.#classes.values()) {
      for (const pool of nodeClass.pools) {
        if (!pool.vram.known || sizes.has(pool.vram.mebibytes)) continue;
        if (this.#classOffers(nodeClass, pool, filter)) sizes.add(pool.vram.mebibytes);
      }
    }
    return [...sizes].sort((a, b) => a - b);
  }

  /** What a run holds now, by node: its bound Pods and allocated claims, and what is reserved for the rest of it. */
  heldBy(run: string): Taken[] {
    const seen = new Set<string>();
    return this.#usage.heldBy(run).map(({ node, amounts }) => {
      const cards = seen.has(node) ? [] : this.#cards.heldBy(run, node);
      seen.add(node);
      return { node, amounts, cards };
    });
  }

  /** What is left of a card, all of it: nothing where the node has no such card. */
  restOf({ node, identity }: CardOnNode): Take[] {
    const cards = this.#cards.cardsOf(node).filter(({ device }) => device.identity === identity);
    return cards.map((card) => ({ card, mebibytes: freeMebibytes(card) }));
  }

  /** For the planner: takes that are given back together, so that the inventory is as before when a pass ends. */
  draft(): Draft {
    return new Draft(({ node, amounts, cards }, sign) => {
      this.#usage.add(node, amounts, sign);
      if (cards.length > 0) this.#cards.count(cards, sign);
    });
  }

  /** What is taken in it is given back, however it ends. */
  inDraft<T>(work: (draft: Draft) => T): T {
    const draft = this.draft();
    try {
      return work(draft);
    } finally {
      draft.giveBackTo(0);
    }
  }

  #classOffers(nodeClass: NodeClass, pool: CardPool, filter: CardFilter): boolean {
    if (classKindViolation(filter, nodeClass.example, pool) !== undefined) return false;
    const { constraints } = filter;
    if (!looksAtNodes(constraints)) return true;
    return nodeClass.nodeNames.some((name) => {
      const entry = this.#nodes.get(name);
      return entry !== undefined && nodeMatches(entry.facts, constraints);
    });
  }

  #classOf(key: string, pools: readonly CardPool[], example: NodeFacts): NodeClass {
    let nodeClass = this.#classes.get(key);
    if (nodeClass === undefined) {
      nodeClass = new NodeClass(key, pools, example);
      this.#classes.set(key, nodeClass);
    }
    return nodeClass;
  }

  #recountFree(name: string): void {
    const entry = this.#nodes.get(name);
    if (entry === undefined) return;
    const { nodeClass, free } = entry;
    nodeClass.touch(name);
    for (let index = 0; index < nodeClass.pools.length; index += 1) {
      const now = this.#unitsFree(name, entry, index);
      const before = free[index];
      if (before === now) continue;
      nodeClass.moveFree(index, name, before, now);
      free[index] = now;
    }
  }

  #unitsFree(name: string, entry: NodeEntry, index: number): number {
    const pool = entry.nodeClass.pools[index];
    entry.closed[index] = pool === undefined || this.#isUsedTheOtherWay(name, entry, pool);
    if (pool === undefined || entry.closed[index]) return 0;
    const cards = entry.cards[index];
    // Other people's Pods may hold more than is allocatable after a card fell out: then nothing is free.
    if (cards === undefined) return Math.max(0, pool.count - this.#usage.amount(name, pool.resourceName));
    let free = 0;
    for (const { takers, blocked } of cards) if (takers === 0 && !blocked) free += 1;
    return free;
  }

  /**
   * While a node moves from device plugin to DRA both may offer the same cards, and neither knows of the other: whichever way
   * has a card in use is the only one until the last of them is free again.
   */
  #isUsedTheOtherWay(name: string, { facts, nodeClass, cards }: NodeEntry, pool: CardPool): boolean {
    const isInUse = (other: CardPool, index: number): boolean =>
      other.vendor === pool.vendor &&
      backendOf(other) !== backendOf(pool) &&
      cards[index]?.some(({ takers }) => takers > 0) === true;
    if (nodeClass.offersBothWays && nodeClass.pools.some(isInUse)) return true;
    if (backendOf(pool) === 'DevicePlugin') return false;
    for (const resourceName of this.#usage.amounts(name).keys()) {
      if (isCardOf(pool.vendor, resourceName, facts)) return true;
    }
    return false;
  }
}

/**
 * Whether the node's device plugin hands out cards under that name, or did: its Pods run on when it is gone, and the kubelet
 * leaves the name with an amount of 0 (k8s.io/kubernetes, nodestatus/setters.go). Others, such as nvidia.com/hostdev, are no cards.
 */
function isCardOf(vendor: Vendor, resourceName: string, { allocatable, capacity }: NodeFacts): boolean {
  if (!resourceName.includes('/') || !cardNames[vendor].test(resourceName)) return false;
  return resourceName in allocatable || (capacity !== undefined && resourceName in capacity);
}

const cardNames: Readonly<Record<Vendor, RegExp>> = {
  NVIDIA: /^nvidia\.com\/(gpu(\.shared)?|mig-[0-9a-z.]+)$/,
  AMD: /^amd\.com\/gpu$/,
  Intel: /^gpu\.intel\.com\/(i915|xe)$/,
};

/** What HAMi gives a Pod stands on the Pod itself; it counts as a claim would. */
function claimOfPod(uid: string): string {
  return `Pod/${uid}`;
}

/** Undefined: a device plugin's cards, which are only counted. */
function cardsIn(pool: CardPool, devices: readonly CardState[]): readonly CardState[] | undefined {
  return pool.devices === undefined ? undefined : devices.filter(({ device }) => device.pool === pool);
}

/** What is taken of one node. */
export interface Taken {
  readonly node: string;
  readonly amounts: ResourceAmounts;
  readonly cards: readonly Take[];
}

/** What is taken for the length of one pass. */
export class Draft {
  readonly #count: (taken: Taken, sign: 1 | -1) => void;
  readonly #taken: { readonly taken: Taken; readonly sign: 1 | -1 }[] = [];

  constructor(count: (taken: Taken, sign: 1 | -1) => void) {
    this.#count = count;
  }

  take(node: string, amounts: ResourceAmounts, cards: readonly Take[] = []): void {
    this.#do({ node, amounts, cards }, 1);
  }

  /** As if somebody had left. */
  lift(node: string, amounts: ResourceAmounts, cards: readonly Take[]): void {
    this.#do({ node, amounts, cards }, -1);
  }

  #do(taken: Taken, sign: 1 | -1): void {
    this.#taken.push({ taken, sign });
    this.#count(taken, sign);
  }

  mark(): number {
    return this.#taken.length;
  }

  /** Gives back everything taken since the mark. */
  giveBackTo(mark: number): void {
    while (this.#taken.length > mark) {
      const last = this.#taken.pop();
      if (last !== undefined) this.#count(last.taken, last.sign === 1 ? -1 : 1);
    }
  }
}

function changedProducts(one: Catalogue, other: Catalogue): ReadonlySet<string> {
  const products = [...one.keys(), ...other.keys()];
  return new Set(products.filter((name) => one.get(name)?.vramMebibytes !== other.get(name)?.vramMebibytes));
}

function sameAmounts(one: ResourceAmounts, other: ResourceAmounts): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
