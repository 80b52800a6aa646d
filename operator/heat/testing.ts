// What tests about heat need: an observer as the API server returns it, figures, and a Redis in memory. That Redis knows only
// what an observer asks of one, and trims and expires nothing; the real one is for e2e/heat.
import type { HeatObserver, HeatObserverSpec } from '../resources/heatobserver.ts';
import type { FakeClock } from '../runtime/testing/fake-clock.ts';
import { type Figures, latenessBuckets, noReasons } from './figures.ts';
import { observationPoints, type ObserverSettings } from './observation.ts';
import { RedisError } from './redis/errors.ts';
import type { Link } from './redis/link.ts';
import type { StreamEntry } from './redis/replies.ts';
import { beginScript, begun, buryScript, earlyLook, lateLook, looked, lookScript, rehearseScript } from './scripts.ts';

export const never = new AbortController().signal;
export const lookupPrefix = 'heat:';

export function anObserver(spec: Partial<HeatObserverSpec> = {}, status?: HeatObserver['status']): HeatObserver {
  return {
    metadata: { namespace: 'ml', name: 'harvest', uid: 'uid', resourceVersion: '1', generation: 1 },
    spec: { redis: { url: 'redis://redis' }, lookupPrefix, ...spec },
    ...(status ? { status } : {}),
  };
}

type Counts = Partial<Record<'ok' | 'missing' | 'timeout' | 'redis_error' | 'parse_error', number>>;

export function someFigures({
  early = {},
  late = {},
  ...figures
}: Partial<Figures> & { early?: Counts; late?: Counts } = {}): Figures {
  const none = noReasons();
  return {
    reasons: {
      create_apply_plan: { ...none.create_apply_plan, ...early },
      publish_plan_post: { ...none.publish_plan_post, ...late },
    },
    ...{ skipped: 0, duplicates: 0, deadLetters: 0, unreadable: 0, redisErrors: 0, inFlight: 0 },
    lateness: latenessBuckets.map(() => 0).concat(0),
    ...{ coverage: undefined, earlyCoverage: undefined, lag: undefined, pending: undefined },
    ...figures,
  };
}

export function someSettings({
  late,
  ...changes
}: Partial<Omit<ObserverSettings, 'late'>> & { late?: Partial<ObserverSettings['late']> } = {}): ObserverSettings {
  return {
    name: 'ml/harvest',
    lookupPrefix,
    streams: { plans: 'plans', observed: 'observed', deadLetter: 'dead' },
    late: {
      ...{ enabled: true, pollMilliseconds: 100, maxWaitMilliseconds: 2_000, maxWorkers: 4, maxInFlight: 200 },
      ...late,
    },
    ...{ maxRedisErrors: 2, deduplicationSeconds: 60, maxObservedEntries: 1_000 },
    ...changes,
  };
}

/** Scripts go by their own names. */
export interface Command {
  readonly name: string;
  readonly args: readonly string[];
  readonly atMilliseconds: number;
}

/** Stands between a link and the server: `serve()` carries the command out. It may throw, with or without that, or wait. */
export type Interceptor = (command: Command, serve: () => unknown) => unknown;

interface Pending {
  readonly entry: StreamEntry;
  readonly since: number;
  readonly deliveries: number;
}

const scripts = new Map([
  [beginScript.sha, 'begin'],
  [lookScript.sha, 'look'],
  [rehearseScript.sha, 'rehearse'],
  [buryScript.sha, 'bury'],
]);

const earlyMisses: Readonly<Record<string, string>> = {
  [earlyLook.look]: 'missing',
  [earlyLook.redisError]: 'redis_error',
  [earlyLook.parseError]: 'parse_error',
};

const lost = () => new RedisError('Unreachable', 'the connection was lost');

