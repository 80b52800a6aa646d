// What a GPUJob asks the planner for: the same question for the same object, so that an answer can be held against it.
import type { NodeConstraints, Workload } from '../placement/model.ts';
import { podRequests } from '../placement/inventory/pod-facts.ts';
import { parseMebibytes } from '../resources/quantity.ts';
import type { Attempt, GPUJob } from '../resources/gpujob.ts';
import type { PodTemplate } from '../runtime/kubernetes.ts';
import type { AskingSpec } from './observation.ts';

/** Ends that speak against the nodes they happened on. */
const blamedOnNode: ReadonlySet<Attempt['outcome']> = new Set(['Unschedulable', 'Disrupted', 'NeighbourOutOfMemory']);

/** Nodes on which the runs since the last other end went wrong; used again only where nothing else fits. */
function nodesToAvoid(attempts: readonly Attempt[]): string[] {
  const since = attempts.findLastIndex((attempt) => !blamedOnNode.has(attempt.outcome)) + 1;
  return [...new Set(attempts.slice(since).flatMap((attempt) => attempt.nodes ?? []))];
}

function nodeConstraints(podSpec: PodTemplate['spec']): NodeConstraints {
  const required = podSpec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return {
    nodeSelector: podSpec?.nodeSelector ?? {},
    nodeAffinity: required?.nodeSelectorTerms ?? [],
    tolerations: podSpec?.tolerations ?? [],
  };
}

/** What the last run asked for, grown or not; before the first run the spec may still change, and counts. */
function askedVRAM({ status }: GPUJob, spec: AskingSpec): string {
  return (status?.run ?? 0) > 0 ? (status?.vram ?? spec.requiredVRAM) : spec.requiredVRAM;
}

export function workloadOf(gpujob: GPUJob, spec: AskingSpec, priority: number): Workload {
  const template = spec.template as PodTemplate;
  const status = gpujob.status ?? {};
  const vramMebibytes = parseMebibytes(askedVRAM(gpujob, spec));
  return {
    uid: gpujob.metadata.uid,
    namespace: gpujob.metadata.namespace,
    name: gpujob.metadata.name,
    run: (status.run ?? 0) + 1,
    vramMebibytes,
    hasMargin: vramMebibytes > parseMebibytes(spec.requiredVRAM),
    gpus: spec.gpus,
    workers: spec.workers,
    isolation: spec.isolation,
    products: spec.products,
    policyName: spec.policyName,
    allocation: spec.allocation,
    priority,
    createdAtMilliseconds: Date.parse(gpujob.metadata.creationTimestamp ?? ''),
    constraints: nodeConstraints(template.spec),
    perWorker: podRequests(template.spec ?? {}),
    avoidNodes: nodesToAvoid(status.attempts ?? []),
  };
}
