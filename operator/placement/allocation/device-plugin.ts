// Cards as extended resources, the way that works everywhere: limits on one container, the chosen nodes pinned by required
// node affinity, and the toleration that a card's own taint needs. kube-scheduler binds and keeps the truth about resources.
import type { NodeSelectorTerm, Placement, Toleration } from '../model.ts';
import { cardToleration } from '../fit/taints.ts';
import type { AllocationBackend, AllocationRequest, ContainerShape, PodTemplateShape } from './backend.ts';

export const devicePlugin: AllocationBackend = { name: 'DevicePlugin', allocate };

function allocate<T extends PodTemplateShape>(template: T, request: AllocationRequest): T {
  const spec = template.spec ?? { containers: [] };
  const { placement } = request;
  return {
    ...template,
    spec: {
      ...spec,
      containers: containersWithCards(spec.containers, request),
      affinity: { ...spec.affinity, nodeAffinity: pinnedTo(placement, spec.affinity?.nodeAffinity) },
      tolerations: withToleration(spec.tolerations ?? [], cardToleration(placement.resourceName)),
    },
  };
}

/** Extended resources must have limits equal to requests; both are written, so that nobody has to know that. */
function containersWithCards(
  containers: readonly ContainerShape[],
  { placement, gpus, container }: AllocationRequest,
): ContainerShape[] {
  const cards = { [placement.resourceName]: String(gpus) };
  const chosen = Math.max(
    0,
    containers.findIndex(({ name }) => name === container),
  );
  return containers.map((each, index) => {
    if (index !== chosen) return each;
    const { limits, requests } = each.resources ?? {};
    return {
      ...each,
      resources: { ...each.resources, limits: { ...limits, ...cards }, requests: { ...requests, ...cards } },
    };
  });
}

type NodeAffinity = NonNullable<NonNullable<NonNullable<PodTemplateShape['spec']>['affinity']>['nodeAffinity']>;

/**
 * One term per node, because matchFields takes a single value (k8s.io/kubernetes, core validation), crossed with each of
 * the user's own terms: terms are alternatives, so a term of ours beside theirs would let Pods go anywhere theirs allow.
 */
function pinnedTo({ workers }: Placement, own: NodeAffinity | undefined): NodeAffinity {
  const terms = own?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const base: readonly NodeSelectorTerm[] = terms.length === 0 ? [{}] : terms;
  return {
    ...own,
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: workers.flatMap(({ node }) => base.map((term) => pinnedTerm(term, node))),
    },
  };
}

function pinnedTerm(term: NodeSelectorTerm, node: string): NodeSelectorTerm {
  const pin = { key: 'metadata.name', operator: 'In', values: [node] };
  return { ...term, matchFields: [...(term.matchFields ?? []), pin] };
}

function withToleration(own: readonly Toleration[], added: Toleration): readonly Toleration[] {
  const present = own.some(
    ({ key, operator, effect }) => key === added.key && operator === 'Exists' && effect === added.effect,
  );
  return present ? own : [...own, added];
}
