// A real control plane in a directory of its own: start it, find it again, stop it. All state is in that directory, so
// whoever has the path can do all of it. It never touches a cluster it didn't start.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { Api } from '../api/client.ts';
import { stageFiles } from '../kwok/stages.ts';
import * as components from './components.ts';
import { type User, files, kubeconfigOf, writeKubeconfigs, writeSecrets } from './credentials.ts';
import { alterEtcd, compactEtcd } from './etcd.ts';
import { runKubectl } from './kubectl.ts';
import { withLock } from './lock.ts';
import { freePort } from './ports.ts';
import * as processes from './process.ts';
import { type Programs, findPrograms } from './programs.ts';
import { until } from './until.ts';

export interface StartOptions {
  /** Absolute. Made if it isn't there; wiped by stop(). */
  directory: string;
  /** false: lives on after this process (cluster-up). true: dies with it, even when it is killed. */
  diesWithStarter: boolean;
  /** Progress for people, one line at a time. */
  say: (line: string) => void;
  signal: AbortSignal;
  environment?: NodeJS.ProcessEnv;
  /** Of the control plane that is started; one that runs already keeps its own. */
  flags?: components.Flags;
}

interface Record {
  url: string;
  programs: Programs;
  startedAt: string;
}

const recordFile = (directory: string): string => join(directory, 'cluster.json');

/** A running control plane. Every path is absolute. */
export class Cluster {
  readonly directory: string;
  readonly url: string;
  readonly programs: Programs;
  readonly startedAt: string;

  constructor(directory: string, record: Record) {
    this.directory = directory;
    this.url = record.url;
    this.programs = record.programs;
    this.startedAt = record.startedAt;
  }

  get kubeconfig(): string {
    return kubeconfigOf(this.directory, 'admin');
  }

  get caFile(): string {
    return join(this.directory, files.ca);
  }

  /** One JSON line per answered request (audit.k8s.io/v1 Event, level Metadata); requests of KWOK aren't in it. */
  get auditLog(): string {
    return join(this.directory, components.auditLog);
  }

  kubeconfigFor(user: User): string {
    return kubeconfigOf(this.directory, user);
  }

  logOf(name: components.ComponentName): string {
    return join(this.directory, 'logs', `${name}.log`);
  }

  /** kubectl as admin; rejects with its own words. */
  kubectl(args: readonly string[], input?: string): Promise<string> {
    return runKubectl(this.programs, this.kubeconfig, args, input);
  }

  /** SIGKILL, as a crash: nothing is flushed, no client is told. */
  async killApiServer(): Promise<void> {
    await processes.killProcess(this.directory, 'kube-apiserver');
  }

  /** On the same port. KWOK starts anew with it: it drops what a lost connection interrupted and would never retry. */
  async startApiServer(signal: AbortSignal = AbortSignal.timeout(60_000)): Promise<void> {
    processes.restartProcess(this.directory, 'kube-apiserver');
    await untilApiServerIsReady(this.directory, this.url, signal);
    await this.restartKwok();
  }

  /** They list everything at once: after an API server was away each of their watches backs off by itself, for up to 45 s. */
  async restartControllers(): Promise<void> {
    for (const name of ['kube-scheduler', 'kube-controller-manager']) {
      await processes.stopProcess(this.directory, name);
      processes.restartProcess(this.directory, name);
    }
  }

  /** The same cluster, port and objects with other flags, as after an upgrade. Without any it is as it comes. */
  async restartWith(flags: components.Flags, signal: AbortSignal = AbortSignal.timeout(60_000)): Promise<void> {
    const { directory, programs } = this;
    for (const name of ['kube-scheduler', 'kube-controller-manager']) await processes.stopProcess(directory, name);
    await this.killApiServer();
    processes.startProcess(directory, components.apiServer(programs, Number(new URL(this.url).port), flags));
    await untilApiServerIsReady(directory, this.url, signal);
    startControllers(directory, programs, flags);
    await this.restartKwok();
  }

