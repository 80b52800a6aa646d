// H8 on a real Redis and the real API server: the golden verification, the two checks that people run in a shell, and the
// command that does both.
import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { redisServer } from '../../hack/redis/program.ts';
import type { RedisClient, RedisServer } from '../../hack/redis/server.ts';
import { verifyGolden } from '../../operator/heat/golden.ts';
import { isRedisError } from '../../operator/heat/redis/errors.ts';
import { type Link, openLink } from '../../operator/heat/redis/link.ts';
import { systemClock } from '../../operator/runtime/clock.ts';
import { orquanta, type Ran } from '../setup/orquanta.ts';
import { adminApi, namespaceFor } from '../setup/surroundings.ts';
import { heat, observing, prefix, publish, redisForTest, streams, untilObserved } from './stage.ts';

const decisions = 'quantum:stream:harvest.heat.decision';
const point = { early: 'create_apply_plan', late: 'publish_plan_post' };

let server: RedisServer;
let client: RedisClient;
beforeEach(async () => {
  server = await redisForTest();
  client = await server.client();
});

async function decide(planID: string): Promise<void> {
  await client.sendCommand(['XADD', decisions, '*', 'decision', 'harvest', 'plan_id', planID]);
}

/** In one step: one by one 5,000 would take a while. */
async function decideOthers(count: number): Promise<void> {
  const script = `for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'plan_id', 'other-' .. i) end`;
  await client.sendCommand(['EVAL', script, '1', decisions, String(count)]);
}

describe('the golden verification', () => {
  let link: Link;
  beforeEach(async () => {
    const nobody = { database: 0, username: undefined, password: undefined, tls: undefined };
    link = await openLink({ host: '127.0.0.1', port: server.port, ...nobody }, systemClock);
    onTestFinished(() => {
      link.close();
    });
  });

  const subject = { lookupPrefix: prefix, plans: streams.plans, decisions };
  const verified = async () => {
    const { kind, words } = await verifyGolden(link, subject);
    return `${kind}: ${words}`;
  };
  const noKey = (plan: string) =>
    `no key ${prefix}${plan}: \`redis-cli --scan --pattern '*<plan id>'\` shows whether its heat is under another prefix; if nowhere, it never came or has expired`;

  it('H8: passes where the newest plan has a decision and a key', async () => {
    for (const plan of ['old', 'p-1']) await publish(client, plan);
    await decide('p-1');
    await decideOthers(3);
    await heat(client, 'p-1');
    expect(await verifyGolden(link, subject)).toEqual({
      kind: 'Passed',
      planID: 'p-1',
      words: `plan p-1 has a decision in ${decisions}, and the key ${prefix}p-1`,
    });
  });

  it('H8: looks at 5,000 decisions and no further', async () => {
    await publish(client, 'p-1');
    await heat(client, 'p-1');
    await decide('p-1');
    await decideOthers(4_999);
    expect(await verified()).toMatch(/^Passed/);
    await decideOthers(1);
    expect(await verified()).toBe(
      `Failed: plan p-1, the newest of ${streams.plans}, has no decision among the newest 5000 entries of ${decisions}: look at what decides, whether it runs and reads that plan`,
    );
  });

  it('waits for the first plan', async () => {
    expect(await verified()).toBe(
      `Pending: stream ${streams.plans} has no plan yet: once one is published it can be verified`,
    );
  });

  it('says all that is missing', async () => {
    await publish(client, 'p-1');
    await heat(client, 'p-10');
    const newest = `Failed: plan p-1, the newest of ${streams.plans}, has`;
    const none = `no decision, as stream ${decisions} has no entries: look at spec.streams.decisions, and at what decides`;
    expect(await verified()).toBe(`${newest} ${none}; and it has ${noKey('p-1')}`);
    await decide('p-10');
    expect(await verified()).toContain(`${newest} no decision among the 1 entries of ${decisions}: `);
    await decide('p-1');
    expect(await verified()).toBe(`${newest} ${noKey('p-1')}`);
  });

  it('H8: says so where plan_id is not the first field, or is no id', async () => {
    const add = async (...fields: string[]) =>
      (await client.sendCommand(['XADD', streams.plans, '*', ...fields])) as unknown as string;
    const swapped = await add('symbol', 'BTCUSDT', 'plan_id', 'p-1');
    await decide('p-1');
    await heat(client, 'p-1');
    expect(await verified()).toBe(
      `Failed: the newest entry of ${streams.plans} (${swapped}) begins with the field "symbol" instead of plan_id, and scripts take the id from the first field: let what publishes plans write plan_id first`,
    );
    const without = await add('symbol', 'BTCUSDT');
    expect(await verified()).toBe(
      `Failed: the newest entry of ${streams.plans} (${without}) can't be verified, as it has no plan_id: look at what publishes plans`,
    );
    await add('plan_id', 'p 2', 'symbol', 'BTCUSDT');
    expect(await verified()).toContain('control characters or spaces: look at what publishes plans');
  });

  it('gives a plan that was published this moment the time that heat takes', async () => {
    const { signal } = new AbortController();
    const patience = { milliseconds: 3_000, clock: systemClock, signal };
    await publish(client, 'p-1');
    const result = verifyGolden(link, subject, patience);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await publish(client, 'p-2');
    await decide('p-1');
    await heat(client, 'p-1');
    expect(await result).toMatchObject({ kind: 'Passed', planID: 'p-1' });
  });

  it('waits no longer than that, and not at all for an old plan', async () => {
    const { signal } = new AbortController();
    const took = async (milliseconds: number) => {
      const start = performance.now();
      expect(await verifyGolden(link, subject, { milliseconds, clock: systemClock, signal })).toMatchObject({
        kind: 'Failed',
      });
      return performance.now() - start;
    };
    await client.sendCommand(['XADD', streams.plans, '1-0', 'plan_id', 'old', 'symbol', 'BTCUSDT']);
    expect(await took(20_000)).toBeLessThan(10_000);
    await client.sendCommand(['XADD', streams.plans, '9999999999999-0', 'plan_id', 'future', 'symbol', 'BTCUSDT']);
    expect(await took(300)).toBeGreaterThan(290);
  });

  it('names the key that is no stream', async () => {
    await publish(client, 'p-1');
    await client.sendCommand(['SET', decisions, 'x']);
    const error: unknown = await verifyGolden(link, subject).catch((error: unknown) => error);
    expect(isRedisError(error, 'Answered') && error.message).toContain(`${decisions}: WRONGTYPE`);
  });
});

