// Readers of a log of changes: each misses nothing, and none makes it grow without end.
import { describe, expect, it } from 'vitest';
import { ChangeLog } from './change-log.ts';

const of = 4;

function aLog(...entries: readonly number[]): ChangeLog {
  const log = new ChangeLog();
  for (const entry of entries) log.add(entry, of);
  return log;
}

describe('a log of changes', () => {
  it('says what has changed since a reader last looked, in order and with repetition', () => {
    const log = aLog(3, 1);
    const position = log.end;
    expect(log.since(position)).toEqual([]);
    log.add(2, of);
    log.add(0, of);
    log.add(2, of);
    expect(log.since(position)).toEqual([2, 0, 2]);
    expect(log.since(0)).toEqual([3, 1, 2, 0, 2]);
  });

  it('tells a reader who comes too late that any may have changed', () => {
    const log = aLog();
    const early = log.end;
    while (log.since(early) !== undefined) log.add(1, of);
    expect(log.since(early)).toBeUndefined();
    log.add(1, of);
    expect(log.since(early)).toBeUndefined();
  });

  it('goes on for a reader who has seen all when the rest is forgotten', () => {
    const log = aLog();
    while (log.since(0) !== undefined) log.add(1, of);
    const position = log.end;
    expect(log.since(position)).toEqual([]);
    log.add(3, of);
    expect(log.since(position)).toEqual([3]);
    expect(log.end).toBe(position + 1);
  });

  it('misses nothing of what came while it forgot', () => {
    const log = aLog();
    let position = log.end;
    for (let round = 0; round < 1_000; round += 1) {
      log.add(round % of, of);
      const changed = log.since(position);
      if (changed !== undefined) expect(changed).toEqual([round % of]);
      position = log.end;
    }
    expect(position).toBe(1_000);
  });

  it.each([0, 1, 5_000])('of %d keeps a few times as many entries as that, and no more', (size) => {
    const log = new ChangeLog();
    const most = 4 * size + 64;
    for (let index = 0; index < most; index += 1) log.add(index % Math.max(1, size), size);
    expect(log.since(0)).toHaveLength(most);
    log.add(0, size);
    expect(log.since(0)).toBeUndefined();
    expect(log.since(log.end)).toEqual([]);
  });
});
