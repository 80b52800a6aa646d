// The observer on a Redis in memory: when it looks, what it tells, and what becomes of its plans where Redis fails. That it does so on
// a real one, and what the scripts do there, is for e2e/heat.
import { describe, expect, it, onTestFinished } from 'vitest';
import { FakeClock } from '../runtime/testing/fake-clock.ts';
import { Observer, type ObserverOptions } from './observer.ts';
import { RedisError } from './redis/errors.ts';
import { FakeRedis, someSettings } from './testing.ts';

type Settings = Parameters<typeof someSettings>[0];

const early = 'create_apply_plan';
const late = 'publish_plan_post';
const full = new RedisError('Answered', "OOM command not allowed when used memory > 'maxmemory'");
const gone = new RedisError('Unreachable', 'the connection was lost');

function aStage(clock = new FakeClock(), redis = new FakeRedis(clock)) {
  const told: string[] = [];
  const standings: string[] = [];
  const lateness: number[] = [];
  const tell = (what: string) => (planID: string) => void told.push(`${planID} ${what}`);
  const events: ObserverOptions['events'] = {
    onObserved: ({ point, found, reason }, planID) => void told.push(`${planID} ${point} ${Number(found)} ${reason}`),
    onUnreadableHeat: tell('unreadable'),
    onMalformed: (entryID, why) => void told.push(`${entryID} malformed: ${why}`),
    onSkipped: tell('skipped'),
    onDuplicate: tell('duplicate'),
    onDeadLetter: tell('dead'),
    onDeadline: (milliseconds) => void lateness.push(milliseconds),
    onRedisError: (error) => void told.push(`error: ${error.message}`),
  };
  const observe = async (settings: Settings = {}, options: Partial<ObserverOptions> = {}) => {
    const observer = new Observer({
      ...{ settings: someSettings(settings), database: 0, isNew: false, clock, events, random: () => 0 },
      open: () => redis.open(),
      onStanding: (standing) =>
        void standings.push(
          standing.kind === 'Failing' ? `Failing ${standing.error.kind}` : `Reading ${standing.hints}`,
        ),
      ...options,
    });
    const end = new AbortController();
    const running = observer.run(end.signal);
    const stop = async () => {
      end.abort(new Error('told to stop'));
      await running;
    };
    onTestFinished(stop);
    await clock.advance(0);
    return { observer, stop };
  };
  const lookTimes = () => redis.looks('look').map(({ at }) => at);
  return { clock, redis, told, standings, lateness, observe, lookTimes };
}

type Stage = ReturnType<typeof aStage>;

/** The next so many commands of this name fail, without being carried out. */
function fail({ redis }: Stage, name: string, error: Error, times = 1): void {
  let left = times;
  const release = redis.intercept((command, serve) => {
    if (command.name !== name) return serve();
    left -= 1;
    if (left === 0) release();
    throw error;
  });
}

/** Commands of this name wait, before or after they are carried out, until they are let go or made to fail. */
function hold({ redis }: Stage, name: string, when: 'before' | 'after' = 'before') {
  const held: PromiseWithResolvers<undefined>[] = [];
  const release = redis.intercept(async (command, serve) => {
    if (command.name !== name) return serve();
    const gate = Promise.withResolvers<undefined>();
    held.push(gate);
    const answer = when === 'after' ? await serve() : undefined;
    await gate.promise;
    return when === 'after' ? answer : serve();
  });
  const letGo = (index = 0) => {
    held[index]?.resolve(undefined);
  };
  const makeFail = (error: Error, index = 0) => {
    held[index]?.reject(error);
  };
  return { held, letGo, makeFail, release };
}

const everyHundredTo = (last: number) => Array.from({ length: last / 100 }, (_, index) => 100 * (index + 1));

