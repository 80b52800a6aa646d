// A pure model of the API server, the Job controller and the containers, as far as `decide` can see them, for property
// tests. It is a model of the rules, not a stand-in for the control plane: e2e runs on the real one.
import type { Placement, Verdict } from '../../placement/model.ts';
import { labels } from '../../resources/labels.ts';
import type { GPUJob } from '../../resources/gpujob.ts';
import type { Job, Pod, ResourceClaim } from '../../runtime/kubernetes.ts';
import { decide } from '../decide/decide.ts';
import { isOver } from '../decide/run.ts';
import type { Effect } from '../effects.ts';
import type { Observation } from '../observation.ts';
import { reservationOf } from '../reservation.ts';
import { aGPUJob, anObservation, aPlacement, aPod, at, type PodState, start } from './builders.ts';

export type Room = 'Free' | 'Busy' | 'Never';

export interface World {
  milliseconds: number;
  version: number;
  gpujob: GPUJob;
  jobs: Job[];
  claims: ResourceClaim[];
  pods: Pod[];
  room: Room;
  /** What the catalogue has to say of the job. */
  catalogueWords: string | undefined;
  /** Every Job ever made, by name: a name in here twice is a run started twice. */
  made: string[];
  /** How often the words of the catalogue were made known. */
  warnings: number;
  /** How often a retry that somebody asked for was carried out. */
  retries: number;
}

export function aWorld(spec: Parameters<typeof aGPUJob>[0] = {}): World {
  const nothing = { jobs: [], claims: [], pods: [], made: [], warnings: 0, retries: 0, catalogueWords: undefined };
  return { milliseconds: 0, version: 1, gpujob: aGPUJob(spec), room: 'Free', ...nothing };
}

export function clone(world: World): World {
  return structuredClone(world);
}

/** Cards are held by claims: whoever has none has less to go wrong. */
function claiming(run: number): Placement {
  const what = { driver: 'gpu.nvidia.com', gpus: 1, identityAttribute: 'uuid', mebibytes: 20_480 };
  return { ...aPlacement(run), backend: 'DRA', claim: { ...what, match: {}, requests: {} } };
}

function verdictOn(world: World, run: number): Verdict {
  if (world.room === 'Free') return { kind: 'Placed', placement: claiming(run) };
  return world.room === 'Busy'
    ? { kind: 'Waiting', reason: 'CardsBusy', message: 'all busy' }
    : { kind: 'Waiting', reason: 'NeverFits', message: 'too large' };
}

export function observeWorld(world: World): Observation {
  const base = {
    gpujob: world.gpujob,
    jobs: world.jobs,
    claims: world.claims,
    pods: world.pods,
    catalogueWords: world.catalogueWords,
    nowMilliseconds: start + world.milliseconds,
  };
  const run = anObservation(base).workload.run;
  // Who is suspended asks for nothing.
  return anObservation({ ...base, verdict: world.gpujob.spec.suspend ? undefined : verdictOn(world, run) });
}

/** False: the precondition didn't hold, and everything behind it is not done. */
export function apply(world: World, seen: GPUJob, effect: Effect): boolean {
  switch (effect.kind) {
    case 'CreateJob':
      return createJob(world, effect);
    case 'DeleteJob':
      return deleteJob(world, effect);
    case 'WriteStatus':
      return writeStatus(world, seen, effect);
    case 'CreateClaims':
      return createClaim(world, effect);
    case 'DeleteClaim':
      deleteClaim(world, effect.claim.metadata.uid);
      return true;
    case 'CreateService':
    case 'DeleteService':
    case 'DeleteClaimTemplate':
    case 'TryJob':
    case 'Learn':
    case 'Settle':
      return true;
  }
}

function createJob(world: World, { job }: Extract<Effect, { kind: 'CreateJob' }>): boolean {
  const { name } = job.metadata;
  // "Already exists" with our own uid on it is success.
  if (world.jobs.some((one) => one.metadata.name === name)) return true;
  world.version += 1;
  world.made.push(name);
  const metadata = {
    ...job.metadata,
    uid: `${name}-uid-${world.made.length}`,
    resourceVersion: String(world.version),
    creationTimestamp: at(world.milliseconds),
  };
  world.jobs.push({ metadata, status: {} });
  return true;
}

