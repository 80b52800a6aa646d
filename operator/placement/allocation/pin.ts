// What every way of holding cards does to a pod template: the container that gets them, the chosen nodes, the toleration.
import type { NodeSelectorTerm, Placement, Toleration } from '../model.ts';
import type { ContainerShape, PodTemplateShape } from './backend.ts';

type PodSpecShape = NonNullable<PodTemplateShape['spec']>;
type NodeAffinity = NonNullable<NonNullable<PodSpecShape['affinity']>['nodeAffinity']>;

/** Changes the container of that name; the first, where there is none. */
export function withContainer(
  containers: readonly ContainerShape[],
  name: string,
  change: (container: ContainerShape) => ContainerShape,
): ContainerShape[] {
  const chosen = Math.max(
    0,
    containers.findIndex((container) => container.name === name),
  );
  return containers.map((container, index) => (index === chosen ? change(container) : container));
}

/**
 * One term per node, because matchFields takes a single value (k8s.io/kubernetes, core validation), crossed with each of
 * the user's own terms: terms are alternatives, so a term of ours beside theirs would let Pods go anywhere theirs allow.
 */
export function pinnedTo({ workers }: Placement, own: NodeAffinity | undefined): NodeAffinity {
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

export function withToleration(own: readonly Toleration[], added: Toleration): readonly Toleration[] {
  const present = own.some(
    ({ key, operator, effect }) => key === added.key && operator === 'Exists' && effect === added.effect,
  );
  return present ? own : [...own, added];
}
