// A kubeconfig as a connection. The plain forms (certificates and tokens, embedded or in files) are read here; a user with
// an exec or auth provider plugin goes by client-node, whose code costs 85 MB and is loaded for that alone.
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Clock } from './clock.ts';
import type { Connection, TokenSource } from './access.ts';
import { TokenFile } from './token-file.ts';

/** The kubeconfig can't be used; the message says why and names no secret. */
export class InvalidKubeconfig extends Error {
  override readonly name = 'InvalidKubeconfig';
}

export interface KubeconfigOptions {
  /** Absent: where kubectl looks, ~/.kube/config. */
  path: string | undefined;
  clock: Clock;
}

const clusterSchema = z.object({
  server: z.url(),
  'certificate-authority': z.string().optional(),
  'certificate-authority-data': z.base64().optional(),
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': z.string().optional(),
  // We don't speak through proxies; going past one would be worse than saying so.
  'proxy-url': z.undefined('proxy-url is not supported').optional(),
});

const userSchema = z.object({
  'client-certificate': z.string().optional(),
  'client-certificate-data': z.base64().optional(),
  'client-key': z.string().optional(),
  'client-key-data': z.base64().optional(),
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  exec: z.looseObject({}).optional(),
  'auth-provider': z.looseObject({}).optional(),
});

const kubeconfigSchema = z.object({
  'current-context': z.string().min(1),
  contexts: z.array(
    z.object({
      name: z.string(),
      context: z.object({ cluster: z.string(), user: z.string(), namespace: z.string().optional() }),
    }),
  ),
  clusters: z.array(z.object({ name: z.string(), cluster: z.looseObject({}) })),
  users: z.array(z.object({ name: z.string(), user: z.looseObject({}).nullish() })),
});

type User = z.infer<typeof userSchema>;

export async function kubeconfigConnection(options: KubeconfigOptions): Promise<Connection> {
  const path = options.path ?? resolve(homedir(), '.kube', 'config');
  const { context, cluster, user } = currentContext(path, await readText(path));
  const file = (name: string | undefined) => (name === undefined ? undefined : resolve(dirname(path), name));
  const ca = await pem(file(cluster['certificate-authority']), cluster['certificate-authority-data']);
  const certificate = await pem(file(user['client-certificate']), user['client-certificate-data']);
  const key = await pem(file(user['client-key']), user['client-key-data']);
  const token = await tokenSource(path, user, options.clock);
  const serverName = cluster['tls-server-name'];
  return {
    server: cluster.server,
    namespace: context.namespace ?? 'default',
    insecureSkipTLSVerify: cluster['insecure-skip-tls-verify'] ?? false,
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined || key === undefined ? {} : { clientCertificate: { certificate, key } }),
    ...(token === undefined ? {} : { token }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

function currentContext(path: string, text: string) {
  const config = checked(path, kubeconfigSchema, parse(text));
  const name = config['current-context'];
  const context = config.contexts.find((one) => one.name === name)?.context;
  const cluster = config.clusters.find((one) => one.name === context?.cluster)?.cluster;
  const user = config.users.find((one) => one.name === context?.user);
  if (!context || !cluster || !user) {
    throw new InvalidKubeconfig(`${path}: the context, cluster or user of current-context "${name}" is missing`);
  }
  return { context, cluster: checked(path, clusterSchema, cluster), user: checked(path, userSchema, user.user ?? {}) };
}

function checked<S extends z.ZodType>(path: string, schema: S, value: unknown): z.infer<S> {
  const result = schema.safeParse(value);
  if (!result.success) throw new InvalidKubeconfig(`${path}: ${z.prettifyError(result.error)}`);
  return result.data;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new InvalidKubeconfig(`${path} can't be read; a list of files in KUBECONFIG is not supported`, { cause });
  }
}

async function pem(path: string | undefined, base64: string | undefined): Promise<string | undefined> {
  // The data wins over the file, as in client-go.
  if (base64 !== undefined) return Buffer.from(base64, 'base64').toString();
  return path === undefined ? undefined : readText(path);
}

async function tokenSource(path: string, user: User, clock: Clock): Promise<TokenSource | undefined> {
  if (user.tokenFile !== undefined) return new TokenFile(resolve(dirname(path), user.tokenFile), clock);
  const { token } = user;
  if (token !== undefined) return { token: () => Promise.resolve(token), refused: () => undefined };
  if (!user.exec && !user['auth-provider']) return undefined;
  const { pluginTokens } = await import('./kubeconfig-plugin.ts');
  return pluginTokens(path);
}
