// What is free on a node and of no use to the work that is asked for lately, in cards: too little left of a card, too few cards,
// too little CPU or memory beside them. A placement is as good as it leaves little of that: the gradient of "Beware of
// Fragmentation" (USENIX ATC'23), in terms of VRAM, cards and CPU.
import { asksShares, takenOfCard } from '../fit/room.ts';
import { cardsPerWorkerAllowed, classKindViolation } from '../fit/fit.ts';
import type { Ask, CardPool } from '../model.ts';
import type { NodeClass } from '../inventory/node-class.ts';
import type { Demand, DemandShape } from './demand.ts';
import type { PoolState } from './node-state.ts';

/** What one worker of a shape needs of a node's pool. */
interface Need {
  readonly gpus: number;
  /** Of each card, in MiB. */
  readonly taken: number;
  readonly cpu: number;
  readonly memory: number;
  readonly share: number;
}

/** So many results are kept; more would cost more memory than they save time. */
const mostRemembered = 20_000;

/** Of one pool of one class of nodes, by one version of the demand. */
export class Fragments {
  readonly #needs: readonly Need[];
  readonly #cardMebibytes: number;
  readonly #cpuSteps: readonly number[];
  readonly #memorySteps: readonly number[];
  readonly #cpuPerCard: number;
  readonly #remembered = new Map<string, number>();

  constructor(nodeClass: NodeClass, pool: CardPool, { shapes }: Demand) {
    this.#needs = shapes.flatMap((shape) => needOf(nodeClass, pool, shape) ?? []);
    this.#cardMebibytes = pool.vram.known ? pool.vram.mebibytes : 1;
    this.#cpuSteps = steps(this.#needs.map(({ cpu }) => cpu));
    this.#memorySteps = steps(this.#needs.map(({ memory }) => memory));
    this.#cpuPerCard = cpuPerCard(this.#needs, this.#cardMebibytes);
  }

  /** Cards that are free, parts of cards counted as parts. */
  freeCards({ whole, parts }: PoolState): number {
    let mebibytes = 0;
    for (const part of parts) mebibytes += part;
    return whole + mebibytes / this.#cardMebibytes;
  }

  /** In cards: what is free and useless, on average over the demand, and what will find no CPU once the rest is used. */
  of(state: PoolState): number {
    const free = this.freeCards(state);
    const stranded = this.#cpuPerCard > 0 ? Math.max(0, free - state.cpu / this.#cpuPerCard) : 0;
    return this.#uselessCards(state, free) + stranded;
  }

  /** CPU and memory matter only by which shapes they still do for, so most states are like one seen before. */
  #uselessCards(state: PoolState, free: number): number {
    const { whole, parts, cpu, memory } = state;
    const cpuStep = stepsReached(this.#cpuSteps, cpu);
    const memoryStep = stepsReached(this.#memorySteps, memory);
    const key = `${cpuStep} ${memoryStep} ${whole} ${parts.join(' ')}`;
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    let useless = free;
    for (const need of this.#needs) {
      if (need.cpu <= cpu && need.memory <= memory) useless -= need.share * this.#usableCards(state, need);
    }
    if (this.#remembered.size >= mostRemembered) this.#remembered.clear();
    this.#remembered.set(key, useless);
    return useless;
  }

  #usableCards({ whole, parts }: PoolState, { gpus, taken }: Need): number {
    let cards = whole;
    let mebibytes = 0;
    for (const part of parts) {
      if (part < taken) continue;
      cards += 1;
      mebibytes += part;
    }
    return cards >= gpus ? whole + mebibytes / this.#cardMebibytes : 0;
  }
}

/** Undefined: it can't use these cards at all, so to it all of them are useless. */
function needOf(nodeClass: NodeClass, pool: CardPool, shape: DemandShape): Need | undefined {
  const { vramMebibytes, gpus, perWorker, share } = shape;
  if (classKindViolation(shape, nodeClass.example, pool) !== undefined) return undefined;
  const ask: Ask = { ...shape, needMebibytes: vramMebibytes, leastMebibytes: vramMebibytes };
  const taken = takenOfCard(ask, pool);
  if (taken === 0 || !cardsPerWorkerAllowed(ask, pool)) return undefined;
  // Who wants a card whole can't use one that others are on, whatever is left of it.
  const least = asksShares(ask, pool) ? taken : Number.MAX_SAFE_INTEGER;
  return { gpus, taken: least, cpu: perWorker['cpu'] ?? 0, memory: perWorker['memory'] ?? 0, share };
}

/** In millicores: what comes with each of these cards, on average over the work that can use them. */
function cpuPerCard(needs: readonly Need[], cardMebibytes: number): number {
  const cpu = needs.reduce((sum, need) => sum + need.share * need.cpu, 0);
  const cards = needs.reduce(
    (sum, { share, gpus, taken }) => sum + share * gpus * Math.min(1, taken / cardMebibytes),
    0,
  );
  return cards === 0 ? 0 : cpu / cards;
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
