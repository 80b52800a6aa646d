// make replay TRACE=<folder>: the openb cluster and its tasks on a fresh control plane, which is gone when it ends. CARDS=dra holds
// shares of cards by claims, beside a simulation of the same; options.ts has what else there is to say.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api } from '../api/client.ts';
import { createNamespace } from '../bench/round.ts';
import { startCluster, stopCluster } from '../cluster/cluster.ts';
import { createDRANodes, createNodes } from '../nodes/create.ts';
import { openbNode } from '../openb/cards.ts';
import { openbDRANode } from '../openb/shares.ts';
import { type Trace, readTrace } from '../openb/trace.ts';
import { installCRDs, installRights } from '../operator/install.ts';
import { startOperator } from '../operator/process.ts';
import { progress } from '../terminal/progress.ts';
import type { Speed } from './objects.ts';
import { type Options, readOptions, UsageError } from './options.ts';
import { type Replayed, replay } from './replay.ts';
import { report } from './report.ts';
import { sharesReport } from './shares-report.ts';
import { type SharesScene, sharesScene } from './shares-scene.ts';
import { replayShares } from './shares.ts';
import { type Simulations, simulations } from './simulated.ts';

const namespace = 'replay';

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

interface Stage {
  readonly api: Api;
  /** Call it when the nodes are there. */
  readonly startOperator: () => Promise<void>;
}

async function run(options: Options, directory: string): Promise<void> {
  const { signal } = stop;
  const { play, jobs, folder, list } = options;
  const trace = readTrace(folder, list);
  const cluster = await startCluster({ directory, diesWithStarter: true, say, signal });
  await installCRDs(cluster);
  const kubeconfig = await installRights(cluster);
  const api = Api.fromKubeconfig(cluster.kubeconfig, 'replay');
  await createNamespace(api, namespace);
  const stage = {
    api,
    startOperator: async () => {
      await startOperator({ directory, kubeconfig, signal });
    },
  };
  const { cameToRest } =
    play.cards === 'DRA'
      ? await playShares(stage, trace, jobs, play.seed)
      : await playWholeCards(stage, trace, jobs, play.speed);
  if (!cameToRest) process.exitCode = 1;
  await api.close();
}

async function playWholeCards(
  { api, startOperator }: Stage,
  trace: Trace,
  jobs: number,
  speed: Speed,
): Promise<Replayed> {
  const { nodes } = trace;
  const tasks = trace.tasks.slice(0, jobs);
  say(`Bringing up ${nodes.length} nodes`);
  await createNodes(api, nodes.map(openbNode));
  await startOperator();
  const bar = progress(`Replaying ${tasks.length} tasks`);
  const replayed = await replay({ api, namespace, tasks, speed, bar, signal: stop.signal });
  bar.stop();
  print(report(replayed, nodes, tasks, speed));
  return replayed;
}

async function playShares({ api, startOperator }: Stage, trace: Trace, jobs: number, seed: number): Promise<Replayed> {
  const scene = sharesScene(trace, jobs, seed);
  const simulated = await simulateBeside(scene);
  say(`Bringing up ${scene.nodes.length} nodes`);
  await createDRANodes(api, scene.nodes.map(openbDRANode));
  await startOperator();
  const bar = progress(`Replaying ${scene.tasks.length} tasks`);
  const live = await replayShares(scene, { api, namespace, bar, signal: stop.signal });
  bar.stop();
  print(sharesReport(scene, live, simulated));
  return live.replayed;
}

async function simulateBeside(scene: SharesScene): Promise<Simulations> {
  const bar = progress(`Simulating ${scene.tasks.length} tasks`);
  const simulated = await simulations(scene, (done, of) => {
    stop.signal.throwIfAborted();
    bar.update(done, of, 'orders of arrival');
  });
  bar.stop();
  return simulated;
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function main(): Promise<void> {
  const options = readOptions(process.env);
  const directory = mkdtempSync(join(tmpdir(), 'orquanta-replay-'));
  try {
    await run(options, directory);
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
