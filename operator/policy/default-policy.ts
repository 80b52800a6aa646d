// The policy `default`, made once where none is, so that a GPUJob runs on a fresh cluster. One that exists is never touched.
import {
  sovereignPolicies,
  sovereignPolicyAPIVersion,
  type SovereignPolicy,
  type SovereignPolicySpec,
} from '../resources/sovereignpolicy.ts';
import { annotations } from '../resources/labels.ts';
import type { ApiClient } from '../runtime/client.ts';
import { isApiError } from '../runtime/errors.ts';
import { catalogueVersion, shippedCatalogue } from './shipped-catalogue.ts';

export const defaultPolicyName = 'default';
/** Not the operator's usual one: whoever applies the policy from Git owns the spec from then on. */
export const defaultPolicyManager = 'orquanta-default';

export const defaultPolicySpec: SovereignPolicySpec = {
  weights: [
    { name: 'Fit', permille: 350 },
    { name: 'Packing', permille: 250 },
    { name: 'Cost', permille: 200 },
    { name: 'Reliability', permille: 150 },
    { name: 'Heat', permille: 50 },
  ],
  ...shippedCatalogue,
};

export function defaultPolicy() {
  return {
    apiVersion: sovereignPolicyAPIVersion,
    kind: sovereignPolicies.kind,
    metadata: { name: defaultPolicyName, annotations: { [annotations.catalogue]: catalogueVersion } },
    spec: defaultPolicySpec,
  };
}

/** The shipped catalogue alone, for `kubectl apply --server-side`: what else the policy says stays. */
export function catalogueToApply() {
  return { ...defaultPolicy(), spec: shippedCatalogue };
}

/** Where catalogueToApply is written. Its lists are maps to the API server, so that products of the user's own stay. */
export const catalogueFile = 'config/catalogue/catalogue.yaml';

const applyCatalogue = `kubectl apply --server-side --force-conflicts --field-manager=${defaultPolicyManager} --filename=${catalogueFile}`;

/** What to say of a policy that the operator made with a catalogue older than the one it ships now; undefined: nothing. */
export function outdatedCatalogue({
  metadata,
}: {
  readonly metadata: Pick<SovereignPolicy['metadata'], 'name' | 'annotations'>;
}): string | undefined {
  const version = metadata.annotations?.[annotations.catalogue];
  if (metadata.name !== defaultPolicyName || version === undefined || version >= catalogueVersion) return undefined;
  return `the catalogue is that of ${version}, and OrQuanta ships one of ${catalogueVersion}: apply it with \`${applyCatalogue}\` (products of your own stay; what you changed in shipped ones is overwritten), or remove the annotation ${annotations.catalogue} to keep yours`;
}

/** The policy; undefined where there was one. */
export async function createDefaultPolicy(
  client: ApiClient,
  signal: AbortSignal,
): Promise<SovereignPolicy | undefined> {
  try {
    const manager = client.with({ fieldManager: defaultPolicyManager });
    return await manager.create<SovereignPolicy>(sovereignPolicies, defaultPolicy(), {}, signal);
  } catch (error) {
    if (isApiError(error, 'AlreadyExists')) return undefined;
    throw error;
  }
}
