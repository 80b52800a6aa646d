// Where a bench plays: a fresh control plane, and the operator as it is measured on it. Everything is gone when it ends, also
// when it is interrupted.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Api } from '../api/client.ts';
import { buildOperator } from '../build.ts';
import { type Cluster, startCluster, stopCluster } from '../cluster/cluster.ts';
import { installCRDs, installRights } from '../operator/install.ts';
import { type OperatorProcess, startOperator } from '../operator/process.ts';

export interface Stage {
  readonly api: Api;
  readonly cluster: Cluster;
  /** Of the operator's own service account. */
  readonly operatorKubeconfig: string;
  /** The operator as it is shipped: hack/build.ts. */
  readonly program: string;
  readonly signal: AbortSignal;
  /** Where to write a CPU profile of the operator for each burst; it slows the operator down. */
  readonly profileFolder?: string;
}

export function operatorOn(stage: Stage, nodeArguments: readonly string[] = []): Promise<OperatorProcess> {
  const { cluster, operatorKubeconfig: kubeconfig, program, signal } = stage;
  return startOperator({ directory: cluster.directory, kubeconfig, program, signal, nodeArguments });
}

export const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

export const print = (lines: readonly string[]): void => {
  process.stdout.write(`${lines.join('\n')}\n`);
};

/** A whole number from an environment variable; a clear refusal of anything else. */
export function positive(name: string, fallback: number): number {
  const text = process.env[name] ?? '';
  const value = text === '' ? fallback : Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`${name}=${text}: write a whole number from 1 on`);
}

/** The first where the variable isn't set. */
export function oneOf<Choice extends string>(name: string, choices: readonly [Choice, ...Choice[]]): Choice {
  const text = process.env[name] ?? '';
  const choice = text === '' ? choices[0] : choices.find((each) => each === text);
  if (choice !== undefined) return choice;
  throw new Error(`${name}=${text}: write one of ${choices.join(', ')}`);
}

/** The whole program of a bench: it ends the process. */
export async function playOnStage(measure: (stage: Stage) => Promise<void>): Promise<never> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      say(`\n${name}: cleaning up`);
      stop.abort(new Error(`stopped by ${name}`));
    });
  }
  try {
    await withStage(measure, stop.signal);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = stop.signal.aborted ? 130 : 1;
  }
  process.exit();
}

async function withStage(measure: (stage: Stage) => Promise<void>, signal: AbortSignal): Promise<void> {
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
