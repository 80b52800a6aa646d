// Label and field selectors as predicates, for the in-memory API server.
import type { KubernetesObject } from '../kubernetes.ts';
import { badRequest } from './refusal.ts';

export type Predicate = (object: KubernetesObject) => boolean;

export function labelPredicate(selector: string | undefined): Predicate {
  const requirements = splitOutsideBrackets(selector ?? '').map(requirement);
  return ({ metadata }) => requirements.every((holds) => holds(metadata.labels ?? {}));
}

export function fieldPredicate(selector: string | undefined, selectable: readonly string[]): Predicate {
  const known = ['metadata.name', 'metadata.namespace', ...selectable];
  const terms = (selector ?? '')
    .split(',')
    .filter(Boolean)
    .map((term) => fieldTerm(term, known));
  return (object) => terms.every((holds) => holds(object));
}

type Requirement = (labels: Readonly<Record<string, string>>) => boolean;

function splitOutsideBrackets(selector: string): string[] {
  return selector.split(/,(?![^(]*\))/).filter((part) => part.trim() !== '');
}

function requirement(text: string): Requirement {
  const set = /^\s*([^\s!=,()]+)\s+(in|notin)\s+\(([^)]*)\)\s*$/.exec(text);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return (labels) => values.includes(labels[key] ?? '\0') === (operator === 'in');
  }
  const equality = /^\s*([^\s!=,()]+)\s*(==?|!=)\s*([^\s!=,()]*)\s*$/.exec(text);
  if (equality) {
    const [, key = '', operator, value] = equality;
    return (labels) => (labels[key] === value) === (operator !== '!=');
  }
  const existence = /^\s*(!?)\s*([^\s!=,()]+)\s*$/.exec(text);
  if (existence) {
    const [, not, key = ''] = existence;
    return (labels) => key in labels === (not === '');
  }
  throw badRequest(`unable to parse requirement: ${text}`);
}

function fieldTerm(term: string, known: readonly string[]): Predicate {
  const match = /^([^!=]+)(==?|!=)(.*)$/.exec(term);
  if (!match) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`);
  const [, path = '', operator, value] = match;
  if (!known.includes(path)) throw badRequest(`field label not supported: ${path}`);
  return (object) => (fieldOf(object, path) === value) === (operator !== '!=');
}

/** A field that isn't there selects as ''. */
function fieldOf(object: KubernetesObject, path: string): string {
  let value: unknown = object;
  for (const step of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[step];
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
