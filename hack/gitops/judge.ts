// Asks the judge (hack/gitops/judge, a Go program) what Argo CD, Helm and Flux would say of objects. It is built into the user's
// cache folder when it is first needed, once for each state of its sources.
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { cacheFolder } from '../cluster/build.ts';
import { withLock } from '../cluster/lock.ts';

const moduleFolder = join(import.meta.dirname, 'judge');

/** CEL, by the names of Flux's healthCheckExprs. */
export interface Expressions {
  readonly inProgress?: string;
  readonly failed?: string;
  readonly current: string;
}

/** An object as the API server gives it, and what is to be known of it. */
export type Question =
  | { readonly ask: 'health' | 'discovery' | 'action'; readonly script: string; readonly object: object }
  | { readonly ask: 'kstatus'; readonly object: object }
  | { readonly ask: 'flux'; readonly expressions: Expressions; readonly object: object };

/** What a script returns, or `{status, message}` of kstatus and Flux; or why there is no result. */
export type Answer =
  { readonly result: unknown; readonly error?: never } | { readonly result?: never; readonly error: string };

/** The answers in the order of the questions. The first call builds the judge: a minute or two on two cores. */
export async function judge(
  questions: readonly Question[],
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Answer[]> {
  const child = spawn(await builtJudge(environment, signal), { stdio: ['pipe', 'pipe', 'inherit'], signal });
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  child.stdin.end(questions.map((question) => JSON.stringify(question)).join('\n'));
  const output = await Promise.race([text(child.stdout), failed]);
  return output.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Answer]));
}

async function builtJudge(environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<string> {
  const target = join(cacheFolder(environment), 'judge', await cacheKey(environment, signal));
  const program = join(target, 'judge');
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  if (existsSync(program)) return program;
  await withLock(`${target}.lock`, say, signal, async () => {
    if (!existsSync(program)) await build(target, environment, signal);
  });
  return program;
}

/** Changes when the result would. */
async function cacheKey(environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for (const name of readdirSync(moduleFolder).sort()) hash.update(name).update(readFileSync(join(moduleFolder, name)));
  hash.update(await go(['env', 'GOVERSION', 'GOOS', 'GOARCH'], environment, signal));
  return hash.digest('hex').slice(0, 16);
}

/** Whole or not at all. */
async function build(target: string, environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  mkdirSync(dirname(target), { recursive: true });
  const staging = mkdtempSync(`${target}.building-`);
  try {
    await go(['build', '-trimpath', '-ldflags', '-s -w', '-o', join(staging, 'judge'), '.'], environment, signal);
    renameSync(staging, target);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

async function go(args: readonly string[], environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<string> {
  const env = { ...environment, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' };
  return (await promisify(execFile)('go', [...args], { cwd: moduleFolder, env, signal })).stdout;
}
