// The checks that kube-linter has on by default (https://docs.kubelinter.io, "checks"), under its names, as far as the chart has
// such objects: kube-linter itself can't be had from the registries that this repository builds from. It judges plain objects.
import type { KubernetesObject } from '../../hack/api/client.ts';

interface Container {
  name: string;
  image: string;
  env?: { name: string; value?: string }[];
  ports?: { name?: string; containerPort: number }[];
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  securityContext?: {
    allowPrivilegeEscalation?: boolean;
    privileged?: boolean;
    readOnlyRootFilesystem?: boolean;
    runAsNonRoot?: boolean;
    capabilities?: { add?: string[]; drop?: string[] };
  };
  resources?: { requests?: Record<string, unknown>; limits?: Record<string, unknown> };
}

type Probe = Partial<Record<'httpGet' | 'tcpSocket', { port: string | number }>>;

export interface PodSpec {
  serviceAccountName?: string;
  serviceAccount?: string;
  hostIPC?: boolean;
  hostNetwork?: boolean;
  hostPID?: boolean;
  securityContext?: { runAsNonRoot?: boolean; sysctls?: { name: string }[] };
  affinity?: { podAntiAffinity?: object };
  containers: Container[];
  volumes?: { hostPath?: { path: string } }[];
}

/** Whatever makes Pods, or is one. */
interface Workload {
  readonly object: KubernetesObject;
  readonly labels: Readonly<Record<string, string>>;
  readonly pod: PodSpec;
}

interface Deployed {
  replicas?: number;
  selector: { matchLabels: Record<string, string> };
  template: { metadata: { labels?: Record<string, string> }; spec: PodSpec };
}

export interface Finding {
  readonly check: string;
  readonly object: string;
}

export function lint(objects: readonly KubernetesObject[]): Finding[] {
  const workloads = workloadsOf(objects);
  const found = (check: string, bad: readonly KubernetesObject[]) =>
    bad.map(({ kind = '', metadata }) => ({ check, object: `${kind}/${metadata.name}` }));
  return [
    ...Object.entries(podChecks).flatMap(([check, isBad]) =>
      found(
        check,
        workloads.filter(({ pod }) => isBad(pod)).map(({ object }) => object),
      ),
    ),
    ...Object.entries(containerChecks).flatMap(([check, isBad]) =>
      found(
        check,
        workloads.filter(({ pod }) => pod.containers.some((one) => isBad(one, pod))).map(({ object }) => object),
      ),
    ),
    ...Object.entries(objectChecks).flatMap(([check, isBad]) =>
      found(
        check,
        objects.filter((object) => isBad(object, workloads, objects)),
      ),
    ),
  ];
}

function workloadsOf(objects: readonly KubernetesObject[]): Workload[] {
  return objects.flatMap((object) => {
    if (object.kind === 'Pod') {
      return [{ object, labels: object.metadata.labels ?? {}, pod: object['spec'] as PodSpec }];
    }
    if (object.kind !== 'Deployment') return [];
    const { template } = object['spec'] as Deployed;
    return [{ object, labels: template.metadata.labels ?? {}, pod: template.spec }];
  });
}

const podChecks: Readonly<Record<string, (pod: PodSpec) => boolean>> = {
  'deprecated-service-account-field': ({ serviceAccount }) => serviceAccount !== undefined,
  'host-ipc': ({ hostIPC }) => hostIPC === true,
  'host-network': ({ hostNetwork }) => hostNetwork === true,
  'host-pid': ({ hostPID }) => hostPID === true,
  'sensitive-host-mounts': ({ volumes = [] }) => volumes.some(({ hostPath }) => hostPath !== undefined),
  'unsafe-sysctls': ({ securityContext }) => (securityContext?.sysctls ?? []).length > 0,
};

