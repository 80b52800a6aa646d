// What a GPUJob asks the planner for: the same question for the same object, so that an answer can be held against it.
import type { CardOnNode, NodeConstraints, Workload } from '../placement/model.ts';
import { podRequests } from '../placement/inventory/pod-facts.ts';
import { parseMebibytes } from '../resources/quantity.ts';
import type { Attempt, GPUJob } from '../resources/gpujob.ts';
import type { PodTemplate } from '../runtime/kubernetes.ts';
import type { AskingSpec } from './observation.ts';

/** Ends that speak against the nodes they happened on. */
const blamedOnNode: ReadonlySet<Attempt['outcome']> = new Set(['Unschedulable', 'Disrupted', 'NeighbourOutOfMemory']);

/** Where the runs since the last other end went wrong; used again only where nothing else fits. */
function toAvoid(attempts: readonly Attempt[]): Pick<Workload, 'avoidNodes' | 'avoidCards'> {
  const since = attempts.findLastIndex((attempt) => !blamedOnNode.has(attempt.outcome)) + 1;
  const blamed = attempts.slice(since);
  const avoidNodes = new Set(blamed.flatMap((attempt) => (cardsWithNeighbour(attempt) ? [] : (attempt.nodes ?? []))));
  return { avoidNodes: [...avoidNodes], avoidCards: blamed.flatMap((attempt) => cardsWithNeighbour(attempt) ?? []) };
}

/** A neighbour is on one card: where that is known, the others of its node are as good as any. */
function cardsWithNeighbour({ outcome, evidence }: Attempt): CardOnNode[] | undefined {
  const { node, cards } = evidence ?? {};
  if (outcome !== 'NeighbourOutOfMemory' || node === undefined || cards === undefined) return undefined;
  return cards.map((identity) => ({ node, identity }));
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
    ...toAvoid(status.attempts ?? []),
  };
}
