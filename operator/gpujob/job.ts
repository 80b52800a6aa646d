// Builds a run's batch/v1 Job and a gang's headless Service from the GPUJob and its placement. Pure: same input, same manifest.
import { claimKindOf } from '../placement/allocation/backend.ts';
import { backendOf } from '../placement/allocation/backends.ts';
import type { Reservation } from '../placement/model.ts';
import { labels, managedBy } from '../resources/labels.ts';
import { type DefaultedGPUJobSpec, type GPUJob, gpujobAPIVersion, gpujobs } from '../resources/gpujob.ts';
import type {
  ResourceV1ResourceClaim,
  V1Job,
  V1OwnerReference,
  V1PodSpec,
  V1ResourceClaimTemplate,
  V1Service,
} from '@kubernetes/client-node';
import type { PodTemplate, Wire } from '../runtime/kubernetes.ts';
import { reservationAnnotation } from './reservation.ts';

type Manifest<T> = Omit<Wire<T>, 'metadata' | 'status'> & {
  metadata: {
    name: string;
    namespace: string;
    labels: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences: Wire<V1OwnerReference>[];
  };
};
export type JobManifest = Manifest<V1Job>;
export type ServiceManifest = Manifest<V1Service>;
export type ClaimsManifest =
  | (Manifest<ResourceV1ResourceClaim> & { kind: 'ResourceClaim' })
  | (Manifest<V1ResourceClaimTemplate> & { kind: 'ResourceClaimTemplate' });

type PodSpec = Wire<V1PodSpec>;
type Container = PodSpec['containers'][number];
type EnvironmentVariable = NonNullable<Container['env']>[number];

/** torchrun's default rendezvous port (torch/distributed/elastic: 29500). */
const masterPort = 29500;

/** A run's Job and Service: a function of the owner's name and the run, so that a second try finds the first. */
export function runName(gpujob: string, run: number): string {
  return `${gpujob}-${run}`;
}

function runLabels(gpujob: GPUJob, run: number): Record<string, string> {
  return {
    [labels.gpujob]: gpujob.metadata.name,
    [labels.gpujobUID]: gpujob.metadata.uid,
    [labels.run]: String(run),
    [labels.managedBy]: managedBy,
  };
}

function ownedBy(gpujob: GPUJob): Wire<V1OwnerReference> {
  // No blockOwnerDeletion: it would need a right on gpujobs/finalizers, and background deletion is what users expect.
  return {
    apiVersion: gpujobAPIVersion,
    kind: gpujobs.kind,
    name: gpujob.metadata.name,
    uid: gpujob.metadata.uid,
    controller: true,
  };
}

function metadata(gpujob: GPUJob, run: number): JobManifest['metadata'] {
  return {
    name: runName(gpujob.metadata.name, run),
    namespace: gpujob.metadata.namespace,
    labels: runLabels(gpujob, run),
    ownerReferences: [ownedBy(gpujob)],
  };
}

/** What torchrun and torch.distributed read (PyTorch docs, "Environment variables" and "torchrun"). */
export function rendezvous(name: string, workers: number, gpus: number): EnvironmentVariable[] {
  const index: Omit<EnvironmentVariable, 'name'> = {
    valueFrom: { fieldRef: { fieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']" } },
  };
  return [
    { name: 'WORLD_SIZE', value: String(workers) },
    { name: 'RANK', ...index },
    { name: 'MASTER_ADDR', value: `${name}-0.${name}` },
    { name: 'MASTER_PORT', value: String(masterPort) },
    { name: 'PET_NNODES', value: String(workers) },
    { name: 'PET_NODE_RANK', ...index },
    { name: 'PET_NPROC_PER_NODE', value: String(gpus) },
  ];
}

/** The user's own variables come last and win: Kubernetes takes the last of one name. */
function withEnvironment(container: Container, variables: readonly EnvironmentVariable[]): Container {
  const own = container.env ?? [];
  const set = new Set(own.map((variable) => variable.name));
  return { ...container, env: [...variables.filter((variable) => !set.has(variable.name)), ...own] };
}

/** Without this a container that dies says nothing, and an out-of-memory can't be told from any other failure. */
function withTerminationMessage(container: Container): Container {
  return { ...container, terminationMessagePolicy: container.terminationMessagePolicy ?? 'FallbackToLogsOnError' };
}

function podTemplate(gpujob: GPUJob, spec: DefaultedGPUJobSpec, run: number): PodTemplate {
  const template = structuredClone(spec.template) as PodTemplate;
  const gang = spec.workers > 1;
  const name = runName(gpujob.metadata.name, run);
  const podSpec = template.spec ?? { containers: [] };
  podSpec.containers = podSpec.containers.map((container) =>
    withTerminationMessage(
      gang && container.name === spec.container
        ? withEnvironment(container, rendezvous(name, spec.workers, spec.gpus))
        : container,
    ),
  );
  return {
    metadata: {
      ...template.metadata,
      labels: { ...template.metadata?.labels, ...runLabels(gpujob, run) },
    },
    spec: { ...podSpec, restartPolicy: 'Never', ...(gang ? { subdomain: name } : {}) },
  };
}

/**
 * The Job of one run. Without a reservation it is the same Job with no cards and no nodes, good for asking the API server
 * whether it would take it.
 */
export function buildJob(
  gpujob: GPUJob,
  spec: DefaultedGPUJobSpec,
  run: number,
  reservation: Reservation | undefined,
): JobManifest {
  const template = podTemplate(gpujob, spec, run);
  const base = metadata(gpujob, run);
  const gang = spec.workers > 1;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: reservation ? { ...base, annotations: reservationAnnotation(reservation) } : base,
    spec: {
      // A run is tried once: what follows a failure is decided here, with the evidence, and not by the Job controller.
      backoffLimit: 0,
      completions: spec.workers,
      parallelism: spec.workers,
      ...(gang ? { completionMode: 'Indexed' } : {}),
      template: reservation
        ? backendOf(reservation.placement).allocate<PodTemplate>(template, {
            placement: reservation.placement,
            gpus: spec.gpus,
            container: spec.container,
            childName: base.name,
          })
        : template,
    },
  };
}

/** What holds a run's cards, or what its workers' claims are made of; undefined where no claim holds them. */
export function buildClaims(gpujob: GPUJob, run: number, reservation: Reservation): ClaimsManifest | undefined {
  const { placement } = reservation;
  const devices = backendOf(placement).claimFor(placement);
  if (devices === undefined) return undefined;
  const base = { ...metadata(gpujob, run), annotations: reservationAnnotation(reservation) };
  const apiVersion = 'resource.k8s.io/v1';
  if (claimKindOf(placement) === 'ResourceClaim')
    return { apiVersion, kind: 'ResourceClaim', metadata: base, spec: { devices } };
  // The labels come to each claim, and tell whose it is.
  const spec = { metadata: { labels: runLabels(gpujob, run) }, spec: { devices } };
  return { apiVersion, kind: 'ResourceClaimTemplate', metadata: base, spec };
}

/** A gang's rendezvous: a name for each worker before any of them is ready. */
export function buildService(gpujob: GPUJob, run: number): ServiceManifest {
  const base = metadata(gpujob, run);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: base,
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: { [labels.gpujobUID]: gpujob.metadata.uid, [labels.run]: String(run) },
      ports: [{ name: 'rendezvous', port: masterPort }],
    },
  };
}