describe('a plan', () => {
  it('H2: is looked for early, at once, and late, until its heat is there', async () => {
    const { clock, redis, told, observe } = aStage();
    await observe();
    redis.setKey('p');
    redis.publish('p');
    redis.publish('q');
    await clock.advance(250);
    redis.setKey('q');
    await clock.advance(50);
    expect(told).toEqual([`p ${early} 1 ok`, `q ${early} 0 missing`, `p ${late} 1 ok`, `q ${late} 1 ok`]);
    expect(redis.observed).toEqual([`p ${early} ok`, `q ${early} missing`, `p ${late} ok`, `q ${late} ok`]);
    expect(redis.pending).toBe(0);
  });

  it.each(['', 'En'])('H2: that is found early is found late at once, with events of keys "%s"', async (events) => {
    const { clock, redis, told, observe, lookTimes } = aStage();
    redis.events = events;
    redis.setKey('p');
    await observe();
    redis.publish('p');
    await clock.advance(10);
    expect(lookTimes()).toEqual([4]);
    expect(told).toEqual([`p ${early} 1 ok`, `p ${late} 1 ok`]);
  });

  it('H3: without events of keys is looked for at each poll, and at its deadline for the last time', async () => {
    const { clock, redis, told, standings, lateness, observe, lookTimes } = aStage();
    await observe();
    redis.publish('p');
    await clock.advance(3_000);
    expect(standings).toEqual(['Reading false']);
    expect(lookTimes()).toEqual([...everyHundredTo(2_000), 2_004]);
    expect(redis.looks('look').map(({ plans }) => plans.join())).toEqual([
      ...everyHundredTo(2_000).map(() => 'p 0'),
      'p 1',
    ]);
    expect(told).toEqual([`p ${early} 0 missing`, `p ${late} 0 timeout`]);
    expect(lateness).toEqual([4]);
  });

  it('H3: is looked for as often, and awaited as long, as its settings say', async () => {
    const { clock, redis, told, observe, lookTimes } = aStage();
    await observe({ late: { pollMilliseconds: 40, maxWaitMilliseconds: 100 } });
    redis.publish('p');
    await clock.advance(1_000);
    expect(lookTimes()).toEqual([40, 80, 104]);
    expect(told).toEqual([`p ${early} 0 missing`, `p ${late} 0 timeout`]);
  });

  it('H3: with events of keys is looked for when its key comes, and not before', async () => {
    const { clock, redis, told, standings, lateness, observe, lookTimes } = aStage();
    redis.events = 'En';
    await observe();
    redis.publish('p');
    redis.publish('q');
    await clock.advance(1_001);
    expect(lookTimes()).toEqual([]);
    redis.setKey('p');
    await clock.advance(2_000);
    expect(standings).toEqual(['Reading true']);
    expect(redis.looks('look')).toEqual([
      { at: 1_004, plans: ['p 0'] },
      { at: 2_004, plans: ['q 1'] },
    ]);
    expect(told.slice(2)).toEqual([`p ${late} 1 ok`, `q ${late} 0 timeout`]);
    expect(lateness).toEqual([4]);
  });

  it.each(['', 'E', 'n', 'Kn', 'AKE'])(
    'with events of keys of the kinds "%s" is polled all the same',
    async (events) => {
      const { clock, redis, standings, observe, lookTimes } = aStage();
      redis.events = events;
      await observe();
      redis.publish('p');
      await clock.advance(300);
      expect(standings).toEqual(['Reading false']);
      expect(lookTimes()).toEqual([100, 200, 300]);
    },
  );

  it('where Redis does not let us see whether it tells of keys is polled', async () => {
    const stage = aStage();
    stage.redis.events = 'En';
    fail(stage, 'CONFIG', new RedisError('Refused', 'NOPERM'));
    await stage.observe();
    stage.redis.publish('p');
    await stage.clock.advance(100);
    expect(stage.standings).toEqual(['Reading false']);
    expect(stage.lookTimes()).toEqual([100]);
  });

  it('is not looked for where the key is of another prefix or another plan', async () => {
    const { clock, redis, observe, lookTimes } = aStage();
    redis.events = 'En';
    await observe();
    redis.publish('p');
    await clock.advance(8);
    redis.tellOfKey('cold:p');
    redis.setKey('q');
    await clock.advance(1_000);
    expect(lookTimes()).toEqual([]);
  });

  it('whose key was told of and is gone waits for the next word of it', async () => {
    const { clock, redis, told, observe, lookTimes } = aStage();
    redis.events = 'En';
    await observe();
    redis.publish('p');
    await clock.advance(8);
    redis.tellOfKey('heat:p');
    await clock.advance(500);
    expect(lookTimes()).toEqual([12]);
    redis.setKey('p');
    await clock.advance(8);
    expect(told).toEqual([`p ${early} 0 missing`, `p ${late} 1 ok`]);
  });

  it('whose key comes while a look is under way is looked for again at once', async () => {
    const stage = aStage();
    stage.redis.events = 'En';
    await stage.observe();
    stage.redis.publish('p');
    await stage.clock.advance(8);
    const look = hold(stage, 'look', 'after');
    stage.redis.tellOfKey('heat:p');
    await stage.clock.advance(8);
    stage.redis.setKey('p');
    look.release();
    look.letGo();
    await stage.clock.advance(0);
    expect(stage.lookTimes()).toEqual([12, 16]);
    expect(stage.told.slice(1)).toEqual([`p ${late} 1 ok`]);
  });

  it('whose key comes while it begins is looked for as soon as it has begun', async () => {
    const stage = aStage();
    stage.redis.events = 'En';
    await stage.observe();
    const begin = hold(stage, 'begin', 'after');
    stage.redis.publish('p');
    await stage.clock.advance(8);
    stage.redis.setKey('p');
    await stage.clock.advance(400);
    expect(stage.lookTimes()).toEqual([]);
    begin.letGo();
    await stage.clock.advance(4);
    expect(stage.told).toEqual([`p ${early} 0 missing`, `p ${late} 1 ok`]);
  });

  it('whose deadline comes while a look is under way has its last look behind that', async () => {
    const stage = aStage();
    await stage.observe();
    stage.redis.publish('p');
    await stage.clock.advance(1_999);
    const look = hold(stage, 'look', 'after');
    await stage.clock.advance(11);
    look.release();
    look.letGo();
    await stage.clock.advance(0);
    expect(stage.redis.looks('look').slice(-2)).toEqual([
      { at: 2_000, plans: ['p 0'] },
      { at: 2_010, plans: ['p 1'] },
    ]);
    expect(stage.lateness).toEqual([10]);
  });

  it('whose entry has an id ahead of the clock is awaited no longer than any other', async () => {
    const { clock, redis, observe } = aStage();
    const { observer } = await observe();
    redis.publish('p', 1_000 * clock.now());
    await clock.advance(2_100);
    expect(redis.observed).toEqual([`p ${early} missing`, `p ${late} timeout`]);
    expect(observer.inFlight).toBe(0);
  });

  it('H3: that is awaited for no time has one late look', async () => {
    const { clock, redis, told, observe, lookTimes } = aStage();
    await observe({ late: { maxWaitMilliseconds: 0 } });
    redis.publish('p');
    await clock.advance(1_000);
    expect(lookTimes()).toEqual([4]);
    expect(told).toEqual([`p ${early} 0 missing`, `p ${late} 0 timeout`]);
  });

  it('H3: where the late observation is off is looked for early alone, and is not skipped', async () => {
    const { clock, redis, told, observe } = aStage();
    redis.events = 'En';
    const { observer } = await observe({ late: { enabled: false } });
    redis.publish('p');
    await clock.advance(3_000);
    expect(told).toEqual([`p ${early} 0 missing`]);
    expect(observer.inFlight).toBe(0);
    expect(redis.commands.filter(({ name }) => name === 'CONFIG' || name === 'look')).toEqual([]);
    expect(redis.pending).toBe(0);
  });

  it('that comes again is a duplicate, in the same read and after', async () => {
    const { clock, redis, told, observe } = aStage();
    const { observer } = await observe();
    redis.setKey('p');
    redis.publish('p');
    redis.publish('p');
    await clock.advance(200);
    redis.publish('p');
    await clock.advance(200);
    expect(told).toEqual([`p ${early} 1 ok`, 'p duplicate', `p ${late} 1 ok`, 'p duplicate']);
    expect(observer.inFlight).toBe(0);
    expect(redis.pending).toBe(0);
  });

  it('that comes again while it is awaited is awaited on', async () => {
    const { clock, redis, told, observe } = aStage();
    const { observer } = await observe();
    redis.publish('p');
    redis.publish('p');
    await clock.advance(500);
    redis.publish('p');
    await clock.advance(2_000);
    expect(told).toEqual([`p ${early} 0 missing`, 'p duplicate', 'p duplicate', `p ${late} 0 timeout`]);
    expect(observer.inFlight).toBe(0);
    expect(redis.pending).toBe(0);
  });

  it('H6: that is malformed is parse_error early alone, or only counted where it has no id, and holds up no other', async () => {
    const { clock, redis, told, observe } = aStage();
    await observe({ late: { maxInFlight: 1 } });
    const nameless = redis.add(['symbol', 's']);
    redis.add(['plan_id', 'm']);
    redis.publish('p');
    await clock.advance(3_000);
    expect(told).toEqual([
      `${nameless} malformed: it has no plan_id`,
      `m ${early} 0 parse_error`,
      `p ${early} 0 missing`,
      `p ${late} 0 timeout`,
    ]);
    expect(redis.pending).toBe(0);
  });

  it('that is found while others are due comes first in its batch', async () => {
    const { clock, redis, observe } = aStage();
    await observe();
    await clock.advance(96);
    redis.publish('p');
    await clock.advance(8);
    redis.publish('q');
    await clock.advance(1_996);
    expect(redis.looks('look').at(-1)).toEqual({ at: 2_100, plans: ['q 0', 'p 1'] });
  });
});

