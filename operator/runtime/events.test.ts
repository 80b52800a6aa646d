import { afterEach, describe, expect, it } from 'vitest';
import { ApiClient } from './client.ts';
import { ApiError } from './errors.ts';
import { EventRecorder } from './events.ts';
import type { EventNote } from './events.ts';
import { silentLog } from './log.ts';
import { events } from './resource.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { InMemoryApiServer } from './testing/in-memory-api-server.ts';

const forever = new AbortController().signal;
const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

function aRecorder() {
  const clock = new FakeClock();
  const server = new InMemoryApiServer({ clock });
  const client = new ApiClient(server, { fieldManager: 'test' });
  const recorder = new EventRecorder({
    ...{ client, clock, log: silentLog },
    reportingController: 'example.com/operator',
    reportingInstance: 'operator-1',
  });
  const stop = new AbortController();
  stops.push(stop);
  const run = () => recorder.run(stop.signal);
  const stored = async () => (await client.list(events, {}, forever)).items;
  let writes = 0;
  server.intercept((request, serve) => {
    if (request.method !== 'GET') writes++;
    return serve();
  });
  return { clock, server, recorder, run, stop, stored, writes: () => writes };
}

const aNote = (more: Partial<EventNote> = {}): EventNote => ({
  regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'a', name: 'x', uid: 'uid-1' },
  type: 'Normal',
  reason: 'Placed',
  action: 'Placing',
  note: 'placed on n1',
  ...more,
});

describe('an event recorder', () => {
  it('writes an event with all the fields the API asks for, next to its object', async () => {
    const { clock, recorder, run, stored } = aRecorder();
    recorder.record(aNote());
    void run();
    await clock.advance(0);
    expect(await stored()).toMatchObject([
      {
        metadata: { namespace: 'a', name: expect.stringMatching(/^x\.[0-9a-f]+$/) as string },
        ...aNote(),
        eventTime: '2026-01-01T00:00:00.000000Z',
        reportingController: 'example.com/operator',
        reportingInstance: 'operator-1',
      },
    ]);
  });

  it('writes events about what has no namespace into default', async () => {
    const { clock, recorder, run, stored } = aRecorder();
    recorder.record(aNote({ regarding: { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'uid-2' } }));
    void run();
    await clock.advance(0);
    expect((await stored())[0]?.metadata.namespace).toBe('default');
  });

  it('merges the same words about the same object into one event that counts', async () => {
    const { clock, recorder, run, stored } = aRecorder();
    void run();
    for (let i = 0; i < 3; i++) {
      recorder.record(aNote());
      await clock.advance(1_000);
    }
    recorder.record(aNote({ note: 'placed on n2' }));
    await clock.advance(0);
    const written = await stored();
    expect(written).toHaveLength(2);
    expect(written[0]?.series).toEqual({ count: 3, lastObservedTime: '2026-01-01T00:00:02.000000Z' });
  });

  it('starts a new event after six minutes without news', async () => {
    const { clock, recorder, run, stored } = aRecorder();
    void run();
    recorder.record(aNote());
    await clock.advance(6 * 60_000);
    recorder.record(aNote());
    await clock.advance(0);
    expect(await stored()).toHaveLength(2);
  });

  it('writes a burst at once and the rest slowly', async () => {
    const { clock, recorder, run, writes } = aRecorder();
    void run();
    for (let i = 0; i < 100; i++) recorder.record(aNote({ note: `note ${i}` }));
    await clock.advance(0);
    expect(writes()).toBe(50);
    await clock.advance(1_000);
    expect(writes()).toBe(60);
    await clock.advance(10_000);
    expect(writes()).toBe(100);
  });

  it('sheds Normal events first when too many are told, and says how many', async () => {
    const { clock, recorder, run, stored } = aRecorder();
    for (let i = 0; i < 1_200; i++) recorder.record(aNote({ note: `note ${i}` }));
    expect(recorder.shed).toBe(200);
    for (let i = 0; i < 10; i++) recorder.record(aNote({ type: 'Warning', note: `warning ${i}` }));
    expect(recorder.shed).toBe(210);
    void run();
    await clock.advance(200_000);
    const types = (await stored()).map(({ type }) => type);
    expect(types.filter((type) => type === 'Warning')).toHaveLength(10);
    expect(types).toHaveLength(1_000);
  });

  it('goes on when the server refuses, and writes a series anew whose event the server has forgotten', async () => {
    const { clock, server, recorder, run, stored } = aRecorder();
    void run();
    const stopRefusing = server.intercept((request, serve) =>
      request.method === 'POST' ? Promise.reject(new ApiError('Unreachable', 'no route')) : serve(),
    );
    recorder.record(aNote());
    await clock.advance(100);
    stopRefusing();
    recorder.record(aNote());
    await clock.advance(100);
    expect(await stored()).toMatchObject([{ series: { count: 2 } }]);
    server.intercept((request, serve) =>
      request.method === 'PATCH' ? Promise.resolve({ status: 404, body: {} }) : serve(),
    );
    recorder.record(aNote());
    await clock.advance(100);
    expect((await stored()).map(({ series }) => series?.count).sort()).toEqual([2, 3]);
  });

  it('shortens a note to what the API takes, whatever its letters', async () => {
    const { clock, recorder, run, stored } = aRecorder();
    recorder.record(aNote({ note: '漢'.repeat(2_000) }));
    void run();
    await clock.advance(0);
    const note = (await stored())[0]?.note ?? '';
    expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1_024);
    expect(note.endsWith('…')).toBe(true);
  });

  it('writes once what is told once, by whomever and however often, and at once', async () => {
    const { recorder, stored, writes } = aRecorder();
    expect(await recorder.recordOnce(aNote(), 'november, 80 %', forever)).toBe(true);
    expect(await recorder.recordOnce(aNote({ note: 'in other words' }), 'november, 80 %', forever)).toBe(false);
    expect(await recorder.recordOnce(aNote(), 'november, 100 %', forever)).toBe(true);
    const namesake = { ...aNote().regarding, uid: 'uid-2' };
    expect(await recorder.recordOnce(aNote({ regarding: namesake }), 'november, 80 %', forever)).toBe(true);
    expect(writes()).toBe(4);
    const all = await stored();
    expect(all.map(({ regarding, note }) => [regarding?.uid, note]).sort()).toEqual([
      ['uid-1', 'placed on n1'],
      ['uid-1', 'placed on n1'],
      ['uid-2', 'placed on n1'],
    ]);
    for (const { metadata } of all) expect(metadata.name).toMatch(/^x\.[0-9a-f]{32}$/);
  });

  it('says so where what must be told once could not be written', async () => {
    const { recorder, server } = aRecorder();
    server.intercept(() => Promise.reject(new ApiError('Unavailable', 'not now')));
    await expect(recorder.recordOnce(aNote(), 'november, 80 %', forever)).rejects.toThrow('not now');
  });

  it('ends when it is told to', async () => {
    const { clock, recorder, run, stop } = aRecorder();
    const running = run();
    for (let i = 0; i < 100; i++) recorder.record(aNote({ note: `note ${i}` }));
    await clock.advance(10);
    stop.abort();
    await running;
  });
});
