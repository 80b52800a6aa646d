// Which namespaces a policy serves: a Kubernetes label selector over their labels.
import type { DefaultedPolicySpec } from '../resources/sovereignpolicy.ts';

type Selector = DefaultedPolicySpec['namespaceSelector'];
type Requirement = NonNullable<Selector['matchExpressions']>[number];
type Labels = Readonly<Record<string, string>>;

/** An empty selector selects all (k8s.io/apimachinery, LabelSelectorAsSelector). */
export function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every((requirement) => holds(requirement, labels))
  );
}

export function selectsAll({ matchLabels = {}, matchExpressions = [] }: Selector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

function holds({ key, operator, values = [] }: Requirement, labels: Labels): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}
