// The collections the operator watches, each reduced to what somebody reads, so that ten thousand of each fit in memory.
import { type GPUJob, gpujobs, maxRetryTokenLength } from '../resources/gpujob.ts';
import { draDrivers } from '../placement/cards/dra-drivers.ts';
import { hamiAnnotations, settledRegister } from '../placement/cards/hami.ts';
import { annotations, labels } from '../resources/labels.ts';
import { type Collection, slim } from '../runtime/collection.ts';
import type {
  CoreEvent,
  DeviceClass,
  Job,
  KubernetesObject,
  Node,
  ObjectMeta,
  Pod,
  PriorityClass,
  ResourceClaim,
  ResourceSlice,
} from '../runtime/kubernetes.ts';
import {
  coreEvents,
  deviceClasses,
  jobs,
  nodes,
  pods,
  priorityClasses,
  resourceClaims,
  resourceSlices,
} from '../runtime/resource.ts';
import { Store } from '../runtime/store.ts';

export interface Collections {
  readonly gpujobs: Collection<GPUJob>;
  readonly jobs: Collection<Job>;
  readonly pods: Collection<Pod>;
  readonly nodes: Collection<Node>;
  readonly priorityClasses: Collection<PriorityClass>;
  /** Cards that drivers publish one by one, and who holds what of them; nothing where the server has no such API. */
  readonly resourceSlices: Collection<ResourceSlice>;
  readonly resourceClaims: Collection<ResourceClaim>;
  readonly deviceClasses: Collection<DeviceClass>;
  /** The Job controller's reasons for Pods it could not make: they stand nowhere but in events. */
  readonly podRefusals: Collection<CoreEvent>;
}

export const indexes = {
  /** GPUJobs by uid. */
  uid: 'uid',
  /** Jobs, Pods and ResourceClaims by 'namespace/gpujob'. */
  gpujob: 'gpujob',
  /** Events by the uid of what they are about. */
  regarding: 'regarding',
  /** ResourceSlices by the node whose devices they publish. */
  node: 'node',
} as const;

function byGPUJob(object: KubernetesObject): string[] {
  const name = object.metadata.labels?.[labels.gpujob];
  return name === undefined ? [] : [`${object.metadata.namespace ?? ''}/${name}`];
}

/** What is read of any object: labels and annotations of users weigh as much as all the rest. */
function slimMetadata(metadata: ObjectMeta): ObjectMeta {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp } = metadata;
  return {
    name,
    uid,
    resourceVersion,
    ...(namespace === undefined ? {} : { namespace }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
  };
}

/** The ones that lead from a Job or Pod to its GPUJob and run. */
function slimLabels({ labels: all }: ObjectMeta): Pick<ObjectMeta, 'labels'> {
  const ours = Object.entries(all ?? {}).filter(
    ([key]) => key === labels.gpujob || key === labels.gpujobUID || key === labels.run,
  );
  return ours.length > 0 ? { labels: Object.fromEntries(ours) } : {};
}

/** One character more than may stand there, so that too many are seen. */
function slimRetry({ annotations: all }: ObjectMeta): Pick<ObjectMeta, 'annotations'> {
  const token = all?.[annotations.retry];
  return token === undefined ? {} : { annotations: { [annotations.retry]: token.slice(0, maxRetryTokenLength + 1) } };
}

function slimGPUJob({ metadata, spec, status }: GPUJob): GPUJob {
  const { generation, namespace } = metadata;
  return {
    metadata: {
      ...slimMetadata(metadata),
      ...slimRetry(metadata),
      namespace,
      ...(generation === undefined ? {} : { generation }),
    },
    spec,
    ...(status ? { status } : {}),
  };
}

/** Without the template, which is a function of the GPUJob, and the counts, which change five times in a short run. */
function slimJob({ metadata, status }: Job): Job {
  const reservation = metadata.annotations?.[annotations.reservation];
  const { ownerReferences } = metadata;
  const ends = (status?.conditions ?? [])
    .filter(({ type }) => type === 'Complete' || type === 'Failed')
    .map(({ type, status }) => ({ type, status }));
  return {
    metadata: {
      ...slimMetadata(metadata),
      ...slimLabels(metadata),
      ...(reservation === undefined ? {} : { annotations: { [annotations.reservation]: reservation } }),
      ...(ownerReferences ? { ownerReferences } : {}),
    },
    status: { conditions: ends },
  };
}

