// Plays runs on several threads side by side, each run on a thread of its own, so that whoever waits stays able to answer.
import { Worker } from 'node:worker_threads';
import { mostPercent, type Result, type Run } from './run.ts';
import type { ThreadInput, ThreadMessage } from './thread.ts';

export interface Played {
  readonly folder: string;
  readonly runs: readonly Run[];
  readonly threads: number;
  readonly signal: AbortSignal;
  /** Runs that have ended, and all that is done with those that haven't, in runs. */
  readonly onProgress?: (ended: number, done: number) => void;
}

/** In the order of `runs`. The first failure ends all. */
export async function playAll({ folder, runs, threads, signal, onProgress }: Played): Promise<Result[]> {
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const results: Result[] = [];
  const shares = runs.map(() => 0);
  const waiting = runs.entries();
  let ended = 0;
  const note = (index: number, share: number): void => {
    shares[index] = share;
    onProgress?.(
      ended,
      shares.reduce((sum, each) => sum + each, 0),
    );
  };
  const playWaiting = async (): Promise<void> => {
    for (const [index, run] of waiting) {
      results[index] = await playOne({ folder, run }, stop, (percent) => {
        note(index, percent / mostPercent);
      });
      ended += 1;
      note(index, 1);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(threads, runs.length) }, playWaiting));
  } catch (error) {
    failed.abort(error);
    throw error;
  }
  return results;
}

async function playOne(input: ThreadInput, signal: AbortSignal, onPercent: (percent: number) => void): Promise<Result> {
  signal.throwIfAborted();
  const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData: input });
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  const stop = (): void => {
    reject(signal.reason as Error);
    void worker.terminate();
  };
  signal.addEventListener('abort', stop, { once: true });
  worker.on('message', (message: ThreadMessage) => {
    if (message.kind === 'Result') resolve(message.result);
    else onPercent(message.percent);
  });
  worker.on('error', reject);
  worker.on('exit', (code) => {
    reject(new Error(`the thread of ${JSON.stringify(input.run)} ended with ${code} and no result`));
  });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
