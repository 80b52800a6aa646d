import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConfigurationError, readConfiguration } from './config.ts';
import { AddressUnavailable } from './http/server.ts';
import { mountSecret } from './http/testing/mounted-secret.ts';
import { selfSigned } from './http/testing/self-signed.ts';
import { ApiClient } from './runtime/client.ts';
import { silentLog } from './runtime/log.ts';
import { FakeClock } from './runtime/testing/fake-clock.ts';
import { InMemoryApiServer } from './runtime/testing/in-memory-api-server.ts';
import { type Served, startServers } from './servers.ts';

const host = '127.0.0.1';
const probes = { '/healthz': () => ({ status: 200, body: 'ok\n' }) };

function parts(args: string[], clock = new FakeClock()): Served {
  const request = readConfiguration(args, {});
  if (request.kind !== 'Run') throw new Error('expected a configuration');
  const client = new ApiClient(new InMemoryApiServer({ clock }), { fieldManager: 'test' });
  return { configuration: request.configuration, registry: new Registry(), client, clock, log: silentLog };
}

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** Nobody listens there any more. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function mounted(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'orquanta-unit-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await mountSecret(folder, files);
  return folder;
}

describe('the servers of an operator', () => {
  it('serve probes and metrics, each where it is told, and nothing where it is told 0', async () => {
    const everywhere = [`--metrics-bind-address=${host}:0`, `--health-probe-bind-address=${host}:0`];
    const servers = await startServers(parts(everywhere), probes);
    const [probe, metrics] = servers;
    expect((await fetch(`http://${host}:${probe!.port}/healthz`)).status).toBe(200);
    expect((await fetch(`http://${host}:${metrics!.port}/metrics`)).status).toBe(200);
    await Promise.all(servers.map((server) => server.close()));
    expect(await startServers(parts(['--metrics-bind-address=0', '--health-probe-bind-address=0']), probes)).toEqual(
      [],
    );
  });

  it('are all closed where one can not be had: a process that ends would hang on the others', async () => {
    const port = await freePort();
    const probe = `--health-probe-bind-address=${host}:${port}`;
    const taken = startServers(parts([probe, `--metrics-bind-address=${host}:${await takenPort()}`]), probes);
    await expect(taken).rejects.toBeInstanceOf(AddressUnavailable);
    await expect(fetch(`http://${host}:${port}/healthz`)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });

  it('say which flag to mend where the certificate is unusable', async () => {
    const folder = await mounted({ 'tls.crt': selfSigned('a').certificate, 'tls.key': selfSigned('b').key });
    const started = startServers(parts(['--metrics-secure', `--metrics-cert-path=${folder}`]), probes);
    await expect(started).rejects.toBeInstanceOf(ConfigurationError);
    await expect(started).rejects.toThrow(
      /^--metrics-cert-path: .*tls\.key: it is not the key of .*tls\.crt; write the/,
    );
  });

  it('read the certificate under other names, and leave no look at it behind when they close', async () => {
    const { certificate, key } = selfSigned('a');
    const folder = await mounted({ 'a.pem': certificate, 'a-key.pem': key });
    const names = ['--metrics-cert-name=a.pem', '--metrics-cert-key=a-key.pem'];
    const addresses = ['--metrics-bind-address=127.0.0.1:0', '--health-probe-bind-address=0'];
    const secure = ['--metrics-secure', `--metrics-cert-path=${folder}`];
    const clock = new FakeClock();
    const [metrics] = await startServers(parts([...secure, ...names, ...addresses], clock), probes);
    expect(clock.timers).toBe(1);
    await metrics!.close();
    expect(clock.timers).toBe(0);
  });
});
