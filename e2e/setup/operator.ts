// Starts the operator as it runs in a cluster: its own process, under the service account that config/rbac makes, with
// exactly the rights that stand there. Never as admin.
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { request } from 'undici';
import { parseAllDocuments } from 'yaml';
import { Api, type KubernetesObject, readKubeconfig } from '../../hack/api/client.ts';
import { stripTypes } from '../../hack/cluster/components.ts';
import { writeKubeconfig } from '../../hack/cluster/credentials.ts';
import { runKubectl } from '../../hack/cluster/kubectl.ts';
import { freePort } from '../../hack/cluster/ports.ts';
import { signalProcess, startProcess } from '../../hack/cluster/process.ts';
import { until } from '../../hack/cluster/until.ts';
import type { Surroundings } from './global.ts';

const root = join(import.meta.dirname, '..', '..');
const rbacFolder = join(root, 'config', 'rbac');

export interface Operator {
  name: string;
  /** host:port of /healthz and /readyz, and of /metrics. */
  healthAddress: string;
  metricsAddress: string;
  logFile: string;
  /** SIGSTOP and SIGCONT too: a frozen leader. */
  signal(signal: NodeJS.Signals): void;
  /** How it ended. */
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** SIGTERM, and waits for its end; after graceMilliseconds SIGKILL. */
  stop(graceMilliseconds?: number): Promise<void>;
}

export interface OperatorOptions {
  /** Distinct for each replica; it is the POD_NAME and names the log. */
  name?: string;
  args?: readonly string[];
  env?: Record<string, string>;
  /** false: returns at once, e.g. where the start is to be refused. */
  waitUntilReady?: boolean;
}

function serviceAccount(): { name: string; namespace: string } {
  const files = readdirSync(rbacFolder).filter((file) => file.endsWith('.yaml') && !file.startsWith('kustomization'));
  const documents = files.flatMap((file) => parseAllDocuments(readFileSync(join(rbacFolder, file), 'utf8')));
  const account = documents
    .map((document) => document.toJS() as KubernetesObject)
    .find(({ kind }) => kind === 'ServiceAccount');
  if (account?.metadata.namespace === undefined)
    throw new Error('config/rbac holds no ServiceAccount with a namespace');
  return { name: account.metadata.name, namespace: account.metadata.namespace };
}

/** Applies config/rbac and writes a kubeconfig with a token of its service account, good for a day. */
export async function operatorKubeconfig({ kubeconfig, directory, programs }: Surroundings): Promise<string> {
  const path = join(directory, 'credentials', 'operator.kubeconfig');
  if (existsSync(path)) return path;
  const { name, namespace } = serviceAccount();
  await runKubectl(programs, kubeconfig, ['apply', `--filename=${join(rbacFolder, 'namespace.yaml')}`]);
  await runKubectl(programs, kubeconfig, ['apply', `--filename=${rbacFolder}`]);
  const api = Api.fromKubeconfig(kubeconfig);
  const { status } = await api.create<{ status: { token: string } }>(
    `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 86_400 } },
  );
  await api.close();
  const { server, ca = '' } = readKubeconfig(kubeconfig);
  const caFile = join(directory, 'credentials', 'operator-ca.crt');
  writeFileSync(caFile, ca);
  writeKubeconfig(path, { url: server, caFile, name, token: status.token, namespace });
  return path;
}

async function isReady(healthAddress: string): Promise<boolean> {
  const { statusCode, body } = await request(`http://${healthAddress}/readyz`);
  await body.dump();
  return statusCode === 200;
}

export async function startOperator(options: OperatorOptions = {}): Promise<Operator> {
  const { name = 'operator', args = [], env = {}, waitUntilReady = true } = options;
  const surroundings = inject('surroundings');
  const { directory } = surroundings;
  const kubeconfig = await operatorKubeconfig(surroundings);
  const healthAddress = `127.0.0.1:${await freePort()}`;
  const metricsAddress = `127.0.0.1:${await freePort()}`;
  const addresses = [`--health-probe-bind-address=${healthAddress}`, `--metrics-bind-address=${metricsAddress}`];
  const child = startProcess(directory, {
    name,
    program: process.execPath,
    arguments: [...stripTypes, join(root, 'operator', 'main.ts'), ...addresses, ...args],
    environment: { KUBECONFIG: kubeconfig, POD_NAME: name, POD_NAMESPACE: serviceAccount().namespace, ...env },
  });
  const exited = once(child, 'exit').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  const logFile = join(directory, 'logs', `${name}.log`);
  const operator: Operator = {
    name,
    healthAddress,
    metricsAddress,
    logFile,
    exited,
    signal: (signal) => void signalProcess(directory, name, signal),
    async stop(graceMilliseconds = 15_000) {
      signalProcess(directory, name, 'SIGCONT'); // a stopped process would never see the next one
      signalProcess(directory, name, 'SIGTERM');
      const kill = setTimeout(() => signalProcess(directory, name, 'SIGKILL'), graceMilliseconds);
      await exited;
      clearTimeout(kill);
    },
  };
  if (!waitUntilReady) return operator;
  const endedEarly = exited.then(({ code, signal }) => {
    throw new Error(
      `the operator ended with ${code ?? signal ?? '?'}:\n${readFileSync(logFile, 'utf8').slice(-2_000)}`,
    );
  });
  const ready = until(() => isReady(healthAddress), {
    what: `the operator (see ${logFile})`,
    timeoutMilliseconds: 30_000,
    signal: AbortSignal.timeout(31_000),
  });
  await Promise.race([ready, endedEarly]);
  endedEarly.catch(() => undefined); // from here on an end is the test's own doing
  return operator;
}
