// How an open run ended: reads the Job's and Pods' last state into one attempt. What follows from it is in aftermath.ts.
import { formatCapacity, formatMebibytes, formatNeed } from '../../resources/quantity.ts';
import { maxAttemptNodes, maxAttempts, maxEvidenceCards, type Attempt, type Evidence } from '../../resources/gpujob.ts';
import type { Pod } from '../../runtime/kubernetes.ts';
import type { Cause, TerminatedContainer } from '../evidence/cause.ts';
import { readEvidence } from '../evidence/read.ts';
import type { EndFromOutside, Observation } from '../observation.ts';
import { firstStart, isDeleting, type OpenRun } from './run.ts';
import { placementStatus } from './status.ts';
import { timestamp } from '../../resources/timestamp.ts';

/** What is known of an end before it becomes an attempt. */
export interface Ending {
  readonly outcome: Attempt['outcome'];
  /** A sentence without its end: "container main exited with code 1 on node-a". */
  readonly message: string;
  readonly evidence?: Evidence;
}

export function attemptOf(o: Observation, run: OpenRun, ending: Ending): Attempt {
  const startTime = firstStart(run.pods);
  return {
    run: run.number,
    outcome: ending.outcome,
    vram: formatMebibytes(o.workload.vramMebibytes),
    ...whereItRan(o, run),
    ...(startTime === undefined ? {} : { startTime }),
    endTime: timestamp(o.nowMilliseconds),
    message: ending.message.slice(0, 1024),
    ...(ending.evidence ? { evidence: ending.evidence } : {}),
  };
}

/** From the Job, or where that has vanished from what status said of the run. */
function whereItRan(o: Observation, run: OpenRun): Pick<Attempt, 'nodes' | 'product' | 'cardVRAM'> {
  const status = o.gpujob.status;
  const placement = run.placement ? placementStatus(run.placement) : status?.run === run.number && status.placement;
  if (!placement) return {};
  const { nodes, product, cardVRAM } = placement;
  return { nodes: nodes.slice(0, maxAttemptNodes), product, cardVRAM };
}

/** The last ten, oldest first. */
export function withAttempt(attempts: readonly Attempt[], attempt: Attempt): Attempt[] {
  return [...attempts, attempt].slice(-maxAttempts);
}

/** The Job failed: the first Pod that failed by itself is the cause; where none did, something from outside ended the run. */
export function endingOfFailedRun(o: Observation, run: OpenRun): Ending {
  const first = firstToFail(run.pods);
  if (!first) return disruption(o, run);
  const terminated = terminatedContainers(first, o.spec.container);
  // The kubelet refused it (a device or a resource was gone): no container of it ever ran.
  if (terminated.length === 0) return { outcome: 'Disrupted', message: refusedByNode(first) };
  const cause = readEvidence(terminated, {
    capacityMebibytes: run.placement?.cardVRAMMebibytes,
    gpus: o.spec.gpus,
    shared: o.spec.isolation === 'Shared',
  });
  return endingOf(cause, first, run);
}

/** A Pod that was being deleted, or that the control plane marked, was ended from outside whatever its exit code says. */
function firstToFail(pods: readonly Pod[]): Pod | undefined {
  const failed = pods.filter((pod) => pod.status?.phase === 'Failed' && !isDeleting(pod) && !disruptionTarget(pod));
  return failed.sort(
    (a, b) => finishedAt(a).localeCompare(finishedAt(b)) || a.metadata.name.localeCompare(b.metadata.name),
  )[0];
}

function disruptionTarget(pod: Pod): { reason?: string; message?: string } | undefined {
  return pod.status?.conditions?.find(
    (condition) => condition.type === 'DisruptionTarget' && condition.status === 'True',
  );
}

