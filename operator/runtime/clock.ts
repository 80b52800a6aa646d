// Time as a thing that is passed in: the wall clock for what is written into objects, the monotonic clock for every
// duration and deadline, timers for waiting. Nothing else in the runtime may ask the machine for the time.

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the epoch. May jump; never subtract two of them to judge an expiry. */
  now(): number;
  /** Milliseconds since some fixed point. Never goes back, and goes on while the process is stopped (SIGSTOP). */
  monotonic(): number;
  setTimeout(fire: () => void, milliseconds: number): Timer;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout(fire, milliseconds) {
    const timer = setTimeout(fire, milliseconds);
    return {
      cancel() {
        clearTimeout(timer);
      },
    };
  },
};

/** Resolves after the time has passed; rejects with the signal's reason as soon as that is aborted. */
export function sleep(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(abortReason(signal));
      return;
    }
    const onAbort = () => {
      timer.cancel();
      reject(abortReason(signal));
    };
    const timer = clock.setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** The reason of an aborted signal as an Error: what `signal.throwIfAborted()` throws, for use in a callback. */
export function abortReason(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new DOMException('This operation was aborted', 'AbortError');
}
