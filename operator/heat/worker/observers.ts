// The main thread's side of the observers: gives orders to their thread, and starts it again with the same orders should it die.
import { Worker } from 'node:worker_threads';
import { isDeepStrictEqual } from 'node:util';
import { type Backoff, backoffMilliseconds } from '../../runtime/backoff.ts';
import type { Clock, Timer } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import type { OwnPlan } from '../plan-streams.ts';
import type { FromThread, Order, ToThread } from './messages.ts';

export interface ObserversOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly onMessage: (message: FromThread) => void;
  /** What was observed goes on; what the thread knew of it is lost. */
  readonly onRestart: (keys: readonly string[]) => void;
}

const restart: Backoff = { firstMilliseconds: 500, maxMilliseconds: 30_000 };

/** What is read dies young: more room than this costs memory and saves nothing (make bench-heat). */
const maxYoungGenerationSizeMb = 24;

export class Observers {
  readonly #options: ObserversOptions;
  readonly #orders = new Map<string, Order>();
  #worker: Worker | undefined;
  #failures = 0;
  #again: Timer | undefined;
  #isStopped = false;

  constructor(options: ObserversOptions) {
    this.#options = options;
  }

  /** Nothing happens, and it is false, where it does so already. */
  observe(key: string, order: Order): boolean {
    const before = this.#orders.get(key);
    if (before && isDeepStrictEqual({ ...before, isNew: order.isNew }, order)) return false;
    this.#orders.set(key, order);
    this.#start();
    this.#send({ kind: 'Observe', key, order });
    return true;
  }

  stop(key: string): void {
    if (!this.#orders.delete(key)) return;
    this.#send({ kind: 'Stop', key });
  }

  /** A placement of ours; where nothing is observed, nobody hears of it. */
  publish(key: string, plan: OwnPlan): void {
    if (this.#orders.has(key)) this.#send({ kind: 'Publish', key, plan });
  }

  verify(key: string, token: string): void {
    this.#send({ kind: 'Verify', key, token });
  }

  /** At once: what is open stands in Redis, and whoever leads next goes on with it. */
  async end(): Promise<void> {
    this.#isStopped = true;
    this.#again?.cancel();
    this.#orders.clear();
    await this.#worker?.terminate();
  }

  #send(message: ToThread): void {
    this.#worker?.postMessage(message);
  }

  #start(): void {
    if (this.#worker || this.#isStopped) return;
    const worker = new Worker(threadProgram(), { resourceLimits: { maxYoungGenerationSizeMb } });
    this.#worker = worker;
    worker.on('message', (message: FromThread) => {
      this.#failures = 0;
      if (this.#orders.has(message.key)) this.#options.onMessage(message);
    });
    worker.on('error', (error) => {
      this.#options.log.error({ error: String(error) }, 'the thread of the heat observers died; it is started again');
    });
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
      this.#startAgain();
    });
  }

  #startAgain(): void {
    if (this.#isStopped || this.#orders.size === 0) return;
    const { clock, random, onRestart } = this.#options;
    this.#failures += 1;
    this.#again = clock.setTimeout(
      () => {
        this.#start();
        for (const [key, order] of this.#orders)
          this.#send({ kind: 'Observe', key, order: { ...order, isNew: false } });
        onRestart([...this.#orders.keys()]);
      },
      backoffMilliseconds(restart, this.#failures, random()),
    );
  }
}

/** From the sources it is a file beside this one; the bundle has it beside the program. */
function threadProgram(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './heat-thread.mjs', import.meta.url);
}
