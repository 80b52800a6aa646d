// A real Redis for tests, demo and benches: a process of its own with its data in a folder, that can be killed, frozen and
// started again. stopCluster(directory) ends it as well, should its starter die.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { freePort } from '../cluster/ports.ts';
import { signalProcess, startProcess, stopProcess } from '../cluster/process.ts';
import { until } from '../cluster/until.ts';
import { redisServer } from './program.ts';

export interface RedisOptions {
  /** Has the folders logs and pids, as a cluster's directory. */
  readonly directory: string;
  /** Distinct for each server in the directory. */
  readonly name: string;
  /** More arguments, such as --maxmemory 10mb. */
  readonly args?: readonly string[];
  readonly port?: number;
}

export type RedisClient = ReturnType<typeof clientOf>;

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** An own connection, closed with the server. */
  client(): Promise<RedisClient>;
  /** SIGKILL, SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void;
  /** After a kill: the same data, the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const startMilliseconds = 20_000;
/** New keys are told; every write is on the disk before it is answered. */
const standing = ['--notify-keyspace-events', 'En', '--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];

export async function startRedis({ directory, name, args = [], port }: RedisOptions): Promise<RedisServer> {
  const program = redisServer(process.env, (line) => process.stderr.write(`${line}\n`));
  const data = join(directory, name);
  mkdirSync(data, { recursive: true });
  const number = port ?? (await freePort());
  const listen = ['--bind', '127.0.0.1', '--port', String(number), '--dir', data];
  const clients: RedisClient[] = [];
  const start = async (): Promise<void> => {
    startProcess(directory, { name, program, arguments: [...listen, ...standing, ...args] });
    await until(() => answers(number, args), {
      what: `redis-server (see ${join(directory, 'logs', `${name}.log`)})`,
      timeoutMilliseconds: startMilliseconds,
      signal: AbortSignal.timeout(startMilliseconds),
    });
  };
  await start();
  return {
    port: number,
    url: `redis://127.0.0.1:${number}/0`,
    async client() {
      const client = clientOf(number, passwordIn(args));
      clients.push(client);
      await client.connect();
      return client;
    },
    signal: (signal) => {
      signalProcess(directory, name, signal);
    },
    async restart() {
      await stopProcess(directory, name, 0);
      await start();
    },
    async stop() {
      for (const client of clients) if (client.isOpen) client.destroy();
      signalProcess(directory, name, 'SIGCONT');
      await stopProcess(directory, name, 5_000);
    },
  };
}

async function answers(port: number, args: readonly string[]): Promise<boolean> {
  const client = clientOf(port, passwordIn(args));
  try {
    await client.connect();
    return (await client.ping()) === 'PONG';
  } finally {
    if (client.isOpen) client.destroy();
  }
}

function passwordIn(args: readonly string[]): string | undefined {
  const at = args.indexOf('--requirepass');
  return at < 0 ? undefined : args[at + 1];
}

function clientOf(port: number, password: string | undefined) {
  const client = createClient({
    socket: { host: '127.0.0.1', port, reconnectStrategy: () => 50 },
    RESP: 2,
    ...(password === undefined ? {} : { password }),
  });
  // What fails is told by the command that failed.
  client.on('error', () => undefined);
  return client;
}