  /**
   * Every version and continue token handed out so far is Expired from here on. Compaction alone isn't enough: the API
   * server's watch cache still serves them. A new one's starts at the present, so it is killed and comes back.
   */
  async forgetHistory(): Promise<void> {
    await this.killApiServer();
    try {
      await compactEtcd(join(this.directory, components.etcdSocketFile));
    } finally {
      await this.startApiServer();
    }
  }

  /** What somebody with the keys of etcd can do: the API server learns of it by its watch. Texts of one length. */
  alterInEtcd(key: string, from: string, to: string): Promise<void> {
    return alterEtcd(join(this.directory, components.etcdSocketFile), key, from, to);
  }

  /** The leases go first: a new KWOK has a new identity and would wait until its predecessor's have run out. */
  async restartKwok(): Promise<void> {
    await processes.stopProcess(this.directory, 'kwok');
    const api = Api.fromKubeconfig(this.kubeconfig);
    await api.delete('/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases');
    await api.close();
    processes.restartProcess(this.directory, 'kwok');
  }

  /** What runs, by component. */
  pids(): Map<components.ComponentName, number | undefined> {
    return new Map(components.componentNames.map((name) => [name, processes.alivePid(this.directory, name)]));
  }

  /** Every component runs. Whether it is well is another question. */
  get isUp(): boolean {
    return [...this.pids().values()].every((pid) => pid !== undefined);
  }

  /** Stops every component, the API server before etcd, and removes the directory. Idempotent. */
  async stop(): Promise<void> {
    await stopCluster(this.directory);
  }
}

/** The cluster in this directory, running or not; undefined when there is none. */
export function openCluster(directory: string): Cluster | undefined {
  if (!existsSync(recordFile(directory))) return undefined;
  return new Cluster(directory, JSON.parse(readFileSync(recordFile(directory), 'utf8')) as Record);
}

/**
 * Also after a crash: it needs nothing but the pid files. Everything that was started in the directory ends, the API
 * server next to last and etcd last. The keeper ends by itself.
 */
export async function stopCluster(directory: string): Promise<void> {
  const last = ['kube-apiserver', 'etcd'];
  const first = processes.startedProcesses(directory).filter((name) => name !== 'keeper' && !last.includes(name));
  await Promise.all(first.map((name) => processes.stopProcess(directory, name)));
  for (const name of last) await processes.stopProcess(directory, name);
  rmSync(directory, { recursive: true, force: true });
}

async function untilApiServerIsReady(directory: string, url: string, signal: AbortSignal): Promise<void> {
  await until(
    async () => {
      if (processes.alivePid(directory, 'kube-apiserver') === undefined)
        throw new EndedEarly(directory, 'kube-apiserver');
      const api = Api.fromKubeconfig(kubeconfigOf(directory, 'admin'));
      try {
        return (await api.get<string>('/readyz')) === 'ok';
      } finally {
        await api.close();
      }
    },
    {
      what: `the API server at ${url}`,
      timeoutMilliseconds: 60_000,
      signal,
      giveUpOn: (error) => error instanceof EndedEarly,
    },
  );
}

/** A component that ends while it should start; the message holds the end of its log. */
class EndedEarly extends Error {
  readonly log: string;
  constructor(directory: string, name: string) {
    const log = readFileSync(join(directory, 'logs', `${name}.log`), 'utf8');
    super(`${name} ended at once:\n${log.trim().split('\n').slice(-8).join('\n')}`);
    this.log = log;
  }
}

function prepareDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  for (const folder of ['credentials', 'logs', 'pids'])
    mkdirSync(join(directory, folder), { recursive: true, mode: 0o700 });
  for (const [path, content] of Object.entries(components.configurationFiles(directory))) {
    writeFileSync(join(directory, path), JSON.stringify(content, undefined, 2));
  }
}

