// Cards as extended resources, the way that works everywhere: limits on one container, the chosen nodes pinned by required
// node affinity, and the toleration that a card's own taint needs. kube-scheduler binds and keeps the truth about resources.
import { cardToleration } from '../fit/taints.ts';
import type { AllocationBackend, AllocationRequest, ContainerShape, PodTemplateShape } from './backend.ts';
import { pinnedTo, withContainer, withToleration } from './pin.ts';

export const devicePlugin: AllocationBackend = { name: 'DevicePlugin', allocate, claimFor: () => undefined };

function allocate<T extends PodTemplateShape>(template: T, request: AllocationRequest): T {
  const spec = template.spec ?? { containers: [] };
  const { placement, container } = request;
  return {
    ...template,
    spec: {
      ...spec,
      containers: withContainer(spec.containers, container, (chosen) => withCards(chosen, request)),
      affinity: { ...spec.affinity, nodeAffinity: pinnedTo(placement, spec.affinity?.nodeAffinity) },
      tolerations: withToleration(spec.tolerations ?? [], cardToleration(placement)),
    },
  };
}

/** Extended resources must have limits equal to requests; both are written, so that nobody has to know that. */
function withCards(container: ContainerShape, { placement, gpus }: AllocationRequest): ContainerShape {
  const cards = { [placement.resourceName]: String(gpus) };
  const { limits, requests } = container.resources ?? {};
  return {
    ...container,
    resources: { ...container.resources, limits: { ...limits, ...cards }, requests: { ...requests, ...cards } },
  };
}
