// The claims of a run: for a worker alone one that is watched, for a gang a template.
import { isApiError } from '../../runtime/errors.ts';
import type { ResourceClaim, ResourceClaimTemplate } from '../../runtime/kubernetes.ts';
import { type Resource, resourceClaims, resourceClaimTemplates } from '../../runtime/resource.ts';
import type { GPUJob } from '../../resources/gpujob.ts';
import { annotations } from '../../resources/labels.ts';
import type { ClaimKind } from '../../placement/allocation/backend.ts';
import type { ClaimsManifest } from '../job.ts';
import {
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

type Claims = ResourceClaim | ResourceClaimTemplate;

const resources: Readonly<Record<ClaimKind, Resource<Claims>>> = {
  ResourceClaim: resourceClaims,
  ResourceClaimTemplate: resourceClaimTemplates,
};

export async function createClaims(
  gpujob: GPUJob,
  claims: ClaimsManifest,
  run: number,
  context: PerformContext,
): Promise<Performance> {
  const { client, signal } = context;
  const resource = resources[claims.kind];
  try {
    keep(claims.kind, await client.createForMetadata(resource, claims, {}, signal), context);
    return done;
  } catch (error) {
    // A quota that our own earlier success has used up refuses the next try before anybody looks at its name.
    if (!isApiError(error, 'AlreadyExists', 'Forbidden')) return refusalOr(error, run);
    const found = await lookUp(resource, claims.metadata, context);
    if (found && isOwnedBy(found, gpujob)) return adoptClaims(gpujob, found, claims, context);
    if (error.kind === 'Forbidden') return refusalOr(error, run);
    return found ? nameTaken(claims.kind, found, run) : outdated;
  }
}

/** Their spec can't change: those of an earlier try may name other cards, and go, unless that try made its Job after all. */
async function adoptClaims(
  gpujob: GPUJob,
  found: Claims,
  claims: ClaimsManifest,
  context: PerformContext,
): Promise<Performance> {
  keep(claims.kind, found, context);
  const isDeleting = found.metadata.deletionTimestamp !== undefined;
  if (!isDeleting && reservationText(found) === reservationText(claims)) return done;
  if (isDeleting || (await hasJob(gpujob, claims.metadata, context))) return outdated;
  await removeChild(resources[claims.kind], found, context);
  return outdated;
}

/** At once: a claim goes with its run, and that may be over before the watch tells of it. */
function keep(kind: ClaimKind, claims: Pick<Claims, 'metadata'>, { resourceClaims: store }: PerformContext): void {
  if (kind === 'ResourceClaim') store.absorb({ spec: {}, ...claims });
}

function reservationText({ metadata }: { metadata: { annotations?: Record<string, string> } }): string | undefined {
  return metadata.annotations?.[annotations.reservation];
}

/** Where a webhook forbids it the claim stays idle, and the next decision tries again: nothing else of the job waits for that. */
export async function deleteClaim(claim: ResourceClaim, context: PerformContext): Promise<Performance> {
  const result = await removeChild(resourceClaims, claim, context).catch((error: unknown) => {
    if (isApiError(error, 'Forbidden')) return undefined;
    throw error;
  });
  if (result === undefined) return done;
  if (result.kind === 'Deleting') keep('ResourceClaim', result.object, context);
  else context.resourceClaims.absorbDelete(claim.metadata);
  return done;
}
