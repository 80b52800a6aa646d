// Carries out effects, in order, through fenced writes. It stops at the first error and decides nothing: what the server
// refused becomes a Refusal for `decide`, anything unexpected is thrown for the work queue's back-off.
import { keyOf } from '../runtime/resource.ts';
import type { ApiClient } from '../runtime/client.ts';
import { type ApiError, isApiError } from '../runtime/errors.ts';
import type { Job, ResourceClaim, ResourceClaimTemplate, Service } from '../runtime/kubernetes.ts';
import { jobs, type Resource, resourceClaims, resourceClaimTemplates, services } from '../runtime/resource.ts';
import type { Store } from '../runtime/store.ts';
import { type GPUJob, gpujobs, type GPUJobStatus } from '../resources/gpujob.ts';
import { annotations } from '../resources/labels.ts';
import type { RunBill } from '../policy/bill/run-bill.ts';
import type { Lesson } from '../policy/learner.ts';
import type { Effect, Fact } from './effects.ts';
import type { ClaimKind } from '../placement/allocation/backend.ts';
import type { ClaimsManifest, JobManifest, ServiceManifest } from './job.ts';
import type { Refusal } from './observation.ts';

export interface PerformContext {
  readonly client: ApiClient;
  readonly gpujobs: Store<GPUJob>;
  readonly jobs: Store<Job>;
  readonly resourceClaims: Store<ResourceClaim>;
  readonly signal: AbortSignal;
  readonly announce: (gpujob: GPUJob, fact: Fact) => void;
  /** The version of the policy that the failure made; undefined where it doesn't learn. */
  readonly learn: (gpujob: GPUJob, lesson: Lesson, signal: AbortSignal) => Promise<number | undefined>;
  /** What a run cost; undefined where it has no price. */
  readonly settle: (gpujob: GPUJob, bill: RunBill, until: number) => Promise<string | undefined>;
}

export type Performance =
  | { readonly kind: 'Done'; readonly statusWritten: boolean }
  /** Something newer exists: it is on its way to the store, and its arrival brings the next decision. */
  | { readonly kind: 'Outdated' }
  | { readonly kind: 'Refused'; readonly refusal: Pick<Refusal, 'kind' | 'message' | 'run'> };

/** What is done on the API server itself. */
type Deed = Exclude<Effect, { kind: 'Learn' | 'Settle' }>;

const done: Performance = { kind: 'Done', statusWritten: false };
const outdated: Performance = { kind: 'Outdated' };

export async function perform(
  gpujob: GPUJob,
  effects: readonly Effect[],
  context: PerformContext,
): Promise<Performance> {
  let statusWritten = false;
  const found: Findings[] = [];
  for (const effect of effects) {
    if (effect.kind === 'Learn' || effect.kind === 'Settle') {
      found.push(await find(gpujob, effect, context));
      continue;
    }
    const result = await performOne(gpujob, found.reduce(withFindings, effect), context);
    if (result.kind === 'Refused') {
      if (await wasMadeBefore(gpujob, effects, context)) return outdated;
      if (effect.kind === 'CreateJob') await giveBackClaims(gpujob, effects, context);
    }
    if (result.kind !== 'Done') return result;
    statusWritten ||= result.statusWritten;
  }
  return { kind: 'Done', statusWritten };
}

/**
 * A refusal gives the cards back, so it must not be a second try's whose first one had made the Job and lost its answer: a
 * quota that this Job has used up refuses it, and so does an API server that has just started and knows no role yet.
 */
async function wasMadeBefore(gpujob: GPUJob, effects: readonly Effect[], context: PerformContext): Promise<boolean> {
  const create = effects.find((effect) => effect.kind === 'CreateJob');
  if (!create) return false;
  try {
    const found = await context.client.get(jobs, create.job.metadata, context.signal);
    if (!isOwnedBy(found, gpujob)) return false;
    context.jobs.absorb(found);
    return true;
  } catch (error) {
    if (isApiError(error, 'NotFound')) return false;
    throw error;
  }
}

/** A claim counts in its namespace's quota, and the next try may be far away. */
async function giveBackClaims(gpujob: GPUJob, effects: readonly Effect[], context: PerformContext): Promise<void> {
  const made = effects.find((effect) => effect.kind === 'CreateClaims')?.claims;
  if (made) await performOne(gpujob, { kind: 'DeleteClaims', name: made.metadata.name, of: made.kind }, context);
}

/** What is known only when it is done, and belongs into the status that follows. */
interface Findings {
  readonly run: number;
  readonly policyVersion?: number | undefined;
  readonly cost?: string | undefined;
}

