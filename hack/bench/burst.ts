// The burst: the same jobs as bare Jobs, by the prototype, as GPUJobs and as their twins in turns, so that whatever else the
// machine does hits all of them. The operator is there only while its own round runs: the ceilings are the cluster without it.
import type { KubernetesObject } from '../api/client.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { OperatorProcess } from '../operator/process.ts';
import { progress } from '../terminal/progress.ts';
import { type JobState, isComplete } from './bare-jobs.ts';
import { gpuJobsOf, jobsOf } from './gpujobs.ts';
import type { Offer } from './offer.ts';
import { type ProcessUsage, processUsage } from './process-usage.ts';
import { installPrototype, prototype, prototypesOf, runPrototype } from './prototype.ts';
import { type RequestCounts, endOfLog, requestsSince } from './requests.ts';
import { completeAll, createNamespace, emptyNamespace, type Round } from './round.ts';
import { operatorOn, type Stage } from './stage.ts';
import { type Model, claimsOf, nextModel, twinClaims, twinJob } from './twins.ts';

export interface BurstOptions {
  readonly count: number;
  readonly rounds: number;
  readonly offer: Offer;
}

export interface BareRound {
  readonly perSecond: number;
  /** Milliseconds a job: of each process of the control plane, the played nodes, the bench itself and the operator. */
  readonly cpuByProcess: CPUByProcess;
}

export type CPUByProcess = ReadonlyMap<string, number>;

export interface GPUJobRound extends BareRound {
  /** What one of its GPUJobs became. */
  readonly model: Model;
  readonly usage: ProcessUsage;
  /** While the round ran. */
  readonly requests: RequestCounts;
}

export interface Burst {
  /** Jobs in each round. */
  readonly count: number;
  readonly bareRounds: readonly BareRound[];
  readonly prototypeRounds: readonly BareRound[];
  readonly gpuJobRounds: readonly GPUJobRound[];
  /** What the GPUJobs became, made by hand. */
  readonly twinRounds: readonly BareRound[];
}

const namespace = 'bench';
/** Theirs alone: what goes with them is deleted with them. */
const twinNamespace = 'bench-twins';
/** Not counted: both sides' code is compiled and their connections are open before the clock runs. */
const warmUpCount = 100;
/** A fresh operator's code is compiled by V8 while it runs; the control plane's was before it started. */
const operatorWarmUpCount = 300;

export async function burst(stage: Stage, { count, rounds, offer }: BurstOptions): Promise<Burst> {
  await createNamespace(stage.api, namespace);
  await offer.prepare(stage.api, namespace);
  await createNamespace(stage.api, twinNamespace);
  await installPrototype(stage.api);
  await bareRound(stage, offer, warmUpCount, 'Warm-up');
  await prototypeRound(stage, offer, warmUpCount, 'Warm-up of the prototype');
  const bareRounds: BareRound[] = [];
  const prototypeRounds: BareRound[] = [];
  const gpuJobRounds: GPUJobRound[] = [];
  const twinRounds: BareRound[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    bareRounds.push(await bareRound(stage, offer, count, `Round ${round} of ${rounds}, bare Jobs`));
    prototypeRounds.push(await prototypeRound(stage, offer, count, `Round ${round} of ${rounds}, prototype`));
    const playTwins = async (model: Model): Promise<void> => {
      twinRounds.push(await twinRound(stage, model, count, `Round ${round} of ${rounds}, twins of GPUJobs`));
    };
    const before = gpuJobRounds.at(-1);
    // First the ones, then the others: a machine that gets slower or faster does so to both.
    const twinsFirst = before !== undefined && round % 2 === 0;
    if (twinsFirst) await playTwins(before.model);
    const gpuJobs = await gpuJobRound(stage, offer, count, `Round ${round} of ${rounds}, GPUJobs`);
    gpuJobRounds.push(gpuJobs);
    if (!twinsFirst) await playTwins(gpuJobs.model);
  }
  return { count, bareRounds, prototypeRounds, gpuJobRounds, twinRounds };
}

function bareRound(stage: Stage, offer: Offer, count: number, title: string): Promise<BareRound> {
  const manifest = (index: number): KubernetesObject => offer.bareJob(`bare-${index}`);
  return withoutOperator(stage, { collection: jobsOf(namespace), manifest, count, title });
}

