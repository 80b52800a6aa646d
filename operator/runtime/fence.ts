// The right to write, asked in the very moment of writing. It says nothing about who gave the right: a lease, or nobody.

export interface Fence {
  /** Judged by the monotonic clock, without I/O: cheap enough to be asked before every byte. */
  isHeld(): boolean;
  /** How long the right lasts if nothing renews it: the upper bound of a write's time limit. 0 when it isn't held. */
  remainingMilliseconds(): number;
}

/** For processes that run without leader election. */
export const unfenced: Fence = {
  isHeld: () => true,
  remainingMilliseconds: () => Number.POSITIVE_INFINITY,
};
