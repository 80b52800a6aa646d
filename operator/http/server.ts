// A small HTTP server for machines: probes and metrics, plain GETs without any input. The API for people is another one.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly contentType?: string;
  readonly body: string;
}

export type Routes = Readonly<Record<string, () => Answer | Promise<Answer>>>;

export interface Listening {
  /** The one really taken, where 0 was asked for. */
  readonly port: number;
  close(): Promise<void>;
}

/** The address can't be had: taken by another process, or not one of this machine. */
export class AddressUnavailable extends Error {
  override readonly name = 'AddressUnavailable';
}

const unavailable: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process has it',
  EADDRNOTAVAIL: 'it is not an address of this machine',
  EACCES: 'this process may not take such a port',
};

function asUnavailable(
  error: NodeJS.ErrnoException,
  { host, port }: { host: string | undefined; port: number },
): Error {
  const why = unavailable[error.code ?? ''];
  if (why === undefined) return error;
  return new AddressUnavailable(`can't listen on ${host ?? ''}:${port}: ${why}`, { cause: error });
}

export async function listen(address: { host: string | undefined; port: number }, routes: Routes): Promise<Listening> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    void answer(routes, request.method ?? 'GET', path).then(({ status, contentType, body }) => {
      response.writeHead(status, { 'content-type': contentType ?? 'text/plain; charset=utf-8' });
      response.end(request.method === 'HEAD' ? undefined : body);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(asUnavailable(error, address));
    });
    server.listen({ port: address.port, ...(address.host === undefined ? {} : { host: address.host }) }, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

async function answer(routes: Routes, method: string, path: string): Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, body: 'only GET\n' };
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (!route) return { status: 404, body: `not found; there are ${Object.keys(routes).join(', ')}\n` };
  try {
    return await route();
  } catch (error) {
    return { status: 500, body: `${error instanceof Error ? error.message : String(error)}\n` };
  }
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}
