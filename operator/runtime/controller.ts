// The loop around a reconcile function: keys in, one outcome out, one switch on it. It never holds an event or an object.
import { randomUUID } from 'node:crypto';
import { isApiError } from './errors.ts';
import type { Log } from './log.ts';
import type { ControllerMetrics, ReconcileResult } from './metrics.ts';
import type { WorkQueue } from './work-queue.ts';

export type Outcome =
  | { kind: 'done' }
  | { kind: 'requeueAfter'; milliseconds: number }
  /** Waits by the queue's back-off, and at least as long as the server asked for. */
  | { kind: 'retry'; error: unknown };

export interface ReconcileContext {
  signal: AbortSignal;
  /** Carries controller, key and reconcileID. */
  log: Log;
}

/** What it throws is an outcome too: a retry, or the end of it for a TerminalError. */
export type Reconcile = (key: string, context: ReconcileContext) => Promise<Outcome>;

/** Trying again can't help: it is logged and the key is dropped until something adds it again. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}

export interface ControllerOptions {
  name: string;
  reconcile: Reconcile;
  /** How many keys are reconciled at a time. */
  workers: number;
  queue: WorkQueue;
  log: Log;
  metrics: ControllerMetrics;
  newReconcileID?: () => string;
}

type Ended = Outcome | { kind: 'terminal'; error: TerminalError } | { kind: 'aborted' };

export class Controller {
  readonly #options: ControllerOptions;
  readonly #queue: WorkQueue;
  readonly #log: Log;
  readonly #newReconcileID: () => string;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#queue = options.queue;
    this.#log = options.log.child({ controller: options.name });
    this.#newReconcileID = options.newReconcileID ?? randomUUID;
    options.metrics.workers(options.workers);
  }

  enqueue(key: string): void {
    this.#queue.add(key);
  }

  enqueueAfter(key: string, milliseconds: number): void {
    this.#queue.addAfter(key, milliseconds);
  }

  /** Until the signal is aborted and the last running reconcile has returned. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.workers }, () => this.#work(signal)));
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (let key = await this.#queue.take(signal); key !== undefined; key = await this.#queue.take(signal)) {
      try {
        await this.#process(key, signal);
      } finally {
        this.#queue.done(key);
      }
    }
  }

  async #process(key: string, signal: AbortSignal): Promise<void> {
    const { metrics } = this.#options;
    const log = this.#log.child({ key, reconcileID: this.#newReconcileID() });
    const end = metrics.started();
    const ended = await this.#reconcile(key, { signal, log });
    end(this.#settle(key, ended, log));
  }

  async #reconcile(key: string, context: ReconcileContext): Promise<Ended> {
    try {
      return await this.#options.reconcile(key, context);
    } catch (error) {
      if (error instanceof TerminalError) return { kind: 'terminal', error };
      // What fails because we are told to stop is no failure; whoever leads next finds the work undone and does it.
      if (context.signal.aborted) return { kind: 'aborted' };
      return { kind: 'retry', error };
    }
  }

  #settle(key: string, ended: Ended, log: Log): ReconcileResult {
    switch (ended.kind) {
      case 'done':
        this.#queue.forget(key);
        return 'success';
      case 'requeueAfter':
        this.#queue.forget(key);
        this.#queue.addAfter(key, ended.milliseconds);
        return 'requeue_after';
      case 'retry':
        this.#queue.addRateLimited(key, retryAfterMilliseconds(ended.error));
        logRetry(log, ended.error);
        return 'error';
      case 'terminal':
        this.#queue.forget(key);
        log.error({ err: ended.error }, 'reconcile failed for good');
        return 'terminal_error';
      case 'aborted':
        log.debug({}, 'reconcile was aborted');
        return 'error';
    }
  }
}

function retryAfterMilliseconds(error: unknown): number {
  return isApiError(error) ? (error.retryAfterMilliseconds ?? 0) : 0;
}

/** A conflict is how optimistic concurrency works, a server that asks for patience no bug of ours: neither is an error. */
function logRetry(log: Log, error: unknown): void {
  const fields = { err: error };
  if (isApiError(error, 'Conflict')) log.debug(fields, 'reconcile will be tried again');
  else if (isApiError(error)) log.warn(fields, 'reconcile will be tried again');
  else log.error(fields, 'reconcile failed and will be tried again');
}
