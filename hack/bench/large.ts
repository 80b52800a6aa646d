// A large cluster: what the operator weighs with 10,000 GPUJobs on 1,213 nodes, and how soon it places again after an
// orderly restart. It fills the cluster and leaves it full: it is thrown away afterwards.
import { performance } from 'node:perf_hooks';
import type { Api, KubernetesObject } from '../api/client.ts';
import { inParallel } from '../api/parallel.ts';
import { follow } from '../api/follow.ts';
import { waitFor } from '../api/wait.ts';
import { createNodes } from '../nodes/create.ts';
import { nodes } from '../nodes/inventory.ts';
import { nvidiaCards } from '../nodes/node.ts';
import { progress } from '../terminal/progress.ts';
import { gpuJob, gpuJobsOf, podsOf } from './gpujobs.ts';
import { type ProcessUsage, processUsage } from './process-usage.ts';
import { createNamespace } from './round.ts';
import { operatorOn, type Stage } from './stage.ts';

const nodeCount = 1_213;
const cardsPerNode = 8;
const gpuJobCount = 10_000;
/** Deleted while the operator is away, so that it has something to place when it is back. */
const freedCount = 50;
const namespace = 'bench-large';
const patienceMilliseconds = 900_000;

export interface Large {
  readonly nodes: number;
  readonly gpuJobs: number;
  readonly placed: number;
  readonly usage: ProcessUsage;
  readonly restarted: ProcessUsage;
  readonly restartSeconds: number;
}

interface GPUJobState extends KubernetesObject {
  status?: { conditions?: { type: string; status: string }[] };
}

function hasBeenJudged({ status }: GPUJobState): boolean {
  return status?.conditions !== undefined;
}

function isPlaced({ status }: GPUJobState): boolean {
  return status?.conditions?.some((condition) => condition.type === 'Placed' && condition.status === 'True') ?? false;
}

export async function large(stage: Stage): Promise<Large> {
  const { api } = stage;
  const prefix = 'large';
  const existing = await api.get<{ items: unknown[] }>('/api/v1/nodes');
  await createNodes(api, nodes(nodeCount - existing.items.length, nvidiaCards.a100x80(cardsPerNode), prefix));
  await createNamespace(api, namespace);
  const first = await operatorOn(stage);
  const placed = await fill(stage);
  const usage = processUsage(first.pid);
  await first.stop();
  await freeSome(api, placed);
  const started = performance.now();
  const second = await operatorOn(stage);
  await untilPlacedAgain(stage, placed);
  const restartSeconds = (performance.now() - started) / 1_000;
  const restarted = processUsage(second.pid);
  await second.stop();
  return { nodes: nodeCount, gpuJobs: gpuJobCount, placed: placed.size, usage, restarted, restartSeconds };
}

/** The names of the GPUJobs that have cards, once each is either placed or told why it waits. */
async function fill({ api, signal }: Stage): Promise<Set<string>> {
  const bar = progress(`${gpuJobCount} GPUJobs on ${nodeCount} nodes`);
  const created = inParallel(Array.from({ length: gpuJobCount }).keys(), 32, async (index) => {
    signal.throwIfAborted();
    await api.create(gpuJobsOf(namespace), gpuJob(`job-${index}`, { runSeconds: 'forever' }));
  });
  const judged = new Set<string>();
  const placed = new Set<string>();
  const isFull = (): boolean =>
    placed.size >= Math.min(gpuJobCount, nodeCount * cardsPerNode) && judged.size === gpuJobCount;
  const look = (gpujob: GPUJobState): void => {
    if (hasBeenJudged(gpujob)) judged.add(gpujob.metadata.name);
    if (isPlaced(gpujob)) placed.add(gpujob.metadata.name);
    bar.update(judged.size, gpuJobCount, `judged, ${placed.size} placed`);
  };
  await Promise.all([created, followUntil(api, look, isFull, signal)]);
  bar.stop();
  return placed;
}

/** Looks at every GPUJob as it is and as it becomes, until the condition holds. */
async function followUntil(
  api: Api,
  look: (gpujob: GPUJobState) => void,
  condition: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const lookAt = (gpujob: GPUJobState): void => {
    look(gpujob);
    if (condition()) stop.abort();
  };
  const limit = AbortSignal.any([signal, stop.signal, AbortSignal.timeout(patienceMilliseconds)]);
  const onList = (items: GPUJobState[]): void => {
    for (const item of items) lookAt(item);
  };
  const onChange = (_type: string, object: GPUJobState): void => {
    lookAt(object);
  };
  await follow<GPUJobState>(api, gpuJobsOf(namespace), { onList, onChange }, limit);
  signal.throwIfAborted();
  if (!condition()) throw new Error(`not all GPUJobs were judged within ${patienceMilliseconds / 1_000} s`);
}

async function freeSome(api: Api, placed: ReadonlySet<string>): Promise<void> {
  const freed = [...placed].slice(0, freedCount);
  await inParallel(freed, 32, async (name) => {
    await api.delete(`${gpuJobsOf(namespace)}/${name}`, { propagationPolicy: 'Background' });
  });
  await waitFor(api, `${podsOf(namespace)}?labelSelector=orquanta.io/gpujob+in+(${freed.join(',')})`, {
    what: `the Pods of ${freed.length} deleted GPUJobs to be gone`,
    timeoutMilliseconds: 120_000,
    until: (seen) => seen.length === 0,
  });
}

async function untilPlacedAgain({ api, signal }: Stage, before: ReadonlySet<string>): Promise<void> {
  let placedAgain = false;
  const look = (gpujob: GPUJobState): void => {
    placedAgain ||= isPlaced(gpujob) && !before.has(gpujob.metadata.name);
  };
  await followUntil(api, look, () => placedAgain, signal);
}
