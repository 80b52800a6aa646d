// The policy `default`, made once where none is, so that a GPUJob runs on a fresh cluster. One that exists is never touched.
import {
  sovereignPolicies,
  sovereignPolicyAPIVersion,
  type SovereignPolicy,
  type SovereignPolicySpec,
} from '../resources/sovereignpolicy.ts';
import type { ApiClient } from '../runtime/client.ts';
import { isApiError } from '../runtime/errors.ts';

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
};

/** The policy; undefined where there was one. */
export async function createDefaultPolicy(
  client: ApiClient,
  signal: AbortSignal,
): Promise<SovereignPolicy | undefined> {
  const policy = {
    apiVersion: sovereignPolicyAPIVersion,
    kind: sovereignPolicies.kind,
    metadata: { name: defaultPolicyName },
    spec: defaultPolicySpec,
  };
  try {
    const manager = client.with({ fieldManager: defaultPolicyManager });
    return await manager.create<SovereignPolicy>(sovereignPolicies, policy, {}, signal);
  } catch (error) {
    if (isApiError(error, 'AlreadyExists')) return undefined;
    throw error;
  }
}
