// make replay TRACE=<folder>: the openb cluster and its tasks on a fresh control plane, which is gone when it ends. JOBS
// takes the first tasks only, SPEED divides life times (0: nobody leaves), LIST=gpuspec10 takes the other task list.
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Api } from '../api/client.ts';
import { createNamespace } from '../bench/round.ts';
import { startCluster, stopCluster } from '../cluster/cluster.ts';
import { createNodes } from '../nodes/create.ts';
import { openbNode } from '../openb/cards.ts';
import { type Trace, readTrace } from '../openb/trace.ts';
import { installCRDs, installRights } from '../operator/install.ts';
import { startOperator } from '../operator/process.ts';
import { progress } from '../terminal/progress.ts';
import { replay } from './replay.ts';
import { report } from './report.ts';

const namespace = 'replay';

class UsageError extends Error {}

function number(name: string, fallback: number, isGood: (value: number) => boolean, wanted: string): number {
  const text = process.env[name] ?? '';
  const value = text === '' ? fallback : Number(text);
  if (isGood(value)) return value;
  throw new UsageError(`${name}=${text}: write ${wanted}`);
}

function readOptions(): { trace: Trace; speed: number } {
  const folder = process.env['TRACE'] ?? '';
  if (folder === '') throw new UsageError('say where the openb files are: make replay TRACE=<folder>');
  if (!existsSync(folder)) throw new UsageError(`TRACE=${folder}: there is no such folder`);
  const list = process.env['LIST'] || 'default';
  if (list !== 'default' && list !== 'gpuspec10') throw new UsageError(`LIST=${list}: write default or gpuspec10`);
  const jobs = number('JOBS', Infinity, (value) => value >= 1, 'how many tasks to submit, from 1 on');
  const speed = number('SPEED', 0, (value) => value >= 0 && value < Infinity, '0, or what to divide life times by');
  const { nodes, tasks } = readTrace(resolve(folder), list);
  return { trace: { nodes, tasks: tasks.slice(0, jobs) }, speed };
}

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    say(`\n${name}: cleaning up`);
    stop.abort(new Error(`stopped by ${name}`));
  });
}

async function run({ nodes, tasks }: Trace, speed: number, directory: string): Promise<void> {
  const { signal } = stop;
  const cluster = await startCluster({ directory, diesWithStarter: true, say, signal });
  await installCRDs(cluster);
  const kubeconfig = await installRights(cluster);
  const api = Api.fromKubeconfig(cluster.kubeconfig, 'replay');
  say(`Bringing up ${nodes.length} nodes`);
  await createNodes(api, nodes.map(openbNode));
  await createNamespace(api, namespace);
  await startOperator({ directory, kubeconfig, signal });
  const bar = progress(`Replaying ${tasks.length} tasks`);
  const replayed = await replay({ api, namespace, tasks, speed, bar, signal });
  bar.stop();
  process.stdout.write(`${report(replayed, nodes, tasks, speed).join('\n')}\n`);
  if (!replayed.cameToRest) process.exitCode = 1;
  await api.close();
}

async function main(): Promise<void> {
  const { trace, speed } = readOptions();
  const directory = mkdtempSync(join(tmpdir(), 'orquanta-replay-'));
  try {
    await run(trace, speed, directory);
  } finally {
    await stopCluster(directory);
  }
}

try {
  await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = stop.signal.aborted ? 130 : error instanceof UsageError ? 2 : 1;
}
process.exit();
