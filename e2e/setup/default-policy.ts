// The policy `default` of the tests: the shipped weights, and it learns nothing, so that no test depends on what failed in
// one before it. Tests about learning bring policies of their own.
import { type Api, ApiRefusal } from '../../hack/api/client.ts';
import { defaultPolicySpec } from '../../operator/policy/default-policy.ts';

const path = '/apis/orquanta.io/v1alpha1/sovereignpolicies';

export async function createUnlearningDefault(api: Api): Promise<void> {
  const policy = {
    apiVersion: 'orquanta.io/v1alpha1',
    kind: 'SovereignPolicy',
    metadata: { name: 'default' },
    spec: { ...defaultPolicySpec, learning: { mode: 'Off' } },
  };
  try {
    await api.create(path, policy);
  } catch (error) {
    if (!(error instanceof ApiRefusal && error.status === 409)) throw error;
  }
}