export class FakeRedis {
  readonly keys = new Map<string, string>();
  /** The output stream: '<plan id> <observation point> <reason>'. */
  readonly observed: string[] = [];
  readonly commands: Command[] = [];
  /** When a link was opened, or was tried to be. */
  readonly opened: number[] = [];
  /** Of notify-keyspace-events; '' tells of nothing. */
  events = '';
  /** Thrown to who opens a link. */
  refusal: RedisError | undefined;
  readonly #clock: FakeClock;
  readonly #unread: StreamEntry[] = [];
  readonly #pending = new Map<string, Pending>();
  readonly #open = new Set<string>();
  readonly #seen = new Set<string>();
  readonly #links = new Set<FakeLink>();
  readonly #interceptors = new Set<Interceptor>();
  #sequence = 0;
  /** 0 to any other. */
  readonly #answers: Readonly<Record<string, (args: readonly string[], wait: () => Promise<void>) => unknown>> = {
    TIME: () => [String(Math.floor(this.#clock.now() / 1_000)), String((this.#clock.now() % 1_000) * 1_000)],
    CONFIG: () => ['notify-keyspace-events', this.events],
    XREADGROUP: (args, wait) => this.#read(Number(args[4]), wait),
    XAUTOCLAIM: (args) => ['0-0', this.#claim(Number(args[3])), []],
    XPENDING: () => [...this.#pending.values()].map(({ entry, deliveries }) => [entry[0], 'orquanta', 0, deliveries]),
    XINFO: () => [['name', 'orquanta:ml/harvest', 'pending', this.#pending.size, 'lag', this.#unread.length]],
    XACK: (args) => Number(this.#pending.delete(args[2] ?? '')),
    XADD: (args) => this.add(args.slice(2)),
    SMISMEMBER: (args) => args.slice(1).map((entryID) => Number(this.#open.has(entryID))),
    GET: (args) => this.keys.get(args[0] ?? '') ?? null,
    begin: (args) => plansOf(args, 'begin').map((plan) => this.#begin(plan)),
    look: (args) => plansOf(args, 'look').map((plan) => this.#look(plan)),
    bury: (args) => Number(this.#pending.delete(args[4] ?? '')),
  };

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  async open(): Promise<Link> {
    await Promise.resolve();
    this.opened.push(this.#clock.monotonic());
    if (this.refusal) throw this.refusal;
    const link = new FakeLink(this, this.#clock);
    this.#links.add(link);
    return link;
  }

  /** All connections are lost. What an interceptor holds is left to it. */
  breakLinks(): void {
    for (const link of this.#links) link.close();
  }

  get links(): number {
    return [...this.#links].filter(({ isClosed }) => !isClosed).length;
  }

  /** Returns how to stop it. */
  intercept(interceptor: Interceptor): () => void {
    this.#interceptors.add(interceptor);
    return () => {
      this.#interceptors.delete(interceptor);
    };
  }

  publish(planID: string, milliseconds = this.#clock.now()): string {
    return this.add(['plan_id', planID, 'symbol', 's'], milliseconds);
  }

  add(fields: readonly string[], milliseconds = this.#clock.now()): string {
    this.#sequence += 1;
    const entryID = `${milliseconds}-${this.#sequence}`;
    this.#unread.push([entryID, fields]);
    for (const link of this.#links) link.wake();
    return entryID;
  }

  /** As a former process left it: read so often, and not acknowledged. */
  leaveBehind(planID: string, milliseconds = this.#clock.now(), deliveries = 1): void {
    const entryID = this.publish(planID, milliseconds);
    const [entry] = this.#unread.splice(-1);
    if (entry) this.#pending.set(entryID, { entry, since: this.#clock.monotonic(), deliveries });
  }

  setKey(planID: string, value = '{"heat": 1}'): void {
    this.keys.set(lookupPrefix + planID, value);
    this.tellOfKey(lookupPrefix + planID);
  }

  tellOfKey(key: string): void {
    for (const link of this.#links) link.hear(key);
  }

  /** FLUSHALL. */
  flush(): void {
    this.keys.clear();
    this.#unread.length = 0;
    for (const all of [this.#pending, this.#open, this.#seen]) all.clear();
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** The commands of this name: of a script the plans, each with how it is looked at. */
  looks(name: 'begin' | 'look'): readonly { readonly at: number; readonly plans: readonly string[] }[] {
    return this.commands
      .filter((command) => command.name === name)
      .map(({ args, atMilliseconds }) => ({
        at: atMilliseconds,
        plans: plansOf(args, name).map(({ planID, how }) => `${planID} ${how}`),
      }));
  }

  carryOut(name: string, args: readonly string[], wait: () => Promise<void>): unknown {
    const command: Command = { name, args, atMilliseconds: this.#clock.monotonic() };
    this.commands.push(command);
    const answer = this.#answers[name] ?? (() => 0);
    let serve = (): unknown => answer(args, wait);
    for (const interceptor of this.#interceptors) {
      const inner = serve;
      serve = () => interceptor(command, inner);
    }
    return serve();
  }

  async #read(count: number, wait: () => Promise<void>): Promise<unknown> {
    if (this.#unread.length === 0) await wait();
    const entries = this.#unread.splice(0, count);
    const since = this.#clock.monotonic();
    for (const entry of entries) this.#pending.set(entry[0], { entry, since, deliveries: 1 });
    return entries.length === 0 ? null : [['plans', entries]];
  }

  #claim(idleMilliseconds: number): StreamEntry[] {
    const now = this.#clock.monotonic();
    const idle = [...this.#pending].filter(([, { since }]) => now - since >= idleMilliseconds);
    for (const [id, one] of idle) this.#pending.set(id, { ...one, since: now, deliveries: one.deliveries + 1 });
    return idle.map(([, { entry }]) => entry);
  }

  #begin({ entryID, planID, how }: AskedPlan): number {
    if (this.#open.has(entryID)) {
      if (how.startsWith('-')) {
        this.#open.delete(entryID);
        this.#pending.delete(entryID);
      }
      return begun.again;
    }
    const isDuplicate = this.#seen.has(planID);
    const isAwaited = how.startsWith('+') && !isDuplicate;
    if (isAwaited) this.#open.add(entryID);
    else this.#pending.delete(entryID);
    if (isDuplicate) return begun.duplicate;
    this.#seen.add(planID);
    const isFound = how.endsWith(earlyLook.look) && this.keys.has(lookupPrefix + planID);
    this.observed.push(`${planID} ${observationPoints.early} ${isFound ? 'ok' : (earlyMisses[how.slice(-1)] ?? '')}`);
    return isFound ? begun.found : begun.missing;
  }

  #look({ entryID, planID, how }: AskedPlan): number {
    if (!this.#open.has(entryID)) {
      this.#pending.delete(entryID);
      return looked.gone;
    }
    const isFound = how !== lateLook.redisError && this.keys.has(lookupPrefix + planID);
    if (!isFound && how === lateLook.look) return looked.notYet;
    this.#open.delete(entryID);
    this.#pending.delete(entryID);
    const miss = how === lateLook.redisError ? 'redis_error' : 'timeout';
    this.observed.push(`${planID} ${observationPoints.late} ${isFound ? 'ok' : miss}`);
    return isFound ? looked.found : looked.ended;
  }
}

class FakeLink implements Link {
  readonly broken = Promise.withResolvers<RedisError>().promise;
  readonly #redis: FakeRedis;
  readonly #clock: FakeClock;
  readonly #closed = Promise.withResolvers<never>();
  #onKey: ((key: string) => void) | undefined;
  #onPlan = Promise.withResolvers<undefined>();
  isClosed = false;

  constructor(redis: FakeRedis, clock: FakeClock) {
    this.#redis = redis;
    this.#clock = clock;
    this.#closed.promise.catch(() => undefined);
  }

  async command(...args: string[]): Promise<unknown> {
    const [first = '', ...rest] = args;
    const script = first === 'EVALSHA' ? scripts.get(rest[0] ?? '') : undefined;
    return this.#carryOut(script ?? first, script === undefined ? rest : rest.slice(1));
  }

  async read(_limitMilliseconds: number, ...args: string[]): Promise<unknown> {
    const [name = '', ...rest] = args;
    return this.#carryOut(name, rest);
  }

  async subscribe(_channel: string, onMessage: (message: string) => void): Promise<void> {
    await Promise.resolve();
    this.#onKey = onMessage;
  }

  close(): void {
    this.isClosed = true;
    this.#closed.reject(lost());
  }

  hear(key: string): void {
    if (!this.isClosed) this.#onKey?.(key);
  }

  wake(): void {
    this.#onPlan.resolve(undefined);
  }

  async #carryOut(name: string, args: readonly string[]): Promise<unknown> {
    // Never in the caller's own turn: over a network nothing is.
    await Promise.resolve();
    if (this.isClosed) throw lost();
    return this.#redis.carryOut(name, args, () => this.#untilPlan());
  }

  /** As a read that blocks: until a plan comes, or for a second. */
  async #untilPlan(): Promise<void> {
    this.#onPlan = Promise.withResolvers<undefined>();
    const timer = this.#clock.setTimeout(() => {
      this.wake();
    }, 1_000);
    try {
      await Promise.race([this.#onPlan.promise, this.#closed.promise]);
    } finally {
      timer.cancel();
    }
  }
}

interface AskedPlan {
  readonly entryID: string;
  readonly planID: string;
  readonly how: string;
}

/** Number of keys, keys, so many more arguments, then four for each plan. */
function plansOf(args: readonly string[], script: 'begin' | 'look'): AskedPlan[] {
  const first = 1 + Number(args[0]) + (script === 'begin' ? 4 : 5);
  const plans: AskedPlan[] = [];
  for (let at = first; at < args.length; at += 4) {
    const [entryID = '', planID = '', , how = ''] = args.slice(at, at + 4);
    plans.push({ entryID, planID, how });
  }
  return plans;
}
