// Which namespaces a policy serves: a Kubernetes label selector over their labels.
import { requirementHolds } from '../placement/fit/selectors.ts';
import type { DefaultedPolicySpec } from '../resources/sovereignpolicy.ts';

type Selector = DefaultedPolicySpec['namespaceSelector'];
type Labels = Readonly<Record<string, string>>;

/** An empty selector selects all (k8s.io/apimachinery, LabelSelectorAsSelector). */
export function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every((requirement) => requirementHolds(labels[requirement.key], requirement))
  );
}

export function selectsAll({ matchLabels = {}, matchExpressions = [] }: Selector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}
