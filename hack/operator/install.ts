// Puts into a cluster what the operator needs: the CRDs, what the API server warns of, and config/rbac with a kubeconfig of
// its service account. It starts nothing.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { Api, type KubernetesObject, readKubeconfig } from '../api/client.ts';
import { waitFor } from '../api/wait.ts';
import { writeKubeconfig } from '../cluster/credentials.ts';
import { runKubectl } from '../cluster/kubectl.ts';
import type { Programs } from '../cluster/programs.ts';

const root = join(import.meta.dirname, '..', '..');
const crdFolder = join(root, 'crds');
const admissionFolder = join(root, 'config', 'admission');
const rbacFolder = join(root, 'config', 'rbac');

/** Where to install; `directory` is where kubeconfigs, logs and pid files go. */
export interface Target {
  readonly kubeconfig: string;
  readonly directory: string;
  readonly programs: Programs;
}

interface Definition extends KubernetesObject {
  status: { conditions?: { type: string; status: string }[] };
}

/** With what is said at their admission. Returns when the API server serves them. */
export async function installCRDs(target: Target): Promise<void> {
  const { kubeconfig, programs } = target;
  await runKubectl(programs, kubeconfig, ['apply', '--server-side', '--force-conflicts', `--filename=${crdFolder}`]);
  const api = Api.fromKubeconfig(kubeconfig);
  await untilCRDsEstablished(api);
  await api.close();
  await installAdmission(target);
}

/** The CRDs must be there: SovereignPolicies are its parameters. */
export async function installAdmission({ kubeconfig, programs }: Target): Promise<void> {
  const args = ['apply', '--server-side', '--force-conflicts', `--filename=${admissionFolder}`];
  await runKubectl(programs, kubeconfig, args);
}

export const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

function isEstablished({ status }: Definition): boolean {
  return status.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True') ?? false;
}

/** All there are. */
export async function untilCRDsEstablished(api: Api): Promise<void> {
  await waitFor<Definition>(api, definitions, {
    what: 'the CRDs to be established',
    timeoutMilliseconds: 30_000,
    until: (seen) => seen.length > 0 && seen.every(isEstablished),
  });
}

/** The service account that config/rbac makes. */
export function serviceAccount(): Account {
  const files = readdirSync(rbacFolder).filter((file) => file.endsWith('.yaml') && !file.startsWith('kustomization'));
  const account = files
    .flatMap((file) => parseAllDocuments(readFileSync(join(rbacFolder, file), 'utf8')))
    .map((document) => document.toJS() as KubernetesObject)
    .find(({ kind }) => kind === 'ServiceAccount');
  const { name, namespace } = account?.metadata ?? {};
  if (name === undefined || namespace === undefined)
    throw new Error('config/rbac holds no ServiceAccount with a namespace');
  return { name, namespace };
}

/** Applies config/rbac; the kubeconfig it returns the path of is that of its service account. */
export async function installRights(target: Target): Promise<string> {
  const { kubeconfig, programs } = target;
  await runKubectl(programs, kubeconfig, ['apply', `--filename=${join(rbacFolder, 'namespace.yaml')}`]);
  await runKubectl(programs, kubeconfig, ['apply', `--filename=${rbacFolder}`]);
  return kubeconfigOfAccount(target, serviceAccount());
}

export interface Account {
  readonly name: string;
  readonly namespace: string;
}

/** Where the kubeconfig of a service account is, once it was asked for. */
export function kubeconfigPathOf({ directory }: Pick<Target, 'directory'>, { name, namespace }: Account): string {
  return join(directory, 'credentials', `${namespace}-${name}.kubeconfig`);
}

/** Path of a kubeconfig with a token of the service account, good for a day. */
export async function kubeconfigOfAccount({ kubeconfig, directory }: Target, account: Account): Promise<string> {
  const { name, namespace } = account;
  const api = Api.fromKubeconfig(kubeconfig);
  const { status } = await api.create<{ status: { token: string } }>(
    `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 86_400 } },
  );
  await api.close();
  const { server, ca = '' } = readKubeconfig(kubeconfig);
  const caFile = join(directory, 'credentials', 'operator-ca.crt');
  writeFileSync(caFile, ca);
  const path = kubeconfigPathOf({ directory }, account);
  writeKubeconfig(path, { url: server, caFile, name, token: status.token, namespace });
  return path;
}
