import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from './clock.ts';
import type { Connection } from './connection.ts';
import { isApiError } from './errors.ts';
import type { Fence } from './fence.ts';
import { HttpTransport } from './http-transport.ts';
import type { HttpTransportOptions } from './http-transport.ts';
import { protobufType } from './protobuf/envelope.ts';
import { delimited, enveloped, framed, number } from './protobuf/testing.ts';
import type { ApiRequest } from './transport.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function listen(server: Server): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  server.listen(0, '127.0.0.1', () => {
    resolve(undefined);
  });
  await promise;
  cleanUps.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server whose raw bytes are seen, and which answers nothing unless told to. */
async function byteServer(onConnection: (socket: Socket) => void = () => undefined) {
  const received: Buffer[] = [];
  let connections = 0;
  const open = new Set<Socket>();
  const server = createTcpServer((socket) => {
    connections++;
    open.add(socket);
    socket.on('data', (bytes) => received.push(bytes)).on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
    onConnection(socket);
  });
  const url = await listen(server);
  cleanUps.push(() => {
    for (const socket of open) socket.destroy();
  });
  return { url, text: () => Buffer.concat(received).toString(), connections: () => connections, open };
}

async function httpServer(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handler);
  cleanUps.push(() => {
    server.closeAllConnections();
  });
  return listen(server);
}

function transportTo(url: string, more: Partial<HttpTransportOptions> & { token?: Connection['token'] } = {}) {
  const { token, ...options } = more;
  const connection: Connection = { server: url, namespace: 'default', ...(token ? { token } : {}) };
  const transport = new HttpTransport({ connection, userAgent: 'test/1 (me)', clock: systemClock, ...options });
  cleanUps.push(() => transport.close());
  return transport;
}

function aRequest(more: Partial<ApiRequest> = {}): ApiRequest {
  return { method: 'GET', path: '/api/v1/pods', lane: 'read', signal: new AbortController().signal, ...more };
}

const aWrite = (more: Partial<ApiRequest> = {}) =>
  aRequest({ method: 'POST', lane: 'write', body: { kind: 'Pod' }, ...more });

function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** A fence that a test can drop. */
function aFence(): Fence & { drop(): void } {
  let held = true;
  return {
    isHeld: () => held,
    remainingMilliseconds: () => (held ? 5_000 : 0),
    drop: () => {
      held = false;
    },
  };
}

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('the fence of the write lane', () => {
  it('K2: stops a write that waited for its connection when the fence fell: the server sees no byte of it', async () => {
    const server = await byteServer();
    const transport = transportTo(server.url);
    const fence = aFence();
    transport.fenceWrites(fence);
    const write = errorOf(transport.request(aWrite()));
    // The request stands in undici's queue now, its connection is being made.
    fence.drop();
    expect(await write).toMatchObject({ kind: 'FencedOff' });
    expect(server.connections()).toBe(1);
    expect(server.text()).toBe('');
  });

  it('K2: stops all writes that stand behind a busy connection when it falls, and lets reads and the lease through', async () => {
    const held: ServerResponse[] = [];
    const seen: string[] = [];
    const url = await httpServer((request, response) => {
      seen.push(request.url ?? '');
      if (request.url?.startsWith('/hold')) held.push(response);
      else json(response, 200, {});
    });
    const transport = transportTo(url);
    const fence = aFence();
    transport.fenceWrites(fence);
    // The lane's 64 connections are all taken; the others wait in the pool.
    const busy = Array.from({ length: 64 }, () => errorOf(transport.request(aWrite({ path: '/hold' }))));
    await expect.poll(() => held.length).toBe(64);
    const waiting = Array.from({ length: 8 }, () => errorOf(transport.request(aWrite({ path: '/waiting' }))));
    fence.drop();
    for (const response of held) json(response, 200, {});
    await Promise.all(busy);
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ kind: 'FencedOff' });
    expect(seen.filter((path) => path.startsWith('/waiting'))).toEqual([]);
    expect((await transport.request(aRequest())).status).toBe(200);
    expect((await transport.request(aRequest({ method: 'PUT', body: {}, lane: 'lease' }))).status).toBe(200);
  });

  it('refuses a write at once when it is down already', async () => {
    const server = await byteServer();
    const transport = transportTo(server.url);
    transport.fenceWrites({ isHeld: () => false, remainingMilliseconds: () => 0 });
    expect(await errorOf(transport.request(aWrite()))).toMatchObject({ kind: 'FencedOff' });
    expect(server.connections()).toBe(0);
  });

  it('K2: keeps a standby from writing down any other lane, and lets it ask for a review', async () => {
    const seen: string[] = [];
    const url = await httpServer((request, response) => {
      seen.push(`${request.method ?? ''} ${request.url?.split('?')[0] ?? ''}`);
      json(response, 201, {});
    });
    const transport = transportTo(url);
    transport.fenceWrites({ isHeld: () => false, remainingMilliseconds: () => 0 });
    const reviews = [
      '/apis/authentication.k8s.io/v1/tokenreviews',
      '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    ] as const;
    const writes: ApiRequest[] = [
      ...(['read', 'watch', 'review'] as const).map((lane) => aWrite({ lane })),
      aWrite({ lane: 'review', path: `${reviews[0]}/status` }),
      aWrite({ lane: 'review', path: '/apis/authorization.k8s.io/v1/namespaces/a/localsubjectaccessreviews' }),
      aWrite({ lane: 'review', path: reviews[0], method: 'DELETE' }),
      aWrite({ path: reviews[0] }),
    ];
    for (const write of writes) {
      expect(await errorOf(transport.request(write))).toMatchObject({ kind: 'FencedOff' });
      const lines = transport.stream(write)[Symbol.asyncIterator]();
      expect(await errorOf(lines.next())).toMatchObject({ kind: 'FencedOff' });
    }
    expect(seen).toEqual([]);
    for (const path of reviews) expect((await transport.request(aWrite({ lane: 'review', path }))).status).toBe(201);
    expect(seen).toEqual(reviews.map((path) => `POST ${path}`));
  });

  it('ends a write before the fence itself ends, and tells the server so', async () => {
    const server = await byteServer();
    const transport = transportTo(server.url);
    transport.fenceWrites({ isHeld: () => true, remainingMilliseconds: () => 40 });
    expect(await errorOf(transport.request(aWrite()))).toMatchObject({ kind: 'Timeout' });
    expect(server.text()).toContain('timeout=40ms');
  });
});

