// Ports for servers which can't be told "any": taken from below the range the kernel hands out by itself, so that no
// outgoing connection and no other program's port 0 takes one between the look and the start. It reserves nothing.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const lowest = 20_000;

/** Where the kernel's own choice starts; 32768 is Linux' default, other systems start higher (ip(7)). */
function ephemeralStart(): number {
  try {
    const first = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s/)[0]);
    return first > lowest + 1_000 ? first : 32_768;
  } catch {
    return 32_768;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => {
      resolve(false);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

/** A port nobody listens on now. Two starters may still get the same one: whoever's server fails to bind asks again. */
export async function freePort(random: () => number = Math.random): Promise<number> {
  const range = ephemeralStart() - lowest;
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = lowest + Math.floor(random() * range);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port on 127.0.0.1 between ${lowest} and ${lowest + range}`);
}
