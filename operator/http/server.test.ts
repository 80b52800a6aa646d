import { afterEach, describe, expect, it } from 'vitest';
import { AddressUnavailable, listen, type Listening } from './server.ts';

const host = '127.0.0.1';
const open: Listening[] = [];

async function serve(port = 0): Promise<Listening> {
  const server = await listen({ host, port }, { '/healthz': () => ({ status: 200, body: 'ok\n' }) });
  open.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
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
