// A small server for machines, over HTTP or HTTPS: probes and metrics, plain GETs without any input. The API for people is another
// one. Who may read is a guard's to say.
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { KeyPair } from './key-pair.ts';

export interface Answer {
  readonly status: number;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

export type Routes = Readonly<Record<string, () => Answer | Promise<Answer>>>;

/** The answer to whoever isn't let in; undefined for whoever is. Asked for known paths only. */
export type Guard = (request: { authorization: string | undefined; path: string }) => Promise<Answer | undefined>;

export interface Address {
  readonly host: string | undefined;
  readonly port: number;
}

export interface Listening {
  /** The one really taken, where 0 was asked for. */
  readonly port: number;
  close(): Promise<void>;
}

export interface SecureListening extends Listening {
  /** To whoever connects from now on; connections that are open live on. */
  show(pair: KeyPair): void;
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

function asUnavailable(error: NodeJS.ErrnoException, { host, port }: Address): Error {
  const why = unavailable[error.code ?? ''];
  if (why === undefined) return error;
  return new AddressUnavailable(`can't listen on ${host ?? ''}:${port}: ${why}`, { cause: error });
}

const letEverybodyIn: Guard = () => Promise.resolve(undefined);

export function listen(address: Address, routes: Routes): Promise<Listening> {
  return opened(createServer(listener(routes, letEverybodyIn)), address);
}

/** HTTPS. `pair` is one that readKeyPair() gave. */
export async function listenSecurely(
  address: Address,
  routes: Routes,
  { pair, guard }: { pair: KeyPair; guard: Guard },
): Promise<SecureListening> {
  const server = createSecureServer(
    { ...secureOptions(pair), handshakeTimeout: handshakeMilliseconds },
    listener(routes, guard),
  );
  const listening = await opened(server, address);
  return {
    ...listening,
    show(next) {
      server.setSecureContext(secureOptions(next));
    },
  };
}

/** Node's own is two minutes. */
const handshakeMilliseconds = 10_000;

function secureOptions({ certificate, key }: KeyPair) {
  return { cert: certificate, key, minVersion: 'TLSv1.2' } as const;
}

async function opened(server: Server, address: Address): Promise<Listening> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(asUnavailable(error, address));
    });
    server.listen({ port: address.port, ...(address.host === undefined ? {} : { host: address.host }) }, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

function listener(routes: Routes, guard: Guard): RequestListener {
  return (request, response) => {
    void answer(routes, guard, request).then(({ status, contentType, headers, body }) => {
      response.writeHead(status, { 'content-type': contentType ?? 'text/plain; charset=utf-8', ...headers });
      response.end(request.method === 'HEAD' ? undefined : body);
    });
  };
}

async function answer(routes: Routes, guard: Guard, { method, url, headers }: IncomingMessage): Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, body: 'only GET\n' };
  const path = (url ?? '/').split('?')[0] ?? '/';
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (!route) return { status: 404, body: `not found; there are ${Object.keys(routes).join(', ')}\n` };
  try {
    return (await guard({ authorization: headers.authorization, path })) ?? (await route());
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
