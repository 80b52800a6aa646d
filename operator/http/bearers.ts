// Lets in whoever brings a token that the API server knows, and whose owner may `get` the path: as controller-runtime's
// WithAuthenticationAndAuthorization does, with the same caches. What can't be judged is not let in.
import { createHash } from 'node:crypto';
import type { ApiClient } from '../runtime/client.ts';
import type { Clock } from '../runtime/clock.ts';
import { isApiError } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import {
  type AccessReviewStatus,
  reviewAccess,
  reviewToken,
  type TokenReviewStatus,
  type User,
} from '../runtime/reviews.ts';
import { Remembered } from './remembered.ts';
import type { Answer, Guard } from './server.ts';

const seconds = (count: number): number => count * 1_000;

/** pkg/metrics/filters; an answer that says why the token couldn't be judged isn't kept (apiserver, token/cache). */
const tokenMilliseconds = ({ error }: TokenReviewStatus): number => (error ? 0 : seconds(60));
const accessMilliseconds = ({ allowed }: AccessReviewStatus): number => seconds(allowed ? 300 : 30);

/** Many more than ever scrape. */
const mostRemembered = 1_000;

/** An API server that is away for an hour must not fill the log. */
const retoldMilliseconds = seconds(60);

export interface BearersOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
}

/** `signal` ends what is being asked when the server closes. */
export function admitBearers({ client, clock, log }: BearersOptions, signal: AbortSignal): Guard {
  const tokens = new Remembered<TokenReviewStatus>({ clock, most: mostRemembered, milliseconds: tokenMilliseconds });
  const accesses = new Remembered<AccessReviewStatus>({
    clock,
    most: mostRemembered,
    milliseconds: accessMilliseconds,
  });
  const tell = failureTeller(clock, log);

  const ownerOf = async (token: string): Promise<User | undefined> => {
    const status = await tokens.answer(digest(token), () => reviewToken(client, token, signal));
    return status.authenticated === true ? status.user : undefined;
  };
  const mayGet = async (user: User, path: string): Promise<boolean> => {
    const question = JSON.stringify([user, path]);
    // A HEAD shows less than a GET does.
    const ask = () => reviewAccess(client, user, { path, verb: 'get' }, signal);
    return (await accesses.answer(question, ask)).allowed;
  };

  return async ({ authorization, path }) => {
    const token = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return unauthorized('a bearer token is needed, of somebody who may get this path');
    try {
      const user = await ownerOf(token);
      if (user === undefined) return unauthorized('the API server does not know this token, or no longer');
      if (await mayGet(user, path)) return undefined;
      return {
        status: 403,
        body: `${user.username} may not get ${path}: a ClusterRole with that right is to be bound\n`,
      };
    } catch (error) {
      return unjudged(error, tell);
    }
  };
}

/** What is remembered must not be a list of tokens. */
function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

function unauthorized(why: string): Answer {
  return { status: 401, body: `${why}\n`, headers: { 'www-authenticate': 'Bearer' } };
}

type Tell = (error: Error, message: string) => void;

function unjudged(error: unknown, tell: Tell): Answer {
  if (!isApiError(error)) throw error;
  if (isApiError(error, 'Forbidden')) {
    tell(
      error,
      'nobody can read /metrics: the operator may not ask whose token it is; bind the role metrics-auth to it',
    );
    return { status: 500, body: 'the operator lacks the right to ask the API server whose token this is\n' };
  }
  tell(error, 'nobody new can read /metrics: the API server can not be asked whose token it is');
  return { status: 503, body: 'the API server can not be asked whose token this is; try again\n' };
}

/** The same once a minute at most. */
function failureTeller(clock: Clock, log: Log): Tell {
  const told = new Map<string, number>();
  return (error, message) => {
    const last = told.get(message);
    if (last !== undefined && clock.monotonic() - last < retoldMilliseconds) return;
    told.set(message, clock.monotonic());
    log.warn({ err: error }, message);
  };
}