describe('many plans', () => {
  it('H4: beyond the limit have no late observation, and the slots are given back', async () => {
    const { clock, redis, told, observe } = aStage();
    const { observer } = await observe({ late: { maxInFlight: 2 } });
    for (const planID of ['p', 'q', 'r', 's']) redis.publish(planID);
    await clock.advance(0);
    expect(told).toEqual([
      ...[`p ${early} 0 missing`, `q ${early} 0 missing`],
      ...[`r ${early} 0 missing`, 'r skipped', `s ${early} 0 missing`, 's skipped'],
    ]);
    expect(observer.inFlight).toBe(2);
    redis.setKey('p');
    await clock.advance(100);
    expect(observer.inFlight).toBe(1);
    redis.publish('t');
    await clock.advance(3_000);
    expect(told.slice(6)).toEqual([
      ...[`p ${late} 1 ok`, `t ${early} 0 missing`, `q ${late} 0 timeout`, `t ${late} 0 timeout`],
    ]);
    expect(observer.inFlight).toBe(0);
    expect(redis.pending).toBe(0);
  });

  it('H4: that nobody knows any more after a FLUSHALL give their slots back', async () => {
    const { clock, redis, told, observe } = aStage();
    const { observer } = await observe();
    redis.publish('p');
    await clock.advance(50);
    redis.flush();
    await clock.advance(50);
    expect(observer.inFlight).toBe(0);
    expect(told).toEqual([`p ${early} 0 missing`]);
  });

  it('H3: are looked for by so many workers at a time, a hundred by each', async () => {
    const stage = aStage();
    await stage.observe({ late: { maxWorkers: 2, maxInFlight: 1_000 } });
    for (let n = 0; n < 350; n += 1) stage.redis.publish(`p${n}`);
    const look = hold(stage, 'look');
    await stage.clock.advance(1_000);
    expect(look.held).toHaveLength(2);
    for (const [index, underWay] of [3, 4, 4, 4].entries()) {
      look.letGo(index);
      await stage.clock.advance(0);
      expect(look.held).toHaveLength(underWay);
    }
    expect(stage.redis.looks('look').map(({ plans }) => plans.length)).toEqual([100, 100, 100, 50]);
    expect(new Set(stage.redis.looks('look').flatMap(({ plans }) => plans)).size).toBe(350);
  });

  it('H9: begin a hundred at a time, two batches at once', async () => {
    const stage = aStage();
    await stage.observe({ late: { maxInFlight: 1_000 } });
    const begin = hold(stage, 'begin');
    for (let n = 0; n < 450; n += 1) stage.redis.publish(`p${n}`);
    await stage.clock.advance(0);
    expect(begin.held).toHaveLength(2);
    begin.release();
    begin.letGo(1);
    begin.letGo(0);
    await stage.clock.advance(0);
    const sizes = stage.redis.looks('begin').map(({ plans }) => plans.length);
    expect(sizes.sort((one, other) => other - one)).toEqual([100, 100, 100, 100, 50]);
    expect(new Set(stage.redis.observed).size).toBe(450);
  });

  it('that come within a beat are read together', async () => {
    const { clock, redis, observe } = aStage();
    await observe();
    redis.publish('p');
    await clock.advance(1);
    redis.publish('q');
    await clock.advance(1);
    redis.publish('r');
    await clock.advance(2);
    expect(redis.looks('begin').map(({ at, plans }) => `${at}: ${plans.join()}`)).toEqual(['0: p +0', '4: q +0,r +0']);
  });
});

