// Counts that fade: each halves in every half-life. Exact for additions in any order.

interface Count {
  amount: number;
  /** Epoch milliseconds of which the amount speaks. */
  at: number;
}

/** A count below this is forgotten, and with it its name. */
const negligible = 0.01;

export class Fading {
  readonly #halfLifeMilliseconds: number;
  readonly #counts = new Map<string, Count>();

  constructor(halfLifeMilliseconds: number) {
    this.#halfLifeMilliseconds = halfLifeMilliseconds;
  }

  add(name: string, amount: number, atMilliseconds: number): void {
    const before = this.#counts.get(name);
    const at = Math.max(before?.at ?? 0, atMilliseconds);
    const faded = before ? this.#faded(before.amount, at - before.at) : 0;
    this.#counts.set(name, { amount: faded + this.#faded(amount, at - atMilliseconds), at });
  }

  values(nowMilliseconds: number): [string, number][] {
    const left: [string, number][] = [];
    for (const [name, { amount, at }] of this.#counts) {
      const now = this.#faded(amount, Math.max(0, nowMilliseconds - at));
      if (now < negligible) this.#counts.delete(name);
      else left.push([name, now]);
    }
    return left;
  }

  #faded(amount: number, elapsedMilliseconds: number): number {
    return amount * 2 ** (-elapsedMilliseconds / this.#halfLifeMilliseconds);
  }
}
