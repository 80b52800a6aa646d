// The operator as its own process under its own service account, with exactly the rights of config/rbac; never as admin.
import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { stripTypes } from '../cluster/components.ts';
import { freePort } from '../cluster/ports.ts';
import { signalProcess, startProcess, stopProcess } from '../cluster/process.ts';
import { until } from '../cluster/until.ts';
import { serviceAccount } from './install.ts';

const sources = join(import.meta.dirname, '..', '..', 'operator', 'main.ts');

/**
 * For Node itself. With its default of 16 MiB the young generation alone takes 100 MB of what has long been garbage; with 2 a
 * seventh more CPU goes into collecting it.
 */
const sparingNode = ['--max-semi-space-size=4'];

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface OperatorProcess {
  readonly name: string;
  readonly pid: number;
  /** host:port of /healthz and /readyz. */
  readonly healthAddress: string;
  /** host:port of /metrics. */
  readonly metricsAddress: string;
  readonly logFile: string;
  readonly exited: Promise<Ended>;
  /** SIGSTOP and SIGCONT too: a frozen leader. */
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, and waits for its end; after graceMilliseconds SIGKILL. */
  stop(graceMilliseconds?: number): Promise<void>;
}

export interface StartOptions {
  /** Its log and pid file go here; stopCluster(directory) ends it as well. */
  readonly directory: string;
  /** Of its service account: installRights(). */
  readonly kubeconfig: string;
  readonly signal: AbortSignal;
  /** Distinct for each replica; it is the POD_NAME and names the log. */
  readonly name?: string;
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** For Node itself, such as --cpu-prof. */
  readonly nodeArguments?: readonly string[];
  /** Default: the sources. */
  readonly program?: string;
  /** false: returns at once, e.g. where the start is to be refused. */
  readonly waitUntilReady?: boolean;
}

/** Returns when it is ready: caches synced, API server reached. */
export async function startOperator(options: StartOptions): Promise<OperatorProcess> {
  const { directory, signal, name = 'operator', waitUntilReady = true } = options;
  const healthAddress = `127.0.0.1:${await freePort()}`;
  const metricsAddress = `127.0.0.1:${await freePort()}`;
  const child = spawn(options, name, healthAddress, metricsAddress);
  const exited = once(child, 'exit').then(([code, by]) => ({
    code: code as number | null,
    signal: by as NodeJS.Signals | null,
  }));
  const logFile = join(directory, 'logs', `${name}.log`);
  if (waitUntilReady) await untilReady(exited, healthAddress, logFile, signal);
  return {
    name,
    pid: child.pid ?? 0,
    healthAddress,
    metricsAddress,
    logFile,
    exited,
    signal(which) {
      signalProcess(directory, name, which);
    },
    async stop(graceMilliseconds = 15_000) {
      child.ref(); // or, with nothing else to do, the starter would end before its child
      signalProcess(directory, name, 'SIGCONT'); // a frozen process would never see the next one
      await stopProcess(directory, name, graceMilliseconds);
      await exited;
    },
  };
}

function spawn(options: StartOptions, name: string, healthAddress: string, metricsAddress: string): ChildProcess {
  const { directory, kubeconfig, args = [], environment = {}, nodeArguments = [], program = sources } = options;
  const addresses = [`--health-probe-bind-address=${healthAddress}`, `--metrics-bind-address=${metricsAddress}`];
  return startProcess(directory, {
    name,
    program: process.execPath,
    arguments: [...stripTypes, ...sparingNode, ...nodeArguments, program, ...addresses, ...args],
    environment: { KUBECONFIG: kubeconfig, POD_NAME: name, POD_NAMESPACE: serviceAccount().namespace, ...environment },
  });
}

async function untilReady(
  exited: Promise<Ended>,
  healthAddress: string,
  logFile: string,
  signal: AbortSignal,
): Promise<void> {
  const ended = exited.then(({ code, signal: by }) => {
    throw new Error(`the operator ended with ${String(code ?? by)}:\n${endOf(logFile)}`);
  });
  ended.catch(() => undefined); // once it is ready, its end is its starter's own doing
  const ready = until(() => isReady(healthAddress), {
    what: `the operator (see ${logFile})`,
    // Before callers lose patience, who would say less.
    timeoutMilliseconds: 50_000,
    signal,
  }).catch((error: unknown) => {
    if (signal.aborted) throw error;
    throw new Error(`${String(error)}:\n${endOf(logFile)}`, { cause: error });
  });
  await Promise.race([ready, ended]);
}

function endOf(logFile: string): string {
  return readFileSync(logFile, 'utf8').slice(-2_000);
}

async function isReady(healthAddress: string): Promise<boolean> {
  const { statusCode, body } = await request(`http://${healthAddress}/readyz`);
  await body.dump();
  return statusCode === 200;
}
