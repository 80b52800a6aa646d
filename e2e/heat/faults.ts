// Faults in turn while plans come: the server dies, freezes, is full, the line goes silent, the leader dies or hands over.
// Afterwards every plan of the stream has its early and its late observation once.
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { RedisClient, RedisServer } from '../../hack/redis/server.ts';
import type { Chance } from '../robustness/chance.ts';
import { heat, observations, pendingIn, publish, streams, until } from './stage.ts';

export interface Stage {
  readonly server: RedisServer;
  readonly client: RedisClient;
  readonly silence: () => void;
  /** What it returns starts another one that stands by. */
  readonly endLeader: (by: 'SIGKILL' | 'SIGTERM') => Promise<Mend>;
  readonly freezeMilliseconds: number;
}

/** What is left to do once it reads again. */
type Mend = () => Promise<unknown>;

export const faults: Readonly<Record<string, (stage: Stage) => Promise<Mend | undefined>>> = {
  async 'Redis is killed and started again'({ server }) {
    server.signal('SIGKILL');
    await server.restart();
    return undefined;
  },
  async 'Redis is frozen'({ server, freezeMilliseconds }) {
    server.signal('SIGSTOP');
    await delay(freezeMilliseconds);
    server.signal('SIGCONT');
    return undefined;
  },
  async 'its memory is full'({ client }) {
    await client.sendCommand(['CONFIG', 'SET', 'maxmemory', '1mb']);
    await delay(1_500);
    await client.sendCommand(['CONFIG', 'SET', 'maxmemory', '0']);
    return undefined;
  },
  async 'the line goes silent'({ silence }) {
    silence();
    return Promise.resolve(undefined);
  },
  'the leader is killed': ({ endLeader }) => endLeader('SIGKILL'),
  'the leader hands over': ({ endLeader }) => endLeader('SIGTERM'),
};

/** Publishes until it is told to stop; every third plan never gets its heat. */
export function publishing(client: RedisClient): () => Promise<number> {
  let goesOn = true;
  let count = 0;
  const run = async (): Promise<void> => {
    while (goesOn) {
      const plan = `f${count}`;
      count += 1;
      await publish(client, plan).catch(() => undefined);
      if (count % 3 > 0) setTimeout(() => void heat(client, plan).catch(() => undefined), (count % 7) * 60);
      await delay(5);
    }
  };
  const running = run();
  return async () => {
    goesOn = false;
    await running;
    return count;
  };
}

/** Until all that was published is acknowledged; then input and output are compared by plan id. */
export async function expectAllOnce(client: RedisClient, group: string): Promise<number> {
  await until(
    'all plans to be observed',
    async () => {
      const groups = (await client.sendCommand(['XINFO', 'GROUPS', streams.plans])) as unknown as unknown[][];
      const fields = groups.find((one) => one.includes(group)) ?? [];
      return (await pendingIn(client, group)) === 0 && fields[fields.indexOf('lag') + 1] === 0;
    },
    60_000,
  );
  const entries = (await client.sendCommand(['XRANGE', streams.plans, '-', '+'])) as unknown as [string, string[]][];
  const published = new Set(entries.map(([, fields]) => fields[1] ?? ''));
  const seen = (await observations(client)).map(({ plan_id, obs_point }) => `${plan_id} ${obs_point}`);
  const twice = seen.filter((one, index) => seen.indexOf(one) !== index);
  const known = new Set(seen);
  const lost = [...published].filter(
    (plan) => !known.has(`${plan} create_apply_plan`) || !known.has(`${plan} publish_plan_post`),
  );
  expect({ lost, twice }).toEqual({ lost: [], twice: [] });
  return published.size;
}

type Entry = [id: string, fields: string[]];

/** The plans that were observed since. On a busy machine any number of newer ones may be there by the time somebody looks. */
async function newerThan(client: RedisClient, from: string): Promise<(string | undefined)[]> {
  const entries = (await client.sendCommand(['XRANGE', streams.observed, from, '+'])) as unknown as Entry[];
  return entries.map(([, fields]) => fields[1]);
}

/** From the end of the fault to the next observation of a plan published after it. */
export async function readsAgain(client: RedisClient, name: string): Promise<number> {
  const plan = `after-${name.replaceAll(' ', '-')}-${Math.round(performance.now())}`;
  let before = '-';
  await until('Redis to tell the newest observation', async () => {
    const [newest] = (await client.sendCommand([
      'XREVRANGE',
      streams.observed,
      '+',
      '-',
      'COUNT',
      '1',
    ])) as unknown as Entry[];
    before = newest === undefined ? '-' : `(${newest[0]}`;
    return true;
  });
  await until('Redis to take a plan', () =>
    publish(client, plan).then(
      () => true,
      () => false,
    ),
  );
  const start = performance.now();
  await until(`${plan} to be observed`, async () => (await newerThan(client, before)).includes(plan), 100_000);
  return performance.now() - start;
}

export async function playFaults(stage: Stage, names: readonly string[], say: (line: string) => void): Promise<void> {
  for (const name of names) {
    const act = faults[name];
    if (!act) throw new Error(`there is no fault "${name}"`);
    const mend = await act(stage);
    say(`${name}: it reads again after ${((await readsAgain(stage.client, name)) / 1_000).toFixed(2)} s (goal 10 s)`);
    await mend?.();
  }
}

export function chosen(rounds: number, chance: Chance): string[] {
  return Array.from({ length: rounds }, () => chance.pick(Object.keys(faults)));
}
