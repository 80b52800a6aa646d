import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../runtime/log.ts';
import { DecisionFile } from './decision-file.ts';
import { readEntries } from './read.ts';
import { decisionOn, endOf } from './testing.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orquanta-decisions-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function aFile(limits = { decisions: 10, bytes: 1_000_000 }, path = join(folder, 'new', 'decisions.jsonl')) {
  const warnings: object[] = [];
  const lost: number[] = [];
  const log = { ...silentLog, warn: (fields: object) => void warnings.push(fields) };
  const file = new DecisionFile({ path, log, limits, onLost: (entries) => void lost.push(entries) });
  return { path, file, warnings, lost };
}

async function idsIn(path: string): Promise<string[]> {
  const { entries } = await readEntries(path);
  return entries.flatMap((entry) => (entry.kind === 'Decision' ? [entry.decisionID] : []));
}

describe('the file of decisions', () => {
  it('gives back what was written, in its order, readable by its owner alone', async () => {
    const { path, file } = aFile();
    const entries = [decisionOn('small', 'a-1'), endOf('a-1', 'Complete'), decisionOn('large', 'b-1')];
    for (const entry of entries) file.append(entry);
    await file.flush();
    expect(await readEntries(path)).toEqual({ entries, unreadable: 0 });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('goes on where a former leader ended, and ends a line that it left unfinished', async () => {
    const { path, file } = aFile();
    file.append(decisionOn('small', 'a-1'));
    await file.flush();
    await appendFile(path, '{"kind":"Decision","decisionID":"tor');
    const next = aFile();
    next.file.append(decisionOn('small', 'b-1'));
    await next.file.flush();
    expect(await idsIn(path)).toEqual(['a-1', 'b-1']);
    expect((await readEntries(path)).unreadable).toBe(1);
  });

  it('keeps the newest decisions with their outcomes, and never more than twice as many', async () => {
    const { path, file } = aFile();
    for (let index = 1; index <= 57; index += 1) {
      file.append(decisionOn('small', `${index}-1`));
      file.append(endOf(`${index}-1`, 'Complete'));
      await file.flush();
      const ids = await idsIn(path);
      expect(ids.length).toBeLessThan(20);
      expect(ids).toEqual(ids.map((_, at) => `${index - ids.length + 1 + at}-1`));
      expect(ids.length).toBeGreaterThanOrEqual(Math.min(index, 10));
    }
    const { entries } = await readEntries(path);
    const known = new Set(entries.flatMap(({ kind, decisionID }) => (kind === 'Decision' ? [decisionID] : [])));
    expect(entries.filter(({ decisionID }) => !known.has(decisionID))).toEqual([]);
  });

  it('counts what was there before it was opened', async () => {
    for (let index = 1; index <= 45; index += 1) {
      const { file } = aFile();
      file.append(decisionOn('small', `${index}-1`));
      await file.flush();
    }
    const ids = await idsIn(aFile().path);
    expect(ids.length).toBeLessThan(20);
    expect(ids.at(-1)).toBe('45-1');
  });

  it('is bounded in bytes as well', async () => {
    const { path, file } = aFile({ decisions: 1_000, bytes: 5_000 });
    for (let index = 1; index <= 100; index += 1) {
      file.append(decisionOn('small', `${index}-1`));
      await file.flush();
      expect((await stat(path)).size).toBeLessThan(10_000);
    }
    expect((await idsIn(path)).at(-1)).toBe('100-1');
  });

  it('that is not to be written is said once, counted, and written again when it can be', async () => {
    const blocked = join(folder, 'blocked');
    await writeFile(blocked, '');
    const { path, file, warnings, lost } = aFile(undefined, join(blocked, 'decisions.jsonl'));
    for (const id of ['a-1', 'b-1']) {
      file.append(decisionOn('small', id));
      await file.flush();
    }
    expect([warnings.length, lost]).toEqual([1, [1, 1]]);
    await rm(blocked);
    file.append(decisionOn('small', 'c-1'));
    await file.flush();
    expect(await idsIn(path)).toEqual(['c-1']);
    await rm(blocked, { recursive: true });
    for (const id of ['d-1', 'e-1']) {
      file.append(decisionOn('small', id));
      await file.flush();
    }
    expect([warnings.length, lost]).toEqual([2, [1, 1, 1]]);
    expect(await idsIn(path)).toEqual(['e-1']);
  });

  it('that somebody removed is made again', async () => {
    const { path, file } = aFile();
    file.append(decisionOn('small', 'a-1'));
    await file.flush();
    await rm(path);
    file.append(decisionOn('small', 'b-1'));
    await file.flush();
    expect(await idsIn(path)).toEqual(['b-1']);
  });

  it('takes no more than so many lines at once from those who are faster than the disk', async () => {
    const { path, file, lost } = aFile({ decisions: 5_000, bytes: 100_000_000 });
    for (let index = 1; index <= 1_500; index += 1) file.append(decisionOn('small', `${index}-1`));
    await file.flush();
    expect((await idsIn(path)).length + lost.length).toBe(1_500);
    expect(lost.length).toBe(500);
  });

  it('holds one JSON object a line', async () => {
    const { path, file } = aFile();
    file.append(decisionOn('small', 'a-1', { name: 'with\nbreak' }));
    await file.flush();
    const lines = (await readFile(path, 'utf8')).split('\n');
    expect(lines.map((line) => line !== '' && (JSON.parse(line) as { name: string }).name)).toEqual([
      'with\nbreak',
      false,
    ]);
  });
});
