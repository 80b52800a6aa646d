// Runs what the image would run, as it would run it: the entry point as the image's user, on a tree that can't be written, with
// nothing but Node on PATH and nowhere to write to. A test that isn't root can't change its user: then it runs as that one.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layout } from './layout.ts';

export interface Ending {
  readonly code: number | null;
  readonly output: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** So far: what it wrote to both streams. */
  readonly output: () => string;
  readonly ended: Promise<Ending>;
}

export class Container {
  readonly #layout: Layout;
  readonly #bin: string;
  readonly #user: { uid?: number; gid?: number };

  private constructor(layout: Layout, bin: string) {
    this.#layout = layout;
    this.#bin = bin;
    const [uid, gid] = layout.stage.user.split(':').map(Number);
    this.#user = process.getuid?.() === 0 ? { uid: uid!, gid: gid! } : {};
  }

  /** `folder`: its own, open to every user. */
  static async of(layout: Layout, folder: string): Promise<Container> {
    const bin = join(folder, 'bin');
    await mkdir(bin);
    // Where this Node is no other user may look.
    await copyFile(process.execPath, join(bin, 'node'));
    await chmod(join(bin, 'node'), 0o755);
    await setWritable(layout.tree, false);
    return new Container(layout, bin);
  }

  /** Behind the entry point. */
  start(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Running {
    return this.#spawn([...this.#layout.stage.entrypoint, ...args], environment);
  }

  healthcheck(environment: Readonly<Record<string, string>>): Promise<Ending> {
    return this.#spawn(this.#layout.stage.healthcheck, environment).ended;
  }

  /** A program of the test's own, in the same place. */
  evaluate(script: string): Promise<Ending> {
    return this.#spawn(['node', '--eval', script], {}).ended;
  }

  #spawn([program = '', ...args]: readonly string[], environment: Readonly<Record<string, string>>): Running {
    const { tree, stage } = this.#layout;
    const nowhere = { HOME: '/nonexistent', TMPDIR: '/nonexistent' };
    const child = spawn(
      program,
      args.map((arg) => (arg.startsWith(`${stage.workdir}/`) ? join(tree, arg) : arg)),
      {
        ...this.#user,
        cwd: join(tree, stage.workdir),
        env: { PATH: this.#bin, ...nowhere, ...stage.environment, ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => void (output += String(part)));
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, output }));
    return { child, output: () => output, ended };
  }
}

/** All of a tree; writable again it can be removed. */
export async function setWritable(path: string, isWritable: boolean): Promise<void> {
  await chmod(path, isWritable ? 0o755 : 0o555);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const below = join(path, entry.name);
    if (entry.isDirectory()) await setWritable(below, isWritable);
    else if (entry.isFile()) await chmod(below, isWritable ? 0o644 : 0o444);
  }
}
