// Submits tasks in their order and waits until the cluster has come to rest: whoever fits is bound, the others wait for a
// reason that lasts. The nodes and the operator must be there already.
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Api, KubernetesObject } from '../api/client.ts';
import { follow } from '../api/follow.ts';
import { inParallel } from '../api/parallel.ts';
import { gpuJobsOf, podsOf } from '../bench/gpujobs.ts';
import type { TraceTask } from '../openb/trace.ts';
import type { Progress } from '../terminal/progress.ts';
import { type Speed, podOf, wholeCardsJobOf } from './objects.ts';
import { type GPUJobState, type PodState, type Standing, Standings, isLasting } from './standing.ts';

/** So few at a time that they arrive nearly in the trace's order. */
export const clients = 8;
/** The planner looks again every 5 s where somebody waits; three times without any news is rest. */
const restMilliseconds = 15_000;
const lookMilliseconds = 250;
/** A client that waits for its task goes on after this long, whatever became of it. */
const settlingMilliseconds = 60_000;

export interface ReplayOptions {
  readonly api: Api;
  /** Empty, and takes Pods. */
  readonly namespace: string;
  readonly tasks: readonly TraceTask[];
  readonly speed: Speed;
  /** What a task with cards is; default: a GPUJob for whole cards. */
  readonly jobOf?: (task: TraceTask, speed: Speed) => KubernetesObject;
  /** Default: as fast as the API server takes them. */
  readonly submission?: 'AtOnce' | 'WhenSettled';
  readonly pause?: Pause;
  readonly bar: Progress;
  readonly signal: AbortSignal;
}

/** Between two parts of the tasks: the second is submitted when the first has come to rest. */
export interface Pause {
  readonly afterTasks: number;
  readonly atRest: () => Promise<void>;
}

export interface Replayed {
  readonly gpuJobs: ReadonlyMap<string, Standing>;
  readonly pods: ReadonlyMap<string, Standing>;
  /** Of the GPUJobs that were bound. */
  readonly waitedMilliseconds: readonly number[];
  /** Held by Pods at the same time; without departures that is at the end. */
  readonly mostCardsHeld: number;
  readonly seconds: number;
  /** False: it was still moving when its time was up. */
  readonly cameToRest: boolean;
}

interface Names {
  readonly gpuJobs: readonly string[];
  readonly pods: readonly string[];
}

export async function replay(options: ReplayOptions): Promise<Replayed> {
  const { api, namespace, tasks, pause, signal } = options;
  const started = performance.now();
  const standings = new Standings();
  const stop = new AbortController();
  const following = followAll(api, namespace, standings, AbortSignal.any([signal, stop.signal]));
  try {
    const rests: Rest[] = [];
    if (pause !== undefined) {
      rests.push(await playPart(options, standings, 0, pause.afterTasks));
      await pause.atRest();
    }
    rests.push(await playPart(options, standings, pause?.afterTasks ?? 0, tasks.length));
    const names = namesOf(tasks);
    return {
      gpuJobs: new Map(names.gpuJobs.map((name) => [name, standings.ofGPUJob(name)])),
      pods: new Map(names.pods.map((name) => [name, standings.ofPod(name)])),
      waitedMilliseconds: standings.waitedMilliseconds,
      seconds: (performance.now() - started) / 1_000,
      mostCardsHeld: Math.max(...rests.map(({ mostCardsHeld }) => mostCardsHeld)),
      cameToRest: rests.every(({ cameToRest }) => cameToRest),
    };
  } finally {
    stop.abort();
    await following;
  }
}

type Rest = Pick<Replayed, 'mostCardsHeld' | 'cameToRest'>;

/** Submits the tasks from one number to another; at rest are then all up to there. */
async function playPart(options: ReplayOptions, standings: Standings, from: number, to: number): Promise<Rest> {
  const { tasks } = options;
  const submitted = submitAll({ ...options, tasks: tasks.slice(from, to) }, standings);
  const names = namesOf(tasks.slice(0, to));
  const [rest] = await Promise.all([untilRest(options, names, standings, submitted), submitted]);
  return rest;
}

function namesOf(tasks: readonly TraceTask[]): Names {
  return {
    gpuJobs: tasks.filter(({ cards }) => cards > 0).map(({ name }) => name),
    pods: tasks.filter(({ cards }) => cards === 0).map(({ name }) => name),
  };
}

async function followAll(api: Api, namespace: string, standings: Standings, signal: AbortSignal): Promise<void> {
  const gpuJobs = {
    onList: (items: GPUJobState[]): void => {
      for (const item of items) standings.gpuJob(item);
    },
    onChange: (_type: string, gpujob: GPUJobState): void => {
      standings.gpuJob(gpujob);
    },
  };
  const pods = {
    onList: (items: PodState[]): void => {
      for (const item of items) standings.pod(item);
    },
    onChange: (type: string, pod: PodState): void => {
      if (type === 'DELETED') standings.podIsGone(pod);
      else standings.pod(pod);
    },
  };
  await Promise.all([
    follow<GPUJobState>(api, gpuJobsOf(namespace), gpuJobs, signal),
    follow<PodState>(api, podsOf(namespace), pods, signal),
  ]);
}

async function submitAll(options: ReplayOptions, standings: Standings): Promise<void> {
  const { api, namespace, tasks, speed, jobOf = wholeCardsJobOf, submission = 'AtOnce', signal } = options;
  await inParallel(tasks, clients, async (task) => {
    signal.throwIfAborted();
    standings.submitting(task.name);
    if (task.cards > 0) await api.create(gpuJobsOf(namespace), jobOf(task, speed));
    else await api.create(podsOf(namespace), podOf(task, speed));
    if (submission === 'WhenSettled') {
      const patience = delay(settlingMilliseconds, undefined, { signal, ref: false });
      await Promise.race([standings.untilSettled(task.name), patience]);
    }
  });
}

async function untilRest(
  { tasks, bar, signal, speed }: ReplayOptions,
  names: Names,
  standings: Standings,
  submitted: Promise<void>,
): Promise<Rest> {
  const deadline = performance.now() + 300_000 + tasks.length * 500;
  const state = { allSubmitted: false };
  submitted.then(
    () => (state.allSubmitted = true),
    () => undefined, // said by whoever waits for it
  );
  let mostCardsHeld = 0;
  while (performance.now() < deadline) {
    const now = [
      ...names.gpuJobs.map((name) => standings.ofGPUJob(name)),
      ...names.pods.map((name) => standings.ofPod(name)),
    ];
    mostCardsHeld = Math.max(mostCardsHeld, cardsHeld(now));
    const settled = now.filter(({ kind }) => kind === 'Ended' || (kind === 'Bound' && speed === 0)).length;
    bar.update(settled, tasks.length, progressNote(now, speed));
    if (state.allSubmitted && isAtRest(now, settled, standings)) return { mostCardsHeld, cameToRest: true };
    await delay(lookMilliseconds, undefined, { signal });
  }
  return { mostCardsHeld, cameToRest: false };
}

function cardsHeld(standings: readonly Standing[]): number {
  return standings.reduce((sum, standing) => sum + (standing.kind === 'Bound' ? standing.cards : 0), 0);
}

function progressNote(standings: readonly Standing[], speed: Speed): string {
  const waiting = standings.filter(({ kind }) => kind === 'Waiting').length;
  return `${speed === 0 ? 'placed' : 'ended'}, ${waiting} wait`;
}

function isAtRest(now: readonly Standing[], settled: number, standings: Standings): boolean {
  if (settled === now.length) return true;
  return now.every(isLasting) && performance.now() - standings.changedAt > restMilliseconds;
}
