import { describe, expect, it } from 'vitest';
import { errorFromResponse, errorFromStatus, isApiError } from './errors.ts';
import type { ApiErrorKind } from './errors.ts';
import type { Status } from './kubernetes.ts';

const status = (code: number, reason: string, message = 'words'): Status => ({ kind: 'Status', code, reason, message });

describe('an error of the API', () => {
  const cases: { name: string; code: number; reason: string; wantKind: ApiErrorKind }[] = [
    { name: 'a name that is taken', code: 409, reason: 'AlreadyExists', wantKind: 'AlreadyExists' },
    { name: 'a newer version', code: 409, reason: 'Conflict', wantKind: 'Conflict' },
    { name: 'an old version', code: 410, reason: 'Expired', wantKind: 'Expired' },
    { name: 'an old version, said the old way', code: 410, reason: 'Gone', wantKind: 'Expired' },
    { name: 'a wrong object', code: 422, reason: 'Invalid', wantKind: 'Invalid' },
    { name: 'an unknown field', code: 400, reason: 'BadRequest', wantKind: 'BadRequest' },
    { name: 'a missing right', code: 403, reason: 'Forbidden', wantKind: 'Forbidden' },
    { name: 'a bad token', code: 401, reason: 'Unauthorized', wantKind: 'Unauthorized' },
    { name: 'nothing there', code: 404, reason: 'NotFound', wantKind: 'NotFound' },
    { name: 'too much', code: 429, reason: 'TooManyRequests', wantKind: 'TooManyRequests' },
    { name: 'a server that is slow', code: 504, reason: 'Timeout', wantKind: 'Timeout' },
    { name: 'a server that is slow, said with 500', code: 500, reason: 'ServerTimeout', wantKind: 'Timeout' },
    { name: 'a server in trouble', code: 500, reason: 'InternalError', wantKind: 'Unavailable' },
    { name: 'a server going down', code: 503, reason: 'ServiceUnavailable', wantKind: 'Unavailable' },
    { name: 'a method nobody knows', code: 405, reason: 'MethodNotAllowed', wantKind: 'Unexpected' },
  ];
  for (const { name, code, reason, wantKind } of cases) {
    it(`${name} is ${wantKind}, as an answer and as a line of a watch`, () => {
      const body = status(code, reason);
      expect(errorFromResponse({ status: code, body })).toMatchObject({
        kind: wantKind,
        status: code,
        message: 'words',
      });
      expect(errorFromStatus(body)).toMatchObject({ kind: wantKind, message: 'words' });
    });
  }

  it('carries a stable code and the time the server wants to be left alone', () => {
    const body = { ...status(429, 'TooManyRequests'), details: { retryAfterSeconds: 3 } };
    const byBody = errorFromResponse({ status: 429, body });
    expect(byBody).toMatchObject({ code: 'API_TOO_MANY_REQUESTS', retryAfterMilliseconds: 3_000, details: body });
    expect(errorFromResponse({ status: 429, body, retryAfterSeconds: 1 }).retryAfterMilliseconds).toBe(1_000);
  });

  it('has words where the answer is no Status', () => {
    expect(errorFromResponse({ status: 502, body: ' bad gateway\n' }).message).toBe('bad gateway');
    expect(errorFromResponse({ status: 502, body: undefined }).message).toBe('the API server answered 502');
    expect(errorFromStatus('?').kind).toBe('Unavailable');
  });

  it('is told apart by kind', () => {
    const error: unknown = errorFromStatus(status(409, 'Conflict'));
    expect([isApiError(error), isApiError(error, 'Conflict', 'Expired'), isApiError(error, 'NotFound')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(isApiError(new Error('Conflict'))).toBe(false);
  });
});
