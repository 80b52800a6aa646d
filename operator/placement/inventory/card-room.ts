// How much is left of cards, and how often a share of some size goes into that. It looks at cards alone and knows no job.
import type { CardState } from './card-state.ts';

export function freeMebibytes({ device, takenMebibytes }: CardState): number {
  const { vram } = device.pool;
  return vram.known ? Math.max(0, vram.mebibytes - takenMebibytes) : 0;
}

/** How often a share goes into what is left of a card. */
export function times(card: CardState, taken: number): number {
  if (card.blocked) return 0;
  // More claims may be on it than it has room for: a stranger's came before the one for which it was kept.
  return Math.max(0, Math.min(Math.floor(freeMebibytes(card) / taken), card.device.slots - card.takers));
}

/** So many workers, each on `gpus` different cards, where each card goes in so many times. */
export function mostWorkers(timesByCard: readonly number[], gpus: number): number {
  const sum = timesByCard.reduce((total, each) => total + each, 0);
  let workers = Math.floor(sum / gpus);
  while (workers > 0 && timesByCard.reduce((total, each) => total + Math.min(workers, each), 0) < workers * gpus) {
    workers -= 1;
  }
  return workers;
}

/**
 * The fullest of these cards that have room for a share, one for each of a worker's; where fewer workers like it would fit
 * afterwards than could, those with the most room. Undefined where there aren't enough.
 */
export function fullestCards(cards: readonly CardState[], mebibytes: number, gpus: number): CardState[] | undefined {
  const fitting = cards.filter((card) => times(card, mebibytes) > 0);
  if (fitting.length < gpus) return undefined;
  const fullest = [...fitting].sort((one, other) => freeMebibytes(one) - freeMebibytes(other)).slice(0, gpus);
  if (gpus === 1) return fullest;
  const workers = mostWorkers(
    fitting.map((card) => times(card, mebibytes)),
    gpus,
  );
  const after = fitting.map((card) => times(card, mebibytes) - Number(fullest.includes(card)));
  if (mostWorkers(after, gpus) >= workers - 1) return fullest;
  return [...fitting].sort((one, other) => times(other, mebibytes) - times(one, mebibytes)).slice(0, gpus);
}
