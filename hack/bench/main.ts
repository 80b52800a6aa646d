// make bench: every figure from one run on one fresh control plane, beside the ceiling measured in the same run. It asserts
// nothing. JOBS and ROUNDS make it shorter, --large adds 10,000 GPUJobs on 1,213 nodes, PROFILE=<folder> writes CPU profiles.
import { mkdtempSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Api } from '../api/client.ts';
import { buildOperator } from '../build.ts';
import { startCluster, stopCluster } from '../cluster/cluster.ts';
import { createNodes } from '../nodes/create.ts';
import { nodes } from '../nodes/inventory.ts';
import { nvidiaCards } from '../nodes/node.ts';
import { installCRDs, installRights } from '../operator/install.ts';
import { burst } from './burst.ts';
import { idleLatencies } from './idle-latency.ts';
import { large } from './large.ts';
import { burstReport, idleReport, largeReport } from './report.ts';
import { operatorOn, type Stage } from './stage.ts';

const nodeCount = 125;
const cardsPerNode = 8;

const { values } = parseArgs({ options: { large: { type: 'boolean', default: false } } });

function positive(name: string, fallback: number): number {
  const text = process.env[name] ?? '';
  const value = text === '' ? fallback : Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`${name}=${text}: write a whole number from 1 on`);
}

const options = { count: positive('JOBS', 1_000), rounds: positive('ROUNDS', 3) };
const idleCount = Math.min(100, options.count);

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
const print = (lines: readonly string[]): void => {
  process.stdout.write(`${lines.join('\n')}\n`);
};

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    say(`\n${name}: cleaning up`);
    stop.abort(new Error(`stopped by ${name}`));
  });
}

async function measureIdle(stage: Stage): Promise<void> {
  const operator = await operatorOn(stage);
  print(idleReport(await idleLatencies(stage.api, idleCount, stage.signal)));
  await operator.stop();
}

async function measure(stage: Stage): Promise<void> {
  await createNodes(stage.api, nodes(nodeCount, nvidiaCards.a100x80(cardsPerNode)));
  const where = `${nodeCount} nodes of ${cardsPerNode} cards, ${cpus().length} cores, Node ${process.versions.node}`;
  print([`${options.count} one-GPU jobs of 1 s a round, ${options.rounds} rounds of each in turns; ${where}`, '']);
  print(burstReport(await burst(stage, options)));
  await measureIdle(stage);
  if (values.large) print(largeReport(await large(stage)));
}

/** On a machine that does something else every absolute figure is too low; the ratio suffers least. */
function warnOfOtherWork(): void {
  const [load = 0] = loadavg();
  if (load > cpus().length / 2)
    say(`Other work keeps this machine busy (load average ${load.toFixed(1)}): see the ratio.`);
}

async function main(): Promise<void> {
  warnOfOtherWork();
  const { signal } = stop;
  const directory = mkdtempSync(join(tmpdir(), 'orquanta-bench-'));
  const started = performance.now();
  try {
    const cluster = await startCluster({ directory, diesWithStarter: true, say, signal });
    await installCRDs(cluster);
    const operatorKubeconfig = await installRights(cluster);
    const api = Api.fromKubeconfig(cluster.kubeconfig, 'bench');
    const profileFolder = process.env['PROFILE'] ? { profileFolder: resolve(process.env['PROFILE']) } : {};
    const { program } = await buildOperator();
    await measure({ api, cluster, operatorKubeconfig, program, signal, ...profileFolder });
    await api.close();
  } finally {
    await stopCluster(directory);
  }
  say(`Measured in ${Math.round((performance.now() - started) / 1_000)} s; everything it started is stopped.`);
}

try {
  await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = stop.signal.aborted ? 130 : 1;
}
process.exit();