async function prototypeRound(stage: Stage, offer: Offer, count: number, title: string): Promise<BareRound> {
  const manifest = (index: number): KubernetesObject => prototype(`prototype-${index}`);
  const stop = new AbortController();
  const running = runPrototype(
    { kubeconfig: stage.cluster.kubeconfig, namespace, jobOf: offer.bareJob },
    AbortSignal.any([stop.signal, stage.signal]),
  );
  try {
    return await withoutOperator(stage, { collection: prototypesOf(namespace), manifest, count, title });
  } finally {
    stop.abort();
    await running;
  }
}

function twinRound(stage: Stage, model: Model, count: number, title: string): Promise<BareRound> {
  return withoutOperator(stage, {
    collection: jobsOf(twinNamespace),
    first: (index) => twinClaims(model, twinNamespace, index),
    manifest: (index) => twinJob(model, index),
    ...{ namespace: twinNamespace, count, title },
  });
}

async function withoutOperator(stage: Stage, work: Work): Promise<BareRound> {
  const before = cpuSeconds(stage.cluster);
  const { seconds, seen: after } = await complete(stage, work, () => cpuSeconds(stage.cluster));
  return { perSecond: work.count / seconds, cpuByProcess: perJob(before, after, work.count) };
}

async function gpuJobRound(stage: Stage, offer: Offer, count: number, title: string): Promise<GPUJobRound> {
  const profile = stage.profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${stage.profileFolder}`];
  const operator = await operatorOn(stage, profile);
  try {
    const warmUp = gpuJobs(offer, operatorWarmUpCount, `${title} (warm-up)`);
    const next = nextModel(stage.api, namespace, offer.byClaim);
    const [model] = await Promise.all([next, complete(stage, warmUp, () => undefined)]);
    return { ...(await measured(stage, operator, gpuJobs(offer, count, title))), model };
  } finally {
    await operator.stop();
  }
}

interface Work extends Pick<Round<KubernetesObject>, 'collection' | 'manifest' | 'first' | 'count'> {
  /** Default: the bench's. */
  readonly namespace?: string;
  readonly title: string;
}

function gpuJobs({ gpuJob }: Offer, count: number, title: string): Work {
  return { collection: gpuJobsOf(namespace), manifest: (index) => gpuJob(`job-${index}`), count, title };
}

async function measured(stage: Stage, { pid }: OperatorProcess, work: Work): Promise<Omit<GPUJobRound, 'model'>> {
  const { auditLog } = stage.cluster;
  const position = endOfLog(auditLog);
  const before = cpuSeconds(stage.cluster, pid);
  const { seconds, seen } = await complete(stage, work, () => ({
    after: cpuSeconds(stage.cluster, pid),
    usage: processUsage(pid),
    requests: requestsSince(auditLog, position),
  }));
  const { after, ...rest } = seen;
  return { perSecond: work.count / seconds, cpuByProcess: perJob(before, after, work.count), ...rest };
}

/** So far, by process. It tells a ratio even where other work takes the machine's time. */
function cpuSeconds(cluster: Cluster, operatorPid?: number): CPUByProcess {
  const pids = new Map<string, number | undefined>([
    ...cluster.pids(),
    ['operator', operatorPid],
    ['bench', process.pid],
  ]);
  const running = [...pids].filter((entry): entry is [string, number] => entry[1] !== undefined);
  return new Map(running.map(([name, pid]) => [name, processUsage(pid).cpuSeconds]));
}

function perJob(before: CPUByProcess, after: CPUByProcess, count: number): CPUByProcess {
  return new Map([...after].map(([name, seconds]) => [name, ((seconds - (before.get(name) ?? 0)) * 1_000) / count]));
}

/** `look` is called at the end of it, before anything is cleaned up. */
async function complete<Seen>(
  { api, signal }: Stage,
  { title, namespace: where = namespace, ...work }: Work,
  look: () => Seen | Promise<Seen>,
): Promise<{ seconds: number; seen: Seen }> {
  const bar = progress(title);
  const onProgress = (done: number): void => {
    bar.update(done, work.count, 'complete');
  };
  const seconds = await completeAll<JobState>(api, { ...work, isComplete, onProgress, signal });
  bar.stop();
  const seen = await look();
  const own = work.first === undefined ? [] : [claimsOf(where)];
  await emptyNamespace(api, where, [...new Set([work.collection, jobsOf(where), ...own])]);
  return { seconds, seen };
}
