import { describe, expect, it } from 'vitest';
import { sleep } from './clock.ts';
import { withDeadline } from './deadline.ts';
import { FakeClock } from './testing/fake-clock.ts';

describe('sleeping', () => {
  it('ends after its time, or with the reason of its signal', async () => {
    const clock = new FakeClock();
    const abort = new AbortController();
    const short = sleep(clock, 10, abort.signal);
    const long = sleep(clock, 1_000, abort.signal);
    await clock.advance(10);
    await short;
    abort.abort(new Error('enough'));
    await expect(long).rejects.toThrow('enough');
    await expect(sleep(clock, 1, abort.signal)).rejects.toThrow('enough');
    expect(clock.timers).toBe(0);
  });
});

describe('a deadline', () => {
  const never = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => {
        reject(new Error('the work was aborted'));
      });
    });

  it('is a Timeout when the time is up, and leaves no timer behind', async () => {
    const clock = new FakeClock();
    const work = withDeadline(clock, 100, new AbortController().signal, never);
    const refused = expect(work).rejects.toMatchObject({ kind: 'Timeout', message: 'no answer within 100 ms' });
    await clock.advance(100);
    await refused;
    expect(clock.timers).toBe(0);
  });

  it('gives way to the caller who has had enough, and to work that is done', async () => {
    const clock = new FakeClock();
    const abort = new AbortController();
    const work = withDeadline(clock, 100, abort.signal, never);
    abort.abort(new Error('enough'));
    await expect(work).rejects.toThrow('enough');
    expect(await withDeadline(clock, 100, new AbortController().signal, () => Promise.resolve(7))).toBe(7);
    expect(clock.timers).toBe(0);
  });
});
