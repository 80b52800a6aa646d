// For one kind of worker on one pool of one class of nodes: how well each node would take it, kept up to date as nodes change.
// It is what keeps a decision cheap on thousands of nodes: only those that changed since the last look are judged again.
import type { Ask } from '../model.ts';
import type { NodeClass, NodeEntry } from '../inventory/node-class.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { Demand } from './demand.ts';
import { shortResource } from './left.ts';
import { type PoolState, poolStateOf, stateKey } from './node-state.ts';
import { type Packing, PackingJudge, workerOn } from './packing.ts';

/** Undefined: no room. By the node's index among those of its class. */
type JudgeNode = (node: string, index: number) => Packing | undefined;

const noRoom = -1;

export class Board {
  readonly #nodeClass: NodeClass;
  readonly #judge: JudgeNode;
  #names: readonly string[] = [];
  #packings: (Packing | undefined)[] = [];
  #scores = new Float64Array(0);
  #freeAfter = new Float64Array(0);
  #membership = -1;
  #read = 0;

  constructor(nodeClass: NodeClass, judge: JudgeNode) {
    this.#nodeClass = nodeClass;
    this.#judge = judge;
  }

  packingOf(node: string): Packing | undefined {
    this.#catchUp();
    const index = this.#nodeClass.indexOf(node);
    return index === undefined ? undefined : this.#packings[index];
  }

