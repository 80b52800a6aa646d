// A clock that stands still until a test moves it. Timers fire in order of their time, each in its own turn of the event
// loop's microtasks, so that code under test sees the world as it would with the real clock.
import type { Clock, Timer } from '../clock.ts';

interface PendingTimer {
  at: number;
  fire: () => void;
}

export class FakeClock implements Clock {
  readonly #pending = new Set<PendingTimer>();
  readonly #epochMilliseconds: number;
  #elapsed = 0;

  constructor(epochMilliseconds: number = Date.parse('2026-01-01T00:00:00Z')) {
    this.#epochMilliseconds = epochMilliseconds;
  }

  now(): number {
    return this.#epochMilliseconds + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  setTimeout(fire: () => void, milliseconds: number): Timer {
    const timer = { at: this.#elapsed + Math.max(0, milliseconds), fire };
    this.#pending.add(timer);
    return {
      cancel: () => {
        this.#pending.delete(timer);
      },
    };
  }

  /** How many timers wait. */
  get timers(): number {
    return this.#pending.size;
  }

  /** Moves the time on, firing what falls due, and lets everything that follows from it settle. */
  async advance(milliseconds: number): Promise<void> {
    const until = this.#elapsed + milliseconds;
    await settle();
    for (let next = this.#nextBefore(until); next; next = this.#nextBefore(until)) {
      this.#pending.delete(next);
      this.#elapsed = Math.max(this.#elapsed, next.at);
      next.fire();
      await settle();
    }
    this.#elapsed = Math.max(this.#elapsed, until);
  }

  /** Moves the time on without firing anything: a process that was stopped, or whose event loop is blocked. */
  freeze(milliseconds: number): void {
    this.#elapsed += milliseconds;
  }

  #nextBefore(until: number): PendingTimer | undefined {
    let next: PendingTimer | undefined;
    for (const timer of this.#pending) {
      if (timer.at <= until && (next === undefined || timer.at < next.at)) next = timer;
    }
    return next;
  }
}

/** Lets all promises that can settle without I/O and timers do so: a macrotask runs after the microtasks before it. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
