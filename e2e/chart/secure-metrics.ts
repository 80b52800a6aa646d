// What stands around a release that serves metrics over TLS: the Secret as somebody makes it, the kubelet that mounts it, and what
// Prometheus is told. It takes every name from what the chart renders.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Api } from '../../hack/api/client.ts';
import type { Cluster } from '../../hack/cluster/cluster.ts';
import type { KeyPair } from '../../operator/http/key-pair.ts';
import { type MountedSecret, mountSecret } from '../../operator/http/testing/mounted-secret.ts';
import type { Installed } from '../setup/installed-operator.ts';
import { type Role, rightsOf } from '../setup/rights.ts';
import { rendered } from './helm.ts';

export interface SecureEndpoint {
  readonly scheme: string;
  readonly tlsConfig: { readonly ca: { readonly secret: { name: string; key: string } }; readonly serverName: string };
}

/** How Prometheus is told to scrape the Service. */
export async function monitored(namespace: string, values: readonly string[]): Promise<SecureEndpoint> {
  const objects = await rendered(namespace, [...values, '--set=serviceMonitor.enabled=true']);
  const { spec } = objects.find(({ kind }) => kind === 'ServiceMonitor') as unknown as {
    spec: { endpoints: [SecureEndpoint] };
  };
  const [endpoint] = spec.endpoints;
  if (endpoint.scheme !== 'https') throw new Error(`Prometheus is told to scrape by ${endpoint.scheme}`);
  return endpoint;
}

export const filesOf = ({ certificate, key }: KeyPair) => ({ 'tls.crt': certificate, 'tls.key': key });

/** As docs/secure.md makes it of two files: a certificate that signed itself is its own authority. */
export async function createSecret(cluster: Cluster, namespace: string, pair: KeyPair): Promise<void> {
  const folder = join(cluster.directory, 'tls');
  mkdirSync(folder);
  const files = { ...filesOf(pair), 'ca.crt': pair.certificate };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const what = ['secret', 'generic', 'metrics-tls', '--type=kubernetes.io/tls', `--namespace=${namespace}`];
  await cluster.kubectl(['create', ...what, `--from-file=${folder}`]);
}

/** The text under each of its keys. */
export async function secretOf(api: Api, namespace: string, name: string): Promise<(key: string) => string> {
  const { data } = await api.get<{ data: Record<string, string> }>(`/api/v1/namespaces/${namespace}/secrets/${name}`);
  return (key) => Buffer.from(data[key] ?? '', 'base64').toString();
}

interface MountingPod {
  readonly containers: [{ readonly args: string[]; readonly volumeMounts: { name: string; mountPath: string }[] }];
  readonly volumes: { name: string; secret: { secretName: string; items: { key: string; path: string }[] } }[];
}

/** In a folder of the test, what the Deployment mounts where its operator is told to look. */
export async function mountSecretOf({ cluster, api, namespace }: Installed): Promise<MountedSecret> {
  const { spec } = await api.get<{ spec: { template: { spec: MountingPod } } }>(
    `/apis/apps/v1/namespaces/${namespace}/deployments/orquanta`,
  );
  const { containers, volumes } = spec.template.spec;
  const [{ args, volumeMounts }] = containers;
  const mount = volumeMounts.find(({ mountPath }) => args.includes(`--metrics-cert-path=${mountPath}`));
  const volume = volumes.find(({ name }) => name === mount?.name);
  if (volume === undefined) throw new Error('nothing is mounted where --metrics-cert-path points to');
  const read = await secretOf(api, namespace, volume.secret.secretName);
  const folder = join(cluster.directory, 'mounted');
  mkdirSync(folder);
  return mountSecret(folder, Object.fromEntries(volume.secret.items.map(({ key, path }) => [path, read(key)])));
}

/** What the operator is granted with these values and not without them, as "group/resource verb". */
export async function rightsBeside(namespace: string, values: readonly string[]): Promise<string[]> {
  const without = new Set(await boundRights(namespace));
  return (await boundRights(namespace, values)).filter((right) => !without.has(right));
}

async function boundRights(namespace: string, values: readonly string[] = []): Promise<string[]> {
  const objects = await rendered(namespace, [...values, '--set=tests.enabled=false']);
  const bindings = objects.filter(({ kind = '' }) => kind.endsWith('RoleBinding'));
  const bound = new Set(bindings.map(({ roleRef }) => (roleRef as { name: string }).name));
  const roles = objects.filter(({ kind = '', metadata }) => kind.endsWith('Role') && bound.has(metadata.name));
  return rightsOf(roles as unknown as Role[]);
}
