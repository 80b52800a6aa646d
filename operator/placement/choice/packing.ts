// How well a worker would pack onto a node: what its placement does to what could still be placed there.
import type { Ask } from '../fit/fit.ts';
import { asksShares, cardsFree, chooseCards, freeMebibytes, hasRoomFor, takenOfCard } from '../fit/room.ts';
import type { Take } from '../inventory/cards-in-use.ts';
import type { NodeClass, NodeEntry } from '../inventory/node-class.ts';
import type { Demand } from './demand.ts';
import { Fragments, freeCardsOf, remainderOf } from './fragments.ts';

/** A node that has room for a worker. */
export interface Packing {
  /** From 0 to 1: 1 makes much of what is free useful again, 0 breaks up much of it. One of `levels` steps. */
  readonly score: number;
  /** Cards left free afterwards, parts of cards counted as parts. */
  readonly freeAfter: number;
  /** The cards it would take, where they are published one by one. */
  readonly takes: readonly Take[] | undefined;
}

/**
 * Scores are rounded to so many steps, so that nodes which differ by nothing that matters are equal, and work goes to the
 * fullest of them: exact scores spread it, and hold 3 % less (shared/data/openb/README.md; measured again here).
 */
const levels = 240;

/**
 * What a contested card counts for, in cards. Without it work for any card takes the cards that other work can't do without:
 * 1 to 2 % of openb's gpuspec10 at 100 % arrived; from 0.3 on no seed fell.
 */
const yielded = 0.3;

/** Judges nodes of one class for workers on one of its pools, by one version of the demand. */
export class PackingJudge {
  readonly #poolIndex: number;
  readonly #fragments: Fragments | undefined;
  readonly #contested: number;

  constructor(nodeClass: NodeClass, poolIndex: number, demand: Demand) {
    const pool = nodeClass.pools[poolIndex];
    this.#poolIndex = poolIndex;
    this.#fragments = pool === undefined ? undefined : new Fragments(nodeClass, pool, demand);
    this.#contested = demand.contested.get(pool?.product ?? '') ?? 0;
  }

  /** Undefined: not enough free cards. CPU and memory were looked at before. */
  judge(ask: Ask, entry: NodeEntry, used: ReadonlyMap<string, number>): Packing | undefined {
    if (cardsFree(ask, entry, this.#poolIndex) < ask.gpus) return undefined;
    // Who may go anywhere leaves the cards that others ask for by name to them, as far as there are others.
    const taken =
      ask.products.allow.length > 0 ? 0 : yielded * this.#contested * cardsAsked(ask, entry, this.#poolIndex);
    const before = this.#fragments?.of(remainderOf(entry, this.#poolIndex, used, undefined)) ?? 0;
    let best: Packing | undefined;
    for (const takes of this.#ways(ask, entry)) {
      const after = remainderOf(entry, this.#poolIndex, used, { ask, takes });
      const gained = before - (this.#fragments?.of(after) ?? 0) - taken;
      const score = Math.round(levels / (1 + Math.exp(-gained))) / levels;
      if (best === undefined || score > best.score) best = { score, freeAfter: freeCardsOf(after), takes };
    }
    return best;
  }

  /** A single share may go onto any card that has room: one of each filling is tried, the fullest first. */
  *#ways(ask: Ask, entry: NodeEntry): Iterable<readonly Take[] | undefined> {
    const pool = entry.nodeClass.pools[this.#poolIndex];
    const first = chooseCards(ask, entry, this.#poolIndex);
    yield first;
    if (pool === undefined || first === undefined || ask.gpus > 1 || !asksShares(ask, pool)) return;
    const seen = new Set(first.map(({ card }) => freeMebibytes(card)));
    for (const card of entry.cards[this.#poolIndex] ?? []) {
      const free = freeMebibytes(card);
      const [like] = first;
      if (like === undefined || seen.has(free) || !hasRoomFor(card, like.mebibytes)) continue;
      seen.add(free);
      yield [{ card, mebibytes: like.mebibytes }];
    }
  }
}

/** Of one worker, in cards: a share counts as the part of the card that it is. */
function cardsAsked(ask: Ask, entry: NodeEntry, poolIndex: number): number {
  const pool = entry.nodeClass.pools[poolIndex];
  if (pool === undefined || !pool.vram.known || !asksShares(ask, pool)) return ask.gpus;
  return (ask.gpus * takenOfCard(ask, pool)) / pool.vram.mebibytes;
}
