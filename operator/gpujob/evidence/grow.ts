// The VRAM a job asks for after an out-of-memory of its own: strictly more than before, never above its maximum. It doesn't
// look for a place: where no such card exists the planner says NeverFits.

export interface Growth {
  /** What the job asked for when it failed. */
  readonly currentMebibytes: number;
  /** The card it failed on, where that is known. */
  readonly failedCardMebibytes: number | undefined;
  /** The evidence's need, without margin; undefined where the text had no sizes or they can't be trusted. */
  readonly neededMebibytes: number | undefined;
  /** Sizes of the cards that pass the job's own rules, ascending. */
  readonly cardSizesMebibytes: readonly number[];
  readonly maxVRAMMebibytes: number | undefined;
  /** A share of a card grows by itself; a whole card grows to another card. */
  readonly shared: boolean;
}

export type NextVRAM =
  | { readonly kind: 'Grow'; readonly vramMebibytes: number }
  | { readonly kind: 'LimitReached'; readonly neededMebibytes: number; readonly message: string };

/** The failed allocation was rarely the last one of a step: torch's next segment, cuDNN's workspace, the next longer batch. */
export const marginPermille = 100;

/** A share without evidence grows by half: shares are free in size, so there is no next one to take. */
export const shareGrowthPermille = 1500;

export function nextVRAM(growth: Growth): NextVRAM {
  const max = growth.maxVRAMMebibytes === undefined ? Number.MAX_SAFE_INTEGER : Math.floor(growth.maxVRAMMebibytes);
  const least = leastThatCouldHelp(growth);
  if (least > max) return limitReached(least, max);
  return { kind: 'Grow', vramMebibytes: Math.min(target(growth, least), max) };
}

/** What the evidence asks for with its margin, and more than what just failed: a whole card failed as a whole. */
function leastThatCouldHelp(growth: Growth): number {
  const failed = growth.shared
    ? growth.currentMebibytes
    : Math.max(growth.currentMebibytes, growth.failedCardMebibytes ?? 0);
  return Math.max(withMargin(growth.neededMebibytes), Math.floor(failed) + 1);
}

function withMargin(neededMebibytes: number | undefined): number {
  return neededMebibytes === undefined ? 0 : Math.ceil((neededMebibytes * (1000 + marginPermille)) / 1000);
}

function target(growth: Growth, least: number): number {
  return Math.max(least, growth.shared ? largerShare(growth) : nextCard(growth));
}

function largerShare({ currentMebibytes, neededMebibytes }: Growth): number {
  return neededMebibytes === undefined ? Math.ceil((currentMebibytes * shareGrowthPermille) / 1000) : 0;
}

/** Asking for a card that exists, whole, saves a second failure between two sizes. */
function nextCard({ cardSizesMebibytes, failedCardMebibytes, currentMebibytes }: Growth): number {
  const failed = Math.max(currentMebibytes, failedCardMebibytes ?? 0);
  return Math.floor(cardSizesMebibytes.find((size) => Math.floor(size) > failed) ?? 0);
}

function limitReached(neededMebibytes: number, maxVRAMMebibytes: number): NextVRAM {
  const needed = inGibibytes(neededMebibytes, Math.ceil);
  const message = `needs at least ${needed} on one GPU; maxVRAM is ${inGibibytes(maxVRAMMebibytes, Math.floor)}`;
  return { kind: 'LimitReached', neededMebibytes, message };
}

/** For people: at most one decimal, rounded to the side that keeps the sentence true. */
function inGibibytes(mebibytes: number, round: (value: number) => number): string {
  return `${round((mebibytes * 10) / 1024) / 10}Gi`;
}
