// Where the API server is and how to prove who we are: from the files of a service account inside a cluster, from a
// kubeconfig outside. It opens no connection.
import { readFile } from 'node:fs/promises';
import type { Clock } from './clock.ts';
import type { Connection } from './access.ts';
import { TokenFile } from './token-file.ts';

export type { Connection, TokenSource } from './access.ts';

export interface ConnectionOptions {
  environment: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  /** A path. Wins over KUBECONFIG, which wins over being in a cluster. */
  kubeconfig?: string;
  /** Where the kubelet mounts the service account's files. */
  serviceAccountFolder?: string;
}

/** Kubernetes promises this path to every container (ServiceAccount admission). */
const defaultServiceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

export async function loadConnection(options: ConnectionOptions): Promise<Connection> {
  const { environment } = options;
  const path = options.kubeconfig ?? environment['KUBECONFIG'];
  if (path === undefined && environment['KUBERNETES_SERVICE_HOST'] !== undefined) return inClusterConnection(options);
  const { kubeconfigConnection } = await import('./kubeconfig.ts');
  return kubeconfigConnection({ path, clock: options.clock });
}

async function inClusterConnection(options: ConnectionOptions): Promise<Connection> {
  const host = options.environment['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = options.environment['KUBERNETES_SERVICE_PORT'] ?? '443';
  const folder = options.serviceAccountFolder ?? defaultServiceAccountFolder;
  const namespace = await readFile(`${folder}/namespace`, 'utf8');
  return {
    // An IPv6 address needs its brackets in a URL.
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca: await readFile(`${folder}/ca.crt`, 'utf8'),
    token: new TokenFile(`${folder}/token`, options.clock),
    namespace: namespace.trim(),
  };
}
