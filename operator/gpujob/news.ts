// Tells changes that somebody here reads from those that nobody does. The stores keep of each object only what is read
// (collections.ts), so an object that is as before but for its version is no news.
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '../runtime/kubernetes.ts';
import type { Change } from '../runtime/store.ts';

function withoutVersion<T extends KubernetesObject>(object: T): T {
  return { ...object, metadata: { ...object.metadata, resourceVersion: '' } };
}

export function isNews<T extends KubernetesObject>({ previous, object }: Change<T>): boolean {
  return previous === undefined || !isDeepStrictEqual(withoutVersion(previous), withoutVersion(object));
}
