// Waits for something outside this process that nobody announces: a server coming up, a port answering. Where there is
// something to watch, watch it instead.
import { setTimeout as delay } from 'node:timers/promises';

export interface UntilOptions {
  /** For the error message: what was waited for. */
  what: string;
  timeoutMilliseconds: number;
  signal: AbortSignal;
  /** Errors count as "not yet", but for these. */
  giveUpOn?: (error: unknown) => boolean;
}

export async function until(condition: () => Promise<boolean>, options: UntilOptions): Promise<void> {
  const { what, timeoutMilliseconds, signal, giveUpOn = () => false } = options;
  const deadline = performance.now() + timeoutMilliseconds;
  let last: unknown;
  while (performance.now() < deadline) {
    signal.throwIfAborted();
    try {
      if (await condition()) return;
    } catch (error) {
      if (giveUpOn(error)) throw error;
      last = error;
    }
    await delay(50, undefined, { signal });
  }
  const why = last instanceof Error ? `: ${last.message}` : '';
  throw new Error(`${what} isn't ready after ${timeoutMilliseconds / 1_000} s${why}`);
}
