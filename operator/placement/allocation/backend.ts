// How a placement becomes something that the scheduler holds: one interface, one file per way. Placement knows cards, not
// mechanisms; a backend turns a choice into parts of the pod template and decides nothing.
import type { NodeSelectorTerm, Placement, Toleration } from '../model.ts';
import { workerCount } from '../worker-count.ts';

export interface ContainerShape {
  name: string;
  resources?: {
    limits?: Record<string, string>;
    requests?: Record<string, string>;
    claims?: { name: string }[];
  };
}

/** The parts of a pod template that a backend reads and writes; client-node's type as it is in JSON fits. */
export interface PodTemplateShape {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: {
    containers: ContainerShape[];
    resourceClaims?: { name: string; resourceClaimName?: string; resourceClaimTemplateName?: string }[];
    affinity?: {
      nodeAffinity?: {
        requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms: readonly NodeSelectorTerm[] };
      };
    };
    tolerations?: readonly Toleration[];
  };
}

export interface AllocationRequest {
  readonly placement: Placement;
  /** Cards per worker. */
  readonly gpus: number;
  /** The container that gets them; '': the first. */
  readonly container: string;
  /** Of the run's children: its Job, and its claim or the template of its claims where it has one. */
  readonly childName: string;
}

/** The part of a ResourceClaim's spec that says which devices (k8s.io/api/resource/v1). */
export interface DeviceClaim {
  requests: {
    name: string;
    exactly: {
      deviceClassName: string;
      allocationMode: 'ExactCount';
      count: number;
      capacity?: { requests: Record<string, string> };
      selectors: { cel: { expression: string } }[];
    };
  }[];
  constraints?: { requests: string[]; distinctAttribute: string }[];
}

/** A claim where one worker is alone; where there are more, each one's is made from a template. */
export type ClaimKind = 'ResourceClaim' | 'ResourceClaimTemplate';

/** What a run has that is placed so; undefined where no claim holds its cards. */
export function claimKindOf({ backend, workers }: Placement): ClaimKind | undefined {
  if (backend !== 'DRA') return undefined;
  return workerCount(workers) === 1 ? 'ResourceClaim' : 'ResourceClaimTemplate';
}

export interface AllocationBackend {
  readonly name: Placement['backend'];
  /** The same template with the cards asked for and the nodes pinned; everything else as the user wrote it. */
  allocate<T extends PodTemplateShape>(template: T, request: AllocationRequest): T;
  /** What each worker claims; undefined where its Pod itself says so. */
  claimFor(placement: Placement): DeviceClaim | undefined;
}