const containerChecks: Readonly<Record<string, (container: Container, pod: PodSpec) => boolean>> = {
  'drop-net-raw-capability': ({ securityContext: { capabilities } = {} }) =>
    !(capabilities?.drop ?? []).some((name) => name === 'ALL' || name === 'NET_RAW') ||
    (capabilities?.add ?? []).includes('NET_RAW'),
  'duplicate-env-var': ({ env = [] }) => new Set(env.map(({ name }) => name)).size < env.length,
  'env-var-secret': ({ env = [] }) => env.some(({ name, value = '' }) => /secret|password/i.test(name) && value !== ''),
  'latest-tag': ({ image }) => !/@sha256:|:[^/]+$/.test(image) || image.endsWith(':latest'),
  'liveness-port': (container) => probesNowhere(container, container.livenessProbe),
  'readiness-port': (container) => probesNowhere(container, container.readinessProbe),
  'no-read-only-root-fs': ({ securityContext }) => securityContext?.readOnlyRootFilesystem !== true,
  'privilege-escalation-container': ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false,
  'privileged-container': ({ securityContext }) => securityContext?.privileged === true,
  'run-as-non-root': ({ securityContext }, pod) =>
    (securityContext?.runAsNonRoot ?? pod.securityContext?.runAsNonRoot) !== true,
  'ssh-port': ({ ports = [] }) => ports.some(({ containerPort }) => containerPort === 22),
  'unset-cpu-requirements': ({ resources }) => resources?.requests?.['cpu'] === undefined,
  'unset-memory-requirements': ({ resources }) => resources?.limits?.['memory'] === undefined,
};

function probesNowhere({ ports = [] }: Container, probe: Probe | undefined): boolean {
  const port = (probe?.httpGet ?? probe?.tcpSocket)?.port;
  return port !== undefined && !ports.some(({ name, containerPort }) => port === name || port === containerPort);
}

type ObjectCheck = (
  object: KubernetesObject,
  workloads: readonly Workload[],
  objects: readonly KubernetesObject[],
) => boolean;

const objectChecks: Readonly<Record<string, ObjectCheck>> = {
  'dangling-service': (object, workloads) => object.kind === 'Service' && selectedBy(object, workloads).length === 0,
  'invalid-target-ports': (object, workloads) => {
    if (object.kind !== 'Service') return false;
    const { ports } = object['spec'] as { ports: { targetPort: string }[] };
    const open = selectedBy(object, workloads).flatMap(({ pod }) => pod.containers.flatMap((one) => one.ports ?? []));
    return ports.some(({ targetPort }) => !open.some(({ name }) => name === targetPort));
  },
  'mismatching-selector': ({ kind, ...object }) => {
    if (kind !== 'Deployment') return false;
    const { selector, template } = object['spec'] as Deployed;
    return !carries(template.metadata.labels ?? {}, selector.matchLabels);
  },
  'no-anti-affinity': ({ kind, ...object }) => {
    if (kind !== 'Deployment') return false;
    const { replicas = 1, template } = object['spec'] as Deployed;
    return replicas > 1 && template.spec.affinity?.podAntiAffinity === undefined;
  },
  'no-extensions-v1beta': ({ apiVersion = '' }) => apiVersion.startsWith('extensions/v1beta'),
  'non-existent-service-account': (object, workloads, objects) => {
    const name = workloads.find((one) => one.object === object)?.pod.serviceAccountName ?? 'default';
    return (
      name !== 'default' && !objects.some(({ kind, metadata }) => kind === 'ServiceAccount' && metadata.name === name)
    );
  },
  'pdb-max-unavailable': ({ kind, ...object }) =>
    kind === 'PodDisruptionBudget' &&
    ['0', '0%'].includes(String((object['spec'] as { maxUnavailable?: unknown }).maxUnavailable)),
  'pdb-unhealthy-pod-eviction-policy': ({ kind, ...object }) =>
    kind === 'PodDisruptionBudget' &&
    (object['spec'] as { unhealthyPodEvictionPolicy?: string }).unhealthyPodEvictionPolicy === undefined,
};

function selectedBy(service: KubernetesObject, workloads: readonly Workload[]): readonly Workload[] {
  const { selector } = service['spec'] as { selector: Record<string, string> };
  return workloads.filter(({ labels }) => carries(labels, selector));
}

function carries(labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

/** All there are. */
export const checks: readonly string[] = [podChecks, containerChecks, objectChecks].flatMap((some) =>
  Object.keys(some),
);
