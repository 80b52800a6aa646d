// Randomness that can be played again: the same seed gives the same numbers.

export interface Chance {
  /** In [0, 1). */
  next: () => number;
  pick: <T>(from: readonly T[]) => T;
}

/** mulberry32 (public domain, Tommy Ettinger): 32 bits of state are enough to vary a test. */
export function chance(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    pick<T>(from: readonly T[]): T {
      const picked = from[Math.floor(next() * from.length)];
      if (picked === undefined) throw new RangeError('nothing to pick from');
      return picked;
    },
  };
}
