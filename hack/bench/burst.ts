// The burst: the same jobs as bare Jobs and as GPUJobs in turns, so that whatever else the machine does hits both. The
// operator is there only while its own round runs: the ceiling is the cluster alone.
import type { Api, KubernetesObject } from '../api/client.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { type OperatorProcess, startOperator } from '../operator/process.ts';
import { progress } from '../terminal/progress.ts';
import { type JobState, bareJob, isComplete } from './bare-jobs.ts';
import { gpuJob, gpuJobsOf, jobsOf } from './gpujobs.ts';
import { type ProcessUsage, processUsage } from './process-usage.ts';
import { type RequestCounts, endOfLog, requestsSince } from './requests.ts';
import { completeAll, createNamespace, emptyNamespace } from './round.ts';

export interface Stage {
  readonly api: Api;
  readonly cluster: Cluster;
  /** Of the operator's own service account. */
  readonly operatorKubeconfig: string;
  readonly signal: AbortSignal;
  /** Where to write a CPU profile of the operator for each burst; it slows the operator down. */
  readonly profileFolder?: string;
}

export interface BurstOptions {
  readonly count: number;
  readonly rounds: number;
}

export interface BareRound {
  readonly perSecond: number;
  /** Of the control plane, the played nodes and the bench itself. */
  readonly totalCPUMillisecondsPerJob: number;
}

export interface GPUJobRound extends BareRound {
  /** Of the operator, which is in the total as well. */
  readonly cpuMillisecondsPerJob: number;
  readonly usage: ProcessUsage;
  /** While the round ran. */
  readonly requests: RequestCounts;
}

export interface Burst {
  /** Jobs in each round. */
  readonly count: number;
  readonly bareRounds: readonly BareRound[];
  readonly gpuJobRounds: readonly GPUJobRound[];
}

const namespace = 'bench';
/** Not counted: both sides' code is compiled and their connections are open before the clock runs. */
const warmUpCount = 100;

export async function burst(stage: Stage, { count, rounds }: BurstOptions): Promise<Burst> {
  await createNamespace(stage.api, namespace);
  await bareRound(stage, warmUpCount, 'Warm-up');
  const bareRounds: BareRound[] = [];
  const gpuJobRounds: GPUJobRound[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    bareRounds.push(await bareRound(stage, count, `Round ${round} of ${rounds}, bare Jobs`));
    gpuJobRounds.push(await gpuJobRound(stage, count, `Round ${round} of ${rounds}, GPUJobs`));
  }
  return { count, bareRounds, gpuJobRounds };
}

async function bareRound(stage: Stage, count: number, title: string): Promise<BareRound> {
  const work = { collection: jobsOf(namespace), manifest: (index: number) => bareJob(`bare-${index}`), count, title };
  const before = totalCPUSeconds(stage.cluster);
  let after = before;
  const seconds = await complete(stage, work, () => {
    after = totalCPUSeconds(stage.cluster);
  });
  return { perSecond: count / seconds, totalCPUMillisecondsPerJob: ((after - before) * 1_000) / count };
}

async function gpuJobRound(stage: Stage, count: number, title: string): Promise<GPUJobRound> {
  const operator = await startOperator({
    directory: stage.cluster.directory,
    kubeconfig: stage.operatorKubeconfig,
    signal: stage.signal,
    nodeArguments: stage.profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${stage.profileFolder}`],
  });
  try {
    await complete(stage, gpuJobs(warmUpCount, `${title} (warm-up)`));
    return await measured(stage, operator, gpuJobs(count, title));
  } finally {
    await operator.stop();
  }
}

interface Work {
  readonly collection: string;
  readonly manifest: (index: number) => KubernetesObject;
  readonly count: number;
  readonly title: string;
}

function gpuJobs(count: number, title: string): Work {
  return { collection: gpuJobsOf(namespace), manifest: (index) => gpuJob(`job-${index}`), count, title };
}

interface Reading {
  readonly usage: ProcessUsage;
  readonly totalCPUSeconds: number;
}

async function measured(stage: Stage, { pid }: OperatorProcess, work: Work): Promise<GPUJobRound> {
  const { auditLog } = stage.cluster;
  const read = (): Reading => {
    const usage = processUsage(pid);
    return { usage, totalCPUSeconds: totalCPUSeconds(stage.cluster) + usage.cpuSeconds };
  };
  const position = endOfLog(auditLog);
  const before = read();
  let after = before;
  let requests: RequestCounts = new Map();
  const seconds = await complete(stage, work, () => {
    after = read();
    requests = requestsSince(auditLog, position);
  });
  const perJob = (cpuSeconds: number): number => (cpuSeconds * 1_000) / work.count;
  return {
    perSecond: work.count / seconds,
    totalCPUMillisecondsPerJob: perJob(after.totalCPUSeconds - before.totalCPUSeconds),
    cpuMillisecondsPerJob: perJob(after.usage.cpuSeconds - before.usage.cpuSeconds),
    usage: after.usage,
    requests,
  };
}

/** Of the cluster's processes and this one. It tells a ratio even where other work takes the machine's time. */
function totalCPUSeconds(cluster: Cluster): number {
  const pids = [process.pid, ...cluster.pids().values()].filter((pid) => pid !== undefined);
  return pids.reduce((sum, pid) => sum + processUsage(pid).cpuSeconds, 0);
}

/** Seconds; onEnd is called before anything is cleaned up. */
async function complete(
  { api, signal }: Stage,
  { collection, manifest, count, title }: Work,
  onEnd: () => void = () => undefined,
): Promise<number> {
  const bar = progress(title);
  const onProgress = (done: number): void => {
    bar.update(done, count, 'complete');
  };
  const seconds = await completeAll<JobState>(api, { collection, count, manifest, isComplete, onProgress, signal });
  bar.stop();
  onEnd();
  await emptyNamespace(api, namespace, [...new Set([collection, jobsOf(namespace)])]);
  return seconds;
}
