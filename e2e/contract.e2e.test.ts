// The contract of the runtime with an API server, on a real one. The connections go through a relay
// that can cut them, as a network does.
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';
import { systemClock } from '../operator/runtime/clock.ts';
import { loadConnection } from '../operator/runtime/connection.ts';
import type { Connection } from '../operator/runtime/connection.ts';
import { HttpTransport } from '../operator/runtime/http-transport.ts';
import { apiServerContract, type ContractServer, protobufContract } from '../operator/runtime/testing/contract.ts';
import { leaveControllersWell, ownCluster, ownSurroundings } from './setup/surroundings.ts';

/** Of our own control plane, which alone can be made to forget. */
const cluster = ownCluster();
const notOurs = "USE_EXISTING_CLUSTER: someone else's etcd is not ours to compact, nor its API server to restart";

leaveControllersWell();
apiServerContract('a real kube-apiserver', realServer);
protobufContract('a real kube-apiserver', realServer);

async function realServer(): Promise<ContractServer> {
  const { connection, relay } = await relayed(
    await loadConnection({ environment: {}, kubeconfig: ownSurroundings().kubeconfig, clock: systemClock }),
  );
  const transport = new HttpTransport({ connection, userAgent: 'orquanta-contract', clock: systemClock });
  const namespace = `contract-${Date.now().toString(36)}`;
  const { signal } = new AbortController();
  const path = '/api/v1/namespaces';
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  const answer = await transport.request({ method: 'POST', path, body, lane: 'write', signal });
  if (answer.status !== 201) throw new Error(`the namespace could not be made: ${JSON.stringify(answer.body)}`);
  return {
    transport,
    namespace,
    compact: cluster === undefined ? { impossible: notOurs } : () => cluster.forgetHistory(),
    breakConnections: relay.cut,
    stop: async () => {
      await transport.request({ method: 'DELETE', path: `${path}/${namespace}`, lane: 'write', signal });
      await transport.close();
      relay.close();
    },
  };
}

/** The same API server behind a port of our own; its certificate is still checked for its own name. */
async function relayed(connection: Connection) {
  const { hostname, port } = new URL(connection.server);
  const open = new Set<Socket>();
  const server = createServer((inner) => {
    const outer = connect(Number(port), hostname);
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      open.add(from);
      from.pipe(to);
      from.on('error', () => undefined);
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  const close = () => {
    cut();
    server.close();
  };
  const { port: relayPort } = server.address() as AddressInfo;
  const serverName = connection.serverName ?? hostname;
  // TLS has names for names only: an address is checked against the relay's, which is this machine too.
  const named = /^[\d.]+$|:/.test(serverName) ? {} : { serverName };
  return {
    connection: { ...connection, ...named, server: `https://127.0.0.1:${relayPort}` },
    relay: { cut, close },
  };
}
