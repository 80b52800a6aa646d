// nodeSelector and required node affinity as kube-scheduler reads them (k8s.io/component-helpers/scheduling/corev1/nodeaffinity).
import type { NodeConstraints, NodeFacts, NodeSelectorRequirement, NodeSelectorTerm } from '../model.ts';

/** Whether the template says anything that must be asked node by node. */
export function looksAtNodes(constraints: NodeConstraints): boolean {
  return constraints.nodeAffinity.length > 0 || Object.keys(constraints.nodeSelector).length > 0;
}

export function nodeMatches(node: NodeFacts, constraints: NodeConstraints): boolean {
  const selected = Object.entries(constraints.nodeSelector).every(([key, value]) => node.labels[key] === value);
  if (!selected) return false;
  return constraints.nodeAffinity.length === 0 || constraints.nodeAffinity.some((term) => termMatches(node, term));
}

/** All requirements of a term must hold; a term without any matches no node. */
function termMatches(node: NodeFacts, term: NodeSelectorTerm): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return false;
  return (
    expressions.every((requirement) => requirementHolds(node.labels[requirement.key], requirement)) &&
    fields.every((requirement) => requirement.key === 'metadata.name' && requirementHolds(node.name, requirement))
  );
}

/** Of a label's value; undefined where the label is absent. A label selector's operators are among these. */
export function requirementHolds(value: string | undefined, requirement: NodeSelectorRequirement): boolean {
  const values = requirement.values ?? [];
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return compares(value, values, (label, bound) => label > bound);
    case 'Lt':
      return compares(value, values, (label, bound) => label < bound);
    default:
      return false;
  }
}

function compares(
  value: string | undefined,
  values: readonly string[],
  holds: (label: bigint, bound: bigint) => boolean,
): boolean {
  const [bound] = values;
  if (value === undefined || bound === undefined || values.length !== 1) return false;
  return isInteger(value) && isInteger(bound) && holds(BigInt(value), BigInt(bound));
}

function isInteger(text: string): boolean {
  return /^-?\d{1,18}$/.test(text);
}
