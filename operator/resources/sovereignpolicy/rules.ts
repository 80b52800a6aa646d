// What a SovereignPolicy may not say, beyond the types and bounds of its fields. Each rule is CEL and TypeScript in one.
import { dnsLabelPattern } from '../fields.ts';
import { matching, type Rule } from '../rules.ts';

/** With a dash and a version it is the name of a revision, and by itself the value of a label. */
export const maxPolicyNameLength = 50;

/** At most six digits after the point: books are kept in millionths. */
const moneyPattern = /^(0|[1-9][0-9]{0,8})([.][0-9]{1,6})?$/;

interface Share {
  name: string;
  permille: number;
}

const sumOf = (shares: readonly Share[]): number => shares.reduce((sum, { permille }) => sum + permille, 0);

export const weightsRules: readonly Rule<Share[]>[] = [
  {
    cel: 'self.map(w, w.permille).sum() == 1000',
    message: 'the permille of all weights must sum to 1000: raise or lower one of them',
    holds: (weights) => sumOf(weights) === 1000,
  },
];

export const weightChangeRules: readonly Rule<Share[]>[] = [
  {
    cel: 'self.map(w, w.permille).sum() == 0',
    message: 'what a cause adds to the weights must sum to 0: take from one what you give to another',
    holds: (changes) => sumOf(changes) === 0,
  },
];

interface Learning {
  minPermille?: number | undefined;
  maxPermille?: number | undefined;
}

export const learningRules: readonly Rule<Learning>[] = [
  {
    cel: 'self.?minPermille.orValue(20) < self.?maxPermille.orValue(800)',
    message: 'learning.minPermille (default 20) must be below learning.maxPermille (default 800): move one of them',
    fieldPath: '.minPermille',
    holds: ({ minPermille = 20, maxPermille = 800 }) => minPermille < maxPermille,
  },
];

export const moneyRules: readonly Rule<string>[] = [
  matching(
    moneyPattern,
    'an amount of money is a decimal number as text, with at most six decimals and no sign: write e.g. "1.29"',
  ),
];

export const currencyRules: readonly Rule<string>[] = [
  matching(/^[A-Z]{3}$/, 'currency must be an ISO 4217 code: write e.g. USD'),
];

export const namespaceNameRules: readonly Rule<string>[] = [
  matching(dnsLabelPattern, 'namespace must be the name of a namespace: write e.g. ml'),
];

interface Requirement {
  operator: string;
  values?: string[] | undefined;
}

export const selectorRequirementRules: readonly Rule<Requirement>[] = [
  {
    cel: "self.operator in ['In', 'NotIn'] == (has(self.values) && self.values.size() > 0)",
    message: 'In and NotIn need values, Exists and DoesNotExist have none: write values, or take them out',
    fieldPath: '.values',
    holds: ({ operator, values = [] }) => ['In', 'NotIn'].includes(operator) === values.length > 0,
  },
];

interface Heat {
  namespace?: string | undefined;
  name?: string | undefined;
}

export const heatRules: readonly Rule<Heat>[] = [
  {
    cel: "(self.?namespace.orValue('') == '') == (self.?name.orValue('') == '')",
    message: 'heat names a HeatObserver by namespace and name: write both, or leave heat out',
    holds: ({ namespace = '', name = '' }) => (namespace === '') === (name === ''),
  },
];

interface Budget {
  monthly: string;
  namespaces?: { monthly: string }[] | undefined;
}

export const budgetRules: readonly Rule<Budget>[] = [
  {
    cel: `!self.monthly.matches('${moneyPattern.source}') || !has(self.namespaces) || self.namespaces.all(n, !n.monthly.matches('${moneyPattern.source}') || double(n.monthly) <= double(self.monthly))`,
    message: "a namespace's budget is above that of the whole policy: lower it, or raise budget.monthly",
    fieldPath: '.namespaces',
    holds: ({ monthly, namespaces = [] }) => namespaces.every((share) => !(Number(share.monthly) > Number(monthly))),
  },
];

interface Spec {
  weights: Share[];
  headroomPermille?: number | undefined;
  learning?:
    | { minPermille?: number | undefined; maxPermille?: number | undefined; maxHeadroomPermille?: number | undefined }
    | undefined;
}

export const policySpecRules: readonly Rule<Spec>[] = [
  {
    cel: 'self.weights.all(w, w.permille == 0 || (w.permille >= self.?learning.?minPermille.orValue(20) && w.permille <= self.?learning.?maxPermille.orValue(800)))',
    message:
      'a weight that is on must lie between learning.minPermille (default 20) and learning.maxPermille (default 800): move it, set it to 0, or move the bounds',
    fieldPath: '.weights',
    holds: ({ weights, learning: { minPermille = 20, maxPermille = 800 } = {} }) =>
      weights.every(({ permille }) => permille === 0 || (permille >= minPermille && permille <= maxPermille)),
  },
  {
    cel: 'self.?headroomPermille.orValue(50) <= self.?learning.?maxHeadroomPermille.orValue(200)',
    message:
      'headroomPermille (default 50) is above learning.maxHeadroomPermille (default 200): lower it, or raise the bound',
    fieldPath: '.headroomPermille',
    holds: ({ headroomPermille = 50, learning: { maxHeadroomPermille = 200 } = {} }) =>
      headroomPermille <= maxHeadroomPermille,
  },
];

interface Named {
  metadata: { name?: string | undefined };
}

export const policyNameRules: readonly Rule<Named>[] = [
  {
    cel: `self.metadata.name.size() <= ${String(maxPolicyNameLength)} && self.metadata.name.matches('${dnsLabelPattern.source}')`,
    message: `metadata.name must have at most ${String(maxPolicyNameLength)} lower-case letters, digits and "-", because its versions are named after it: write e.g. default`,
    fieldPath: '.metadata.name',
    holds: ({ metadata: { name = 'x' } }) => name.length <= maxPolicyNameLength && dnsLabelPattern.test(name),
  },
];
