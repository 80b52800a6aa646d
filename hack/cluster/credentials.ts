// Who may talk to a cluster of ours: bearer tokens, the service-account keys and the kubeconfigs made from them. The
// server's certificate is the API server's own (--cert-dir); it is its own authority, so openssl is never needed.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';

/** User name -> groups. The first three are the names RBAC's own bootstrap bindings know. */
const users = {
  admin: 'system:masters',
  'system:kube-controller-manager': '',
  'system:kube-scheduler': '',
  kwok: 'system:masters',
  'container-actor': 'system:masters',
} as const;

export type User = keyof typeof users;
export const userNames = Object.keys(users) as User[];
export type Tokens = Record<User, string>;

export const files = {
  tokens: 'credentials/tokens.csv',
  serviceAccountKey: 'credentials/service-account.key',
  serviceAccountPublicKey: 'credentials/service-account.pub',
  certificates: 'certificates',
  ca: 'certificates/apiserver.crt',
} as const;

export const kubeconfigOf = (directory: string, user: User): string =>
  user === 'admin'
    ? join(directory, 'kubeconfig')
    : join(directory, 'credentials', `${user.replace('system:', '')}.kubeconfig`);

/** Writes the token file and the service-account keys; a secret is readable by its owner only. */
export function writeSecrets(directory: string): Tokens {
  const tokens = Object.fromEntries(userNames.map((name) => [name, randomBytes(24).toString('hex')])) as Tokens;
  const lines = userNames.map((name, index) => `${tokens[name]},${name},${index},"${users[name]}"`);
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
  });
  writeFileSync(join(directory, files.tokens), lines.join('\n') + '\n', { mode: 0o600 });
  writeFileSync(join(directory, files.serviceAccountKey), privateKey, { mode: 0o600 });
  writeFileSync(join(directory, files.serviceAccountPublicKey), publicKey);
  return tokens;
}

/** A kubeconfig with one cluster, one user and one context. caFile is absolute. */
export function writeKubeconfig(
  path: string,
  to: { url: string; caFile: string; name: string; token: string; namespace?: string },
): void {
  const context = {
    cluster: 'orquanta',
    user: to.name,
    ...(to.namespace === undefined ? {} : { namespace: to.namespace }),
  };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'orquanta', cluster: { server: to.url, 'certificate-authority': to.caFile } }],
    users: [{ name: to.name, user: { token: to.token } }],
    contexts: [{ name: 'orquanta', context }],
    'current-context': 'orquanta',
  };
  writeFileSync(path, stringify(config), { mode: 0o600 });
}

export function writeKubeconfigs(directory: string, url: string, tokens: Tokens): void {
  for (const name of userNames) {
    writeKubeconfig(kubeconfigOf(directory, name), {
      url,
      caFile: join(directory, files.ca),
      name,
      token: tokens[name],
    });
  }
}