describe('a request', () => {
  it('carries identity, token and body', async () => {
    const seen: IncomingMessage[] = [];
    const url = await httpServer((request, response) => {
      seen.push(request);
      json(response, 201, { ok: true });
    });
    const token = { token: () => Promise.resolve('t1'), refused: () => undefined };
    const answer = await transportTo(url, { token }).request(aWrite({ query: { fieldManager: 'me' } }));
    expect(answer).toEqual({ status: 201, body: { ok: true } });
    expect(seen[0]?.headers).toMatchObject({
      authorization: 'Bearer t1',
      'user-agent': 'test/1 (me)',
      'content-type': 'application/json',
    });
    expect(seen[0]?.url).toMatch(/^\/api\/v1\/pods\?fieldManager=me&timeout=\d+ms$/);
  });

  it('that is answered in protobuf has its bytes, and what refuses it is the Status that JSON would have', async () => {
    const refusal = enveloped(delimited(3, 'no pods for you'), delimited(4, 'Forbidden'), number(6, 403));
    const bodies = new Map([
      [200, Buffer.from('k8s\0some bytes')],
      [403, refusal],
    ]);
    const url = await httpServer(({ url: path = '' }, response) => {
      const status = Number(/\d+/.exec(path)?.[0]);
      response.writeHead(status, { 'content-type': protobufType }).end(bodies.get(status));
    });
    const answer = (status: number) => transportTo(url).request(aRequest({ path: `/${status}` }));
    expect(await answer(200)).toEqual({ status: 200, body: bodies.get(200) });
    const status = { apiVersion: 'v1', kind: 'Status', reason: 'Forbidden', message: 'no pods for you', code: 403 };
    expect(await answer(403)).toEqual({ status: 403, body: status });
  });

  it('goes out once more with a new token when the old one is refused', async () => {
    const url = await httpServer((request, response) => {
      json(response, request.headers.authorization === 'Bearer t2' ? 200 : 401, {});
    });
    const tokens = ['t1', 't2'];
    const token = { token: () => Promise.resolve(tokens[0] ?? ''), refused: () => void tokens.shift() };
    expect((await transportTo(url, { token }).request(aRequest())).status).toBe(200);
  });

  it('gives a refusal as an answer, with the time the server wants to be left alone', async () => {
    const url = await httpServer((_, response) => {
      json(response, 429, { kind: 'Status' }, { 'retry-after': '7' });
    });
    expect(await transportTo(url).request(aRequest())).toMatchObject({ status: 429, retryAfterSeconds: 7 });
  });

  it('is Unreachable when nobody listens, and counted as an error', async () => {
    const url = await httpServer(() => undefined);
    await Promise.all(cleanUps.splice(0).map((cleanUp) => cleanUp()));
    const codes: string[] = [];
    const transport = transportTo(url, { onResponse: ({ code }) => codes.push(code) });
    expect(await errorOf(transport.request(aRequest()))).toMatchObject({ kind: 'Unreachable' });
    expect(codes).toEqual(['<error>']);
  });

  it('never shows its token in an error', async () => {
    const server = await byteServer((socket) => socket.destroy());
    const token = { token: () => Promise.resolve('very-secret'), refused: () => undefined };
    const error = await errorOf(transportTo(server.url, { token }).request(aRequest()));
    expect(isApiError(error, 'Unreachable')).toBe(true);
    expect(JSON.stringify([(error as Error).message, error])).not.toContain('very-secret');
  });

  it('ends with the reason of its signal, and frees the connection', async () => {
    const server = await byteServer();
    const abort = new AbortController();
    const answer = errorOf(transportTo(server.url).request(aRequest({ signal: abort.signal })));
    await expect.poll(() => server.text()).toContain('GET');
    const reason = new Error('enough');
    abort.abort(reason);
    expect(await answer).toBe(reason);
    await expect.poll(() => server.open.size).toBe(0);
  });
});