function createClaim(world: World, { claims }: Extract<Effect, { kind: 'CreateClaims' }>): boolean {
  const found = world.claims.find(({ metadata }) => metadata.name === claims.metadata.name);
  if (found) return found.metadata.deletionTimestamp === undefined;
  world.version += 1;
  const version = String(world.version);
  const metadata = {
    ...claims.metadata,
    uid: `claim-${version}`,
    resourceVersion: version,
    creationTimestamp: at(world.milliseconds),
  };
  world.claims.push({ metadata, spec: {} });
  return true;
}

/** Who holds a card by it keeps it until he is over. */
export function deleteClaim(world: World, uid: string): void {
  const found = world.claims.find(({ metadata }) => metadata.uid === uid);
  if (!found) return;
  const { name } = found.metadata;
  if (!world.pods.some((pod) => `train-${pod.metadata.labels?.[labels.run]}` === name && !isOver(pod)))
    world.claims = world.claims.filter((claim) => claim !== found);
  else found.metadata = { ...found.metadata, deletionTimestamp: at(world.milliseconds) };
}

/** The claim controller takes the finalizer away when the last Pod is over. */
function releaseClaims(world: World): void {
  for (const { metadata } of world.claims) if (metadata.deletionTimestamp) deleteClaim(world, metadata.uid);
}

function deleteJob(world: World, effect: Extract<Effect, { kind: 'DeleteJob' }>): boolean {
  const found = world.jobs.find((job) => job.metadata.name === effect.name);
  if (!found) return true;
  if (found.metadata.uid !== effect.uid || found.metadata.resourceVersion !== effect.resourceVersion) return false;
  removeJob(world, effect.name);
  return true;
}

export function removeJob(world: World, name: string): void {
  const run = world.jobs.find((job) => job.metadata.name === name)?.metadata.labels?.[labels.run];
  world.jobs = world.jobs.filter((job) => job.metadata.name !== name);
  world.pods = world.pods.filter((pod) => pod.metadata.labels?.[labels.run] !== run);
  releaseClaims(world);
}

function writeStatus(world: World, seen: GPUJob, { status, facts }: Extract<Effect, { kind: 'WriteStatus' }>): boolean {
  if (seen.metadata.resourceVersion !== world.gpujob.metadata.resourceVersion) return false;
  world.warnings += facts.filter(({ kind }) => kind === 'CatalogueWarning').length;
  world.retries += facts.filter((fact) => fact.kind === 'Waiting' && fact.reason === 'Retrying').length;
  touch(world, { status });
  return true;
}

export function touch(world: World, change: Partial<GPUJob>, generations = 0): void {
  world.version += 1;
  const metadata = { ...world.gpujob.metadata, ...change.metadata };
  world.gpujob = {
    ...world.gpujob,
    ...change,
    metadata: {
      ...metadata,
      resourceVersion: String(world.version),
      generation: (metadata.generation ?? 1) + generations,
    },
  };
}

/** Decides and performs, from a view that may be older than the world; stops after `limit` effects, as a crash would. */
export function step(world: World, view: World = world, limit = Number.POSITIVE_INFINITY): number {
  const { effects } = decide(observeWorld(view));
  const seen = view.gpujob;
  let done = 0;
  for (const effect of effects.slice(0, limit)) {
    if (!apply(world, seen, effect)) break;
    done += 1;
  }
  return done;
}

/** Until there is nothing more to do at this moment. */
export function settle(world: World): void {
  for (let round = 0; round < 20; round += 1) {
    if (decide(observeWorld(world)).effects.length === 0) return;
    step(world);
  }
  throw new Error('decide never comes to rest');
}

// What others do to the world.

function liveJob(world: World): Job | undefined {
  return world.jobs.find((job) => (job.status?.conditions ?? []).length === 0);
}

function runOfJob(job: Job): number {
  return Number(job.metadata.labels?.[labels.run]);
}

/** Pods are as many as there are Jobs without an end, one each. */
export function setPod(world: World, state: PodState): void {
  const job = liveJob(world);
  if (!job) return;
  const run = runOfJob(job);
  const node = reservationOf(job)?.placement.workers[0]?.node ?? 'node-a';
  world.pods = world.pods.filter((pod) => pod.metadata.labels?.[labels.run] !== String(run));
  world.pods.push(aPod(run, { node, startedAt: world.milliseconds, ...state }));
}

export function endJob(world: World, type: 'Complete' | 'Failed'): void {
  const job = liveJob(world);
  if (!job) return;
  world.version += 1;
  job.metadata = { ...job.metadata, resourceVersion: String(world.version) };
  job.status = { conditions: [{ type, status: 'True' }] };
  releaseClaims(world);
}
