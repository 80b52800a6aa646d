// How well a worker would pack onto a node: what its placement does to what could still be placed there. Pure arithmetic on the
// node's state; which of its cards stand behind it is settled once a node is chosen.
import type { Ask } from '../model.ts';
import { asksShares, takenOfCard } from '../fit/room.ts';
import type { NodeClass } from '../inventory/node-class.ts';
import type { Demand } from './demand.ts';
import { Fragments } from './fragments.ts';
import type { PoolState } from './node-state.ts';

/** Of a node that has room for a worker. */
export interface Packing {
  /** From 0 to 1: 1 makes much of what is free useful again, 0 breaks up much of it. One of `levels` steps. */
  readonly score: number;
  /** Cards left free afterwards, parts of cards counted as parts. */
  readonly freeAfter: number;
  /** For a single share, the card it goes to, by what is free of it now, in MiB; undefined: the fullest that have room. */
  readonly fill?: number;
}

/**
 * Scores are rounded to so many steps, so that nodes which differ by nothing that matters are equal, and work goes to the
 * fullest of them: exact scores spread it, and a full cluster holds 3 % less (shared/data/openb/README.md).
 */
const levels = 240;

/**
 * What a card counts for, in cards, that other work asks for by its product's name: who may go anywhere leaves it to them.
 * Without it openb's gpuspec10 loses 1 to 2 % at 100 % arrived; from 0.3 on no seed fell.
 */
const yielded = 0.3;

interface Way {
  readonly after: PoolState;
  readonly fill?: number;
}

/** Judges for workers on one pool of one class of nodes, by one version of the demand. */
export class PackingJudge {
  readonly #fragments: Fragments;
  readonly #contested: number;

  constructor(nodeClass: NodeClass, poolIndex: number, demand: Demand) {
    const pool = nodeClass.pools[poolIndex];
    if (pool === undefined) throw new RangeError(`a class of ${nodeClass.pools.length} pools has no pool ${poolIndex}`);
    this.#fragments = new Fragments(nodeClass, pool, demand);
    this.#contested = demand.contested.get(pool.product) ?? 0;
  }

  fragments(state: PoolState): number {
    return this.#fragments.of(state);
  }

  /** `fragments`: of the same state. Undefined: not enough free cards. Whether CPU and memory do was looked at before. */
  judge(worker: WorkerOnPool, state: PoolState, fragments: number): Packing | undefined {
    const taken = worker.isNamed ? 0 : yielded * this.#contested * worker.cards;
    let best: Packing | undefined;
    for (const { after, fill } of waysOf(worker, state)) {
      const gained = fragments - this.#fragments.of(after) - taken;
      const score = Math.round(levels / (1 + Math.exp(-gained))) / levels;
      if (best !== undefined && score <= best.score) continue;
      const freeAfter = this.#fragments.freeCards(after);
      best = fill === undefined ? { score, freeAfter } : { score, freeAfter, fill };
    }
    return best;
  }
}

/** What an ask comes to on one pool. */
export interface WorkerOnPool {
  readonly gpus: number;
  /** Of each card, in MiB; undefined: whole cards, or units of a device plugin's. */
  readonly share: number | undefined;
  /** All of a card, in MiB. */
  readonly cardMebibytes: number;
  /** What it takes, in cards. */
  readonly cards: number;
  readonly cpu: number;
  readonly memory: number;
  /** It asks for products by name. */
  readonly isNamed: boolean;
}

export function workerOn(ask: Ask, nodeClass: NodeClass, poolIndex: number): WorkerOnPool {
  const pool = nodeClass.pools[poolIndex];
  const cardMebibytes = pool?.vram.known === true ? pool.vram.mebibytes : 1;
  const share = pool !== undefined && asksShares(ask, pool) ? takenOfCard(ask, pool) : undefined;
  return {
    gpus: ask.gpus,
    share,
    cardMebibytes,
    cards: share === undefined ? ask.gpus : (ask.gpus * share) / cardMebibytes,
    cpu: ask.perWorker['cpu'] ?? 0,
    memory: ask.perWorker['memory'] ?? 0,
    isNamed: ask.products.allow.length > 0,
  };
}

/** The ways in which a worker may be placed there, as far as they differ; none where there is no room. */
function waysOf(worker: WorkerOnPool, state: PoolState): readonly Way[] {
  const { gpus, share, cpu, memory } = worker;
  const left = { cpu: state.cpu - cpu, memory: state.memory - memory };
  if (share === undefined) {
    return state.whole < gpus ? [] : [{ after: { ...left, whole: state.whole - gpus, parts: state.parts } }];
  }
  if (share === 0) return [];
  if (gpus === 1) return waysOfOne(worker, share, state, left);
  const after = afterShares(worker, share, state);
  return after === undefined ? [] : [{ after: { ...after, ...left } }];
}

/** One of each filling is tried, the fullest first. */
function waysOfOne(
  { cardMebibytes }: WorkerOnPool,
  share: number,
  { whole, parts }: PoolState,
  left: Pick<PoolState, 'cpu' | 'memory'>,
): Way[] {
  const ways: Way[] = [];
  let last = -1;
  for (const [index, part] of parts.entries()) {
    if (part < share || part === last) continue;
    last = part;
    ways.push({ after: { ...left, whole, parts: withPart(without(parts, index), part - share) }, fill: part });
  }
  if (whole > 0) {
    const after = { ...left, whole: whole - 1, parts: withPart(parts, cardMebibytes - share) };
    ways.push({ after, fill: cardMebibytes });
  }
  return ways;
}

/** Shares of several cards go to the fullest ones that have room. */
function afterShares(
  { gpus, cardMebibytes }: WorkerOnPool,
  share: number,
  { whole, parts }: PoolState,
): Pick<PoolState, 'whole' | 'parts'> | undefined {
  const fitting = parts.filter((part) => part >= share).slice(0, gpus);
  const fresh = gpus - fitting.length;
  if (fresh > whole) return undefined;
  const untouched = [...parts];
  for (const part of fitting) untouched.splice(untouched.indexOf(part), 1);
  const begun = [...fitting.map((part) => part - share), ...Array.from({ length: fresh }, () => cardMebibytes - share)];
  return { whole: whole - fresh, parts: [...untouched, ...begun.filter((part) => part > 0)].sort((a, b) => a - b) };
}

function without(parts: readonly number[], index: number): number[] {
  const rest = parts.slice();
  rest.splice(index, 1);
  return rest;
}

/** In its place, so that equal states look alike. */
function withPart(ascending: readonly number[], part: number): readonly number[] {
  if (part <= 0) return ascending;
  const at = ascending.findIndex((other) => other > part);
  if (at < 0) return [...ascending, part];
  return [...ascending.slice(0, at), part, ...ascending.slice(at)];
}
