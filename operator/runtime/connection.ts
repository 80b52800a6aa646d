// Where the API server is and how to prove who we are: from the files of a service account inside a cluster, from a
// kubeconfig outside. It opens no connection.
import { readFile } from 'node:fs/promises';
import type { Clock } from './clock.ts';
import { TokenFile } from './token-file.ts';

export interface TokenSource {
  /** The token to use now. */
  token(): Promise<string>;
  /** The server refused the last one: look for a new one next time, however fresh it is. */
  refused(): void;
}

export interface Connection {
  /** For instance https://10.0.0.1:443 */
  server: string;
  /** PEM. Absent: the machine's own authorities. */
  ca?: string;
  /** PEM. */
  clientCertificate?: { certificate: string; key: string };
  token?: TokenSource;
  /** The name the server's certificate must carry, where it isn't the address. */
  serverName?: string;
  insecureSkipTLSVerify?: boolean;
  /** Our own namespace: that of the service account, or of the kubeconfig's context. */
  namespace: string;
}

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
