// make cluster-up, cluster-down, cluster-status: a control plane for daily work, one per clone. It must not touch a
// cluster that the user points at.
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheFolder } from './build.ts';
import { type Cluster, openCluster, startCluster, stopCluster } from './cluster.ts';
import { existingKubeconfig } from './existing.ts';

const usage = `usage: node hack/cluster/cli.ts up|down|status [--directory <path>]`;

const say = (line: string): void => {
  process.stderr.write(line + '\n');
};

/** One per clone, outside of it: \`git clean\` must not take away the pid files of what runs. */
function defaultDirectory(): string {
  const clone = resolve(import.meta.dirname, '..', '..');
  const name = createHash('sha256').update(clone).digest('hex').slice(0, 8);
  return join(cacheFolder(process.env), 'clusters', name);
}

function printUse(cluster: Cluster): void {
  process.stdout.write(`The control plane is up at ${cluster.url}. In your shell:

  export KUBECONFIG=${cluster.kubeconfig}
  alias kubectl=${cluster.programs.kubectl}

Logs: ${join(cluster.directory, 'logs')}. Take it down with: make cluster-down
`);
}

async function up(directory: string, signal: AbortSignal): Promise<void> {
  const existing = existingKubeconfig(process.env);
  if (existing !== undefined) {
    say(`USE_EXISTING_CLUSTER is set: using the cluster of ${existing}; nothing was started.`);
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

/** Exit code 3, as systemctl status has it, when it isn't (wholly) up. */
function status(directory: string): void {
  const cluster = openCluster(directory);
  if (cluster === undefined) {
    say('Down. Start it with: make cluster-up');
    process.exitCode = 3;
    return;
  }
  const pids = cluster.pids();
  for (const [name, pid] of pids) {
    process.stdout.write(
      `${name.padEnd(24)} ${pid === undefined ? `dead, see ${cluster.logOf(name)}` : `running, pid ${pid}`}\n`,
    );
  }
  if ([...pids.values()].every((pid) => pid !== undefined)) printUse(cluster);
  else process.exitCode = 3;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { directory: { type: 'string' } } });
  const directory = resolve(values.directory ?? defaultDirectory());
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      say('\nInterrupted: taking down what was started.');
      interrupted.abort(new Error('interrupted'));
    });
  }
  const [command, ...others] = positionals;
  if (others.length > 0) throw new Error(usage);
  if (command === 'up') return up(directory, interrupted.signal);
  if (command === 'down') return down(directory);
  if (command === 'status') {
    status(directory);
    return;
  }
  throw new Error(usage);
}

await main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
