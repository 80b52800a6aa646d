// A time limit around one asynchronous call, on a clock that can be a test's. It doesn't retry.
import type { Clock } from './clock.ts';
import { ApiError } from './errors.ts';

/**
 * Runs the work with a signal that is aborted with the caller's or when the time is up, whichever is first; then the work
 * must reject soon. Rejects with the caller's reason, or with a Timeout. (AbortSignal.any would keep a listener on a
 * long-lived signal for each call.)
 */
export async function withDeadline<T>(
  clock: Clock,
  milliseconds: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const controller = new AbortController();
  const onAbort = () => {
    controller.abort(signal.reason);
  };
  const timer = clock.setTimeout(() => {
    controller.abort(new ApiError('Timeout', `no answer within ${Math.round(milliseconds)} ms`));
  }, milliseconds);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await work(controller.signal);
  } catch (error) {
    controller.signal.throwIfAborted();
    throw error;
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
  }
}
