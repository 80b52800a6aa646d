// Finds redis-server, and installs it where that may be done without asking: as root, with apt.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const howToGetIt =
  'redis-server is not there: install it (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis), or name yours with REDIS_SERVER';

/** It isn't there, and can't be installed; the message says how to get it. */
export class NoRedisServer extends Error {
  constructor(options?: ErrorOptions) {
    super(howToGetIt, options);
  }
}

/** The path of redis-server; throws NoRedisServer. */
export function redisServer(environment: NodeJS.ProcessEnv, say: (line: string) => void): string {
  const found = environment['REDIS_SERVER'] || onPath(environment);
  if (found) return found;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) throw new NoRedisServer();
  say('Installing redis-server (apt-get install redis-server)');
  // Nobody asks for the service that the package would start.
  const quiet = { env: { ...environment, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }, stdio: 'pipe' } as const;
  try {
    execFileSync('apt-get', ['update', '-qq'], quiet);
    execFileSync('apt-get', ['install', '-qq', '-y', '--no-install-recommends', 'redis-server'], quiet);
  } catch (error) {
    throw new NoRedisServer({ cause: error });
  }
  return onPath(environment) ?? '/usr/bin/redis-server';
}

function onPath({ PATH = '' }: NodeJS.ProcessEnv): string | undefined {
  const paths = PATH.split(delimiter).map((folder) => join(folder, 'redis-server'));
  return paths.find((path) => existsSync(path));
}
