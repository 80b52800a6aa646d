// Answers that hold for a while, so that the same question isn't asked again and again, and never twice at a time. It keeps so many
// and no more: the oldest goes first.
import type { Clock } from '../runtime/clock.ts';

interface Kept<T> {
  readonly answer: Promise<T>;
  /** On the monotonic clock. */
  until: number;
}

export interface RememberedOptions<T> {
  readonly clock: Clock;
  readonly most: number;
  /** 0: whoever waits for the answer gets it, and nobody later. */
  readonly milliseconds: (answer: T) => number;
}

export class Remembered<T> {
  readonly #options: RememberedOptions<T>;
  readonly #kept = new Map<string, Kept<T>>();

  constructor(options: RememberedOptions<T>) {
    this.#options = options;
  }

  /** A question that failed is not remembered. */
  answer(question: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#kept.get(question);
    if (known && this.#options.clock.monotonic() < known.until) return known.answer;
    const asked: Kept<T> = { answer: ask(), until: Number.POSITIVE_INFINITY };
    this.#kept.delete(question);
    this.#kept.set(question, asked);
    this.#forgetOldest();
    asked.answer.then(
      (answer) => {
        asked.until = this.#options.clock.monotonic() + this.#options.milliseconds(answer);
      },
      () => {
        asked.until = 0;
      },
    );
    return asked.answer;
  }

  #forgetOldest(): void {
    for (const [question] of this.#kept) {
      if (this.#kept.size <= this.#options.most) return;
      this.#kept.delete(question);
    }
  }
}
