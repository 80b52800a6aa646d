import { Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import { Controller, TerminalError } from './controller.ts';
import type { Outcome, Reconcile } from './controller.ts';
import { ApiError } from './errors.ts';
import type { Log } from './log.ts';
import { runtimeMetrics } from './metrics.ts';
import { FakeClock, settle } from './testing/fake-clock.ts';
import { WorkQueue } from './work-queue.ts';

const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

function recordingLog(lines: object[], fields: object = {}): Log {
  const at = (level: string) => (own: object, message: string) =>
    void lines.push({ level, message, ...fields, ...own });
  const child = (more: object) => recordingLog(lines, { ...fields, ...more });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child };
}

function aController(reconcile: Reconcile, workers = 1) {
  const clock = new FakeClock();
  const registry = new Registry();
  const queue = new WorkQueue({ clock, random: () => 0.5, backoff: { firstMilliseconds: 100, maxMilliseconds: 400 } });
  const lines: object[] = [];
  let ids = 0;
  const controller = new Controller({
    name: 'things',
    reconcile,
    workers,
    queue,
    log: recordingLog(lines),
    metrics: runtimeMetrics(registry, clock).controller('things'),
    newReconcileID: () => `id-${++ids}`,
  });
  const stop = new AbortController();
  stops.push(stop);
  const running = controller.run(stop.signal);
  return { clock, controller, lines, stop, running, metrics: () => registry.metrics() };
}

/** Gives the outcomes one after the other, the last one for ever. */
function outcomes(...list: (Outcome | Error)[]) {
  const keys: string[] = [];
  const reconcile: Reconcile = (key) => {
    keys.push(key);
    const next = list.length > 1 ? list.shift() : list[0];
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next ?? { kind: 'done' });
  };
  return { keys, reconcile };
}

describe('a controller', () => {
  it('reconciles a key that is done once', async () => {
    const { keys, reconcile } = outcomes({ kind: 'done' });
    const { clock, controller, metrics } = aController(reconcile);
    controller.enqueue('a/x');
    await clock.advance(60_000);
    expect(keys).toEqual(['a/x']);
    expect(await metrics()).toContain('controller_runtime_reconcile_total{controller="things",result="success"} 1');
  });

  it('comes back to a key after the time it asks for', async () => {
    const { keys, reconcile } = outcomes({ kind: 'requeueAfter', milliseconds: 1_000 }, { kind: 'done' });
    const { clock, controller } = aController(reconcile);
    controller.enqueueAfter('a/x', 10);
    await clock.advance(1_009);
    expect(keys).toHaveLength(1);
    await clock.advance(1);
    expect(keys).toHaveLength(2);
  });

  it('tries again what throws and what asks for it, waiting longer each time', async () => {
    const { keys, reconcile } = outcomes(
      new Error('once'),
      { kind: 'retry', error: new Error('twice') },
      { kind: 'done' },
    );
    const { clock, controller, metrics } = aController(reconcile);
    controller.enqueue('a/x');
    await clock.advance(75);
    expect(keys).toHaveLength(2);
    await clock.advance(149);
    expect(keys).toHaveLength(2);
    await clock.advance(1);
    expect(keys).toHaveLength(3);
    expect(await metrics()).toContain('controller_runtime_reconcile_errors_total{controller="things"} 2');
  });

  it('waits as long as the server asked for', async () => {
    const error = new ApiError('TooManyRequests', 'slow down', { retryAfterMilliseconds: 3_000 });
    const { keys, reconcile } = outcomes(error, { kind: 'done' });
    const { clock, controller } = aController(reconcile);
    controller.enqueue('a/x');
    await clock.advance(2_999);
    expect(keys).toHaveLength(1);
    await clock.advance(1);
    expect(keys).toHaveLength(2);
  });

  it('drops a key after a terminal error, and takes it again when it is added again', async () => {
    const { keys, reconcile } = outcomes(new TerminalError('never'), { kind: 'done' });
    const { clock, controller, lines, metrics } = aController(reconcile);
    controller.enqueue('a/x');
    await clock.advance(60_000);
    expect(keys).toHaveLength(1);
    expect(lines).toMatchObject([{ level: 'error', message: 'reconcile failed for good', key: 'a/x' }]);
    expect(await metrics()).toContain('controller_runtime_terminal_reconcile_errors_total{controller="things"} 1');
    controller.enqueue('a/x');
    await settle();
    expect(keys).toHaveLength(2);
  });

  it('gives each reconcile an id of its own, which is in each of its log lines', async () => {
    const { clock, controller, lines } = aController((_, { log }) => {
      log.info({}, 'hello');
      return Promise.resolve({ kind: 'done' });
    });
    controller.enqueue('a/x');
    controller.enqueue('a/y');
    await clock.advance(0);
    expect(lines).toEqual([
      { level: 'info', message: 'hello', controller: 'things', key: 'a/x', reconcileID: 'id-1' },
      { level: 'info', message: 'hello', controller: 'things', key: 'a/y', reconcileID: 'id-2' },
    ]);
  });

  it('logs a conflict quietly, a server in trouble as a warning and anything else as an error', async () => {
    const errors = [new ApiError('Conflict', 'c'), new ApiError('Unavailable', 'u'), new Error('bug')];
    const { reconcile } = outcomes(...errors, { kind: 'done' });
    const { clock, controller, lines } = aController(reconcile);
    controller.enqueue('a/x');
    await clock.advance(10_000);
    expect(lines.map((line) => (line as { level: string }).level)).toEqual(['debug', 'warn', 'error']);
  });

  it('works on as many keys at a time as it has workers', async () => {
    const gate = Promise.withResolvers<Outcome>();
    const { clock, controller, metrics } = aController(() => gate.promise, 2);
    for (const key of ['a', 'b', 'c']) controller.enqueue(key);
    await clock.advance(0);
    expect(await metrics()).toContain('controller_runtime_active_workers{controller="things"} 2');
    expect(await metrics()).toContain('controller_runtime_max_concurrent_reconciles{controller="things"} 2');
    gate.resolve({ kind: 'done' });
    await clock.advance(0);
    expect(await metrics()).toContain('controller_runtime_active_workers{controller="things"} 0');
  });

  it('stops when told to, after the running reconcile has returned', async () => {
    const gate = Promise.withResolvers<Outcome>();
    const seen: string[] = [];
    const { clock, controller, stop, running } = aController((key) => {
      seen.push(key);
      return gate.promise;
    });
    let ended = false;
    void running.then(() => (ended = true));
    controller.enqueue('a');
    controller.enqueue('b');
    await clock.advance(0);
    stop.abort();
    await clock.advance(0);
    expect(ended).toBe(false);
    gate.resolve({ kind: 'done' });
    await running;
    expect(seen).toEqual(['a']);
  });

  it('takes what fails because of its own stop for no failure', async () => {
    const { clock, controller, lines, stop, running } = aController(
      (_, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            reject(new Error('aborted'));
          });
        }),
    );
    controller.enqueue('a');
    await clock.advance(0);
    stop.abort();
    await running;
    expect(lines).toMatchObject([{ level: 'debug', message: 'reconcile was aborted' }]);
  });
});
