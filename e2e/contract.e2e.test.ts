// The contract of the runtime with an API server, on the real one that KUBECONFIG names, over real connections.
import { loadConnection } from '../operator/runtime/connection.ts';
import { systemClock } from '../operator/runtime/clock.ts';
import { HttpTransport } from '../operator/runtime/http-transport.ts';
import { apiServerContract } from '../operator/runtime/testing/contract.ts';

apiServerContract('a real kube-apiserver', async () => {
  const connection = await loadConnection({ environment: process.env, clock: systemClock });
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
    stop: async () => {
      await transport.request({ method: 'DELETE', path: `${path}/${namespace}`, lane: 'write', signal });
      await transport.close();
    },
  };
});
