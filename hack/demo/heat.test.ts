// Where there is no Redis the demo says so, and how to get one, and goes on without heat.
import { expect, it } from 'vitest';
import { hasRedis } from './heat.ts';

it('says in one line that heat is left out where there is no redis-server, and how to get it', () => {
  const said: string[] = [];
  // Nothing is on this PATH, apt-get neither.
  const has = hasRedis({ PATH: '/nowhere' }, (line) => said.push(line));
  expect([has, said.at(-1)]).toEqual([
    false,
    'Heat is left out: redis-server is not there: install it (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis), or name yours with REDIS_SERVER',
  ]);
});

it('is content with the one that is named', () => {
  expect(hasRedis({ PATH: '/nowhere', REDIS_SERVER: '/opt/redis-server' }, (line) => expect.fail(line))).toBe(true);
});