async function find(
  gpujob: GPUJob,
  effect: Extract<Effect, { kind: 'Learn' | 'Settle' }>,
  { learn, settle, signal }: PerformContext,
): Promise<Findings> {
  if (effect.kind === 'Learn') {
    return { run: effect.lesson.run, policyVersion: await learn(gpujob, effect.lesson, signal) };
  }
  return { run: effect.bill.run, cost: await settle(gpujob, effect.bill, effect.until) };
}

function withFindings(effect: Deed, { run, policyVersion, cost }: Findings): Deed {
  if (effect.kind !== 'WriteStatus') return effect;
  const found = {
    ...(policyVersion === undefined ? {} : { policyVersion }),
    ...(cost === undefined ? {} : { cost }),
  };
  const { attempts, neverFits, ...rest } = effect.status;
  const status: GPUJobStatus = {
    ...rest,
    ...(attempts && { attempts: attempts.map((one) => (one.run === run ? { ...one, ...found } : one)) }),
    ...(neverFits && {
      neverFits: neverFits.run === run && policyVersion !== undefined ? { run, policyVersion } : neverFits,
    }),
  };
  return { ...effect, status };
}

function performOne(gpujob: GPUJob, effect: Deed, context: PerformContext): Promise<Performance> {
  switch (effect.kind) {
    case 'CreateService':
      return createService(gpujob, effect.service, effect.run, context);
    case 'CreateClaims':
      return createClaims(gpujob, effect.claims, effect.run, context);
    case 'CreateJob':
      return createJob(gpujob, effect.job, effect.run, context);
    case 'TryJob':
      return tryJob(effect.job, effect.run, context);
    case 'DeleteService':
      return deleteChild(services, gpujob, effect.name, context);
    case 'DeleteClaims':
      return effect.of === 'ResourceClaim'
        ? deleteChild(resourceClaims, gpujob, effect.name, context, context.resourceClaims)
        : deleteChild(resourceClaimTemplates, gpujob, effect.name, context);
    case 'DeleteJob':
      return deleteJob(gpujob, effect, context);
    case 'WriteStatus':
      return writeStatus(gpujob, effect, context);
  }
}

async function createJob(gpujob: GPUJob, job: JobManifest, run: number, context: PerformContext): Promise<Performance> {
  try {
    // What is kept of a Job without an end is metadata only (collections.ts).
    context.jobs.absorb(await context.client.createForMetadata(jobs, job, { strict: true }, context.signal));
    return done;
  } catch (error) {
    if (isApiError(error, 'AlreadyExists')) return adoptJob(gpujob, job.metadata.name, run, context);
    return refusalOr(error, run);
  }
}

/** A child's name is a function of its owner and run: "already exists" with our uid on it is our own earlier success. */
async function adoptJob(gpujob: GPUJob, name: string, run: number, context: PerformContext): Promise<Performance> {
  const key = { namespace: gpujob.metadata.namespace, name };
  try {
    const found = await context.client.get(jobs, key, context.signal);
    if (!isOwnedBy(found, gpujob)) return nameTaken('Job', found, run);
    context.jobs.absorb(found);
    return done;
  } catch (error) {
    if (isApiError(error, 'NotFound')) return outdated;
    throw error;
  }
}

async function createService(
  gpujob: GPUJob,
  service: ServiceManifest,
  run: number,
  context: PerformContext,
): Promise<Performance> {
  try {
    await context.client.createForMetadata(services, service, {}, context.signal);
    return done;
  } catch (error) {
    if (!isApiError(error, 'AlreadyExists')) return refusalOr(error, run);
    const found = await context.client.get(services, service.metadata, context.signal);
    return isOwnedBy(found, gpujob) ? done : nameTaken('Service', found, run);
  }
}

const claimResources: Readonly<Record<ClaimKind, Resource<ResourceClaim | ResourceClaimTemplate>>> = {
  ResourceClaim: resourceClaims,
  ResourceClaimTemplate: resourceClaimTemplates,
};

/** Their spec can't change: those of an earlier try, whose Job was never made, may name other cards, and go. */
async function createClaims(
  gpujob: GPUJob,
  claims: ClaimsManifest,
  run: number,
  context: PerformContext,
): Promise<Performance> {
  const { client, signal } = context;
  const resource = claimResources[claims.kind];
  try {
    await client.createForMetadata(resource, claims, {}, signal);
    return done;
  } catch (error) {
    if (!isApiError(error, 'AlreadyExists')) return refusalOr(error, run);
    const found = await client.get(resource, claims.metadata, signal);
    if (!isOwnedBy(found, gpujob)) return nameTaken(claims.kind, found, run);
    if (reservationText(found) === reservationText(claims) && found.metadata.deletionTimestamp === undefined)
      return done;
    const options = { uid: found.metadata.uid, propagationPolicy: 'Background' as const };
    await client.delete(resource, claims.metadata, options, signal);
    return outdated;
  }
}

