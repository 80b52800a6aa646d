// What a policy's catalogue says of cards, for placement.
import type { DefaultedPolicySpec } from '../resources/sovereignpolicy.ts';

const best = 1000;

/** 1000 for the cheapest card, half of it for one that costs twice as much; what has no price is left out. */
export function costByProduct(gpus: DefaultedPolicySpec['gpus']): ReadonlyMap<string, number> {
  const prices = gpus.flatMap(({ product, costPerHour }) =>
    costPerHour === undefined ? [] : [{ product, price: Number(costPerHour) }],
  );
  const paid = prices.filter(({ price }) => price > 0);
  const cheapest = Math.min(...paid.map(({ price }) => price));
  return new Map(
    prices.map(({ product, price }) => [product, price > 0 ? Math.round((best * cheapest) / price) : best]),
  );
}
