// What is read of the kinds of which there are many and that change often. The numbers are those of Kubernetes' generated.proto
// (k8s.io/api core/v1, batch/v1, resource/v1 and apimachinery meta/v1); they never change. A field that somebody wants to
// read is added here, or it isn't there: e2e/contract holds these objects to those that the server sends as JSON.
import type { Job, Node, ObjectMeta, Pod, ResourceClaim } from '../kubernetes.ts';
import {
  flag,
  integer,
  integerUnlessZero,
  list,
  Message,
  nested,
  quantityMap,
  text,
  textMap,
  time,
} from './message.ts';

type Item<T> = NonNullable<T> extends readonly (infer U)[] ? U : never;
type PodSpec = NonNullable<Pod['spec']>;
type PodStatus = NonNullable<Pod['status']>;
type Container = Item<PodSpec['containers']>;
type ContainerStatus = Item<PodStatus['containerStatuses']>;
type ContainerState = NonNullable<ContainerStatus['state']>;
type NodeSpec = NonNullable<Node['spec']>;
type NodeStatus = NonNullable<Node['status']>;
type JobStatus = NonNullable<Job['status']>;
type ClaimStatus = NonNullable<ResourceClaim['status']>;
type Allocation = NonNullable<ClaimStatus['allocation']>;
type AllocatedDevices = NonNullable<Allocation['devices']>;

export const metadataMessage = new Message<ObjectMeta>({
  name: text(1),
  namespace: text(3),
  uid: text(5),
  resourceVersion: text(6),
  creationTimestamp: time(8),
  deletionTimestamp: time(9),
  labels: textMap(11),
  annotations: textMap(12),
  ownerReferences: list(
    13,
    new Message<Item<ObjectMeta['ownerReferences']>>({
      kind: text(1),
      name: text(3),
      uid: text(4),
      apiVersion: text(5),
      controller: flag(6),
      blockOwnerDeletion: flag(7),
    }),
  ),
});

const resources = new Message<NonNullable<Container['resources']>>({
  limits: quantityMap(1),
  requests: quantityMap(2),
});

const container = new Message<Container>({ name: text(1), resources: nested(8, resources), restartPolicy: text(24) });

const terminated = new Message<NonNullable<ContainerState['terminated']>>({
  exitCode: integer(1),
  signal: integerUnlessZero(2),
  reason: text(3),
  message: text(4),
  finishedAt: time(6),
});

const containerStatus = new Message<ContainerStatus>({
  name: text(1),
  state: nested(2, new Message<ContainerState>({ terminated: nested(3, terminated) })),
});

interface Condition {
  type: string;
  status: string;
  lastTransitionTime?: string;
  reason?: string;
  message?: string;
}

/** Of Pods, Nodes and Jobs. */
const condition = new Message<Condition>({
  type: text(1),
  status: text(2),
  lastTransitionTime: time(4),
  reason: text(5),
  message: text(6),
});

export const podMessage = new Message<Pod>({
  metadata: nested(1, metadataMessage),
  spec: nested(
    2,
    new Message<PodSpec>({
      containers: list(2, container),
      nodeName: text(10),
      initContainers: list(20, container),
      overhead: quantityMap(32),

      resources: nested(40, resources),
    }),
  ),
  status: nested(
    3,
    new Message<PodStatus>({
      phase: text(1),
      conditions: list(2, condition),
      message: text(3),
      reason: text(4),
      startTime: time(7),
      containerStatuses: list(8, containerStatus),
      initContainerStatuses: list(10, containerStatus),
    }),
  ),
});

export const nodeMessage = new Message<Node>({
  metadata: nested(1, metadataMessage),
  spec: nested(
    2,
    new Message<NodeSpec>({
      unschedulable: flag(4),
      taints: list(
        5,
        new Message<Item<NodeSpec['taints']>>({ key: text(1), value: text(2), effect: text(3), timeAdded: time(4) }),
      ),
    }),
  ),
  status: nested(
    3,
    new Message<NodeStatus>({
      capacity: quantityMap(1),
      allocatable: quantityMap(2),
      conditions: list(4, condition),
    }),
  ),
});

export const jobMessage = new Message<Job>({
  metadata: nested(1, metadataMessage),
  status: nested(3, new Message<JobStatus>({ conditions: list(1, condition) })),
});

export const resourceClaimMessage = new Message<ResourceClaim>({
  metadata: nested(1, metadataMessage),
  status: nested(
    3,
    new Message<ClaimStatus>({
      reservedFor: list(
        2,
        new Message<Item<ClaimStatus['reservedFor']>>({ resource: text(3), name: text(4), uid: text(5) }),
      ),
      allocation: nested(
        1,
        new Message<Allocation>({
          devices: nested(
            1,
            new Message<AllocatedDevices>({
              results: list(
                1,
                new Message<Item<AllocatedDevices['results']>>({
                  request: text(1),
                  driver: text(2),
                  pool: text(3),
                  device: text(4),
                  adminAccess: flag(5),
                  consumedCapacity: quantityMap(10),
                }),
              ),
            }),
          ),
        }),
      ),
    }),
  ),
});