  /** The best node that may be used: by score, then the fullest, then by name. */
  best(isAllowed: (node: string) => boolean): { readonly node: string; readonly packing: Packing } | undefined {
    this.#catchUp();
    let best = -1;
    let bestScore = noRoom;
    let bestFree = 0;
    const scores = this.#scores;
    for (let index = 0; index < scores.length; index += 1) {
      const score = scores[index] ?? noRoom;
      if (score < bestScore || score === noRoom) continue;
      const free = this.#freeAfter[index] ?? 0;
      if (score === bestScore && free >= bestFree) continue;
      if (!isAllowed(this.#names[index] ?? '')) continue;
      best = index;
      bestScore = score;
      bestFree = free;
    }
    const packing = this.#packings[best];
    return packing === undefined ? undefined : { node: this.#names[best] ?? '', packing };
  }

  /** All that have room, best first. */
  ranked(): string[] {
    this.#catchUp();
    const fitting = [...this.#names.keys()].filter((index) => this.#scores[index] !== noRoom);
    const score = (index: number): number => this.#scores[index] ?? noRoom;
    const free = (index: number): number => this.#freeAfter[index] ?? 0;
    return fitting
      .sort((one, other) => score(other) - score(one) || free(one) - free(other) || one - other)
      .map((index) => this.#names[index] ?? '');
  }

  #catchUp(): void {
    const { changes, membership } = this.#nodeClass;
    const changed = membership === this.#membership ? changes.since(this.#read) : undefined;
    this.#read = changes.end;
    if (changed !== undefined) {
      for (const index of new Set(changed)) this.#look(index);
      return;
    }
    this.#membership = membership;
    this.#names = this.#nodeClass.nodeNames.slice();
    this.#packings = Array.from({ length: this.#names.length });
    this.#scores = new Float64Array(this.#names.length);
    this.#freeAfter = new Float64Array(this.#names.length);
    for (let index = 0; index < this.#names.length; index += 1) this.#look(index);
  }

  #look(index: number): void {
    const packing = this.#judge(this.#names[index] ?? '', index);
    this.#packings[index] = packing;
    this.#scores[index] = packing?.score ?? noRoom;
    this.#freeAfter[index] = packing?.freeAfter ?? 0;
  }
}

/** What is known of a node's state, and which state of it that was. */
interface Seen {
  readonly version: number;
  readonly key: string;
  readonly state: PoolState;
  readonly fragments: number;
}

/** One pool of a class of nodes: the judge and what it said of each node as it is are shared by all boards. */
class PoolBoards {
  readonly judge: PackingJudge;
  readonly #nodeClass: NodeClass;
  readonly #poolIndex: number;
  #seen: (Seen | undefined)[] = [];
  #membership = -1;

  constructor(nodeClass: NodeClass, poolIndex: number, demand: Demand) {
    this.#nodeClass = nodeClass;
    this.#poolIndex = poolIndex;
    this.judge = new PackingJudge(nodeClass, poolIndex, demand);
  }

  stateOf(entry: NodeEntry, index: number, used: ReadonlyMap<string, number>): Seen {
    const { membership } = this.#nodeClass;
    if (membership !== this.#membership) {
      this.#membership = membership;
      this.#seen = Array.from({ length: this.#nodeClass.size });
    }
    const version = this.#nodeClass.versionOf(index);
    const before = this.#seen[index];
    if (before?.version === version) return before;
    const state = poolStateOf(entry, this.#poolIndex, used);
    const seen = { version, key: stateKey(state), state, fragments: this.judge.fragments(state) };
    this.#seen[index] = seen;
    return seen;
  }
}

/** Boards of one class of nodes, as many as there are kinds of workers lately; those not asked for longest go first. */
class Boards {
  readonly #nodeClass: NodeClass;
  readonly #boards = new Map<string, Board>();
  readonly #pools = new Map<number, PoolBoards>();
  #demand: Demand | undefined;

  constructor(nodeClass: NodeClass) {
    this.#nodeClass = nodeClass;
  }

  /** By another demand all are void. Told apart as objects: a new leader counts its versions from the start again. */
  get(demand: Demand, poolIndex: number, key: string, make: (pool: PoolBoards) => Board): Board {
    if (demand !== this.#demand) {
      this.#boards.clear();
      this.#pools.clear();
      this.#demand = demand;
    }
    const board = this.#boards.get(key) ?? make(this.#poolBoards(poolIndex, demand));
    this.#boards.delete(key);
    this.#boards.set(key, board);
    if (this.#boards.size > mostBoards) {
      const [oldest] = this.#boards.keys();
      if (oldest !== undefined) this.#boards.delete(oldest);
    }
    return board;
  }

  #poolBoards(poolIndex: number, demand: Demand): PoolBoards {
    const pool = this.#pools.get(poolIndex) ?? new PoolBoards(this.#nodeClass, poolIndex, demand);
    this.#pools.set(poolIndex, pool);
    return pool;
  }
}

/** 16 bytes a node each, and what was judged. */
const mostBoards = 128;
/** So many states a board remembers the judgement of. */
const mostStates = 20_000;

const boardsByClass = new WeakMap<NodeClass, Boards>();

/** The board of one pool of a class of nodes for one kind of worker. */
export function boardFor(
  { inventory, demand }: { readonly inventory: Inventory; readonly demand: Demand },
  { nodeClass, poolIndex }: { readonly nodeClass: NodeClass; readonly poolIndex: number },
  ask: Ask,
): Board {
  const boards = boardsByClass.get(nodeClass) ?? new Boards(nodeClass);
  boardsByClass.set(nodeClass, boards);
  return boards.get(demand, poolIndex, boardKey(poolIndex, ask), (pool) => {
    const worker = workerOn(ask, nodeClass, poolIndex);
    const judged = new Map<string, Packing | undefined>();
    return new Board(nodeClass, (node, index) => {
      const entry = inventory.node(node);
      if (entry === undefined || shortResource(inventory, entry, ask.perWorker) !== undefined) return undefined;
      const { key, state, fragments } = pool.stateOf(entry, index, inventory.usedAmounts(node));
      if (judged.has(key)) return judged.get(key);
      const packing = pool.judge.judge(worker, state, fragments);
      if (judged.size >= mostStates) judged.clear();
      judged.set(key, packing);
      return packing;
    });
  });
}

/** Equal keys are judged alike on every node. */
function boardKey(poolIndex: number, ask: Ask): string {
  const { isolation, gpus, needMebibytes, leastMebibytes, perWorker, products } = ask;
  const isNamed = products.allow.length > 0;
  return JSON.stringify([poolIndex, isolation, gpus, needMebibytes, leastMebibytes, perWorker, isNamed]);
}