/** Ends the cluster when this process does, however it does: the keeper sees its standard input close. */
function startKeeper(directory: string): void {
  const program = [...components.stripTypes, join(import.meta.dirname, 'keeper.ts'), directory];
  const command = { name: 'keeper', program: process.execPath, arguments: program };
  const keeper = processes.startProcess(directory, command, 'pipe');
  const pipe = keeper.stdin as Socket | null;
  pipe?.unref();
}

/** The port was free a moment ago; if someone took it meanwhile the server ends, and the next one is tried. */
async function startServer(
  directory: string,
  programs: Programs,
  flags: components.Flags,
  signal: AbortSignal,
): Promise<string> {
  const tokens = writeSecrets(directory);
  processes.startProcess(directory, components.etcd(programs));
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const url = `https://127.0.0.1:${port}`;
    writeKubeconfigs(directory, url, tokens);
    processes.startProcess(directory, components.apiServer(programs, port, flags));
    try {
      await untilApiServerIsReady(directory, url, signal);
      return url;
    } catch (error) {
      const portWasTaken = error instanceof EndedEarly && error.log.includes('address already in use');
      if (!portWasTaken || attempt === 5) throw error;
    }
  }
}

function startControllers(directory: string, programs: Programs, flags: components.Flags): void {
  processes.startProcess(directory, components.controllerManager(programs, directory, flags));
  processes.startProcess(directory, components.scheduler(programs, directory, flags));
}

/** The controller manager works once it has made the default service account: Pods are refused before that. */
async function untilPodsAreAccepted(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const api = Api.fromKubeconfig(cluster.kubeconfig);
  const account = '/api/v1/namespaces/default/serviceaccounts/default';
  const what = `the controller manager (see ${cluster.logOf('kube-controller-manager')})`;
  await until(async () => (await api.get(account)).kind === 'ServiceAccount', {
    what,
    timeoutMilliseconds: 60_000,
    signal,
  });
  await api.close();
}

function playNodes(directory: string, programs: Programs, kwokConfig: string, actorConfig: string): void {
  processes.startProcess(directory, components.kwok(programs, kwokConfig, stageFiles));
  processes.startProcess(directory, components.containerActor(actorConfig));
}

/**
 * KWOK and the container actor as local processes against a cluster that someone else runs (kind, or the user's own).
 * They touch only nodes labelled type=kwok, and the Pods on those. Ended by stopCluster(directory).
 */
export async function playNodesOf(kubeconfig: string, options: StartOptions): Promise<Programs> {
  const { directory, say, signal } = options;
  const { programs } = await findPrograms(options.environment ?? process.env, say, signal);
  await stopCluster(directory);
  prepareDirectory(directory);
  if (options.diesWithStarter) startKeeper(directory);
  playNodes(directory, programs, kubeconfig, kubeconfig);
  return programs;
}

async function startAll(options: StartOptions, programs: Programs): Promise<Cluster> {
  const { directory, signal, flags = {} } = options;
  prepareDirectory(directory);
  if (options.diesWithStarter) startKeeper(directory);
  const url = await startServer(directory, programs, flags, signal);
  const record: Record = { url, programs, startedAt: new Date().toISOString() };
  writeFileSync(recordFile(directory), JSON.stringify(record, undefined, 2));
  const cluster = new Cluster(directory, record);
  startControllers(directory, programs, flags);
  playNodes(directory, programs, cluster.kubeconfigFor('kwok'), cluster.kubeconfigFor('container-actor'));
  await untilPodsAreAccepted(cluster, signal);
  return cluster;
}

/** Starts a control plane, or hands back the one that already runs in this directory. Failed starts leave nothing. */
export async function startCluster(options: StartOptions): Promise<Cluster> {
  const { directory, say, signal } = options;
  const { programs } = await findPrograms(options.environment ?? process.env, say, signal);
  return withLock(`${directory}.lock`, say, signal, async () => {
    const existing = openCluster(directory);
    if (existing?.isUp) return existing;
    await stopCluster(directory); // what a crash may have left
    try {
      return await startAll(options, programs);
    } catch (error) {
      await stopCluster(directory);
      throw error;
    }
  });
}