describe('a look that fails', () => {
  it.each(['', 'En'])('H5: is made again at the next poll, with events of keys "%s"', async (events) => {
    const stage = aStage();
    stage.redis.events = events;
    await stage.observe();
    stage.redis.publish('p');
    await stage.clock.advance(10);
    fail(stage, 'look', full);
    stage.redis.setKey('p');
    await stage.clock.advance(1_000);
    expect(stage.lookTimes()).toEqual(events === '' ? [100, 200] : [12, 100]);
    expect(stage.told).toEqual([`p ${early} 0 missing`, `error: ${full.message}`, `p ${late} 1 ok`]);
  });

  it('is made again at the next poll alone: what comes then is told by its event', async () => {
    const stage = aStage();
    stage.redis.events = 'En';
    await stage.observe();
    stage.redis.publish('p');
    await stage.clock.advance(10);
    fail(stage, 'look', full);
    stage.redis.tellOfKey('heat:p');
    await stage.clock.advance(1_000);
    expect(stage.lookTimes()).toEqual([12, 100]);
  });

  it('H5: for the second time ends the observation as redis_error, and its heat counts as not found', async () => {
    const stage = aStage();
    const { observer } = await stage.observe();
    stage.redis.publish('p');
    await stage.clock.advance(10);
    fail(stage, 'look', full, 2);
    stage.redis.setKey('p');
    await stage.clock.advance(1_000);
    expect(stage.redis.looks('look')).toEqual([
      ...[
        { at: 100, plans: ['p 0'] },
        { at: 200, plans: ['p 0'] },
        { at: 300, plans: ['p 2'] },
      ],
    ]);
    expect(stage.told.at(-1)).toBe(`p ${late} 0 redis_error`);
    expect(stage.redis.observed).toEqual([`p ${early} missing`, `p ${late} redis_error`]);
    expect(observer.inFlight).toBe(0);
  });

  it('H5: is emitted whenever Redis takes it again', async () => {
    const stage = aStage();
    await stage.observe();
    stage.redis.publish('p');
    await stage.clock.advance(10);
    fail(stage, 'look', full, 30);
    await stage.clock.advance(5_000);
    expect(stage.redis.observed).toEqual([`p ${early} missing`, `p ${late} redis_error`]);
    expect(stage.lateness).toEqual([]);
  });

  it('H5: ends the observation after as many errors as its settings say', async () => {
    const stage = aStage();
    await stage.observe({ maxRedisErrors: 3 });
    stage.redis.publish('p');
    await stage.clock.advance(10);
    fail(stage, 'look', full, 2);
    stage.redis.setKey('p');
    await stage.clock.advance(1_000);
    expect(stage.told.at(-1)).toBe(`p ${late} 1 ok`);
  });

  it('at the deadline is made again at the next poll, and is the last one then', async () => {
    const stage = aStage();
    stage.redis.events = 'En';
    await stage.observe();
    stage.redis.publish('p');
    await stage.clock.advance(10);
    fail(stage, 'look', full);
    await stage.clock.advance(3_000);
    expect(stage.redis.looks('look')).toEqual([
      { at: 2_004, plans: ['p 1'] },
      { at: 2_100, plans: ['p 1'] },
    ]);
    expect(stage.lateness).toEqual([100]);
    expect(stage.told.at(-1)).toBe(`p ${late} 0 timeout`);
  });

  it('H3: leaves its worker to others', async () => {
    const stage = aStage();
    await stage.observe({ late: { maxWorkers: 1 } });
    stage.redis.publish('p');
    await stage.clock.advance(10);
    fail(stage, 'look', full);
    await stage.clock.advance(100);
    stage.redis.publish('q');
    await stage.clock.advance(3_000);
    expect(stage.redis.observed).toEqual([
      ...[`p ${early} missing`, `q ${early} missing`, `p ${late} timeout`, `q ${late} timeout`],
    ]);
  });
});

