// A collection as it is watched: which objects of which kind, and where they are kept.
import type { KubernetesObject } from './kubernetes.ts';
import type { Resource } from './resource.ts';
import type { Store } from './store.ts';

export interface Collection<T extends KubernetesObject> {
  readonly resource: Resource<T>;
  readonly store: Store<T>;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly sendsBookmarks?: boolean;
  /** Whether a server may not know the kind at all: then there are none of it. */
  readonly optional?: boolean;
}

/** managedFields alone is a third of most objects. */
export function slim<T extends KubernetesObject>(object: T): T {
  const { managedFields: _managedFields, ...metadata } = object.metadata;
  return { ...object, metadata };
}
