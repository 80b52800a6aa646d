// Where a kind of object lives on the API server, with its type. The kinds of Kubernetes the runtime and its users need
// are listed here; a custom resource brings its own.
import type {
  ConfigMap,
  ControllerRevision,
  CoreEvent,
  DeviceClass,
  Event,
  Job,
  KubernetesObject,
  Lease,
  Namespace,
  Node,
  ObjectMeta,
  Pod,
  PriorityClass,
  ResourceClaim,
  ResourceClaimTemplate,
  ResourceSlice,
  Secret,
  Service,
} from './kubernetes.ts';
import { jobMessage, nodeMessage, podMessage, resourceClaimMessage } from './protobuf/kinds.ts';
import type { Message } from './protobuf/message.ts';

declare const objectType: unique symbol;

export interface Resource<T extends KubernetesObject = KubernetesObject> {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** What is read of it in lists and watches, where the server sends protobuf; without it they are JSON. */
  readonly protobuf?: Message<T>;
  /** Never there at run time: it ties the resource to the type of its objects. */
  readonly [objectType]?: T;
}

export interface ObjectKey {
  namespace?: string;
  name: string;
}

export const pods = { ...builtIn<Pod>('', 'v1', 'pods', 'Pod'), protobuf: podMessage };
export const services = builtIn<Service>('', 'v1', 'services', 'Service');
export const namespaces = builtIn<Namespace>('', 'v1', 'namespaces', 'Namespace', 'Cluster');
export const nodes = { ...builtIn<Node>('', 'v1', 'nodes', 'Node', 'Cluster'), protobuf: nodeMessage };
export const coreEvents = builtIn<CoreEvent>('', 'v1', 'events', 'Event');
export const configMaps = builtIn<ConfigMap>('', 'v1', 'configmaps', 'ConfigMap');
export const jobs = { ...builtIn<Job>('batch', 'v1', 'jobs', 'Job'), protobuf: jobMessage };
export const controllerRevisions = builtIn<ControllerRevision>(
  'apps',
  'v1',
  'controllerrevisions',
  'ControllerRevision',
);
export const secrets = builtIn<Secret>('', 'v1', 'secrets', 'Secret');
export const leases = builtIn<Lease>('coordination.k8s.io', 'v1', 'leases', 'Lease');
export const events = builtIn<Event>('events.k8s.io', 'v1', 'events', 'Event');
export const priorityClasses = builtIn<PriorityClass>(
  'scheduling.k8s.io',
  'v1',
  'priorityclasses',
  'PriorityClass',
  'Cluster',
);

const dra = ['resource.k8s.io', 'v1'] as const;
export const resourceSlices = builtIn<ResourceSlice>(...dra, 'resourceslices', 'ResourceSlice', 'Cluster');
export const resourceClaims = {
  ...builtIn<ResourceClaim>(...dra, 'resourceclaims', 'ResourceClaim'),
  protobuf: resourceClaimMessage,
};
export const resourceClaimTemplates = builtIn<ResourceClaimTemplate>(
  ...dra,
  'resourceclaimtemplates',
  'ResourceClaimTemplate',
);
export const deviceClasses = builtIn<DeviceClass>(...dra, 'deviceclasses', 'DeviceClass', 'Cluster');

function builtIn<T extends KubernetesObject>(
  group: string,
  version: string,
  plural: string,
  kind: string,
  scope: 'Namespaced' | 'Cluster' = 'Namespaced',
): Resource<T> {
  return { group, version, plural, kind, namespaced: scope === 'Namespaced' };
}

export function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** 'namespace/name', or 'name' for what has no namespace: the key of stores and queues. */
export function keyOf(metadata: Pick<ObjectMeta, 'namespace' | 'name'>): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

export function parseKey(key: string): ObjectKey {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The path of the collection; without a namespace, of all namespaces. */
export function collectionPath(resource: Resource, namespace: string | undefined): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${scope}/${resource.plural}`;
}

export function objectPath(resource: Resource, key: ObjectKey): string {
  return `${collectionPath(resource, key.namespace)}/${encodeURIComponent(key.name)}`;
}

/** Which objects of a collection. */
export interface Selection {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}
