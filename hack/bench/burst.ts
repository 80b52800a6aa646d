// The burst: the same jobs as bare Jobs and as GPUJobs in turns, so that whatever else the machine does hits both. The
// operator is there only while its own round runs: the ceiling is the cluster alone.
import type { Api } from '../api/client.ts';
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

export interface GPUJobRound {
  readonly perSecond: number;
  readonly cpuMillisecondsPerJob: number;
  readonly usage: ProcessUsage;
  /** While the round ran. */
  readonly requests: RequestCounts;
}

export interface Burst {
  /** Jobs in each round. */
  readonly count: number;
  readonly bareJobsPerSecond: readonly number[];
  readonly gpuJobRounds: readonly GPUJobRound[];
}

const namespace = 'bench';
/** Not counted: both sides' code is compiled and their connections are open before the clock runs. */
const warmUpCount = 100;

export async function burst(stage: Stage, { count, rounds }: BurstOptions): Promise<Burst> {
  await createNamespace(stage.api, namespace);
  await bareRound(stage, warmUpCount, 'Warm-up');
  const bareJobsPerSecond: number[] = [];
  const gpuJobRounds: GPUJobRound[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    bareJobsPerSecond.push(await bareRound(stage, count, `Round ${round} of ${rounds}, bare Jobs`));
    gpuJobRounds.push(await gpuJobRound(stage, count, `Round ${round} of ${rounds}, GPUJobs`));
  }
  return { count, bareJobsPerSecond, gpuJobRounds };
}

async function bareRound({ api, signal }: Stage, count: number, title: string): Promise<number> {
  const collection = jobsOf(namespace);
  const bar = progress(title);
  const seconds = await completeAll<JobState>(api, {
    collection,
    count,
    manifest: (index) => bareJob(`bare-${index}`),
    isComplete,
    onProgress: (done) => {
      bar.update(done, count, 'complete');
    },
    signal,
  });
  bar.stop();
  await emptyNamespace(api, namespace, [collection]);
  return count / seconds;
}

async function gpuJobRound(stage: Stage, count: number, title: string): Promise<GPUJobRound> {
  const operator = await startOperator({
    directory: stage.cluster.directory,
    kubeconfig: stage.operatorKubeconfig,
    signal: stage.signal,
    nodeArguments: stage.profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${stage.profileFolder}`],
  });
  try {
    await complete(stage, warmUpCount, `${title} (warm-up)`);
    return await measured(stage, operator, count, title);
  } finally {
    await operator.stop();
  }
}

async function measured(stage: Stage, { pid }: OperatorProcess, count: number, title: string): Promise<GPUJobRound> {
  const { auditLog } = stage.cluster;
  const before = processUsage(pid);
  const position = endOfLog(auditLog);
  let usage = before;
  let requests: RequestCounts = new Map();
  const seconds = await complete(stage, count, title, () => {
    usage = processUsage(pid);
    requests = requestsSince(auditLog, position);
  });
  const cpuMillisecondsPerJob = ((usage.cpuSeconds - before.cpuSeconds) * 1_000) / count;
  return { perSecond: count / seconds, cpuMillisecondsPerJob, usage, requests };
}

/** onEnd is called before anything is cleaned up. */
async function complete(
  { api, signal }: Stage,
  count: number,
  title: string,
  onEnd: () => void = () => undefined,
): Promise<number> {
  const collection = gpuJobsOf(namespace);
  const bar = progress(title);
  const seconds = await completeAll<JobState>(api, {
    collection,
    count,
    manifest: (index) => gpuJob(`job-${index}`),
    isComplete,
    onProgress: (done) => {
      bar.update(done, count, 'complete');
    },
    signal,
  });
  bar.stop();
  onEnd();
  await emptyNamespace(api, namespace, [collection, jobsOf(namespace)]);
  return seconds;
}
