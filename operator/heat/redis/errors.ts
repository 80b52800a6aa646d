// What can go wrong between us and a Redis, by kind. The text is the server's own words, and never a password.
import { ErrorReply } from '@redis/client';
import { z, ZodError } from 'zod';

export type RedisErrorKind =
  /** No connection, or it broke. */
  | 'Unreachable'
  /** The operator may not connect to this host: see address.ts. */
  | 'HostNotAllowed'
  /** Authentication or a rule of its access control list. */
  | 'Refused'
  /** It did not answer in time. */
  | 'Timeout'
  /** The consumer group is gone, or the stream: FLUSHALL. */
  | 'NoGroup'
  /** It knows no such script: it was restarted. */
  | 'NoScript'
  /** The group is there already. */
  | 'GroupExists'
  /** Any other answer, such as OOM, LOADING or READONLY. */
  | 'Answered';

export class RedisError extends Error {
  override readonly name = 'RedisError';
  readonly kind: RedisErrorKind;

  constructor(kind: RedisErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

export function isRedisError(error: unknown, ...kinds: RedisErrorKind[]): error is RedisError {
  return error instanceof RedisError && (kinds.length === 0 || kinds.includes(error.kind));
}

/** The first word of an error reply is its code. */
const codes: Readonly<Record<string, RedisErrorKind>> = {
  NOAUTH: 'Refused',
  WRONGPASS: 'Refused',
  NOPERM: 'Refused',
  NOGROUP: 'NoGroup',
  UNBLOCKED: 'NoGroup',
  NOSCRIPT: 'NoScript',
  BUSYGROUP: 'GroupExists',
};

/** The access list refuses a command within a script: before Redis 7.2 the code is ERR, as for anything. */
const refusedScript = /^ERR The user executing the script can't /;

export function asRedisError(error: unknown): RedisError {
  if (error instanceof RedisError) return error;
  if (error instanceof ZodError)
    return new RedisError('Answered', `an answer of another shape: ${z.prettifyError(error)}`, error);
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof ErrorReply)) return new RedisError('Unreachable', message, error);
  const kind = refusedScript.test(message) ? 'Refused' : codes[message.split(' ', 1)[0] ?? ''];
  return new RedisError(kind ?? 'Answered', message, error);
}