describe('an early look that fails', () => {
  it('is made again a poll later', async () => {
    const stage = aStage();
    await stage.observe();
    fail(stage, 'begin', full);
    stage.redis.publish('p');
    await stage.clock.advance(150);
    expect(stage.redis.looks('begin')).toEqual([
      { at: 0, plans: ['p +0'] },
      { at: 100, plans: ['p +0'] },
    ]);
    expect(stage.told).toEqual([`error: ${full.message}`, `p ${early} 0 missing`]);
    expect(stage.redis.opened).toEqual([0]);
  });

  it('H5: for the second time is redis_error, and the late one goes on', async () => {
    const stage = aStage();
    await stage.observe();
    fail(stage, 'begin', full, 2);
    stage.redis.setKey('p');
    stage.redis.publish('p');
    await stage.clock.advance(400);
    expect(stage.redis.looks('begin').map(({ plans }) => plans.join())).toEqual(['p +0', 'p +0', 'p +1']);
    expect(stage.told.slice(2)).toEqual([`p ${early} 0 redis_error`, `p ${late} 1 ok`]);
  });

  it('H5: counts over connections', async () => {
    const stage = aStage();
    await stage.observe();
    const begin = hold(stage, 'begin');
    stage.redis.publish('p');
    await stage.clock.advance(10);
    begin.makeFail(gone);
    await stage.clock.advance(60);
    begin.makeFail(gone, 1);
    await stage.clock.advance(110);
    begin.letGo(2);
    begin.release();
    await stage.clock.advance(0);
    expect(stage.redis.looks('begin').map(({ plans }) => plans.join())).toEqual(['p +0', 'p +0', 'p +1']);
    expect(stage.redis.opened).toHaveLength(3);
    expect(stage.redis.observed).toEqual([`p ${early} redis_error`]);
  });
});

