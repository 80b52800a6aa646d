// The way to the API server, for the operator and for its commands.
import { ApiClient } from './runtime/client.ts';
import type { Clock } from './runtime/clock.ts';
import { type Connection, loadConnection } from './runtime/connection.ts';
import { HttpTransport } from './runtime/http-transport.ts';
import { version } from './version.ts';

const fieldManager = 'orquanta';

export interface ConnectOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A path; empty: as kubectl finds it, or the Pod's own service account. */
  readonly kubeconfig: string;
  readonly clock: Clock;
  /** Who this process is, in the API server's audit log. */
  readonly identity: string;
  readonly onResponse?: ConstructorParameters<typeof HttpTransport>[0]['onResponse'];
}

export interface Connected {
  readonly connection: Connection;
  readonly transport: HttpTransport;
  readonly client: ApiClient;
}

export async function connect(options: ConnectOptions): Promise<Connected> {
  const { environment, clock, identity, onResponse } = options;
  const kubeconfig = options.kubeconfig === '' ? {} : { kubeconfig: options.kubeconfig };
  const connection = await loadConnection({ environment, clock, ...kubeconfig });
  const transport = new HttpTransport({
    connection,
    clock,
    userAgent: `orquanta/${version} (${identity})`,
    ...(onResponse ? { onResponse } : {}),
  });
  return { connection, transport, client: new ApiClient(transport, { fieldManager }) };
}
