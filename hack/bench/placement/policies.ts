// The policies that the benchmark compares: our default one, and each of its weights alone. No headroom: a trace's task asks
// exactly what it asks.
import { defaultPolicy, type Policy, type WeightName, weightNames } from '../../../operator/placement/model.ts';

export const policyNames = ['default', ...weightNames] as const;

export type PolicyName = (typeof policyNames)[number];

/** All of a policy's weight, in parts of a million. */
const whole = 1_000_000;

export function policyOf(name: PolicyName): Policy {
  const weights = name === 'default' ? defaultPolicy.weights : alone(name);
  return { ...defaultPolicy, name, weights, headroomPartsPerMillion: 0 };
}

function alone(name: WeightName): Record<WeightName, number> {
  return { Fit: 0, Packing: 0, Cost: 0, Reliability: 0, Heat: 0, [name]: whole };
}
