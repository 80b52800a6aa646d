import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import { connect, type ConnectionOptions } from 'node:tls';
import { Agent, request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import type { KeyPair } from './key-pair.ts';
import { AddressUnavailable, type Guard, listen, type Listening, listenSecurely } from './server.ts';
import { selfSigned } from './testing/self-signed.ts';

const host = '127.0.0.1';
const routes = { '/healthz': () => ({ status: 200, body: 'ok\n' }) };
const open: { close(): Promise<unknown> }[] = [];

async function serve(port = 0): Promise<Listening> {
  const server = await listen({ host, port }, routes);
  open.push(server);
  return server;
}

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

describe('the server for machines', () => {
  it('answers what it knows, and says what else there is', async () => {
    const { port } = await serve();
    const get = (path: string, method = 'GET') => fetch(`http://${host}:${port}${path}`, { method });
    expect(await (await get('/healthz?verbose=1')).text()).toBe('ok\n');
    const unknown = await get('/nothing');
    expect([unknown.status, await unknown.text()]).toEqual([404, 'not found; there are /healthz\n']);
    expect((await get('/healthz', 'POST')).status).toBe(405);
  });

  it('says why an address can not be had', async () => {
    const { port } = await serve();
    const second = serve(port);
    await expect(second).rejects.toThrow(`can't listen on ${host}:${port}: another process has it`);
    await expect(second).rejects.toBeInstanceOf(AddressUnavailable);
    const elsewhere = listen({ host: '192.0.2.1', port: 0 }, {});
    await expect(elsewhere).rejects.toThrow('it is not an address of this machine');
  });
});

const letIn: Guard = () => Promise.resolve(undefined);

async function serveSecurely(pair: KeyPair, guard = letIn) {
  const server = await listenSecurely({ host, port: 0 }, routes, { pair, guard });
  open.push(server);
  return server;
}

/** A client that trusts these, and keeps its one connection. */
function client({ port }: Listening, ...trusted: KeyPair[]) {
  const ca = trusted.map(({ certificate }) => certificate);
  const dispatcher = new Agent({ connections: 1, connect: { ca, servername: 'orquanta-metrics' } });
  open.push(dispatcher);
  return async (headers: Record<string, string> = {}, path = '/healthz') => {
    const answer = await request(`https://${host}:${port}${path}`, { dispatcher, headers });
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
  };
}

const wrongAuthority = { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' };

describe('the server over TLS', () => {
  const first = selfSigned('orquanta-metrics');
  const second = selfSigned('orquanta-metrics');

  it('answers whoever trusts its certificate, and nobody in plain text', async () => {
    const server = await serveSecurely(first);
    expect(await client(server, first)()).toMatchObject({ status: 200, text: 'ok\n' });
    await expect(client(server, second)()).rejects.toMatchObject(wrongAuthority);
    const plain = connectPlain(server.port, host);
    let said = '';
    plain.on('data', (bytes) => (said += String(bytes))).end('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(plain, 'close');
    expect(said).not.toContain('ok');
  });

  it('speaks TLS 1.2 and 1.3, and nothing older', async () => {
    const { port } = await serveSecurely(first);
    const spoken = async (version: NonNullable<ConnectionOptions['minVersion']>) => {
      // Level 0, or the client itself would refuse what is old.
      const options = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
      const socket = connect({ host, port, ca: first.certificate, servername: 'orquanta-metrics', ...options });
      await once(socket, 'secureConnect');
      const protocol = socket.getProtocol();
      socket.destroy();
      return protocol;
    };
    await expect(spoken('TLSv1.1')).rejects.toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
    expect([await spoken('TLSv1.2'), await spoken('TLSv1.3')]).toEqual(['TLSv1.2', 'TLSv1.3']);
  });

  it('shows a new certificate to whoever connects anew, and goes on with who is connected', async () => {
    const server = await serveSecurely(first);
    const before = client(server, first);
    expect((await before()).status).toBe(200);
    server.show(second);
    expect((await before()).status).toBe(200);
    expect((await client(server, second)()).status).toBe(200);
    await expect(client(server, first)()).rejects.toMatchObject(wrongAuthority);
  });

  it('answers only whom its guard lets in, and asks it nothing about what is not there', async () => {
    const asked: unknown[] = [];
    const guard: Guard = (who) => {
      asked.push(who);
      const refusal = { status: 401, body: 'no\n', headers: { 'www-authenticate': 'Bearer' } };
      return Promise.resolve(who.authorization === 'Bearer a' ? undefined : refusal);
    };
    const get = client(await serveSecurely(first, guard), first);
    const refused = await get();
    expect(refused).toMatchObject({ status: 401, text: 'no\n', headers: { 'www-authenticate': 'Bearer' } });
    expect(await get({ authorization: 'Bearer a' }, '/healthz?x=1')).toMatchObject({ status: 200, text: 'ok\n' });
    expect((await get({}, '/nothing')).status).toBe(404);
    expect(asked).toEqual([
      { authorization: undefined, path: '/healthz' },
      { authorization: 'Bearer a', path: '/healthz' },
    ]);
  });

  it('lets nobody in when its guard fails', async () => {
    const get = client(await serveSecurely(first, () => Promise.reject(new Error('broken'))), first);
    expect(await get()).toMatchObject({ status: 500, text: 'broken\n' });
  });
});
