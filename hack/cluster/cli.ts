// make cluster-up, cluster-down, cluster-status: a control plane for daily work, one per clone. It must not touch a
// cluster that the user points at.
import { createHash } from 'node:crypto';
import { constants } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheFolder } from './build.ts';
import { type Cluster, openCluster, playNodesOf, startCluster, stopCluster } from './cluster.ts';
import { existingKubeconfig } from './existing.ts';
import { runKubectl } from './kubectl.ts';
import { findPrograms } from './programs.ts';

const usage = `usage: node hack/cluster/cli.ts up|down|status|kubeconfig [--directory <path>]
       node hack/cluster/cli.ts play --kubeconfig <path> --directory <path>
       node hack/cluster/cli.ts kubectl -- <arguments>`;

const say = (line: string): void => {
  process.stderr.write(line + '\n');
};

/** One per clone, outside of it: git clean must not take away the pid files of what runs. */
function defaultDirectory(): string {
  const clone = resolve(import.meta.dirname, '..', '..');
  const name = createHash('sha256').update(clone).digest('hex').slice(0, 8);
  return join(cacheFolder(process.env), 'clusters', name);
}

function printUse(cluster: Cluster): void {
  process.stdout.write(`The control plane is up at ${cluster.url}. In your shell:

  export KUBECONFIG=${cluster.kubeconfig}
  alias kubectl=${cluster.programs.kubectl}

It begins without nodes; played GPU nodes: hack/node.sh node hack/nodes/cli.ts demo
Logs: ${join(cluster.directory, 'logs')}. Take it down with: make cluster-down
`);
}

async function up(directory: string, signal: AbortSignal): Promise<void> {
  const existing = existingKubeconfig(process.env);
  if (existing !== undefined) {
    say(`USE_EXISTING_CLUSTER is set: using the cluster of ${existing}; nothing was started.`);
    return;
  }
  const running = openCluster(directory);
  if (running?.isUp) {
    printUse(running);
    return;
  }
  const before = performance.now();
  const cluster = await startCluster({ directory, diesWithStarter: false, say, signal });
  say(`Ready after ${((performance.now() - before) / 1_000).toFixed(1)} s.`);
  printUse(cluster);
}

async function down(directory: string): Promise<void> {
  const was = openCluster(directory);
  await stopCluster(directory);
  say(was === undefined ? 'There is no cluster of ours; nothing to stop.' : `Stopped the control plane at ${was.url}.`);
}

/** KWOK and the container actor only, for the nodes we play in a cluster that runs already (hack/kind.sh). */
async function play(kubeconfig: string, directory: string, signal: AbortSignal): Promise<void> {
  await playNodesOf(resolve(kubeconfig), { directory, diesWithStarter: false, say, signal });
  process.stdout.write(`Nodes labelled type=kwok are played. In your shell:

  export KUBECONFIG=${resolve(kubeconfig)}
`);
}

/** The kubectl of the control plane's version, on the cluster of KUBECONFIG, else on ours. */
async function kubectl(directory: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  const kubeconfig = process.env['KUBECONFIG'] || openCluster(directory)?.kubeconfig;
  if (kubeconfig === undefined)
    throw new Error('There is no cluster: run `make cluster-up`, or set KUBECONFIG to yours');
  const { programs } = await findPrograms(process.env, say, signal);
  process.stdout.write(await runKubectl(programs, kubeconfig, args));
}

/** Exit code 3, as systemctl status has it, when it isn't (wholly) up. */
function status(directory: string): void {
  const cluster = openCluster(directory);
  if (cluster === undefined) {
    say('Down. Start it with: make cluster-up');
    process.exitCode = 3;
    return;
  }
  for (const [name, pid] of cluster.pids()) {
    process.stdout.write(
      `${name.padEnd(24)} ${pid === undefined ? `dead, see ${cluster.logOf(name)}` : `running, pid ${pid}`}\n`,
    );
  }
  if (cluster.isUp) printUse(cluster);
  else process.exitCode = 3;
}

class Interrupted extends Error {
  readonly signal: 'SIGINT' | 'SIGTERM';
  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}

/** Node's own APIs wrap the reason of an abort in an AbortError. */
function interruptionOf(error: unknown): Interrupted | undefined {
  if (error instanceof Interrupted) return error;
  return error instanceof Error && error.cause instanceof Interrupted ? error.cause : undefined;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { directory: { type: 'string' }, kubeconfig: { type: 'string' } },
  });
  const directory = resolve(values.directory ?? defaultDirectory());
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      say('\nInterrupted: taking down what was started.');
      interrupted.abort(new Interrupted(signal));
    });
  }
  const [command, ...others] = positionals;
  if (command === 'kubectl') return kubectl(directory, others, interrupted.signal);
  if (others.length > 0) throw new Error(usage);
  if (command === 'up') return up(directory, interrupted.signal);
  if (command === 'down') return down(directory);
  if (command === 'kubeconfig') {
    process.stdout.write(`${openCluster(directory)?.kubeconfig ?? ''}\n`);
    return;
  }
  if (command === 'status') {
    status(directory);
    return;
  }
  if (command === 'play' && values.kubeconfig !== undefined)
    return play(values.kubeconfig, directory, interrupted.signal);
  throw new Error(usage);
}

// `make cluster-status | head` closes the pipe: no reason for a stack trace.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

await main().catch((error: unknown) => {
  const interruption = interruptionOf(error);
  if (interruption === undefined) say(error instanceof Error ? error.message : String(error));
  process.exitCode = interruption === undefined ? 1 : 128 + constants.signals[interruption.signal];
});