function reservationText({ metadata }: { metadata: { annotations?: Record<string, string> } }): string | undefined {
  return metadata.annotations?.[annotations.reservation];
}

async function tryJob(job: JobManifest, run: number, context: PerformContext): Promise<Performance> {
  try {
    await context.client.createForMetadata(jobs, job, { strict: true, dryRun: true }, context.signal);
    return done;
  } catch (error) {
    // Its name may be taken, or its quota used up, only for now: the real try will tell.
    if (isApiError(error, 'AlreadyExists', 'Forbidden')) return done;
    return refusalOr(error, run);
  }
}

async function deleteJob(
  gpujob: GPUJob,
  job: Extract<Effect, { kind: 'DeleteJob' }>,
  context: PerformContext,
): Promise<Performance> {
  const key = { namespace: gpujob.metadata.namespace, name: job.name };
  const { uid, resourceVersion } = job;
  try {
    const options = { uid, resourceVersion, propagationPolicy: 'Background' as const };
    const result = await context.client.delete(jobs, key, options, context.signal);
    if (result.kind === 'Deleting') context.jobs.absorb(result.object);
    else context.jobs.absorbDelete({ ...key, uid, resourceVersion });
    return done;
  } catch (error) {
    if (isApiError(error, 'NotFound')) return done;
    if (isApiError(error, 'Conflict')) return outdated;
    throw error;
  }
}

/** Whose it is stands in the store, where it is watched. */
async function deleteChild<T extends Child>(
  resource: Resource<T>,
  gpujob: GPUJob,
  name: string,
  { client, signal }: PerformContext,
  store?: Store<T>,
): Promise<Performance> {
  const key = { namespace: gpujob.metadata.namespace, name };
  try {
    const found = store?.get(keyOf(key)) ?? (await client.get(resource, key, signal));
    if (!isOwnedBy(found, gpujob) || found.metadata.deletionTimestamp !== undefined) return done;
    const options = { uid: found.metadata.uid, propagationPolicy: 'Background' as const };
    await client.delete(resource, key, options, signal);
    return done;
  } catch (error) {
    if (isApiError(error, 'NotFound')) return done;
    if (isApiError(error, 'Conflict')) return outdated;
    throw error;
  }
}

async function writeStatus(
  gpujob: GPUJob,
  effect: Extract<Effect, { kind: 'WriteStatus' }>,
  context: PerformContext,
): Promise<Performance> {
  try {
    const written = await context.client.replaceStatus<GPUJob>(gpujobs, gpujob, effect.status, context.signal);
    context.gpujobs.absorb(written);
    for (const fact of effect.facts) context.announce(written, fact);
    return { kind: 'Done', statusWritten: true };
  } catch (error) {
    if (isApiError(error, 'Conflict', 'NotFound')) return outdated;
    throw error;
  }
}

type Child = Job | Service | ResourceClaim | ResourceClaimTemplate;

function isOwnedBy(child: Child, gpujob: GPUJob): boolean {
  return (child.metadata.ownerReferences ?? []).some((owner) => owner.controller && owner.uid === gpujob.metadata.uid);
}

function nameTaken(kind: string, found: Child, run: number): Performance {
  const owner = found.metadata.ownerReferences?.find((candidate) => candidate.controller);
  const whose = owner ? `${owner.kind} ${owner.name} owns it` : 'nobody owns it';
  const what = found.metadata.deletionTimestamp
    ? 'it is being deleted; waiting until it is gone'
    : `${whose}; delete it, or give the GPUJob another name`;
  const message = `${kind} ${keyOf(found.metadata)} already exists and isn't this GPUJob's: ${what}`;
  return { kind: 'Refused', refusal: { kind: 'NameTaken', message, run } };
}

/** Validation says the template is wrong; admission (quota, a webhook, Pod Security on Jobs) says not now or not here. */
function refusalOr(error: unknown, run: number): Performance {
  if (isApiError(error, 'Invalid', 'BadRequest')) return refused('InvalidTemplate', error, run);
  if (isApiError(error, 'Forbidden')) return refused('PodsRefused', error, run);
  throw error;
}

function refused(kind: Refusal['kind'], error: ApiError, run: number): Performance {
  return { kind: 'Refused', refusal: { kind, message: error.message, run } };
}
