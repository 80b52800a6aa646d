// Cards as extended resources, the way that works everywhere: limits on one container, the chosen nodes pinned by required
// node affinity, and the toleration that a card's own taint needs. kube-scheduler binds and keeps the truth about resources; where
// HAMi hands the cards out, limits say how much of each, an annotation says of which, and HAMi's scheduler keeps the truth.
import { hamiAnnotations } from '../cards/hami.ts';
import { cardToleration } from '../fit/taints.ts';
import type { AllocationBackend, AllocationRequest, ContainerShape, PodTemplateShape } from './backend.ts';
import { pinnedTo, withContainer, withToleration } from './pin.ts';

export const devicePlugin: AllocationBackend = { name: 'DevicePlugin', allocate, claimFor: () => undefined };

function allocate<T extends PodTemplateShape>(template: T, request: AllocationRequest): T {
  const spec = template.spec ?? { containers: [] };
  const { placement, container } = request;
  return {
    ...template,
    ...namingCards(template, placement),
    spec: {
      ...spec,
      containers: withContainer(spec.containers, container, (chosen) => withCards(chosen, request)),
      affinity: { ...spec.affinity, nodeAffinity: pinnedTo(placement, spec.affinity?.nodeAffinity) },
      tolerations: withToleration(spec.tolerations ?? [], cardToleration(placement)),
    },
  };
}

/**
 * So that HAMi takes the cards that were chosen and no others (pkg/device/nvidia, CheckUUID). Who names cards in the template is
 * left alone: HAMi obeys the template, and what it gives is then counted as it is.
 */
function namingCards(
  { metadata }: PodTemplateShape,
  { claim, workers }: AllocationRequest['placement'],
): Pick<PodTemplateShape, 'metadata'> {
  const { annotations = {} } = metadata ?? {};
  const cards = [...new Set(workers.flatMap((worker) => worker.cards ?? []))].sort();
  if (claim === undefined || cards.length === 0) return {};
  if (hamiAnnotations.useCards in annotations || hamiAnnotations.avoidCards in annotations) return {};
  return { metadata: { ...metadata, annotations: { ...annotations, [claim.identityAttribute]: cards.join(',') } } };
}

/** Extended resources must have limits equal to requests; both are written, so that nobody has to know that. */
function withCards(container: ContainerShape, { placement, gpus }: AllocationRequest): ContainerShape {
  const cards = { [placement.resourceName]: String(gpus), ...placement.claim?.requests };
  const { limits, requests } = container.resources ?? {};
  return {
    ...container,
    resources: { ...container.resources, limits: { ...limits, ...cards }, requests: { ...requests, ...cards } },
  };
}
