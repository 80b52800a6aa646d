// Tells changes of what a policy says from those of what the operator wrote about it: the API server counts the generation up
// with the spec, and never with the status. A policy that comes or goes, which has no previous one, is an edit too.
import type { SovereignPolicy } from '../resources/sovereignpolicy.ts';
import type { Change } from '../runtime/store.ts';

export function isEdit({ object, previous }: Change<SovereignPolicy>): boolean {
  return object.metadata.generation !== previous?.metadata.generation;
}