type Resources = NonNullable<NonNullable<Pod['spec']>['containers'][number]['resources']>;

function slimResources({ limits, requests }: Resources): Resources {
  return { ...(limits ? { limits } : {}), ...(requests ? { requests } : {}) };
}

type Condition = NonNullable<NonNullable<Pod['status']>['conditions']>[number];

function slimContainer(container: NonNullable<Pod['spec']>['containers'][number]): typeof container {
  return {
    name: container.name,
    ...(container.resources ? { resources: slimResources(container.resources) } : {}),
    ...(container.restartPolicy ? { restartPolicy: container.restartPolicy } : {}),
  };
}

function slimPod({ metadata, spec, status }: Pod): Pod {
  const allocated = metadata.annotations?.[hamiAnnotations.allocated];
  return {
    metadata: {
      ...slimMetadata(metadata),
      ...slimLabels(metadata),
      ...(allocated === undefined ? {} : { annotations: { [hamiAnnotations.allocated]: allocated } }),
    },
    ...(spec
      ? {
          spec: {
            containers: spec.containers.map(slimContainer),
            ...(spec.initContainers ? { initContainers: spec.initContainers.map(slimContainer) } : {}),
            ...(spec.nodeName ? { nodeName: spec.nodeName } : {}),
            ...(spec.overhead ? { overhead: spec.overhead } : {}),
            ...(spec.resources ? { resources: slimResources(spec.resources) } : {}),
          },
        }
      : {}),
    ...(status ? { status: slimPodStatus(status) } : {}),
  };
}

type PodStatus = NonNullable<Pod['status']>;
type ContainerStatuses = NonNullable<PodStatus['containerStatuses']>;

function slimPodStatus(status: PodStatus): PodStatus {
  const { phase, reason, message, startTime, conditions, containerStatuses, initContainerStatuses } = status;
  const telling = (conditions ?? [])
    .filter(({ type }) => type === 'PodScheduled' || type === 'DisruptionTarget')
    .map(slimCondition);
  const terminal = phase === 'Failed' || phase === 'Succeeded';
  return {
    ...(phase === undefined ? {} : { phase }),
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
    ...(startTime === undefined ? {} : { startTime }),
    ...(telling.length > 0 ? { conditions: telling } : {}),
    ...(terminal && containerStatuses ? { containerStatuses: slimStatuses(containerStatuses) } : {}),
    ...(terminal && initContainerStatuses ? { initContainerStatuses: slimStatuses(initContainerStatuses) } : {}),
  };
}

/** Without the times of probes, which are null in JSON. */
function slimCondition({ type, status, lastTransitionTime, reason, message }: Condition): Condition {
  return {
    ...{ type, status },
    ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }),
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  };
}

/** What the containers left behind. Their images and ids are read by nobody. */
function slimStatuses(statuses: ContainerStatuses): ContainerStatuses {
  return statuses.map(({ name, state }) => {
    if (!state?.terminated) return { name };
    const { containerID: _id, startedAt: _start, ...terminated } = state.terminated;
    return { name, state: { terminated } };
  }) as ContainerStatuses;
}

function slimNode({ metadata, spec, status }: Node): Node {
  const { labels: all } = metadata;
  const { taints, unschedulable } = spec ?? {};
  const { allocatable, capacity, conditions } = status ?? {};
  // Without the time of its heartbeat, or each one would be a change.
  const ready = (conditions ?? []).filter(({ type }) => type === 'Ready').map(({ type, status }) => ({ type, status }));
  // HAMi writes its register every 30 s in another order, and beside it the time: neither is a change.
  const register = settledRegister(metadata.annotations);
  return {
    metadata: {
      ...slimMetadata(metadata),
      ...(all ? { labels: all } : {}),
      ...(register === undefined ? {} : { annotations: { [hamiAnnotations.register]: register } }),
    },
    spec: { ...(taints ? { taints } : {}), ...(unschedulable === undefined ? {} : { unschedulable }) },
    status: {
      conditions: ready,
      ...(allocatable ? { allocatable } : {}),
      ...(capacity ? { capacity } : {}),
    },
  };
}

