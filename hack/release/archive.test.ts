// Archives that are the same for the same content, read back and by the tar of the system.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { packed, unpacked } from './archive.ts';

const entries = [
  { name: 'LICENSE', content: Buffer.from('do as you like\n') },
  { name: 'folder/kubectl-orquanta', content: Buffer.alloc(70_000, 'x'), isProgram: true },
  { name: 'empty', content: Buffer.alloc(0) },
];

describe('an archive', () => {
  it('gives back what went in, in its order', async () => {
    const read = await unpacked(await packed(entries));
    expect(read.map(({ name, content }) => [name, content.toString()])).toEqual(
      entries.map(({ name, content }) => [name, content.toString()]),
    );
  });

  it('is the same in every byte when it is made again in another year', async () => {
    const first = await packed(entries);
    vi.useFakeTimers({ now: new Date('2001-02-03'), toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    expect(Buffer.compare(first, await packed(entries))).toBe(0);
  });

  it('says nothing of this machine: no time, no owner; and only a program can be run', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'orquanta-archive-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, 'a.tar.gz');
    await writeFile(path, await packed(entries));
    const env = { ...process.env, TZ: 'UTC', LC_ALL: 'C' };
    const { stdout } = await promisify(execFile)('tar', ['--list', '--verbose', '--file', path], { env });
    const lines = stdout.trim().split('\n');
    expect(lines.map((line) => line.split(/\s+/)[0])).toEqual(['-rw-r--r--', '-rwxr-xr-x', '-rw-r--r--']);
    for (const line of lines) expect(line).toMatch(/\s(0\/0|0 +0)\s.*(1980-01-01|Jan +1 +1980)/);
  });
});
