// The operator as it was installed: a process of its own, as played nodes run no image, with the service account and the flags of
// the Deployment's Pod. Only addresses are this machine's.
import type { Api, KubernetesObject } from '../../hack/api/client.ts';
import type { Cluster } from '../../hack/cluster/cluster.ts';
import { kubeconfigOfAccount } from '../../hack/operator/install.ts';
import { type OperatorProcess, startOperator, type StartOptions } from '../../hack/operator/process.ts';
import type { Audited } from './rights.ts';
import { auditEvents, waitForObject } from './surroundings.ts';

export interface Installed {
  readonly cluster: Cluster;
  readonly api: Api;
  readonly namespace: string;
  /** Of its Deployment and its service account; default: orquanta. */
  readonly fullName?: string;
}

const usualName = 'orquanta';

export interface InstalledOptions extends Pick<StartOptions, 'name' | 'waitUntilReady'> {
  /** From the flags of the Pod; default: as they are. */
  readonly argsOf?: (flags: readonly string[]) => readonly string[];
}

export async function startInstalled(
  { cluster, api, namespace, fullName = usualName }: Installed,
  { argsOf = (flags) => flags, ...options }: InstalledOptions = {},
): Promise<OperatorProcess> {
  const { spec } = await api.get<{
    spec: { template: { spec: { serviceAccountName: string; containers: [{ args: string[] }] } } };
  }>(`/apis/apps/v1/namespaces/${namespace}/deployments/${fullName}`);
  const { serviceAccountName, containers } = spec.template.spec;
  return startOperator({
    ...options,
    args: [...argsOf(containers[0].args.filter((flag) => !/-bind-address=/.test(flag)))],
    environment: { POD_NAMESPACE: namespace },
    directory: cluster.directory,
    kubeconfig: await kubeconfigOfAccount(cluster, { name: serviceAccountName, namespace }),
    signal: AbortSignal.timeout(60_000),
  });
}

interface Lease extends KubernetesObject {
  spec: { holderIdentity?: string };
}

export async function untilLedBy(
  { api, namespace }: Pick<Installed, 'api' | 'namespace'>,
  name: string,
): Promise<void> {
  await waitForObject<Lease>(api, `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`, 'orquanta', {
    what: `to be held by ${name}`,
    timeoutMilliseconds: 60_000,
    until: ({ spec }) => spec.holderIdentity === name,
  });
}

/** By the API server's own account. */
export function requestsOfInstalled({ cluster, namespace, fullName = usualName }: Omit<Installed, 'api'>): Audited[] {
  const account = `system:serviceaccount:${namespace}:${fullName}`;
  return auditEvents(cluster).filter(({ user }) => user.username === account);
}

/** What its account has no right to, and asked for. */
export function refusedToInstalled(installed: Omit<Installed, 'api'>): unknown[] {
  return requestsOfInstalled(installed)
    .filter(({ annotations }) => annotations?.['authorization.k8s.io/decision'] === 'forbid')
    .map(({ verb, objectRef }) => [verb, objectRef]);
}
