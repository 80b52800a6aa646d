// Keys that need work, each at most once, and never to two workers at a time: client-go's dirty and processing sets
// (util/workqueue/queue.go). It knows nothing of what the work is.
import { backoffMilliseconds } from './backoff.ts';
import type { Backoff } from './backoff.ts';
import type { Clock, Timer } from './clock.ts';
import { Fifo } from './fifo.ts';
import { noQueueMetrics } from './metrics.ts';
import type { QueueMetrics } from './metrics.ts';

export interface WorkQueueOptions {
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  metrics?: QueueMetrics;
  backoff?: Backoff;
}

/** Sooner than client-go's 5 ms would be noise against one request; later than its 1000 s would look like a hang. */
const defaultBackoff: Backoff = { firstMilliseconds: 20, maxMilliseconds: 300_000 };

/** Node makes a timer of more than this one of 1 ms (timers.setTimeout). Whoever is woken after 24 days asks for the rest. */
const longestTimerMilliseconds = 2 ** 31 - 1;

export class WorkQueue {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #metrics: QueueMetrics;
  readonly #backoff: Backoff;
  /** What can be taken now, in the order of adding. */
  readonly #ready = new Fifo<string>();
  /** Needs work: waits in `ready`, or was added while somebody works on it. Value: since when, monotonic. */
  readonly #dirty = new Map<string, number>();
  /** Somebody works on it. Value: since when, monotonic. */
  readonly #processing = new Map<string, number>();
  readonly #delayed = new Map<string, { at: number; timer: Timer }>();
  readonly #failures = new Map<string, number>();
  readonly #takers = new Fifo<() => void>();

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#metrics = options.metrics ?? noQueueMetrics;
    this.#backoff = options.backoff ?? defaultBackoff;
  }

  /** How many keys could be taken now. */
  get length(): number {
    return this.#ready.length;
  }

  add(key: string): void {
    if (this.#dirty.has(key)) return;
    this.#dirty.set(key, this.#clock.monotonic());
    this.#metrics.added();
    if (!this.#processing.has(key)) this.#makeReady(key);
  }

  /** Of several waits for one key the shortest counts; an `add` in between doesn't cancel it. */
  addAfter(key: string, milliseconds: number): void {
    if (milliseconds <= 0) {
      this.add(key);
      return;
    }
    const wait = Math.min(milliseconds, longestTimerMilliseconds);
    const at = this.#clock.monotonic() + wait;
    const waiting = this.#delayed.get(key);
    if (waiting && waiting.at <= at) return;
    waiting?.timer.cancel();
    const timer = this.#clock.setTimeout(() => {
      this.#delayed.delete(key);
      this.add(key);
    }, wait);
    this.#delayed.set(key, { at, timer });
  }

  /** After a failure: waits longer each time until `forget`, and never less than the server asked for. */
  addRateLimited(key: string, atLeastMilliseconds = 0): void {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    this.#metrics.retried();
    const wait = backoffMilliseconds(this.#backoff, failures, this.#random());
    this.addAfter(key, Math.max(wait, atLeastMilliseconds));
  }

  /** The key's failures are over: the next one waits the first delay again. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** The next key, which is the caller's until `done`; undefined once the signal is aborted. */
  async take(signal: AbortSignal): Promise<string | undefined> {
    while (!signal.aborted) {
      const key = this.#ready.shift();
      if (key !== undefined) {
        this.#startProcessing(key);
        return key;
      }
      await this.#nextReady(signal);
    }
    return undefined;
  }

  done(key: string): void {
    const since = this.#processing.get(key);
    if (since === undefined) return;
    this.#processing.delete(key);
    this.#metrics.done((this.#clock.monotonic() - since) / 1000);
    if (this.#dirty.has(key)) this.#makeReady(key);
  }

  /** Cancels all waits: nothing is added any more by time alone. */
  close(): void {
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
  }

  #makeReady(key: string): void {
    this.#ready.push(key);
    this.#metrics.depth(this.#ready.length);
    this.#takers.shift()?.();
  }

  #startProcessing(key: string): void {
    const now = this.#clock.monotonic();
    this.#metrics.depth(this.#ready.length);
    this.#metrics.taken((now - (this.#dirty.get(key) ?? now)) / 1000);
    this.#dirty.delete(key);
    this.#processing.set(key, now);
  }

  /** Resolves when a key became ready or the signal is aborted; whoever is woken looks for itself. */
  #nextReady(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = () => {
        this.#takers.remove(wake);
        resolve();
      };
      this.#takers.push(wake);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}