function statuses(pod: Pod): NonNullable<NonNullable<Pod['status']>['containerStatuses']> {
  return [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
}

/** When its first container failed; a Pod without any sorts last. */
function finishedAt(pod: Pod): string {
  const times = statuses(pod)
    .map((status) => status.state?.terminated)
    .filter((state) => state !== undefined && state.exitCode !== 0)
    .map((state) => state?.finishedAt ?? '');
  return times.sort()[0] ?? '~';
}

/** The container with the cards first: its words weigh most. */
function terminatedContainers(pod: Pod, chosen: string): TerminatedContainer[] {
  const ordered = statuses(pod).sort((a, b) => Number(b.name === chosen) - Number(a.name === chosen));
  return ordered.flatMap(({ name, state }) => {
    const terminated = state?.terminated;
    if (!terminated) return [];
    const { exitCode, reason = '', message = '', signal } = terminated;
    return [{ container: name, exitCode, reason, message, ...(signal === undefined ? {} : { signal }) }];
  });
}

function refusedByNode(pod: Pod): string {
  const words = [pod.status?.reason, pod.status?.message].filter(Boolean).join(': ') || 'no reason given';
  return `the node refused Pod ${pod.metadata.name}: ${words}`;
}

/** Who ended a Pod from outside; undefined where none of them was. */
export function endFromOutside(pods: readonly Pod[]): EndFromOutside | undefined {
  const marked = pods.find((pod) => disruptionTarget(pod));
  const target = marked && disruptionTarget(marked);
  if (marked && target) {
    const words = [target.reason, target.message].filter(Boolean).join(': ');
    return { words: `Pod ${marked.metadata.name} was ended from outside (${words})`, isMarked: true };
  }
  const deleted = pods.find(isDeleting);
  return deleted && { words: `Pod ${deleted.metadata.name} was deleted`, isMarked: false };
}

/** An evicted Pod is mostly gone before its Job is called Failed: then what was seen of it speaks. */
function disruption(o: Observation, run: OpenRun): Ending {
  const seen = o.disruption?.run === run.number ? o.disruption.words : undefined;
  const unseen = 'the run ended from outside and none of its Pods is left to read';
  return { outcome: 'Disrupted', message: endFromOutside(run.pods)?.words ?? seen ?? unseen };
}

function endingOf(cause: Cause, pod: Pod, run: OpenRun): Ending {
  const at = `on ${pod.spec?.nodeName ?? 'its node'}`;
  switch (cause.kind) {
    case 'OutOfMemory':
      return { outcome: 'OutOfMemory', message: ownUse(cause, at), evidence: evidenceOf(cause, pod, run) };
    case 'NeighbourOutOfMemory': {
      const others = cause.usedByOthersMebibytes;
      const held = others === undefined ? 'memory' : formatCapacity(others);
      const message = `container ${cause.container} ran out of GPU memory ${at} because another process holds ${held} of the card`;
      return { outcome: 'NeighbourOutOfMemory', message, evidence: evidenceOf(cause, pod, run) };
    }
    case 'Fragmentation':
    case 'PoolCap': {
      const message = `container ${cause.container} ran out of GPU memory ${at}, and a larger card would not help: ${cause.hint}`;
      return { outcome: 'ApplicationError', message, evidence: evidenceOf(cause, pod, run) };
    }
    case 'HostOutOfMemory': {
      const message = `container ${cause.container} was killed ${at} for using more main memory than its limit (OOMKilled); VRAM has no part in it: raise its memory limit`;
      return { outcome: 'HostOutOfMemory', message };
    }
    case 'ApplicationError': {
      const reason = cause.reason === '' || cause.reason === 'Error' ? '' : ` (${cause.reason})`;
      const line = cause.line === undefined ? '' : `: ${cause.line}`;
      const message = `container ${cause.container} exited with code ${cause.exitCode}${reason} ${at}${line}`;
      return { outcome: 'ApplicationError', message };
    }
  }
}

function ownUse(cause: Extract<Cause, { kind: 'OutOfMemory' }>, at: string): string {
  const needed = cause.neededMebibytes === undefined ? '' : `, needing ${formatNeed(cause.neededMebibytes)}`;
  return `container ${cause.container} ran out of GPU memory ${at}${needed}`;
}

type CardCause = Extract<Cause, { signature: unknown }>;

function evidenceOf(cause: CardCause, pod: Pod, run: OpenRun): Evidence {
  const quantity = (name: string, mebibytes: number | undefined): Record<string, string> =>
    mebibytes === undefined ? {} : { [name]: formatMebibytes(mebibytes) };
  return {
    signature: cause.signature,
    blame: cause.blame,
    ...quantity('requested', cause.requestedMebibytes),
    ...quantity('used', cause.usedMebibytes),
    ...quantity('usedByOthers', cause.usedByOthersMebibytes),
    ...quantity('capacity', cause.capacityMebibytes),
    ...quantity('needed', cause.kind === 'OutOfMemory' ? cause.neededMebibytes : undefined),
    line: cause.line,
    pod: pod.metadata.name,
    ...whereOf(pod, run),
    exitCode: cause.exitCode,
  };
}

function whereOf({ spec }: Pod, { placement }: OpenRun): Pick<Evidence, 'node' | 'cards'> {
  const node = spec?.nodeName ?? '';
  if (node === '') return {};
  const cards = placement?.workers.find((worker) => worker.node === node)?.cards;
  return { node, ...(cards === undefined ? {} : { cards: [...new Set(cards)].slice(0, maxEvidenceCards) }) };
}