describe('a connection', () => {
  it('that fails is opened again by a back-off that doubles up to two seconds', async () => {
    const { clock, redis, told, standings, observe } = aStage();
    redis.refusal = new RedisError('Refused', 'WRONGPASS');
    await observe();
    await clock.advance(5_000);
    expect(redis.opened).toEqual([0, 50, 150, 350, 750, 1_550, 2_550, 3_550, 4_550]);
    expect(new Set(standings)).toEqual(new Set(['Failing Refused']));
    expect(standings).toHaveLength(9);
    expect(new Set(told)).toEqual(new Set(['error: WRONGPASS']));
  });

  it('is opened again at a time that chance has a say in', async () => {
    const { clock, redis, observe } = aStage();
    redis.refusal = gone;
    await observe({}, { random: () => 0.5 });
    await clock.advance(600);
    expect(redis.opened).toEqual([0, 75, 225, 525]);
  });

  it('that lasted begins the back-off anew', async () => {
    const { clock, redis, standings, observe } = aStage();
    redis.refusal = gone;
    await observe();
    await clock.advance(700);
    redis.refusal = undefined;
    await clock.advance(300);
    redis.breakLinks();
    await clock.advance(1_000);
    expect(redis.opened).toEqual([0, 50, 150, 350, 750, 1_050]);
    expect(standings.slice(-3)).toEqual(['Reading false', 'Failing Unreachable', 'Reading false']);
    expect(redis.links).toBe(1);
  });

  it('that fails in an unknown way is unreachable, and the words are kept', async () => {
    const { redis, told, standings, observe, clock } = aStage();
    await observe({}, { open: () => Promise.reject(new Error('ENOTFOUND')) });
    await clock.advance(10);
    expect([...standings, ...told]).toEqual(['Failing Unreachable', 'error: ENOTFOUND']);
    expect(redis.opened).toEqual([]);
  });

  it('that cannot be prepared is closed before the next is opened', async () => {
    const stage = aStage();
    fail(stage, 'rehearse', new RedisError('Refused', 'NOPERM'), 3);
    await stage.observe();
    await stage.clock.advance(1_000);
    expect(stage.standings).toEqual([...Array<string>(3).fill('Failing Refused'), 'Reading false']);
    expect(stage.redis.opened).toEqual([0, 50, 150, 350]);
    expect(stage.redis.links).toBe(1);
  });

  it.each([
    ['a new observer begins with what comes from now on', true, ['$', '$', '0']],
    ['another begins where it ended', false, ['0', '0', '0']],
  ])('%s, until it has read', async (_, isNew, from) => {
    const stage = aStage();
    fail(stage, 'rehearse', gone);
    await stage.observe({}, { isNew });
    await stage.clock.advance(100);
    stage.redis.breakLinks();
    await stage.clock.advance(200);
    const groups = stage.redis.commands.filter(({ name }) => name === 'XGROUP').map(({ args }) => args.join(' '));
    expect(groups).toEqual(from.map((each) => `CREATE plans orquanta:ml/harvest ${each} MKSTREAM`));
  });

  it('whose group was flushed makes it again, from the first entry on', async () => {
    const stage = aStage();
    fail(stage, 'XREADGROUP', new RedisError('NoGroup', 'NOGROUP'));
    await stage.observe({}, { isNew: true });
    await stage.clock.advance(10);
    stage.redis.publish('p');
    await stage.clock.advance(10);
    expect(stage.redis.opened).toEqual([0]);
    const groups = stage.redis.commands.filter(({ name }) => name === 'XGROUP').map(({ args }) => args[3]);
    expect(groups).toEqual(['$', '0']);
    expect(stage.redis.observed).toEqual([`p ${early} missing`]);
  });

  it('that broke and is there again looks at once for what came meanwhile', async () => {
    const { clock, redis, told, observe, lookTimes } = aStage();
    redis.events = 'En';
    await observe();
    redis.publish('p');
    await clock.advance(1_011);
    redis.breakLinks();
    await clock.advance(10);
    redis.setKey('p');
    await clock.advance(60);
    expect(redis.opened).toEqual([0, 1_061]);
    expect(lookTimes()).toEqual([1_064]);
    expect(told.slice(1)).toEqual([`error: ${gone.message}`, `p ${late} 1 ok`]);
  });

  it('H5: that is away for two polls ends what waits as redis_error', async () => {
    const { clock, redis, told, observe } = aStage();
    await observe();
    redis.publish('p');
    await clock.advance(110);
    redis.refusal = gone;
    redis.breakLinks();
    await clock.advance(200);
    redis.publish('q');
    redis.refusal = undefined;
    await clock.advance(3_000);
    expect(redis.observed).toEqual([
      ...[`p ${early} missing`, `q ${early} missing`, `p ${late} redis_error`, `q ${late} timeout`],
    ]);
    expect(told.filter((what) => !what.startsWith('error'))).toHaveLength(4);
  });

  it('ends, with its timers, when the observer is told to stop: reading, or waiting for the next', async () => {
    for (const refusal of [undefined, gone]) {
      const { clock, redis, standings, observe } = aStage();
      redis.refusal = refusal;
      const { stop } = await observe();
      redis.publish('p');
      await clock.advance(1);
      await stop();
      expect(redis.links).toBe(0);
      expect(clock.timers).toBe(0);
      expect(standings).toEqual([refusal ? 'Failing Unreachable' : 'Reading false']);
    }
  });
});

