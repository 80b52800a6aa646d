// The connections to one Redis for as long as they last: one for commands, one for the read that blocks, one for events. None
// of them ever reconnects by itself: what breaks is given up as a whole, and whoever observes opens a new link.
import { createClient } from '@redis/client';
import type { Clock } from '../../runtime/clock.ts';
import { asRedisError, RedisError } from './errors.ts';

/** Where a Redis is, resolved; how to prove who we are. */
export interface RedisTarget {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: { readonly serverName: string | undefined; readonly ca: string | undefined } | undefined;
}

export interface Link {
  command(...args: string[]): Promise<unknown>;
  /** On the connection of its own; `limitMilliseconds` beyond which it counts as dead. */
  read(limitMilliseconds: number, ...args: string[]): Promise<unknown>;
  subscribe(channel: string, onMessage: (message: string) => void): Promise<void>;
  /** Resolves once any of the connections is gone, with why. */
  readonly broken: Promise<RedisError>;
  /** Without waiting for anything. */
  close(): void;
}

const connectTimeoutMilliseconds = 3_000;
/** A server that does not answer a command within it is as good as gone. */
const commandTimeoutMilliseconds = 3_000;

type Client = ReturnType<typeof clientFor>;

export async function openLink(target: RedisTarget, clock: Clock): Promise<Link> {
  const clients = [clientFor(target, 'commands'), clientFor(target, 'reads'), clientFor(target, 'events')] as const;
  let breakWith: (error: RedisError) => void = () => undefined;
  const broken = new Promise<RedisError>((resolve) => {
    breakWith = resolve;
  });
  for (const client of clients) {
    client.on('error', (error: unknown) => {
      breakWith(asRedisError(error));
    });
  }
  const close = (): void => {
    breakWith(new RedisError('Unreachable', 'closed by us'));
    for (const client of clients) if (client.isOpen) client.destroy();
  };
  try {
    await Promise.all(clients.map((client) => client.connect()));
  } catch (error) {
    close();
    throw asRedisError(error);
  }
  // Each is of no use without the others: without events, keys would be seen at the deadline only.
  void broken.then(close);
  const [commands, reads, events] = clients;
  // What is under way when a client is destroyed is rejected by the client.
  const limited = async (client: Client, args: string[], milliseconds: number): Promise<unknown> => {
    let late: RedisError | undefined;
    const timer = clock.setTimeout(() => {
      late = new RedisError('Timeout', `no answer to ${args[0] ?? ''} within ${milliseconds} ms`);
      breakWith(late);
      close();
    }, milliseconds);
    try {
      return await client.sendCommand(args);
    } catch (error) {
      throw late ?? asRedisError(error);
    } finally {
      timer.cancel();
    }
  };
  return {
    command: (...args) => limited(commands, args, commandTimeoutMilliseconds),
    read: (limitMilliseconds, ...args) => limited(reads, args, limitMilliseconds),
    async subscribe(channel, onMessage) {
      await events.subscribe(channel, onMessage);
    },
    broken,
    close,
  };
}

function clientFor({ host, port, database, username, password, tls }: RedisTarget, name: string) {
  const common = { host, port, connectTimeout: connectTimeoutMilliseconds, reconnectStrategy: false as const };
  return createClient({
    socket: tls
      ? {
          ...common,
          tls: true,
          ...(tls.serverName ? { servername: tls.serverName } : {}),
          ...(tls.ca ? { ca: tls.ca } : {}),
        }
      : common,
    database,
    name: `orquanta-heat-${name}`,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    disableOfflineQueue: true,
    // Ours is above. The client's own makes an AbortSignal for each command, and each one fires.
    commandOptions: { timeout: 0 },
    RESP: 2,
  });
}
