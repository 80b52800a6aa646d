// Builds the control plane from the pinned Go module into the user's cache folder: once per module, Go version and
// machine, whole or not at all, and never twice at the same time. A second clone finds it ready.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { progress } from '../terminal/progress.ts';
import { withLock } from './lock.ts';

const moduleFolder = join(import.meta.dirname, '..', 'control-plane');

/** Go names a program after the last element of its package; etcd's is "server". */
const renamed: Record<string, string> = { server: 'etcd' };

export function cacheFolder(environment: NodeJS.ProcessEnv): string {
  return join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'orquanta');
}

interface Run {
  environment: NodeJS.ProcessEnv;
  signal: AbortSignal;
  onErrorLine?: (line: string) => void;
}

/** Runs go in the module; resolves to its standard output, rejects with the last lines it wrote. */
async function go(args: readonly string[], { environment, signal, onErrorLine }: Run): Promise<string> {
  // Its own process group: Ctrl-C reaches us first, and we end Go and its compilers together.
  const child = spawn('go', args, { cwd: moduleFolder, env: { ...environment, CGO_ENABLED: '0' }, detached: true });
  const stop = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    } catch {
      // it ended in this very moment
    }
  };
  signal.addEventListener('abort', stop, { once: true });
  const tail: string[] = [];
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  createInterface({ input: child.stderr }).on('line', (line) => {
    tail.push(line);
    if (tail.length > 20) tail.shift();
    onErrorLine?.(line);
  });
  const code = await new Promise<number | string>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'ENOENT' ? 'there is no `go` on PATH; install Go 1.26 or newer' : error.message);
    });
    child.once('close', (status, killed) => {
      resolve(status ?? killed ?? 1);
    });
  });
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  if (code === 0) return output.trim();
  throw new Error(`go ${args[0] ?? ''} in hack/control-plane failed (${code})\n${tail.join('\n')}`.trim());
}

/** Changes when the result would: the module's pins, the Go version that is used for it, the machine. */
async function cacheKey(run: Run): Promise<string> {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(moduleFolder, file)));
  hash.update(await go(['env', 'GOVERSION', 'GOOS', 'GOARCH'], run));
  return hash.digest('hex').slice(0, 16);
}

/** Without the stamp the server calls itself v0.0.0-master, and KWOK and Helm refuse it. */
async function versionStamp(run: Run): Promise<string> {
  const version = await go(['list', '-m', '-f', '{{.Version}}', 'k8s.io/kubernetes'], run);
  const [major = '', minor = ''] = version.slice(1).split('.');
  const base = 'k8s.io/component-base/version';
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor };
  const stamps = Object.entries(values).map(([name, value]) => `-X ${base}.${name}=${value}`);
  return [...stamps, `-X k8s.io/client-go/pkg/version.gitVersion=${version}`].join(' ');
}

/** Modules first: Go says one line for each it downloads. Those with a content hash are all there could be. */
async function download(run: Run): Promise<string[]> {
  const sums = readFileSync(join(moduleFolder, 'go.sum'), 'utf8').split('\n');
  const atMost = sums.filter((line) => line.includes(' h1:') && !line.includes('/go.mod ')).length;
  const bar = progress('Downloading');
  let seen = 0;
  const onErrorLine = (line: string): void => {
    if (!line.startsWith('go: downloading ')) return;
    seen += 1;
    bar.update(seen, atMost, `modules at most, ${line.split(' ')[2] ?? ''}`);
  };
  try {
    return (await go(['list', '-deps', 'tool'], { ...run, onErrorLine })).split('\n');
  } finally {
    bar.stop();
  }
}

/** go install -v says a line per package it compiles; one that Go's own cache has says none, hence "at most". */
async function compile(into: string, packages: number, run: Run): Promise<void> {
  const programs = (await go(['list', 'tool'], run)).split('\n').length;
  const bar = progress('Building');
  let compiled = 0;
  const draw = (): void => {
    const linked = readdirSync(into).length;
    bar.update(compiled, packages, `packages at most, ${linked} of ${programs} linked`);
  };
  draw();
  const redraw = setInterval(draw, 500);
  try {
    await go(['install', '-v', '-trimpath', '-ldflags', `-s -w ${await versionStamp(run)}`, 'tool'], {
      ...run,
      environment: { ...run.environment, GOBIN: into, GOFLAGS: '' },
      onErrorLine: (line) => {
        if (/^\S+$/.test(line)) compiled += 1;
      },
    });
    draw();
  } finally {
    clearInterval(redraw);
    bar.stop();
  }
}

async function build(target: string, run: Run): Promise<void> {
  mkdirSync(join(target, '..'), { recursive: true });
  const staging = mkdtempSync(`${target}.building-`);
  try {
    const packages = await download(run);
    await compile(staging, packages.length, run);
    for (const name of readdirSync(staging)) {
      const wanted = renamed[basename(name)];
      if (wanted !== undefined) renameSync(join(staging, name), join(staging, wanted));
    }
    renameSync(staging, target);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** The folder with the programs. Built first when they aren't there: about five minutes on two cores. */
export async function buildPrograms(
  environment: NodeJS.ProcessEnv,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const run = { environment, signal };
  const target = join(cacheFolder(environment), 'control-plane', await cacheKey(run));
  if (existsSync(target)) return target;
  await withLock(`${target}.lock`, say, signal, async () => {
    if (existsSync(target)) return; // someone else built it while we waited
    say('Building the control plane from hack/control-plane (once; about 5 minutes on 2 cores)');
    await build(target, run);
  });
  return target;
}
