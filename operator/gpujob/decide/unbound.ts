// Whether a run whose Pods aren't all on their nodes may go on waiting. A run is undone whole: half a gang holds cards for nothing.
import { claimKindOf } from '../../placement/allocation/backend.ts';
import type { Job, Pod } from '../../runtime/kubernetes.ts';
import type { Observation } from '../observation.ts';
import type { Ending } from './ending.ts';
import { isBound, isDeleting, type OpenRun, ownClaims } from './run.ts';

export interface Unbound {
  readonly ending?: Ending;
  /** Why it waits, where that is not what anybody would expect. */
  readonly words?: string;
  readonly againInMilliseconds?: number;
}

/** Undefined where every worker is on its node. */
export function unbound(o: Observation, run: OpenRun): Unbound | undefined {
  if (!run.job || run.pods.filter(isBound).length >= o.spec.workers) return undefined;
  return (
    lostNode(o, run) ??
    refusedPods(o, run, run.job.metadata.uid) ??
    lostClaim(o, run, run.job) ??
    unschedulable(o, run) ??
    silent(o, run.job.metadata.creationTimestamp)
  );
}

/** Its Pods may go nowhere else. The scheduler's word may be lost with an API server, and it looks again only after minutes. */
function lostNode(o: Observation, { placement }: OpenRun): Unbound | undefined {
  const lost = placement?.workers.find(({ node }) => !o.nodes.has(node))?.node;
  if (lost === undefined) return undefined;
  return { ending: { outcome: 'Disrupted', message: `node ${lost} was gone before all Pods were on their nodes` } };
}

/** A quota, Pod Security or a webhook; or an API server that was away for a moment, which the next try mends. */
function refusedPods(o: Observation, run: OpenRun, jobUID: string): Unbound | undefined {
  const refusal = o.podRefusals.get(jobUID);
  if (refusal === undefined || run.pods.length >= o.spec.workers) return undefined;
  const left = refusal.sinceMilliseconds + o.settings.refusalGraceMilliseconds - o.nowMilliseconds;
  return left > 0 ? { againInMilliseconds: left } : { ending: { outcome: 'PodsRefused', message: refusal.words } };
}

/** Somebody deleted it. The scheduler doesn't look at a Pod whose claim isn't there, and says nothing of it. */
function lostClaim(o: Observation, { placement }: OpenRun, { metadata }: Job): Unbound | undefined {
  if (!placement || claimKindOf(placement) !== 'ResourceClaim') return undefined;
  const claim = ownClaims(o).find((candidate) => candidate.metadata.name === metadata.name);
  if (claim && !isDeleting(claim)) return undefined;
  const left = Date.parse(metadata.creationTimestamp ?? '') + o.settings.bindTimeoutMilliseconds - o.nowMilliseconds;
  if (left > 0) return { againInMilliseconds: left };
  const message = `the ResourceClaim ${metadata.name} was deleted before the Pod was on its node`;
  return { ending: { outcome: 'Disrupted', message } };
}

interface Refused {
  readonly sinceMilliseconds: number;
  readonly words: string;
}

/** The scheduler's own words, and since when it says so. */
function schedulerRefusal(pod: Pod): Refused[] {
  const condition = pod.status?.conditions?.find((candidate) => candidate.type === 'PodScheduled');
  if (isBound(pod) || condition?.status !== 'False') return [];
  const since = condition.lastTransitionTime ?? pod.metadata.creationTimestamp ?? '';
  return [{ sinceMilliseconds: Date.parse(since), words: condition.message ?? condition.reason ?? '' }];
}

function unschedulable(o: Observation, run: OpenRun): Unbound | undefined {
  const refusals = run.pods.flatMap(schedulerRefusal).sort((a, b) => a.sinceMilliseconds - b.sinceMilliseconds);
  const first = refusals[0];
  if (!first) return undefined;
  const left = first.sinceMilliseconds + o.settings.bindTimeoutMilliseconds - o.nowMilliseconds;
  if (left > 0) return { againInMilliseconds: left };
  return { ending: { outcome: 'Unschedulable', message: `the scheduler can't bind it: ${first.words}` } };
}

/**
 * No Pods, or Pods without a verdict. A control plane that is behind, or down, would not be helped by one more Job: the run
 * waits, and after a while says for whom.
 */
function silent(o: Observation, jobCreation: string | undefined): Unbound {
  const left = Date.parse(jobCreation ?? '') + o.settings.silenceMilliseconds - o.nowMilliseconds;
  if (!(left <= 0)) return { againInMilliseconds: left };
  return { words: 'neither the Job controller nor the scheduler has dealt with its Pods yet: are both running?' };
}
