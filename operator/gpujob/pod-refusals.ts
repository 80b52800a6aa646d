// Why the Job controller could not make a run's Pods: it says so in FailedCreate events and nowhere else.
import type { CoreEvent } from '../runtime/kubernetes.ts';
import type { Store } from '../runtime/store.ts';
import { indexes } from './collections.ts';
import type { PodRefusal } from './observation.ts';

/**
 * What it says of its own requests and not of the Pods: no answer came (net/url's Error), or it had no rights, as for a
 * moment nobody has in an API server that has just started and hasn't read the roles yet. It tries again by itself.
 */
const ownTroubles: readonly RegExp[] = [
  /^Error creating: (?:Get|Post|Put|Patch|Delete) "https?:\/\//,
  /^Error creating: \w+ (?:"[^"]*" )?is forbidden: User "/,
];

export function isRefusal(words: string): boolean {
  return !ownTroubles.some((pattern) => pattern.test(words));
}

/** By Job uid: the newest words, and since when there are any. */
export function podRefusals(events: Store<CoreEvent>, jobUIDs: readonly string[]): Map<string, PodRefusal> {
  const refusals = new Map<string, PodRefusal>();
  for (const uid of jobUIDs) {
    const refused = events.byIndex(indexes.regarding, uid).filter(({ message = '' }) => isRefusal(message));
    const words = refused.at(-1)?.message;
    if (words === undefined) continue;
    const times = refused.map((event) => event.firstTimestamp ?? event.metadata.creationTimestamp ?? '');
    refusals.set(uid, { words, sinceMilliseconds: Math.min(...times.map((time) => Date.parse(time))) });
  }
  return refusals;
}
