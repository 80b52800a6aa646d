// Carries out effects, in order, through fenced writes. It stops at the first error and decides nothing: what the server
// refused becomes a Refusal for `decide`, anything unexpected is thrown for the work queue's back-off.
import { isApiError } from '../../runtime/errors.ts';
import { jobs, type Resource, resourceClaimTemplates, services } from '../../runtime/resource.ts';
import { type GPUJob, gpujobs, type GPUJobStatus } from '../../resources/gpujob.ts';
import type { Effect } from '../effects.ts';
import type { JobManifest, ServiceManifest } from '../job.ts';
import {
  type Child,
  done,
  hasJob,
  isOwnedBy,
  lookUp,
  nameTaken,
  outdated,
  type Performance,
  type PerformContext,
  refusalOr,
  removeChild,
} from './child.ts';
import { createClaims, deleteClaim } from './claims.ts';

/** What is done on the API server itself. */
type Deed = Exclude<Effect, { kind: 'Learn' | 'Settle' }>;

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
    if (result.kind === 'Refused' && (await wasMadeBefore(gpujob, effects, context))) return outdated;
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
  return create !== undefined && hasJob(gpujob, create.job.metadata, context);
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
    case 'DeleteClaimTemplate':
      return deleteChild(resourceClaimTemplates, gpujob, effect.name, context);
    case 'DeleteClaim':
      return deleteClaim(effect.claim, context);
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
  const found = await lookUp(jobs, { namespace: gpujob.metadata.namespace, name }, context);
  if (!found) return outdated;
  if (!isOwnedBy(found, gpujob)) return nameTaken('Job', found, run);
  context.jobs.absorb(found);
  return done;
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

async function deleteChild<T extends Child>(
  resource: Resource<T>,
  gpujob: GPUJob,
  name: string,
  context: PerformContext,
): Promise<Performance> {
  const found = await lookUp(resource, { namespace: gpujob.metadata.namespace, name }, context);
  if (!found || !isOwnedBy(found, gpujob)) return done;
  await removeChild(resource, found, context);
  return done;
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
