// What reservations keep of one node's cards for workers whose claims aren't allocated yet: which they are, and in which order
// they are chosen, so that it doesn't depend on what was seen first. It chooses; it counts nothing.
import { fullestCards } from './card-room.ts';
import type { ClaimFacts, Placement } from '../model.ts';
import type { CardState, NodeState, Take } from './card-state.ts';
import { workerCount } from '../worker-count.ts';

/** What one run keeps there. */
export interface Kept {
  readonly placement: Placement;
  /** The cards that it still waits for, by identity; '' is whichever has room. */
  identities: readonly string[];
  /** What is counted for them at this moment. */
  takes: readonly Take[];
}

/**
 * By node, the cards of workers that hold none by a claim yet; none once as many workers have had theirs as there are. `claims`
 * are the run's allocated ones, `finished` its Pods that need no card any more, by the node they were on.
 */
export function outstandingCards(
  { workers, claim }: Placement,
  claims: readonly ClaimFacts[],
  finished: ReadonlyMap<string, string>,
  cardOf: (deviceID: string) => { readonly node: string; readonly identity: string } | undefined,
): ReadonlyMap<string, readonly string[]> {
  const gpus = claim?.gpus ?? 1;
  const claiming = new Set(claims.map(({ podUID }) => podUID));
  const done = [...finished].filter(([pod]) => !claiming.has(pod));
  const reserved = workerCount(workers);
  const areMissing = claims.length + done.length < reserved;
  const left = new Map(
    workers.map(({ node, count, cards = anyCards(count * gpus) }) => [
      node,
      areMissing ? cards.slice(0, count * gpus) : [],
    ]),
  );
  for (const { holds } of claims) {
    const held = holds.map(({ deviceID }) => cardOf(deviceID));
    const there = left.get(held.find((card) => card !== undefined)?.node ?? '');
    if (there !== undefined) for (const card of held) remove(there, card?.identity);
  }
  for (const [, node] of done) left.get(node)?.splice(-gpus);
  return left;
}

function anyCards(count: number): string[] {
  return Array.from({ length: count }, () => '');
}

/** One entry; where that card isn't among them another one, as the worker has had its share. */
function remove(identities: string[], identity: string | undefined): void {
  const at = identity === undefined ? -1 : identities.indexOf(identity);
  if (identities.length > 0) identities.splice(at < 0 ? identities.length - 1 : at, 1);
}

/** Whose cards are named comes first, so that whoever may have any leaves them alone; the largest of those next, as they fit best. */
export function byKeeping([one, a]: readonly [string, Kept], [other, b]: readonly [string, Kept]): number {
  return Number(mayHaveAny(a)) - Number(mayHaveAny(b)) || shareOf(b) - shareOf(a) || (one < other ? -1 : 1);
}

function mayHaveAny({ identities }: Kept): boolean {
  return identities[0] === '';
}

function shareOf({ placement }: Kept): number {
  return placement.claim?.mebibytes ?? 0;
}

/** The card of that identity, whoever is on it, or one of those that have it; without an identity those of one worker. */
export function cardsFor(
  { resourceName, product, claim }: Placement,
  identity: string,
  { cards, byIdentity }: NodeState,
): readonly CardState[] {
  const { gpus = 1, mebibytes = 0 } = claim ?? {};
  const alike = (identity === '' ? cards : (byIdentity.get(identity) ?? [])).filter(
    ({ device: { pool } }) => pool.resourceName === resourceName && pool.product === product,
  );
  if (identity === '') return fullestCards(alike, mebibytes, gpus) ?? [];
  return alike.length < 2 ? alike : (fullestCards(alike, mebibytes, 1) ?? alike.slice(0, 1));
}
