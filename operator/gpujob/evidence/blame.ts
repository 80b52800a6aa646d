// Who is to blame for an exhausted card, from the numbers alone: a chain of rules, each asking whether the allocation would
// have succeeded without one thing; the first that says yes wins, and what is left is the program's own use.
import type { Reading } from './signatures/signature.ts';

export type Blame =
  | { readonly blame: 'OwnUse' }
  | { readonly blame: 'Neighbour' }
  | { readonly blame: 'Fragmentation' | 'PoolCap'; readonly hint: string };

/** The allocator works in segments of 2 to 20 MiB and another process may free memory meanwhile: this much free is no slip. */
export const roomMebibytes = 512;

/** Where a text doesn't say what was free, a need below this part of the card can't have been refused by the card. */
export const farFromFullPermille = 500;

/** XLA's own documentation calls 95 % the most to ask for: the driver's context needs the rest. */
export const usablePermille = 950;

/**
 * A neighbour holds at least this part of the card. Less is a display server, a monitoring agent, or the contexts that other
 * ranks of the same job open on card 0 by mistake (7 x 500 MiB is 4 % of 80 GiB): moving away wouldn't help for long.
 */
export const neighbourPermille = 50;

/**
 * What a driver keeps of an empty card: vLLM's start-up check found 271 of 288 GiB free on an idle MI355X (6 %), and its own
 * CUDA context stands in the same number.
 */
export const driverPermille = 100;

/** "Much" reserved but unallocated. Every large model leaves a few percent (2.14 of 79 GiB in lit-gpt's guide). */
export const fragmentedPermille = 100;

export const hints = {
  fragmentation:
    'much memory was reserved but unallocated: set PYTORCH_ALLOC_CONF=expandable_segments:True (PYTORCH_CUDA_ALLOC_CONF before torch 2.9)',
  torchFraction: 'torch was limited to a part of the card: raise or remove set_per_process_memory_fraction',
  xlaFraction:
    'the pool had only a part of the card: raise XLA_PYTHON_CLIENT_MEM_FRACTION (0.75 by default; up to 0.95)',
  poolLimit: 'a limit set in the program was reached while the card had room: raise it',
  outsideLimit:
    'the card had room when the allocation was refused: a limit outside the program is in force (MPS, HAMi, driver)',
} as const;

type Rule = (reading: Reading, cardMebibytes: number | undefined) => Blame | undefined;

const rules: readonly Rule[] = [
  theStartUpFoundTheCardTaken,
  theTextNamesItsPool,
  aPoolLimitRefused,
  theCardHadRoom,
  aNeighbourHoldsIt,
  itIsFragmented,
];

export function judge(reading: Reading, cardMebibytes: number | undefined): Blame {
  for (const rule of rules) {
    const blame = rule(reading, cardMebibytes);
    if (blame !== undefined) return blame;
  }
  return { blame: 'OwnUse' };
}

/** vLLM looks before it allocates: with nothing of its own on the card, what isn't free is somebody else's, or too much was asked. */
function theStartUpFoundTheCardTaken({ used, others, capacity, poolHint }: Reading): Blame | undefined {
  if (used !== 0 || others === undefined || capacity === undefined || poolHint === undefined) return undefined;
  return others * 1000 > capacity * driverPermille ? { blame: 'Neighbour' } : undefined;
}

function theTextNamesItsPool({ poolHint }: Reading): Blame | undefined {
  return poolHint === undefined ? undefined : { blame: 'PoolCap', hint: poolHint };
}

function aPoolLimitRefused(reading: Reading, cardMebibytes: number | undefined): Blame | undefined {
  const { poolLimit, requested, free, used } = reading;
  const capacity = reading.capacity ?? cardMebibytes;
  if (poolLimit === undefined || requested === undefined) return undefined;
  // torch says what was free. XLA and CuPy don't, but what they hold and a whole card are known.
  if (free !== undefined) return free >= requested ? { blame: 'PoolCap', hint: hints.torchFraction } : undefined;
  if (capacity === undefined || used === undefined) return undefined;
  const usable = (capacity * usablePermille) / 1000;
  if (poolLimit >= usable || used + requested > usable) return undefined;
  return { blame: 'PoolCap', hint: reading.poolFraction < 1 ? hints.xlaFraction : hints.poolLimit };
}

function theCardHadRoom({ free, requested, used, capacity }: Reading): Blame | undefined {
  if (requested === undefined) return undefined;
  const refusedElsewhere = { blame: 'PoolCap', hint: hints.outsideLimit } as const;
  if (free !== undefined) return free >= requested + roomMebibytes ? refusedElsewhere : undefined;
  // No word about what was free: what isn't half of the card didn't fill it.
  if (used === undefined || capacity === undefined) return undefined;
  return (used + requested) * 1000 <= capacity * farFromFullPermille ? refusedElsewhere : undefined;
}

function aNeighbourHoldsIt(reading: Reading, cardMebibytes: number | undefined): Blame | undefined {
  const { others, requested, free } = reading;
  const capacity = reading.capacity ?? cardMebibytes;
  if (others === undefined || capacity === undefined) return undefined;
  if (others * 1000 < capacity * neighbourPermille) return undefined;
  return (free ?? 0) + others >= (requested ?? 0) ? { blame: 'Neighbour' } : undefined;
}

function itIsFragmented(reading: Reading, cardMebibytes: number | undefined): Blame | undefined {
  const { reservedUnallocated, requested, free } = reading;
  const capacity = reading.capacity ?? cardMebibytes;
  if (reservedUnallocated === undefined || requested === undefined || capacity === undefined) return undefined;
  if (reservedUnallocated * 1000 < capacity * fragmentedPermille) return undefined;
  return (free ?? 0) + reservedUnallocated >= requested
    ? { blame: 'Fragmentation', hint: hints.fragmentation }
    : undefined;
}