/** Slices of other devices (network cards) are many and long. */
function slimSlice({ metadata, spec }: ResourceSlice): ResourceSlice {
  const { devices: _devices, sharedCounters: _counters, ...head } = spec;
  return { metadata: slimMetadata(metadata), spec: draDrivers[spec.driver] === undefined ? head : spec };
}

function slimClaim({ metadata, status }: ResourceClaim): ResourceClaim {
  const { ownerReferences } = metadata;
  return {
    metadata: { ...slimMetadata(metadata), ...slimLabels(metadata), ...(ownerReferences ? { ownerReferences } : {}) },
    spec: {},
    ...(status?.allocation ? { status: slimClaimStatus(status.allocation, status.reservedFor) } : {}),
  };
}

type ClaimStatus = NonNullable<ResourceClaim['status']>;
type Allocation = NonNullable<ClaimStatus['allocation']>;
type Result = NonNullable<NonNullable<Allocation['devices']>['results']>[number];

function slimClaimStatus(allocation: Allocation, reservedFor: ClaimStatus['reservedFor']): ClaimStatus {
  const holders = (reservedFor ?? []).map(({ resource, name, uid }) => ({ resource, name, uid }));
  return { allocation: slimAllocation(allocation), ...(holders.length > 0 ? { reservedFor: holders } : {}) };
}

function slimAllocation({ devices }: Allocation): Allocation {
  return { devices: { results: (devices?.results ?? []).map(slimResult) } };
}

function slimResult({ request, driver, pool, device, adminAccess, consumedCapacity }: Result): Result {
  return {
    ...{ request, driver, pool, device },
    ...(adminAccess === true ? { adminAccess } : {}),
    ...(consumedCapacity ? { consumedCapacity } : {}),
  };
}

export function collections(): Collections {
  return {
    gpujobs: {
      resource: gpujobs,
      store: new Store<GPUJob>({ transform: slimGPUJob, indexes: { [indexes.uid]: ({ metadata }) => [metadata.uid] } }),
    },
    jobs: {
      resource: jobs,
      store: new Store<Job>({ transform: slimJob, indexes: { [indexes.gpujob]: byGPUJob } }),
      labelSelector: labels.gpujobUID,
    },
    pods: { resource: pods, store: new Store<Pod>({ transform: slimPod, indexes: { [indexes.gpujob]: byGPUJob } }) },
    nodes: { resource: nodes, store: new Store<Node>({ transform: slimNode }) },
    priorityClasses: { resource: priorityClasses, store: new Store<PriorityClass>({ transform: slim }) },
    resourceSlices: {
      resource: resourceSlices,
      store: new Store<ResourceSlice>({
        transform: slimSlice,
        indexes: { [indexes.node]: ({ spec }) => (spec.nodeName ? [spec.nodeName] : []) },
      }),
      optional: true,
    },
    resourceClaims: {
      resource: resourceClaims,
      store: new Store<ResourceClaim>({ transform: slimClaim, indexes: { [indexes.gpujob]: byGPUJob } }),
      optional: true,
    },
    deviceClasses: { resource: deviceClasses, store: new Store<DeviceClass>({ transform: slim }), optional: true },
    podRefusals: {
      resource: coreEvents,
      store: new Store<CoreEvent>({
        transform: slim,
        indexes: { [indexes.regarding]: (event) => (event.involvedObject.uid ? [event.involvedObject.uid] : []) },
      }),
      fieldSelector: 'involvedObject.kind=Job,reason=FailedCreate',
      // kube-apiserver keeps no watch cache for events (DefaultWatchCacheSizes).
      sendsBookmarks: false,
    },
  };
}