describe('plans that were read and have not begun', () => {
  it('are known not to be open before the next connection takes them over', async () => {
    const stage = aStage();
    const inFlight: number[] = [];
    const { observer } = await stage.observe(
      {},
      {
        open: () => {
          inFlight.push(observerOf()?.inFlight ?? 0);
          return stage.redis.open();
        },
      },
    );
    function observerOf(): Observer | undefined {
      return stage.redis.opened.length === 0 ? undefined : observer;
    }
    const begin = hold(stage, 'begin');
    stage.redis.publish('p');
    await stage.clock.advance(0);
    fail(stage, 'XREADGROUP', gone);
    await stage.clock.advance(10_000);
    expect(stage.redis.opened).toEqual([0]);
    expect(stage.redis.links).toBe(0);
    expect(observer.inFlight).toBe(1);
    begin.release();
    begin.makeFail(gone);
    await stage.clock.advance(3_000);
    expect(inFlight).toEqual([0, 0]);
    expect(stage.redis.observed).toEqual([`p ${early} missing`, `p ${late} timeout`]);
    expect(observer.inFlight).toBe(0);
    expect(stage.redis.pending).toBe(0);
  });

  it('are taken over by the next connection when their begin fails at once, before anybody waits for it', async () => {
    const stage = aStage();
    await stage.observe();
    fail(stage, 'begin', gone);
    stage.redis.publish('p');
    await stage.clock.advance(3_000);
    expect(stage.redis.observed).toEqual([`p ${early} missing`, `p ${late} timeout`]);
    expect(stage.standings).toEqual(['Reading false', 'Failing Unreachable', 'Reading false']);
  });

  it('give their slots back when the acknowledgement of a malformed one beside them fails', async () => {
    const stage = aStage();
    const { observer } = await stage.observe();
    const acknowledge = hold(stage, 'XACK');
    stage.redis.publish('p');
    stage.redis.add(['symbol', 's']);
    await stage.clock.advance(10);
    acknowledge.release();
    acknowledge.makeFail(gone);
    await stage.clock.advance(5_000);
    expect(stage.redis.observed).toEqual([`p ${early} missing`, `p ${late} timeout`]);
    expect(observer.inFlight).toBe(0);
    expect(stage.redis.pending).toBe(0);
  });

  it('in two batches are all known not to be open before the next connection takes them over', async () => {
    const stage = aStage();
    await stage.observe({ late: { pollMilliseconds: 1_000, maxInFlight: 1_000 } });
    const begin = hold(stage, 'begin');
    const plans = Array.from({ length: 200 }, (_, index) => `p${index}`);
    for (const plan of plans) stage.redis.publish(plan);
    await stage.clock.advance(10);
    expect(begin.held).toHaveLength(2);
    begin.release();
    begin.makeFail(full, 1);
    await stage.clock.advance(10);
    begin.makeFail(gone, 0);
    await stage.clock.advance(6_000);
    expect(stage.redis.observed).toHaveLength(400);
  });

  it('in two batches hold up the next connection no longer than a poll, should one be refused and the other be held', async () => {
    const stage = aStage();
    await stage.observe({ late: { maxInFlight: 1_000 } });
    const begin = hold(stage, 'begin');
    for (let index = 0; index < 200; index += 1) stage.redis.publish(`p${index}`);
    await stage.clock.advance(10);
    begin.release();
    fail(stage, 'begin', full, 1_000);
    begin.makeFail(full, 1);
    await stage.clock.advance(10);
    begin.makeFail(new RedisError('Refused', 'NOPERM'), 0);
    await stage.clock.advance(110);
    expect(stage.standings).toEqual(['Reading false', 'Failing Refused']);
  });

  it('because the answer got lost have begun all the same: their early observation is not made twice', async () => {
    const stage = aStage();
    await stage.observe();
    const begin = hold(stage, 'begin', 'after');
    stage.redis.publish('p');
    await stage.clock.advance(10);
    begin.release();
    begin.makeFail(gone);
    await stage.clock.advance(1_000);
    stage.redis.setKey('p');
    await stage.clock.advance(100);
    expect(stage.redis.observed).toEqual([`p ${early} missing`, `p ${late} ok`]);
    expect(stage.told).toEqual([`error: ${gone.message}`, `p ${late} 1 ok`]);
  });

  it('are not begun a second time by the one that has them open', async () => {
    const { clock, redis, observe } = aStage();
    await observe();
    redis.publish('p');
    await clock.advance(10);
    redis.breakLinks();
    await clock.advance(3_000);
    expect(redis.looks('begin')).toHaveLength(1);
    expect(redis.observed).toEqual([`p ${early} missing`, `p ${late} timeout`]);
  });

  it('H3: of a former process are awaited from their publication on', async () => {
    const { clock, redis, told, observe, lookTimes } = aStage();
    await clock.advance(5_000);
    redis.leaveBehind('p', clock.now() - 1_500);
    redis.leaveBehind('q', clock.now() - 60_000);
    redis.events = 'En';
    await observe();
    await clock.advance(3_000);
    expect(lookTimes()).toEqual([5_004, 5_504]);
    expect(told).toEqual([
      ...[`p ${early} 0 missing`, `q ${early} 0 missing`, `q ${late} 0 timeout`, `p ${late} 0 timeout`],
    ]);
  });

  it('are put aside after five deliveries', async () => {
    const { clock, redis, told, observe } = aStage();
    redis.leaveBehind('p', clock.now(), 5);
    redis.leaveBehind('q', clock.now(), 4);
    await observe();
    expect(told).toEqual([expect.stringMatching(/^\d+-1 dead$/), `q ${early} 0 missing`]);
    expect(redis.pending).toBe(1);
  });

  it('H2: of a former process keep their early observation, and have their late one once', async () => {
    const stage = aStage();
    const { stop } = await stage.observe();
    stage.redis.publish('p');
    await stage.clock.advance(500);
    await stop();
    const next = aStage(stage.clock, stage.redis);
    await next.observe();
    await stage.clock.advance(3_000);
    expect(next.told).toEqual([`p ${late} 0 timeout`]);
    expect(stage.redis.observed).toEqual([`p ${early} missing`, `p ${late} timeout`]);
  });

  it('that were awaited are let go where late observations are off now', async () => {
    const stage = aStage();
    const { stop } = await stage.observe();
    stage.redis.publish('p');
    await stage.clock.advance(500);
    await stop();
    const next = aStage(stage.clock, stage.redis);
    await next.observe({ late: { enabled: false } });
    expect(stage.redis.pending).toBe(0);
    await stage.clock.advance(400_000);
    expect(next.told).toEqual([]);
    expect(stage.redis.observed).toEqual([`p ${early} missing`]);
  });

  it('are not put aside while they are awaited, however often the connection breaks', async () => {
    const stage = aStage();
    await stage.observe({ late: { maxWaitMilliseconds: 20_000 } });
    stage.redis.publish('p');
    await stage.clock.advance(10);
    for (let time = 0; time < 8; time += 1) {
      stage.redis.breakLinks();
      await stage.clock.advance(2_100);
    }
    expect(stage.redis.opened.length).toBeGreaterThan(6);
    await stage.clock.advance(10_000);
    expect(stage.redis.observed).toEqual([`p ${early} missing`, `p ${late} timeout`]);
    expect(stage.told.filter((what) => what.endsWith('dead'))).toEqual([]);
  });

  it('H4: for want of a slot are taken over later: no late observation that was begun is lost', async () => {
    const stage = aStage();
    const { stop } = await stage.observe();
    stage.redis.publish('p');
    stage.redis.publish('q');
    await stage.clock.advance(500);
    await stop();
    const next = aStage(stage.clock, stage.redis);
    await next.observe({ late: { maxInFlight: 1 } });
    await stage.clock.advance(30_000);
    expect(next.told).toEqual([`p ${late} 0 timeout`]);
    await stage.clock.advance(10_000);
    expect(next.told).toEqual([`p ${late} 0 timeout`, `q ${late} 0 timeout`]);
  });
});

