// Whether a text's numbers can be true on the card the container really had. Anybody can print an out-of-memory line to get a
// larger card; what can't be true moves the job by one card size at most.
import type { FailedCard } from './cause.ts';
import type { Reading } from './signatures/signature.ts';

/**
 * How far a text's capacity may be from the inventory's. CUDA reports less than the label (T4: 15360 MiB and 14.56 GiB, 3 %;
 * RTX 4090: 24564 MiB and 23.52 GiB, 2 %), and a vGPU or a rounded label ("64G", decimal GB) adds a few percent.
 */
export const capacityTolerancePermille = 100;

/** What a text claims to be held on a card may exceed its size only by rounding. */
const overfullPermille = 1050;

type Check = (reading: Reading, capacity: number, card: FailedCard) => boolean;

const checks: readonly Check[] = [capacityIsTheCards, everyPartFits, allPartsFitTogether];

/** Without a known card there is nothing to hold the numbers against. */
export function numbersFitTheCard(reading: Reading, card: FailedCard): boolean {
  const capacity = card.capacityMebibytes;
  return capacity !== undefined && capacity > 0 && checks.every((fits) => fits(reading, capacity, card));
}

function capacityIsTheCards({ capacity: claimed }: Reading, capacity: number, { shared }: FailedCard): boolean {
  if (claimed === undefined) return true;
  const permille = (claimed / capacity) * 1000;
  const isLargeEnough = shared === true || permille >= 1000 - capacityTolerancePermille;
  return isLargeEnough && permille <= 1000 + capacityTolerancePermille;
}

function everyPartFits({ used, others, free, poolLimit, reservedUnallocated }: Reading, capacity: number): boolean {
  const limit = (capacity * overfullPermille) / 1000;
  return [used, others, free, poolLimit, reservedUnallocated].every((part) => part === undefined || part <= limit);
}

function allPartsFitTogether({ used = 0, others = 0, free = 0 }: Reading, capacity: number): boolean {
  return (used + others + free) * 1000 <= capacity * (1000 + 2 * capacityTolerancePermille);
}
