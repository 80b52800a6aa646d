// Rendered text as objects, and what two ways of installing say alike: neither Helm's nor kustomize's own marks count.
import { parseAllDocuments } from 'yaml';
import type { KubernetesObject } from '../../hack/api/client.ts';

export function objectsOf(text: string): KubernetesObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null);
}

export const nameOf = ({ kind = '', metadata }: KubernetesObject): string => `${kind}/${metadata.name}`;

/** By kind and name, in their order. */
export function byName(objects: readonly KubernetesObject[]): Record<string, KubernetesObject> {
  const sorted = objects.toSorted((a, b) => nameOf(a).localeCompare(nameOf(b)));
  return Object.fromEntries(sorted.map((object) => [nameOf(object), withoutMarks(object)]));
}

const marks: ReadonlySet<string> = new Set([
  'helm.sh/chart',
  'helm.sh/resource-policy',
  'app.kubernetes.io/managed-by',
]);

function withoutMarks(object: KubernetesObject): KubernetesObject {
  const { labels, annotations, ...metadata } = object.metadata;
  return { ...object, metadata: { ...metadata, ...unmarked({ labels }), ...unmarked({ annotations }) } };
}

/** Nothing where nothing is left. */
function unmarked(group: Record<string, Record<string, string> | undefined>): object {
  return Object.fromEntries(
    Object.entries(group).flatMap(([name, map = {}]) => {
      const left = Object.entries(map).filter(([key]) => !marks.has(key));
      return left.length === 0 ? [] : [[name, Object.fromEntries(left)]];
    }),
  );
}
