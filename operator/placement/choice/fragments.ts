// What is free on a node and of no use to the work that is asked for lately, in cards: too little left of a card, too few cards,
// too little CPU or memory beside them. A placement is as good as it leaves little of that: the gradient of "Beware of
// Fragmentation" (USENIX ATC'23), in terms of VRAM, cards and CPU, measured by shapes of work and not by a single one.
import { asksShares, freeMebibytes, takenOfCard } from '../fit/room.ts';
import { type Ask, cardsPerWorkerAllowed, classKindViolation } from '../fit/fit.ts';
import type { Take } from '../inventory/cards-in-use.ts';
import type { NodeClass, NodeEntry } from '../inventory/node-class.ts';
import type { CardPool } from '../model.ts';
import type { Demand, DemandShape } from './demand.ts';

/** What one worker of a shape needs of a node's pool. */
interface Need {
  readonly gpus: number;
  /** Of each card, from 0 to 1. */
  readonly part: number;
  readonly cpu: number;
  readonly memory: number;
  readonly share: number;
}

/** A node's pool as far as its fragments depend on it. */
export interface Remainder {
  /** Cards nobody uses. */
  readonly whole: number;
  /** What is free of each card in use, between 0 and 1; the order doesn't matter. */
  readonly parts: readonly number[];
  /** In millicores and bytes. */
  readonly cpu: number;
  readonly memory: number;
}

/** So many results are kept; more would cost more memory than they save time. */
const mostRemembered = 50_000;

/** Of one pool of one class of nodes, by one version of the demand. */
export class Fragments {
  readonly #needs: readonly Need[];
  readonly #cpuSteps: readonly number[];
  readonly #memorySteps: readonly number[];
  readonly #cpuPerCard: number;
  readonly #remembered = new Map<string, number>();

  constructor(nodeClass: NodeClass, pool: CardPool, { shapes }: Demand) {
    this.#needs = shapes.flatMap((shape) => needOf(nodeClass, pool, shape) ?? []);
    this.#cpuSteps = steps(this.#needs.map(({ cpu }) => cpu));
    this.#memorySteps = steps(this.#needs.map(({ memory }) => memory));
    this.#cpuPerCard = cpuPerCard(this.#needs);
  }

  /** In cards: what is free and useless, on average over the demand, and what will find no CPU once the rest is used. */
  of(remainder: Remainder): number {
    const free = freeCardsOf(remainder);
    const stranded = this.#cpuPerCard > 0 ? Math.max(0, free - remainder.cpu / this.#cpuPerCard) : 0;
    return this.#uselessCards(remainder, free) + stranded;
  }

  /** CPU and memory matter only by which shapes they still do for, so most nodes are like one seen before. */
  #uselessCards(remainder: Remainder, free: number): number {
    const { whole, parts, cpu, memory } = remainder;
    const cpuStep = stepsReached(this.#cpuSteps, cpu);
    const memoryStep = stepsReached(this.#memorySteps, memory);
    const key = `${cpuStep} ${memoryStep} ${whole} ${parts.join(' ')}`;
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    let useless = free;
    for (const need of this.#needs) {
      if (need.cpu <= cpu && need.memory <= memory) useless -= need.share * usable(remainder, need);
    }
    if (this.#remembered.size >= mostRemembered) this.#remembered.clear();
    this.#remembered.set(key, useless);
    return useless;
  }
}

/** Undefined: it can't use these cards at all, so to it all of them are useless. */
function needOf(nodeClass: NodeClass, pool: CardPool, shape: DemandShape): Need | undefined {
  const { vramMebibytes, gpus, perWorker, share } = shape;
  if (classKindViolation(shape, nodeClass.example, pool) !== undefined) return undefined;
  const ask: Ask = { ...shape, needMebibytes: vramMebibytes, leastMebibytes: vramMebibytes };
  const taken = takenOfCard(ask, pool);
  if (taken === 0 || !pool.vram.known || !cardsPerWorkerAllowed(ask, pool)) return undefined;
  const part = asksShares(ask, pool) ? taken / pool.vram.mebibytes : 1;
  return { gpus, part, cpu: perWorker['cpu'] ?? 0, memory: perWorker['memory'] ?? 0, share };
}

/** In millicores: what comes with each of these cards, on average over the work that can use them. */
function cpuPerCard(needs: readonly Need[]): number {
  const cpu = needs.reduce((sum, need) => sum + need.share * need.cpu, 0);
  const cards = needs.reduce((sum, { share, gpus, part }) => sum + share * gpus * part, 0);
  return cards === 0 ? 0 : cpu / cards;
}

export function freeCardsOf({ whole, parts }: Remainder): number {
  return parts.reduce((sum, part) => sum + part, whole);
}

function steps(amounts: readonly number[]): number[] {
  return [...new Set(amounts)].sort((a, b) => a - b);
}

function stepsReached(ascending: readonly number[], amount: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? 0) <= amount) low = middle + 1;
    else high = middle;
  }
  return low;
}

function usable({ whole, parts }: Remainder, { gpus, part }: Need): number {
  let cards = whole;
  let sum = whole;
  for (const free of parts) {
    if (free < part) continue;
    cards += 1;
    sum += free;
  }
  return cards >= gpus ? sum : 0;
}

/** What is left of a node's pool now, or after a worker. */
export function remainderOf(
  entry: NodeEntry,
  poolIndex: number,
  used: ReadonlyMap<string, number>,
  after: { readonly ask: Ask; readonly takes: readonly Take[] | undefined } | undefined,
): Remainder {
  const pool = entry.nodeClass.pools[poolIndex];
  const left = (name: string): number =>
    (entry.allocatable[name] ?? 0) - (used.get(name) ?? 0) - (after?.ask.perWorker[name] ?? 0);
  const cards = pool === undefined ? nothingFree : cardsLeft(entry, poolIndex, pool, after);
  return { ...cards, cpu: left('cpu'), memory: left('memory') };
}

const nothingFree = { whole: 0, parts: [] };

function cardsLeft(
  entry: NodeEntry,
  poolIndex: number,
  pool: CardPool,
  after: Parameters<typeof remainderOf>[3],
): Pick<Remainder, 'whole' | 'parts'> {
  const cards = entry.cards[poolIndex];
  const divided = pool.devices?.shares !== undefined;
  if (cards === undefined || !divided) {
    return { whole: Math.max(0, (entry.free[poolIndex] ?? 0) - (after?.ask.gpus ?? 0)), parts: [] };
  }
  const all = pool.vram.known ? pool.vram.mebibytes : 1;
  let whole = 0;
  const parts: number[] = [];
  for (const card of entry.closed[poolIndex] === true ? [] : cards) {
    if (card.blocked) continue;
    const take = after?.takes?.find((one) => one.card === card)?.mebibytes ?? 0;
    const free = freeMebibytes(card) - take;
    if (free >= all) whole += 1;
    else if (free > 0) parts.push(free / all);
  }
  return { whole, parts: parts.sort((a, b) => a - b) };
}
