// What a signature is: how one family of programs says that a card's memory is exhausted. A signature reads numbers; who
// is to blame is judged in blame.ts, whether the text was the end of the program in occurrences.ts.

/** Stable: they stand in status and in metric labels. */
export type SignatureID =
  | 'vllm-kv-cache'
  | 'vllm-startup'
  | 'vllm-warm-up'
  | 'sglang-static-memory'
  | 'torch'
  | 'torch-tail'
  | 'paddle'
  | 'xla'
  | 'tensorflow'
  | 'bfc-allocator'
  | 'cupy'
  | 'rapids-pool'
  | 'xgboost'
  | 'llama-cpp'
  | 'tensorrt'
  | 'hami'
  | 'oneapi'
  | 'cublas'
  | 'cuda-runtime';

/** The numbers of one text in (fractional) Mebibytes; undefined where the text doesn't say. */
export interface Reading {
  readonly requested: number | undefined;
  /** This process, with its driver context where the text has it. */
  readonly used: number | undefined;
  readonly others: number | undefined;
  readonly free: number | undefined;
  readonly capacity: number | undefined;
  readonly reservedUnallocated: number | undefined;
  /** What a limit in the program or around it allowed. */
  readonly poolLimit: number | undefined;
  /** The part of a card that the program's pool takes: what the pool needs, divided by it, is what the card needs. */
  readonly poolFraction: number;
  /** A need the text states as such, where used + requested isn't known. */
  readonly needed: number | undefined;
  /** Set where the text itself says that a pool is too small or too large for the card: the hint for the user. */
  readonly poolHint: string | undefined;
}

export const nothingRead: Reading = {
  requested: undefined,
  used: undefined,
  others: undefined,
  free: undefined,
  capacity: undefined,
  reservedUnallocated: undefined,
  poolLimit: undefined,
  poolFraction: 1,
  needed: undefined,
  poolHint: undefined,
};

export interface Surroundings {
  /** The matched line and what follows it, wrapped lines joined. */
  readonly window: string;
  /** The whole message on one line: statistics may stand before the error. */
  readonly message: string;
  /** The card's size by the inventory. */
  readonly cardMebibytes: number | undefined;
}

export interface Signature {
  readonly id: SignatureID;
  /** An `exception` ends what printed it unless it was caught; a `log` line is printed before anything fails. */
  readonly kind: 'exception' | 'log';
  /** Tried on each line. Bounded repetition only: a message may be 4,096 bytes of anything. */
  readonly mark: RegExp;
  /** The window starts with the line and not with the mark: numbers stand before the mark. */
  readonly readsWholeLine?: true;
  /** The numbers, or undefined when the mark's surroundings show that it isn't this after all. */
  readonly read: (surroundings: Surroundings) => Reading | undefined;
}