describe('a stream', () => {
  const watch = (more: Partial<ApiRequest> = {}) => aRequest({ lane: 'watch', ...more });

  it('gives one value a line, however the bytes are cut', async () => {
    const url = await httpServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const bytes = Buffer.from('{"n":"ä"}\n{"n":2}\n\n{"n":3}\n{"n":');
      void (async () => {
        for (const byte of bytes) await new Promise((resolve) => response.write(Buffer.from([byte]), resolve));
        response.end();
      })();
    });
    const values: unknown[] = [];
    for await (const value of transportTo(url).stream(watch())) values.push(value);
    expect(values).toEqual([{ n: 'ä' }, { n: 2 }, { n: 3 }]);
  });

  it('of protobuf gives the bytes of one message after the other', async () => {
    const messages = [Buffer.from('one'), Buffer.from('two')];
    const url = await httpServer((_, response) => {
      response.writeHead(200, { 'content-type': `${protobufType};stream=watch` });
      response.end(Buffer.concat(messages.map(framed)));
    });
    const values: unknown[] = [];
    for await (const value of transportTo(url).stream(watch())) values.push(value);
    expect(values).toEqual(messages);
  });

  it('is refused as the ApiError its start stands for', async () => {
    const url = await httpServer((_, response) => {
      json(response, 410, { kind: 'Status', reason: 'Expired', message: 'too old resource version' });
    });
    const next = transportTo(url).stream(watch())[Symbol.asyncIterator]().next();
    expect(await errorOf(next)).toMatchObject({ kind: 'Expired', message: 'too old resource version' });
  });

  it('that brings no byte for too long is dead', async () => {
    const url = await httpServer((_, response) => {
      response.writeHead(200).write('{"n":1}\n');
    });
    const values = transportTo(url, { silenceMilliseconds: 100 }).stream(watch())[Symbol.asyncIterator]();
    expect((await values.next()).value).toEqual({ n: 1 });
    expect(await errorOf(values.next())).toMatchObject({ kind: 'Unreachable' });
  });

  it('frees its connection when it is aborted, and when its reader has had enough', async () => {
    const server = await byteServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{"n":1}\n\r\n');
    });
    const transport = transportTo(server.url);
    const abort = new AbortController();
    const values = transport.stream(watch({ signal: abort.signal }))[Symbol.asyncIterator]();
    await values.next();
    const reason = new Error('enough');
    abort.abort(reason);
    expect(await errorOf(values.next())).toBe(reason);
    for await (const value of transport.stream(watch())) {
      expect(value).toEqual({ n: 1 });
      break;
    }
    await expect.poll(() => server.open.size).toBe(0);
  });

  it('never waits for other streams', async () => {
    const server = await byteServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{"n":1}\n\r\n');
    });
    const transport = transportTo(server.url);
    const abort = new AbortController();
    const streams = Array.from({ length: 100 }, () => transport.stream(watch({ signal: abort.signal })));
    const first = await Promise.all(streams.map((stream) => stream[Symbol.asyncIterator]().next()));
    expect(first).toHaveLength(100);
    abort.abort();
  });
});
