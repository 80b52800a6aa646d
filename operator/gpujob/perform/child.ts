// What all children have in common: whose one is, what a name that is taken means, and what a refusal does.
import type { ApiClient, DeleteResult } from '../../runtime/client.ts';
import { type ApiError, isApiError } from '../../runtime/errors.ts';
import type { Job, ResourceClaim, ResourceClaimTemplate, Service } from '../../runtime/kubernetes.ts';
import { jobs, keyOf, type ObjectKey, type Resource } from '../../runtime/resource.ts';
import type { Store } from '../../runtime/store.ts';
import type { GPUJob } from '../../resources/gpujob.ts';
import type { RunBill } from '../../policy/bill/run-bill.ts';
import type { Lesson } from '../../policy/learner.ts';
import type { Fact } from '../effects.ts';
import type { Refusal } from '../observation.ts';

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

export const done: Performance = { kind: 'Done', statusWritten: false };
export const outdated: Performance = { kind: 'Outdated' };

export type Child = Job | Service | ResourceClaim | ResourceClaimTemplate;

export function isOwnedBy(child: Child, gpujob: GPUJob): boolean {
  return (child.metadata.ownerReferences ?? []).some((owner) => owner.controller && owner.uid === gpujob.metadata.uid);
}

export function nameTaken(kind: string, found: Child, run: number): Performance {
  const owner = found.metadata.ownerReferences?.find((candidate) => candidate.controller);
  const whose = owner ? `${owner.kind} ${owner.name} owns it` : 'nobody owns it';
  const what = found.metadata.deletionTimestamp
    ? 'it is being deleted; waiting until it is gone'
    : `${whose}; delete it, or give the GPUJob another name`;
  const message = `${kind} ${keyOf(found.metadata)} already exists and isn't this GPUJob's: ${what}`;
  return { kind: 'Refused', refusal: { kind: 'NameTaken', message, run } };
}

/** Validation says the template is wrong; admission (quota, a webhook, Pod Security on Jobs) says not now or not here. */
export function refusalOr(error: unknown, run: number): Performance {
  if (isApiError(error, 'Invalid', 'BadRequest')) return refused('InvalidTemplate', error, run);
  if (isApiError(error, 'Forbidden')) return refused('PodsRefused', error, run);
  throw error;
}

function refused(kind: Refusal['kind'], error: ApiError, run: number): Performance {
  return { kind: 'Refused', refusal: { kind, message: error.message, run } };
}

export async function lookUp<T extends Child>(
  resource: Resource<T>,
  key: ObjectKey,
  { client, signal }: PerformContext,
): Promise<T | undefined> {
  try {
    return await client.get(resource, key, signal);
  } catch (error) {
    if (isApiError(error, 'NotFound')) return undefined;
    throw error;
  }
}

/** Only this very one; that somebody else was faster is as good. */
export async function removeChild(
  resource: Resource,
  { metadata }: Child,
  context: PerformContext,
): Promise<DeleteResult> {
  const options = { uid: metadata.uid, propagationPolicy: 'Background' as const };
  try {
    return await context.client.delete(resource, metadata, options, context.signal);
  } catch (error) {
    if (isApiError(error, 'NotFound', 'Conflict')) return { kind: 'Deleted' };
    throw error;
  }
}

/** Then it is in the store. */
export async function hasJob(gpujob: GPUJob, key: ObjectKey, context: PerformContext): Promise<boolean> {
  const found = await lookUp(jobs, key, context);
  if (!found || !isOwnedBy(found, gpujob)) return false;
  context.jobs.absorb(found);
  return true;
}
