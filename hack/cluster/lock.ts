// One at a time, across processes: a lock file that names its owner, so that a crashed owner's lock is taken over. It
// must not be used for anything that has to survive a restart of the machine.
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isProcess, ownStartTime } from './process.ts';

interface Owner {
  pid: number;
  startTime: string;
}

function ownerOf(path: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Owner;
  } catch {
    return undefined; // given back meanwhile
  }
}

/** link(2) makes the lock with its content in one step: nobody ever reads half an owner. */
function tryLock(path: string): boolean {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, JSON.stringify({ pid: process.pid, startTime: ownStartTime() } satisfies Owner));
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Runs the work while holding the lock; says who holds it when it has to wait. */
export async function withLock<T>(
  path: string,
  say: (line: string) => void,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  for (let said = false; !tryLock(path);) {
    const owner = ownerOf(path);
    if (owner !== undefined && !isProcess(owner.pid, owner.startTime)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!said) say(`Waiting for process ${owner?.pid ?? '?'}, which is at the same thing (${path})`);
    said = true;
    await delay(200, undefined, { signal });
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}
