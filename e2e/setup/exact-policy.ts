// A policy under which sizes are what they look like: no headroom, and nothing is learned.
import { defaultPolicySpec } from '../../operator/policy/default-policy.ts';
import type { Stage } from './gpujobs.ts';

export const policies = '/apis/orquanta.io/v1alpha1/sovereignpolicies';

/** It has the name of the stage's namespace. */
export async function createExactPolicy({ api, namespace }: Stage): Promise<void> {
  await api.create(policies, {
    apiVersion: 'orquanta.io/v1alpha1',
    kind: 'SovereignPolicy',
    metadata: { name: namespace },
    spec: { ...defaultPolicySpec, headroomPermille: 0, learning: { mode: 'Off' } },
  });
}

/** For a GPUJob's spec: exactly what is asked for. */
export function exactly<Isolation extends 'Shared' | 'Exclusive'>(isolation: Isolation, { namespace }: Stage) {
  return { isolation, policyName: namespace };
}
