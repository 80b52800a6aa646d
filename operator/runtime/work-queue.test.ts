import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Registry } from 'prom-client';
import { runtimeMetrics } from './metrics.ts';
import { FakeClock, settle } from './testing/fake-clock.ts';
import { WorkQueue } from './work-queue.ts';
import type { WorkQueueOptions } from './work-queue.ts';

const forever = new AbortController().signal;

function aQueue(options: Partial<WorkQueueOptions> = {}) {
  const clock = new FakeClock();
  // random() of 1 would be the full delay; 0.5 makes three quarters of it.
  return { clock, queue: new WorkQueue({ clock, random: () => 0.5, ...options }) };
}

describe('a work queue', () => {
  it('gives keys in the order they came, each once', async () => {
    const { queue } = aQueue();
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    expect(queue.length).toBe(3);
    expect([await queue.take(forever), await queue.take(forever), await queue.take(forever)]).toEqual(['a', 'b', 'c']);
  });

  it('gives a key that is added while it is worked on again, after that work', async () => {
    const { queue } = aQueue();
    queue.add('a');
    await queue.take(forever);
    queue.add('a');
    queue.add('a');
    expect(queue.length).toBe(0);
    queue.done('a');
    expect(queue.length).toBe(1);
  });

  it('wakes one waiting worker per key', async () => {
    const { queue } = aQueue();
    const taken: (string | undefined)[] = [];
    for (let i = 0; i < 3; i++) void queue.take(forever).then((key) => taken.push(key));
    queue.add('a');
    queue.add('b');
    await settle();
    expect(taken).toEqual(['a', 'b']);
  });

  it('ends a waiting take when its signal is aborted, and loses no key by it', async () => {
    const { queue } = aQueue();
    const abort = new AbortController();
    const ended = queue.take(abort.signal);
    const other = queue.take(forever);
    abort.abort();
    queue.add('a');
    expect([await ended, await other]).toEqual([undefined, 'a']);
    expect(await queue.take(abort.signal)).toBeUndefined();
  });

  it('adds after a time, the shortest of several', async () => {
    const { clock, queue } = aQueue();
    queue.addAfter('a', 500);
    queue.addAfter('a', 100);
    queue.addAfter('a', 300);
    await clock.advance(99);
    expect(queue.length).toBe(0);
    await clock.advance(1);
    expect(queue.length).toBe(1);
    expect(clock.timers).toBe(0);
  });

  it('waits for longer than a timer can, woken in between: Node would fire such a timer at once', async () => {
    const { clock, queue } = aQueue();
    queue.addAfter('a', 30 * 86_400_000);
    await clock.advance(2 ** 31 - 2);
    expect(queue.length).toBe(0);
    await clock.advance(1);
    expect(queue.length).toBe(1);
  });

  it('adds at once what waits no time', () => {
    const { queue } = aQueue();
    queue.addAfter('a', 0);
    expect(queue.length).toBe(1);
  });

  it('waits twice as long after each failure, up to a limit, and anew after forget', async () => {
    const { clock, queue } = aQueue({ backoff: { firstMilliseconds: 100, maxMilliseconds: 300 } });
    const waits: number[] = [];
    const fail = async () => {
      const start = clock.monotonic();
      queue.addRateLimited('a');
      while (queue.length === 0) await clock.advance(1);
      waits.push(clock.monotonic() - start);
      queue.done((await queue.take(forever)) ?? '');
    };
    for (let i = 0; i < 4; i++) await fail();
    queue.forget('a');
    await fail();
    expect(waits).toEqual([75, 150, 225, 225, 75]);
  });

  it('waits at least as long as the server asked for', async () => {
    const { clock, queue } = aQueue();
    queue.addRateLimited('a', 5_000);
    await clock.advance(4_999);
    expect(queue.length).toBe(0);
    await clock.advance(1);
    expect(queue.length).toBe(1);
  });

  it('adds nothing by time after it was closed', async () => {
    const { clock, queue } = aQueue();
    queue.addAfter('a', 10);
    queue.close();
    await clock.advance(100);
    expect(queue.length).toBe(0);
  });

  it('shows depth, adds, retries and times under the names of client-go', async () => {
    const registry = new Registry();
    const clock = new FakeClock();
    const metrics = runtimeMetrics(registry, clock).queue('jobs');
    const queue = new WorkQueue({ clock, random: () => 0, metrics });
    queue.add('a');
    queue.add('b');
    await clock.advance(2_000);
    const key = (await queue.take(forever)) ?? '';
    await clock.advance(3_000);
    queue.done(key);
    queue.addRateLimited('a');
    const text = await registry.metrics();
    expect(text).toContain('workqueue_depth{name="jobs"} 1');
    expect(text).toContain('workqueue_adds_total{name="jobs"} 2');
    expect(text).toContain('workqueue_retries_total{name="jobs"} 1');
    expect(text).toContain('workqueue_queue_duration_seconds_sum{name="jobs"} 2');
    expect(text).toContain('workqueue_work_duration_seconds_sum{name="jobs"} 3');
  });
});

const step = fc.oneof(
  fc.record({
    do: fc.constantFrom('add' as const, 'addAfter' as const, 'retry' as const),
    key: fc.constantFrom('a', 'b', 'c', 'd'),
  }),
  fc.record({
    do: fc.constantFrom('take' as const, 'take' as const, 'done' as const, 'done' as const, 'time' as const),
  }),
);

describe('K3: whatever is added, taken and done in whatever order', () => {
  it('no key is worked on twice at once, and none that was added is lost', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { clock, queue } = aQueue();
        const working = new Set<string>();
        const owed = new Set<string>();
        const take = async () => {
          const key = (await queue.take(forever)) ?? '';
          expect(working.has(key)).toBe(false);
          working.add(key);
          owed.delete(key);
        };
        for (const step of steps) {
          if ('key' in step) owed.add(step.key);
          if (step.do === 'add') queue.add(step.key);
          else if (step.do === 'addAfter') queue.addAfter(step.key, 10);
          else if (step.do === 'retry') queue.addRateLimited(step.key);
          else if (step.do === 'time') await clock.advance(15);
          else if (step.do === 'take' && queue.length > 0) await take();
          else if (step.do === 'done') {
            const [key] = working;
            if (key === undefined) continue;
            working.delete(key);
            queue.done(key);
          }
        }
        await clock.advance(1_000_000);
        for (const key of working) queue.done(key);
        working.clear();
        while (queue.length > 0) await take();
        expect([...owed]).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
