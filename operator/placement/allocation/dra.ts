// Cards by ResourceClaim, which asks for the VRAM of a card and admits only the cards chosen for the run; the claims of several
// workers are made from one template. kube-scheduler allocates, so no two Pods are ever promised the same memory, whoever made them.
import { cardToleration } from '../fit/taints.ts';
import type { CardClaim, Placement } from '../model.ts';
import {
  type AllocationBackend,
  type AllocationRequest,
  claimKindOf,
  type DeviceClaim,
  type PodTemplateShape,
} from './backend.ts';
import { pinnedTo, withContainer, withToleration } from './pin.ts';
import { shareMebibytes } from './share.ts';

export const dra: AllocationBackend = { name: 'DRA', allocate, claimFor };

/** The name of the Pod's claim, and of the one request in it. */
const claimName = 'cards';

function allocate<T extends PodTemplateShape>(template: T, { placement, container, childName }: AllocationRequest): T {
  const spec = template.spec ?? { containers: [] };
  return {
    ...template,
    spec: {
      ...spec,
      containers: withContainer(spec.containers, container, (chosen) => ({
        ...chosen,
        resources: { ...chosen.resources, claims: [...(chosen.resources?.claims ?? []), { name: claimName }] },
      })),
      resourceClaims: [...(spec.resourceClaims ?? []), { name: claimName, ...claimedFrom(placement, childName) }],
      affinity: { ...spec.affinity, nodeAffinity: pinnedTo(placement, spec.affinity?.nodeAffinity) },
      tolerations: withToleration(spec.tolerations ?? [], cardToleration(placement)),
    },
  };
}

/**
 * A claim of its own costs the control plane a third less than one that its controller has to make from a template, write into the
 * Pod's status and delete; its cards are free again as soon as the Pod has ended, all the same.
 */
function claimedFrom(
  placement: Placement,
  name: string,
): { resourceClaimName: string } | { resourceClaimTemplateName: string } {
  return claimKindOf(placement) === 'ResourceClaim' ? { resourceClaimName: name } : { resourceClaimTemplateName: name };
}

function claimFor(placement: Placement): DeviceClaim | undefined {
  const { claim, resourceName } = placement;
  if (claim === undefined) return undefined;
  const { gpus, requests, identityAttribute } = claim;
  return {
    requests: [
      {
        name: claimName,
        exactly: {
          deviceClassName: resourceName,
          allocationMode: 'ExactCount',
          count: gpus,
          ...(Object.keys(requests).length === 0 ? {} : { capacity: { requests: { ...requests } } }),
          selectors: [{ cel: { expression: selectorOf(placement, claim) } }],
        },
      },
    ],
    // Two shares of one claim may be the same card otherwise, and one memory would be promised twice to the same worker.
    ...(gpus > 1 && shareMebibytes(placement) !== undefined
      ? { constraints: [{ requests: [claimName], distinctAttribute: identityAttribute }] }
      : {}),
  };
}

/**
 * What isn't published must not be asked for: it would be an error, and an error ends the whole allocation
 * (k8s.io/api/resource/v1, CELDeviceSelector). Cards of a gang too large to name are told by their kind and size alone.
 */
function selectorOf({ workers }: Placement, { driver, identityAttribute, match, requests }: CardClaim): string {
  const cards = [...new Set(workers.flatMap((worker) => worker.cards ?? []))].sort();
  const terms = [`device.driver == ${JSON.stringify(driver)}`];
  for (const [name, value] of Object.entries(match)) {
    const attribute = fieldOf('attributes', driver, name);
    terms.push(`has(${attribute}) && ${attribute} == ${JSON.stringify(value)}`);
  }
  if (cards.length > 0) {
    const identity = fieldOf('attributes', driver, identityAttribute);
    terms.push(`has(${identity}) && ${identity} in ${JSON.stringify(cards)}`);
  }
  for (const name of Object.keys(requests)) terms.push(`has(${fieldOf('capacity', driver, name)})`);
  return terms.join(' && ');
}

function fieldOf(map: 'attributes' | 'capacity', driver: string, name: string): string {
  const slash = name.indexOf('/');
  const [domain, identifier] = slash < 0 ? [driver, name] : [name.slice(0, slash), name.slice(slash + 1)];
  return `device.${map}[${JSON.stringify(domain)}].${identifier}`;
}
