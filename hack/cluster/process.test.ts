// The promises about processes that hold a test machine clean: ends what was started, never kills a stranger, one
// builder at a time. Real processes, no control plane.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withLock } from './lock.ts';
import { freePort } from './ports.ts';
import { alivePid, isProcess, restartProcess, startProcess, startedProcesses, stopProcess } from './process.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'orquanta-process-'));
  for (const folder of ['pids', 'logs']) mkdirSync(join(directory, folder));
});
afterEach(async () => {
  for (const name of startedProcesses(directory)) await stopProcess(directory, name, 100);
  rmSync(directory, { recursive: true, force: true });
});

const node = (name: string, code: string) => ({ name, program: process.execPath, arguments: ['--eval', code] });
const forever = 'setInterval(() => {}, 1000)';

describe('a started process', () => {
  it('can be stopped by whoever has the directory', async () => {
    startProcess(directory, node('one', forever));
    expect(alivePid(directory, 'one')).toBeTypeOf('number');
    await stopProcess(directory, 'one');
    expect(alivePid(directory, 'one')).toBeUndefined();
  });

  it('is killed when it does not hear', async () => {
    startProcess(directory, node('deaf', `process.on('SIGTERM', () => {}); console.log('deaf'); ${forever}`));
    const log = join(directory, 'logs', 'deaf.log');
    await expect.poll(() => readFileSync(log, 'utf8')).toContain('deaf');
    await stopProcess(directory, 'deaf', 200);
    expect(alivePid(directory, 'deaf')).toBeUndefined();
  });

  it('starts again as it was started before', async () => {
    startProcess(directory, node('again', forever));
    const first = alivePid(directory, 'again');
    await stopProcess(directory, 'again');
    restartProcess(directory, 'again');
    expect(alivePid(directory, 'again')).toBeTypeOf('number');
    expect(alivePid(directory, 'again')).not.toBe(first);
  });

  it('is not mistaken for a stranger who got its pid', async () => {
    const stranger = spawn(process.execPath, ['--eval', forever]);
    const record = { pid: stranger.pid, startTime: 'long ago', command: node('ours', forever) };
    writeFileSync(join(directory, 'pids', 'ours.json'), JSON.stringify(record));
    expect(alivePid(directory, 'ours')).toBeUndefined();
    await stopProcess(directory, 'ours', 100);
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    stranger.kill('SIGKILL');
  });
});

describe('a lock', () => {
  const quiet = (): void => undefined;
  const signal = AbortSignal.timeout(10_000);

  it('lets one in at a time', async () => {
    const path = join(directory, 'lock');
    let inside = 0;
    const seen = await Promise.all(
      Array.from({ length: 5 }, () =>
        withLock(path, quiet, signal, async () => {
          inside += 1;
          const now = inside;
          await Promise.resolve();
          inside -= 1;
          return now;
        }),
      ),
    );
    expect(seen).toEqual([1, 1, 1, 1, 1]);
  });

  it('is taken over from an owner who died', async () => {
    const path = join(directory, 'lock');
    writeFileSync(path, JSON.stringify({ pid: process.pid, startTime: 'long ago' }));
    expect(await withLock(path, quiet, signal, () => Promise.resolve('in'))).toBe('in');
  });

  it('is given back when the work fails', async () => {
    const path = join(directory, 'lock');
    await expect(withLock(path, quiet, signal, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await withLock(path, quiet, signal, () => Promise.resolve('in'))).toBe('in');
  });
});

describe('a free port', () => {
  it('is below those that the kernel hands out', async () => {
    const port = await freePort();
    expect(port).toBeGreaterThanOrEqual(20_000);
    expect(port).toBeLessThan(32_768 + 30_000);
  });

  it('is another one when the first choice is taken', async () => {
    const taken = await freePort(() => 0);
    const { createServer } = await import('node:net');
    const server = createServer().listen(taken, '127.0.0.1');
    let calls = 0;
    const port = await freePort(() => (calls++ === 0 ? 0 : 0.5));
    server.close();
    expect(port).not.toBe(taken);
  });
});

it('tells its own process from another of the same pid', () => {
  expect(isProcess(process.pid, 'long ago')).toBe(false);
});
