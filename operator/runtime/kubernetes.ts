// Kubernetes objects as they really are in JSON. client-node's types are right but for two things: dates are strings on
// the wire, and an object that came from the API server always has a name, a uid and a resourceVersion.
import type {
  CoreV1Event,
  EventsV1Event,
  V1Condition,
  V1ConfigMap,
  V1ControllerRevision,
  ResourceV1ResourceClaim,
  V1Job,
  V1DeviceClass,
  V1Lease,
  V1Namespace,
  V1Secret,
  V1Node,
  V1ObjectMeta,
  V1Pod,
  V1PodTemplateSpec,
  V1PriorityClass,
  V1ResourceClaimTemplate,
  V1ResourceSlice,
  V1Service,
  V1Status,
} from '@kubernetes/client-node';

/** T with every Date as the RFC 3339 string it is in JSON. */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer U)[]
    ? Wire<U>[]
    : T extends object
      ? { [K in keyof T]: Wire<T[K]> }
      : T;

export type ObjectMeta = Wire<V1ObjectMeta> & { name: string; uid: string; resourceVersion: string };

/** What every object from the API server has. */
export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

/** A client-node type as the API server returns it. */
export type Stored<T> = Omit<Wire<T>, 'metadata'> & { metadata: ObjectMeta };

export type Pod = Stored<V1Pod>;
export type Namespace = Stored<V1Namespace>;
export type Secret = Stored<V1Secret>;
export type Node = Stored<V1Node>;
export type Job = Stored<V1Job>;
export type Service = Stored<V1Service>;
export type Lease = Stored<V1Lease>;
export type ConfigMap = Stored<V1ConfigMap>;
export type PriorityClass = Stored<V1PriorityClass>;
/** `data` is any JSON; client-node says object. */
export type ControllerRevision = Omit<Stored<V1ControllerRevision>, 'data'> & { data?: unknown };
export type ResourceSlice = Stored<V1ResourceSlice>;
export type ResourceClaim = Stored<ResourceV1ResourceClaim>;
export type ResourceClaimTemplate = Stored<V1ResourceClaimTemplate>;
export type DeviceClass = Stored<V1DeviceClass>;
export type CoreEvent = Stored<CoreV1Event>;
export type Event = Stored<EventsV1Event>;
export type PodTemplate = Wire<V1PodTemplateSpec>;
export type Condition = Wire<V1Condition>;
export type Status = Wire<V1Status>;
