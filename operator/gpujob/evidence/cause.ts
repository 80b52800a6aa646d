// What a failed run's containers left behind, and what it means: the closed set of causes that `decide` acts on.
// Types only; nothing here reads a text or decides anything.
import type { SignatureID } from './signatures/signature.ts';

/** A terminated container, as `status.containerStatuses[].state.terminated` has it. */
export interface TerminatedContainer {
  readonly container: string;
  readonly exitCode: number;
  /** Kubernetes' word: `Error`, `OOMKilled`, `ContainerCannotRun`, … */
  readonly reason: string;
  readonly signal?: number | undefined;
  /** The termination message: at most 4,096 bytes, the last 2,048 of a log, so its beginning may be missing. */
  readonly message: string;
}

/** The card the container had, from the inventory and never from the container's own words. */
export interface FailedCard {
  readonly capacityMebibytes: number | undefined;
  readonly gpus: number;
  /** A share of a card (MPS, time-slicing, HAMi) may call its part the capacity. */
  readonly shared?: boolean;
}

/** The numbers of an evidence text, whole Mebibytes. Absent is absent: never 0 and never a guess. */
export interface EvidenceSizes {
  readonly requestedMebibytes?: number;
  /** What this process held when the allocation failed. */
  readonly usedMebibytes?: number;
  readonly usedByOthersMebibytes?: number;
  readonly capacityMebibytes?: number;
}

interface CardEvidence extends EvidenceSizes {
  readonly signature: SignatureID;
  readonly container: string;
  readonly exitCode: number;
  /** At most 256 characters, secrets masked: fit for status. */
  readonly line: string;
  /** False when the numbers can't be true on this card, or there is no card to hold them against: they are claims. */
  readonly trusted: boolean;
}

export interface OutOfMemory extends CardEvidence {
  readonly kind: 'OutOfMemory';
  readonly blame: 'OwnUse';
  /** What one card must have for this to fit, without margin; only from numbers that are trusted. */
  readonly neededMebibytes?: number;
}

export interface NeighbourOutOfMemory extends CardEvidence {
  readonly kind: 'NeighbourOutOfMemory';
  readonly blame: 'Neighbour';
}

/** An application failure: the card would have been large enough. */
export interface Fragmentation extends CardEvidence {
  readonly kind: 'Fragmentation';
  readonly blame: 'Fragmentation';
  readonly hint: string;
}

/** An application failure: a limit set in the program, or for it, refused what the card still had. */
export interface PoolCap extends CardEvidence {
  readonly kind: 'PoolCap';
  readonly blame: 'PoolCap';
  readonly hint: string;
}

/** Main memory, by the kernel's own word. VRAM has no part in it. */
export interface HostOutOfMemory {
  readonly kind: 'HostOutOfMemory';
  readonly container: string;
  readonly exitCode: number;
}

export interface ApplicationError {
  readonly kind: 'ApplicationError';
  readonly container: string;
  readonly exitCode: number;
  readonly reason: string;
  readonly line?: string;
}

export type Cause = OutOfMemory | NeighbourOutOfMemory | Fragmentation | PoolCap | HostOutOfMemory | ApplicationError;
