// What the managing operator's policies are, read off their statuses: a canary has no ledger of its own. Pure.
import { policyDefaults, type SovereignPolicy } from '../resources/sovereignpolicy.ts';
import type { InForce } from '../policy/policies.ts';
import { learningRulesOf, perPermille, type Setting, type Weights } from '../policy/state.ts';

/** The baseline of the spec until the manager has said something else. */
export function inForceByStatus({ spec, status }: SovereignPolicy): InForce {
  const { baseline } = learningRulesOf(policyDefaults(spec));
  const { effectiveWeights, effectiveHeadroomPermille, version = 0 } = status ?? {};
  const said = Object.fromEntries((effectiveWeights ?? []).map(({ name, partsPerMillion }) => [name, partsPerMillion]));
  const setting: Setting = {
    weights: { ...baseline.weights, ...(said as Partial<Weights>) },
    headroom: effectiveHeadroomPermille === undefined ? baseline.headroom : effectiveHeadroomPermille * perPermille,
  };
  return { version, setting };
}
