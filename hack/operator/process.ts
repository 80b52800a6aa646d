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

const program = join(import.meta.dirname, '..', '..', 'operator', 'main.ts');

export interface OperatorProcess {
  readonly pid: number;
  /** host:port of /metrics. */
  readonly metricsAddress: string;
  readonly logFile: string;
  /** SIGTERM, and waits for its end; SIGKILL where that isn't enough. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Its log and pid file go here; stopCluster(directory) ends it as well. */
  readonly directory: string;
  /** Of its service account: installRights(). */
  readonly kubeconfig: string;
  readonly signal: AbortSignal;
  /** It is the POD_NAME and names the log. */
  readonly name?: string;
  readonly args?: readonly string[];
  /** For Node itself, such as --cpu-prof. */
  readonly nodeArguments?: readonly string[];
}

/** Returns when it is ready: caches synced, API server reached. */
export async function startOperator(options: StartOptions): Promise<OperatorProcess> {
  const { directory, kubeconfig, signal, name = 'operator', args = [], nodeArguments = [] } = options;
  const healthAddress = `127.0.0.1:${await freePort()}`;
  const metricsAddress = `127.0.0.1:${await freePort()}`;
  const addresses = [`--health-probe-bind-address=${healthAddress}`, `--metrics-bind-address=${metricsAddress}`];
  const child = startProcess(directory, {
    name,
    program: process.execPath,
    arguments: [...stripTypes, ...nodeArguments, program, ...addresses, ...args],
    environment: { KUBECONFIG: kubeconfig, POD_NAME: name, POD_NAMESPACE: serviceAccount().namespace },
  });
  const logFile = join(directory, 'logs', `${name}.log`);
  await untilReady(child, healthAddress, logFile, signal);
  return {
    pid: child.pid ?? 0,
    metricsAddress,
    logFile,
    async stop() {
      signalProcess(directory, name, 'SIGCONT'); // a frozen process would never see the next one
      await stopProcess(directory, name, 15_000);
    },
  };
}

async function untilReady(
  child: ChildProcess,
  healthAddress: string,
  logFile: string,
  signal: AbortSignal,
): Promise<void> {
  const ended = once(child, 'exit').then(([code, by]) => {
    const last = readFileSync(logFile, 'utf8').slice(-2_000);
    throw new Error(`the operator ended with ${String(code ?? by)}:\n${last}`);
  });
  ended.catch(() => undefined); // once it is ready, its end is its starter's own doing
  const ready = until(() => isReady(healthAddress), {
    what: `the operator (see ${logFile})`,
    timeoutMilliseconds: 60_000,
    signal,
  });
  await Promise.race([ready, ended]);
}

async function isReady(healthAddress: string): Promise<boolean> {
  const { statusCode, body } = await request(`http://${healthAddress}/readyz`);
  await body.dump();
  return statusCode === 200;
}