/** As the document runs them: the shell's words, redis-cli and all. */
async function shell(command: string): Promise<string> {
  const path = `${dirname(redisServer(process.env, () => undefined))}:${process.env['PATH'] ?? ''}`;
  const environment = { ...process.env, PATH: path, REDISCLI: `redis-cli -p ${server.port} --raw` };
  return (await promisify(execFile)('sh', ['-c', command], { env: environment })).stdout;
}

/** Two plans: one whose heat is there, one whose heat never comes; four observations. */
async function bothResults(): Promise<void> {
  await heat(client, 'there');
  await publish(client, 'never');
  await publish(client, 'there');
  await untilObserved(client, 4);
}

describe("the document's own checks", () => {
  it('H8: counts both results of publish_plan_post line by line with awk', async () => {
    await observing(server, { late: { maxWaitMilliseconds: 200 } });
    await bothResults();
    const counts = await shell(
      `$REDISCLI XREVRANGE ${streams.observed} + - COUNT 200 | awk '
        $0 == "obs_point" { getline point }
        $0 == "heat_found" { getline found; count[point " " found]++ }
        END { for (key in count) print key, count[key] }' | sort`,
    );
    expect(counts.trim().split('\n')).toEqual([
      `${point.early} 0 1`,
      `${point.early} 1 1`,
      `${point.late} 0 1`,
      `${point.late} 1 1`,
    ]);
  });

  it('H8: the third raw line of the newest plan is its id, which occurs among the decisions and has a key', async () => {
    for (const plan of ['old', 'p-1']) await publish(client, plan);
    await decide('p-1');
    await heat(client, 'p-1');
    expect(await shell(`$REDISCLI XREVRANGE ${streams.plans} + - COUNT 1 | sed -n 3p`)).toBe('p-1\n');
    const golden = `
      plan=$($REDISCLI XREVRANGE ${streams.plans} + - COUNT 1 | sed -n 3p)
      $REDISCLI XREVRANGE ${decisions} + - COUNT 5000 | grep -cx "$plan"
      $REDISCLI EXISTS "${prefix}$plan"`;
    expect(await shell(golden)).toBe('1\n1\n');
  });
});

