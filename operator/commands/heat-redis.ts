// Which Redis a command speaks to for a HeatObserver, with whose password, and what to say where it can't.
import { nameToDial } from '../heat/redis/address.ts';
import type { RedisError } from '../heat/redis/errors.ts';
import type { RedisTarget } from '../heat/redis/link.ts';
import { readCredentials } from '../heat/secrets.ts';
import { type DefaultedHeatSpec, type RedisEndpoint, redisEndpoint } from '../resources/heatobserver.ts';
import type { ApiClient } from '../runtime/client.ts';
import { CommandError, type Terminal } from './command.ts';

export const passwordVariable = 'REDIS_PASSWORD';

export interface TargetOptions {
  readonly spec: DefaultedHeatSpec;
  readonly namespace: string;
  /** A URL to connect to instead. */
  readonly override: string | undefined;
  readonly environment: Terminal['environment'];
  readonly client: ApiClient;
}

export async function targetOf(
  { spec: { redis }, namespace, override, environment, client }: TargetOptions,
  signal: AbortSignal,
): Promise<RedisTarget> {
  const own = endpointOf(redis.url);
  const { host, port, database, tls } = override === undefined ? own : endpointOf(override);
  const namesDatabase = override === undefined || new URL(override).pathname.length > 1;
  const password = environment[passwordVariable] || undefined;
  const credentials = await readCredentials(
    {
      ...redis,
      passwordSecretRef: password === undefined ? redis.passwordSecretRef : undefined,
      tls: { ...redis.tls, caSecretRef: tls ? redis.tls.caSecretRef : undefined },
    },
    namespace,
    client,
    signal,
  );
  if (credentials.kind === 'Missing') throw unreadableSecret(credentials.reason, credentials.message, redis, namespace);
  return {
    host: override === undefined ? nameToDial(host, namespace) : host,
    port,
    database: namesDatabase ? database : own.database,
    username: redis.username,
    password: password ?? credentials.password,
    // A forwarded port leads to the host of the spec: that is who must prove itself.
    tls: tls ? { ca: credentials.ca, serverName: redis.tls.serverName ?? own.host } : undefined,
  };
}

function endpointOf(url: string): RedisEndpoint {
  const endpoint = redisEndpoint(url);
  if (!endpoint) throw new CommandError(`redis.url "${url}" can't be used: write redis://host:port/db`);
  return endpoint;
}

function unreadableSecret(
  reason: string,
  message: string,
  { passwordSecretRef, tls }: DefaultedHeatSpec['redis'],
  namespace: string,
): CommandError {
  const hint = `or set ${passwordVariable}, which is used instead of the password in it`;
  if (reason !== 'SecretForbidden') return new CommandError(`${message}, ${hint}`);
  const names = [passwordSecretRef, tls.caSecretRef].flatMap((reference) => (reference ? [reference.name] : []));
  return new CommandError(
    `you may not read Secrets of namespace ${namespace} (${names.join(', ')}): call it as somebody who may, ${hint}`,
  );
}

export function placeOf({ host, port, database }: RedisTarget): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}/${database}`;
}

export function unusableRedis(error: RedisError, target: RedisTarget, namespace: string): CommandError {
  const place = placeOf(target);
  if (error.kind === 'Refused') {
    return new CommandError(
      `Redis at ${place} refuses: ${error.message}; set ${passwordVariable}, or look at redis.username in the spec`,
    );
  }
  if (error.kind === 'Unreachable' || error.kind === 'Timeout') {
    const forward = `kubectl -n ${namespace} port-forward service/<its service> ${target.port}`;
    return new CommandError(
      `Redis at ${place} can't be reached: ${error.message}; from outside the cluster: ${forward}, and --redis=redis://127.0.0.1:${target.port}`,
    );
  }
  return new CommandError(`Redis at ${place} can't be read: ${error.message}`);
}
