// How much of a job goes onto the cards of one node: whole cards by number, shares of cards by VRAM. One worker's cards are
// always different ones. It looks at cards alone; CPU and memory are in shape.ts and search.ts.
import { freeMebibytes, fullestCards, mostWorkers, times } from '../inventory/card-room.ts';
import type { Take } from '../inventory/card-state.ts';
import type { NodeEntry } from '../inventory/node-class.ts';
import type { Ask, CardPool } from '../model.ts';

/** Whether a worker gets parts of cards, by VRAM; else it gets units of a pool: whole cards, slices, replicas. */
export function asksShares({ isolation }: Pick<Ask, 'isolation'>, pool: CardPool): boolean {
  return isolation === 'Shared' && pool.devices?.shares !== undefined;
}

/**
 * In MiB, what one worker takes of each card. Of a share: what it needs with headroom, as far as the card goes, rounded up as
 * its driver wants it. Of anything else: all of it. 0 where the card is too small or of unknown size.
 */
export function takenOfCard(ask: Ask, pool: CardPool): number {
  if (!pool.vram.known) return 0;
  const { mebibytes } = pool.vram;
  const shares = pool.devices?.shares;
  if (!asksShares(ask, pool) || shares === undefined) return mebibytes >= ask.needMebibytes ? mebibytes : 0;
  const { minMebibytes, stepMebibytes } = shares;
  if (mebibytes < minMebibytes) return 0;
  const wanted = Math.ceil((Math.max(ask.needMebibytes, minMebibytes) - minMebibytes) / stepMebibytes);
  const most = Math.floor((mebibytes - minMebibytes) / stepMebibytes);
  const taken = minMebibytes + Math.min(wanted, most) * stepMebibytes;
  return taken >= ask.leastMebibytes ? taken : 0;
}

/** Workers that a number of empty cards holds. */
export function workersOnEmpty(ask: Ask, pool: CardPool, cards: number): number {
  if (!asksShares(ask, pool)) return Math.floor(cards / ask.gpus);
  const taken = takenOfCard(ask, pool);
  if (taken === 0 || !pool.vram.known || cards < ask.gpus) return 0;
  const onEach = Math.min(Math.floor(pool.vram.mebibytes / taken), pool.devices?.shares?.slots ?? Infinity);
  return Math.floor((cards * onEach) / ask.gpus);
}

/** Cards of a node that would do for one worker now. */
export function cardsFree(ask: Ask, entry: NodeEntry, poolIndex: number): number {
  const pool = entry.nodeClass.pools[poolIndex];
  const cards = entry.cards[poolIndex];
  if (pool === undefined || cards === undefined || !asksShares(ask, pool)) return entry.free[poolIndex] ?? 0;
  if (entry.closed[poolIndex] === true) return 0;
  const taken = takenOfCard(ask, pool);
  return taken === 0 ? 0 : cards.filter((card) => times(card, taken) > 0).length;
}

/** Workers that the cards of a node hold now. */
export function workersByCards(ask: Ask, entry: NodeEntry, poolIndex: number): number {
  const pool = entry.nodeClass.pools[poolIndex];
  const cards = entry.cards[poolIndex];
  if (pool === undefined || cards === undefined || !asksShares(ask, pool)) {
    return Math.floor((entry.free[poolIndex] ?? 0) / ask.gpus);
  }
  if (entry.closed[poolIndex] === true) return 0;
  const taken = takenOfCard(ask, pool);
  if (taken === 0) return 0;
  return mostWorkers(
    cards.map((card) => times(card, taken)),
    ask.gpus,
  );
}

/** The most that so many different cards of a node have free, each, in MiB. */
export function largestShare(entry: NodeEntry, poolIndex: number, cards: number): number {
  const states = entry.closed[poolIndex] === true ? [] : (entry.cards[poolIndex] ?? []);
  const free = states.map((card) => (times(card, 1) > 0 ? freeMebibytes(card) : 0)).sort((one, other) => other - one);
  return free[cards - 1] ?? 0;
}

/**
 * The cards of one worker: whole ones in their order; for shares those of which exactly `fill` MiB are free, or else the
 * fullest that have room, so that others stay whole. Undefined where there aren't enough, or a device plugin chooses them.
 */
export function chooseCards(ask: Ask, entry: NodeEntry, poolIndex: number, fill?: number): Take[] | undefined {
  const pool = entry.nodeClass.pools[poolIndex];
  const cards = entry.cards[poolIndex];
  if (pool === undefined || cards === undefined || entry.closed[poolIndex] === true) return undefined;
  const mebibytes = takenOfCard(ask, pool);
  const chosen = asksShares(ask, pool)
    ? fullestCards(
        fill === undefined ? cards : cards.filter((card) => freeMebibytes(card) === fill),
        mebibytes,
        ask.gpus,
      )
    : cards.filter(({ takers, blocked }) => takers === 0 && !blocked).slice(0, ask.gpus);
  return chosen?.length === ask.gpus ? chosen.map((card) => ({ card, mebibytes })) : undefined;
}
