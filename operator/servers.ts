// What an operator process answers to machines, leading or not: probes and metrics. It decides nothing about jobs.
import { join } from 'node:path';
import { ConfigurationError } from './config.ts';
import { admitBearers } from './http/bearers.ts';
import { CertificateUnusable, followKeyPair, type KeyPair, type KeyPairFiles, readKeyPair } from './http/key-pair.ts';
import { type Address, listen, type Listening, listenSecurely, type Routes } from './http/server.ts';
import type { Parts } from './parts.ts';

/** What they need of the process. */
export type Served = Pick<Parts, 'configuration' | 'registry' | 'client' | 'clock' | 'log'>;

/** All of them, or none. */
export async function startServers(parts: Served, probes: Routes): Promise<Listening[]> {
  const { metricsBindAddress, probeBindAddress } = parts.configuration;
  const started: Listening[] = [];
  try {
    if (probeBindAddress) started.push(await listen(probeBindAddress, probes));
    if (metricsBindAddress) started.push(await serveMetrics(parts, metricsBindAddress));
    return started;
  } catch (error) {
    // One that listens on would keep the process from ending.
    await Promise.all(started.map((server) => server.close()));
    throw error;
  }
}

function serveMetrics(parts: Served, address: Address): Promise<Listening> {
  const { configuration, registry } = parts;
  const metrics = async () => ({ status: 200, contentType: registry.contentType, body: await registry.metrics() });
  const routes = { '/metrics': metrics };
  return configuration.metricsSecure ? serveSecurely(parts, address, routes) : listen(address, routes);
}

async function serveSecurely(parts: Served, address: Address, routes: Routes): Promise<Listening> {
  const { metricsCertPath, metricsCertName, metricsCertKey } = parts.configuration;
  const files = {
    certificateFile: join(metricsCertPath, metricsCertName),
    keyFile: join(metricsCertPath, metricsCertKey),
  };
  const pair = await usableKeyPair(files);
  const stop = new AbortController();
  const server = await listenSecurely(address, routes, { pair, guard: admitBearers(parts, stop.signal) });
  const show = (next: KeyPair): void => {
    server.show(next);
  };
  const following = followKeyPair({ ...files, shown: pair, show, clock: parts.clock, log: parts.log }, stop.signal);
  return {
    port: server.port,
    async close() {
      stop.abort(new Error('the server closes'));
      await Promise.all([server.close(), following]);
    },
  };
}

async function usableKeyPair(files: KeyPairFiles): Promise<KeyPair> {
  try {
    return await readKeyPair(files);
  } catch (error) {
    if (!(error instanceof CertificateUnusable)) throw error;
    throw new ConfigurationError(
      `--metrics-cert-path: ${error.message}; write the folder of a certificate and its key, and their names with --metrics-cert-name and --metrics-cert-key where they are not tls.crt and tls.key`,
      { cause: error },
    );
  }
}
