// Reads the Secrets that a HeatObserver names, in its own namespace, with the rights that a RoleBinding there gives. Nothing of
// what it reads is kept, logged or said.
import type { DefaultedHeatSpec } from '../resources/heatobserver.ts';
import type { HeatReason } from '../resources/heatobserver/conditions.ts';
import type { ApiClient } from '../runtime/client.ts';
import { type ApiError, isApiError } from '../runtime/errors.ts';
import { secrets } from '../runtime/resource.ts';

export type Credentials =
  | { readonly kind: 'Known'; readonly password: string | undefined; readonly ca: string | undefined }
  | {
      readonly kind: 'Missing';
      readonly reason: Extract<HeatReason, 'SecretNotFound' | 'SecretForbidden'>;
      readonly message: string;
    };

type Reference = NonNullable<DefaultedHeatSpec['redis']['passwordSecretRef']>;
type Read = { readonly text: string | undefined } | Extract<Credentials, { kind: 'Missing' }>;

export async function readCredentials(
  { passwordSecretRef, tls }: DefaultedHeatSpec['redis'],
  namespace: string,
  client: ApiClient,
  signal: AbortSignal,
): Promise<Credentials> {
  const password = await readKey(passwordSecretRef, namespace, client, signal);
  if ('kind' in password) return password;
  const ca = await readKey(tls.caSecretRef, namespace, client, signal);
  if ('kind' in ca) return ca;
  return { kind: 'Known', password: password.text, ca: ca.text };
}

async function readKey(
  reference: Reference | undefined,
  namespace: string,
  client: ApiClient,
  signal: AbortSignal,
): Promise<Read> {
  if (!reference) return { text: undefined };
  const { name, key } = reference;
  try {
    const { data = {} } = await client.get(secrets, { namespace, name }, signal);
    const encoded = data[key];
    if (encoded === undefined) return notFound(`Secret ${namespace}/${name} has no key "${key}": add it`);
    return { text: Buffer.from(encoded, 'base64').toString() };
  } catch (error) {
    if (isApiError(error, 'NotFound'))
      return notFound(`there is no Secret ${namespace}/${name}: make it, with a key "${key}"`);
    if (isApiError(error, 'Forbidden')) return forbidden(namespace, name, error);
    throw error;
  }
}

function notFound(message: string): Read {
  return { kind: 'Missing', reason: 'SecretNotFound', message };
}

/** The server's refusal names who asked. */
function forbidden(namespace: string, name: string, error: ApiError): Read {
  const user = /User "([^"]+)"/.exec(error.message)?.[1] ?? '';
  const account = /^system:serviceaccount:([^:]+:[^:]+)$/.exec(user)?.[1];
  const subject = account === undefined ? `--user=${quoted(user)}` : `--serviceaccount=${account}`;
  const role = `orquanta-read-${name}`;
  const message = `the operator may not read Secret ${namespace}/${name}. Allow it: kubectl create role ${role} --namespace=${namespace} --verb=get --resource=secrets --resource-name=${name} && kubectl create rolebinding ${role} --namespace=${namespace} --role=${role} ${subject}`;
  return { kind: 'Missing', reason: 'SecretForbidden', message };
}

/** For a shell. */
function quoted(word: string): string {
  return /^[\w.:@/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