describe('beside plans', () => {
  it('it says how its stream stands, publishes, and reads heat', async () => {
    const { clock, redis, told, observe } = aStage();
    const { observer } = await observe();
    redis.setKey('own', '{"heat": 512}');
    expect(await observer.publish({ planID: 'own', symbol: 'ml/train', nodes: ['a', 'b'] })).toBe(true);
    expect(await observer.heatOf('own')).toBe(512);
    await clock.advance(0);
    expect(told).toEqual([`own ${early} 1 ok`]);
    expect(await observer.standing()).toEqual({ lag: 0, pending: 1 });
    expect(redis.commands.find(({ name }) => name === 'XADD')?.args.slice(2)).toEqual([
      ...['plan_id', 'own', 'symbol', 'ml/train', 'nodes', 'a,b'],
    ]);
  });

  it('H6: it says where heat is none', async () => {
    const { redis, told, observe } = aStage();
    const { observer } = await observe();
    redis.setKey('p', 'hot');
    expect(await observer.heatOf('p')).toBeUndefined();
    expect(told).toEqual(['p unreadable']);
  });

  it('it publishes nothing and knows nothing without a connection, or where Redis refuses', async () => {
    const stage = aStage();
    const plan = { planID: 'own', symbol: 's', nodes: [] };
    const { observer } = await stage.observe();
    fail(stage, 'XADD', full);
    fail(stage, 'GET', full);
    expect(await observer.publish(plan)).toBe(false);
    expect(await observer.heatOf('own')).toBeUndefined();
    expect(stage.told).toEqual([`error: ${full.message}`, `error: ${full.message}`]);
    stage.redis.refusal = gone;
    stage.redis.breakLinks();
    await stage.clock.advance(10);
    expect(await observer.publish(plan)).toBe(false);
    expect(await observer.standing()).toBeUndefined();
  });
});
