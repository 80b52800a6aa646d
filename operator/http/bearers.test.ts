import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ApiClient } from '../runtime/client.ts';
import { systemClock } from '../runtime/clock.ts';
import { HttpTransport } from '../runtime/http-transport.ts';
import { FakeClock } from '../runtime/testing/fake-clock.ts';
import { recordingLog } from '../runtime/testing/recording-log.ts';
import { admitBearers } from './bearers.ts';

interface Review {
  kind: string;
  spec: { token?: string; user?: string; groups?: string[]; nonResourceAttributes?: object };
}

const prometheus = { username: 'prometheus', uid: '1', groups: ['monitoring'], extra: { pod: ['p'] } };
const stranger = { username: 'stranger', groups: [] };
const owners: Readonly<Record<string, object>> = { 'good-token': prometheus, 'strange-token': stranger };

/** Answers reviews as an API server does: `good-token` is Prometheus', who may read. */
async function aGuard(refuse: () => { status: number; reason: string } | undefined = () => undefined) {
  const asked: Review[] = [];
  const server = createServer((request, response) => {
    void (json(request) as Promise<Review>).then((review) => {
      asked.push(review);
      const refusal = refuse();
      const status = refusal?.status ?? 201;
      const body = refusal
        ? { kind: 'Status', reason: refusal.reason, message: 'no' }
        : { ...review, status: judged(review) };
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const connection = { server: url, namespace: 'default' };
  const transport = new HttpTransport({ connection, userAgent: 'test', clock: systemClock });
  // A standby: it may write nothing.
  transport.fenceWrites({ isHeld: () => false, remainingMilliseconds: () => 0 });
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const client = new ApiClient(transport, { fieldManager: 'test' });
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(async () => {
    await transport.close();
    await close();
  });
  const guard = admitBearers({ client, clock, log }, new AbortController().signal);
  const of = (token: string) => guard({ authorization: `Bearer ${token}`, path: '/metrics' });
  return { guard, of, asked, lines, clock, close };
}

function judged({ kind, spec }: Review): object {
  if (kind === 'SubjectAccessReview') return { allowed: spec.user === prometheus.username };
  const user = owners[spec.token ?? ''];
  return user ? { authenticated: true, user } : { error: 'invalid bearer token' };
}

const unknown = {
  status: 401,
  body: 'the API server does not know this token, or no longer\n',
  headers: { 'www-authenticate': 'Bearer' },
};

describe('bearers of a token', () => {
  it('P9: are let in, also by a standby, when the API server knows the token and its owner may get the path', async () => {
    const { of, asked } = await aGuard();
    expect(await of('good-token')).toBeUndefined();
    const { username, ...rest } = prometheus;
    expect(asked).toMatchObject([
      { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'good-token' } },
      {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: { ...rest, user: username, nonResourceAttributes: { path: '/metrics', verb: 'get' } },
      },
    ]);
  });

  it.each([undefined, '', 'Bearer', 'Bearer ', 'Bearer a b', 'Basic good-token'])(
    'P9: without a token are told that they need one, and nobody is asked: %s',
    async (authorization) => {
      const { guard, asked } = await aGuard();
      const body = 'a bearer token is needed, of somebody who may get this path\n';
      expect(await guard({ authorization, path: '/metrics' })).toEqual({ ...unknown, body });
      expect(asked).toEqual([]);
    },
  );

  it('P9: are refused with a token that the API server does not know', async () => {
    const { of } = await aGuard();
    expect(await of('other-token')).toEqual(unknown);
  });

  it('P9: are refused by name when they lack the right', async () => {
    const { of } = await aGuard();
    const body = 'stranger may not get /metrics: a ClusterRole with that right is to be bound\n';
    expect(await of('strange-token')).toEqual({ status: 403, body });
  });

  it('are judged anew after a minute for the token, five for the right, and half a minute for a right refused', async () => {
    const { of, asked, clock } = await aGuard();
    const kindsOf = async (token: string, milliseconds: number): Promise<string[]> => {
      clock.freeze(milliseconds);
      asked.length = 0;
      await of(token);
      return asked.map(({ kind }) => kind);
    };
    const both = ['TokenReview', 'SubjectAccessReview'];
    expect(await kindsOf('good-token', 0)).toEqual(both);
    expect(await kindsOf('good-token', 59_999)).toEqual([]);
    expect(await kindsOf('good-token', 1)).toEqual(['TokenReview']);
    expect(await kindsOf('good-token', 239_999)).toEqual(['TokenReview']);
    expect(await kindsOf('good-token', 1)).toEqual(['SubjectAccessReview']);
    expect(await kindsOf('strange-token', 0)).toEqual(both);
    expect(await kindsOf('strange-token', 30_000)).toEqual(['SubjectAccessReview']);
  });

  it('are not let in while the API server is away, unless it was asked a moment ago; that is told once a minute', async () => {
    const { of, lines, clock, close } = await aGuard();
    expect(await of('good-token')).toBeUndefined();
    await close();
    expect(await of('good-token')).toBeUndefined();
    const away = { status: 503, body: 'the API server can not be asked whose token this is; try again\n' };
    expect([await of('strange-token'), await of('strange-token')]).toEqual([away, away]);
    expect(lines.map(({ level }) => level)).toEqual(['warn']);
    clock.freeze(60_000);
    expect(await of('good-token')).toEqual(away);
    expect(lines).toHaveLength(2);
    expect(JSON.stringify(lines)).not.toContain('-token');
  });

  it('are not let in when the operator may not ask, and the log says what to bind', async () => {
    const { of, lines } = await aGuard(() => ({ status: 403, reason: 'Forbidden' }));
    const body = 'the operator lacks the right to ask the API server whose token this is\n';
    expect(await of('good-token')).toEqual({ status: 500, body });
    expect(lines[0]?.message).toContain('bind the role metrics-auth');
  });
});