describe('orquanta verify heat', () => {
  const api = adminApi();

  const verifyHeat = (args: readonly string[], environment?: Readonly<Record<string, string>>): Promise<Ran> =>
    orquanta(['verify', 'heat', ...args], environment);

  interface Wish {
    readonly spec?: object;
    readonly redis?: object;
    readonly ready?: readonly [status: string, reason: string];
    readonly observedGeneration?: number;
  }

  /** An observer in a namespace of its own, with a status as the operator would write it. */
  async function observerFor(title: string, { spec, redis, ready, observedGeneration = 1 }: Wish = {}) {
    const namespace = await namespaceFor(api, title);
    const path = `/apis/orquanta.io/v1alpha1/namespaces/${namespace}/heatobservers`;
    await api.create(path, {
      ...{ apiVersion: 'orquanta.io/v1alpha1', kind: 'HeatObserver', metadata: { name: 'harvest' } },
      spec: { redis: { url: server.url, ...redis }, lookupPrefix: prefix, ...spec },
    });
    const [status, reason] = ready ?? ['True', 'Observing'];
    const condition = { type: 'Ready', status, reason, message: '', lastTransitionTime: '2026-01-02T03:04:05Z' };
    await api.patch(`${path}/harvest/status`, { status: { observedGeneration, conditions: [condition] } });
    return { namespace, name: `${namespace}/harvest` };
  }

  it('H8: passes on a stream with both results, read by the group of the observer', async () => {
    const { namespace, name } = await observerFor('verify passes');
    await observing(server, { name, late: { maxWaitMilliseconds: 200 } });
    await decide('there');
    await bothResults();
    const { code, stdout } = await verifyHeat(['harvest', '-n', namespace], { P28_HEAT_LOOKUP_PREFIX: prefix });
    expect(stdout).toBe(`redis       127.0.0.1:${server.port}/0
plans       ${streams.plans}
observed    ${streams.observed}
decisions   ${decisions}
prefix      ${prefix}

observation point   heat found   not found   share
create_apply_plan            1           1    50 %
publish_plan_post            1           1    50 %

late results     passed
newest spec      passed
ready            passed
prefix           passed
consumer group   passed
golden           passed

HeatObserver ${name} observes as its spec says: no check failed
`);
    expect(code).toBe(0);
    const json = await verifyHeat(['harvest', `--namespace=${namespace}`, '--output=json', '--newest=1']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ...{ name: 'harvest', passed: false, others: 0, lookupPrefix: prefix },
      counts: { [point.early]: { found: 0, missed: 0 }, [point.late]: { found: 0, missed: 1 } },
    });
    expect(json.code).toBe(1);
  });

  it('H8: fails on everything that is not as the spec says, and says what to do', async () => {
    const { namespace, name } = await observerFor('verify fails', {
      spec: { late: { maxWaitMilliseconds: 100 } },
      ready: ['False', 'RedisUnreachable'],
      observedGeneration: 0,
    });
    await publish(client, 'p-1');
    const { code, stdout } = await verifyHeat(['harvest', '-n', namespace], { P28_HEAT_LOOKUP_PREFIX: 'other:' });
    expect(code).toBe(1);
    for (const words of [
      `late results: stream ${streams.observed} has no entries: publish plans`,
      'newest spec: the spec is at generation 1, and status speaks of 0',
      'ready: Ready is False, RedisUnreachable',
      `prefix: spec.lookupPrefix is ${prefix}, and P28_HEAT_LOOKUP_PREFIX here is other:`,
      `consumer group: stream ${streams.plans} has no group orquanta:${name} (there: none)`,
      'golden: plan p-1, the newest of',
      `HeatObserver ${name}: 6 of 6 checks failed: late results, newest spec, ready, prefix, consumer group, golden\n`,
    ])
      expect(stdout).toContain(words);
  });

  it('looks where HEAT_STREAM_IN says, as the operator does, and at no golden plan where the spec skips it', async () => {
    const { namespace, name } = await observerFor('verify other stream', { spec: { golden: 'Skip' } });
    await client.sendCommand(['XGROUP', 'CREATE', 'plans', `orquanta:${name}`, '0', 'MKSTREAM']);
    const { stdout } = await verifyHeat(['harvest', '-n', namespace], { HEAT_STREAM_IN: 'plans' });
    expect(stdout).toContain('plans       plans\n');
    expect(stdout).toMatch(/^consumer group +passed$/m);
    expect(stdout).toMatch(/^golden +skipped$/m);
  });

  it('sees whether the group of the observer reads its plans', async () => {
    const { namespace, name } = await observerFor('verify unread');
    await client.sendCommand(['XGROUP', 'CREATE', streams.plans, `orquanta:${name}`, '0', 'MKSTREAM']);
    const yesterday = Date.now() - 86_400_000;
    await client.sendCommand(['XADD', streams.plans, `${yesterday}-0`, 'plan_id', 'p-1', 'symbol', 'BTCUSDT']);
    await publish(client, 'p-2');
    const verify = async () => (await verifyHeat(['harvest', '-n', namespace])).stdout;
    expect(await verify()).toMatch(
      /^consumer group: group orquanta:\S+ leaves plans on \S+ unread, the oldest for 864\d\d s: see whether/m,
    );
    await observing(server, { name });
    await untilObserved(client, 2);
    expect(await verify()).toMatch(/^consumer group +passed$/m);
  });

  it('takes the password from the Secret, or from the environment', async () => {
    const locked = await redisForTest(['--requirepass', 'hush']);
    const redis = { url: locked.url, passwordSecretRef: { name: 'redis' } };
    const { namespace } = await observerFor('verify password', { redis });
    const verify = (environment?: Record<string, string>) =>
      verifyHeat(['harvest', '-n', namespace, '--output=json'], environment);
    expect((await verify()).stderr).toBe(
      `orquanta: there is no Secret ${namespace}/redis: make it, with a key "password", or set REDIS_PASSWORD, which is used instead of the password in it\n`,
    );
    expect(await verify({ REDIS_PASSWORD: 'hush' })).toMatchObject({ code: 1, stderr: '' });
    const data = { password: Buffer.from('wrong').toString('base64') };
    await api.create(`/api/v1/namespaces/${namespace}/secrets`, { metadata: { name: 'redis' }, data });
    expect(await verify()).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /^orquanta: Redis at 127.0.0.1:\d+\/0 refuses: WRONGPASS .*; set REDIS_PASSWORD, or look at redis.username in the spec\n$/,
      ) as string,
    });
    data.password = Buffer.from('hush').toString('base64');
    await api.patch(`/api/v1/namespaces/${namespace}/secrets/redis`, { data });
    expect(await verify()).toMatchObject({ code: 1, stderr: '' });
  });

  it('connects where --redis says, to the database of the spec where that names none', async () => {
    const { namespace } = await observerFor('verify elsewhere', { redis: { url: 'redis://redis:6379/3' } });
    const asked = ['harvest', '-n', namespace];
    const at = `redis://127.0.0.1:${server.port}`;
    expect((await verifyHeat([...asked, `--redis=${at}`])).stdout).toContain(`127.0.0.1:${server.port}/3\n`);
    expect((await verifyHeat([...asked, `--redis=${at}/5`])).stdout).toContain(`127.0.0.1:${server.port}/5\n`);
    const { code, stderr } = await verifyHeat(asked);
    expect(code).toBe(2);
    expect(stderr).toContain(`orquanta: Redis at redis.${namespace}.svc:6379/3 can't be reached: `);
    expect(stderr).toContain(`kubectl -n ${namespace} port-forward service/<its service> 6379, and --redis=`);
  });

  it('says that there is no such observer', async () => {
    const { namespace } = await observerFor('verify nobody');
    const { code, stderr } = await verifyHeat(['nobody', '-n', namespace]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^orquanta: HeatObserver .*\/nobody can't be read: .*not found; kubectl get heat -A lists /);
  });
});
