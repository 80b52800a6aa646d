// What an observer has on its Redis: the consumer group on the plans stream, the stream of observations, and its own keys. It
// carries out and reads answers; what to look for and when is the observer's business.
import { z } from 'zod';
import type { Clock } from '../runtime/clock.ts';
import type { ObserverSettings } from './observation.ts';
import type { Plan } from './plan.ts';
import { isRedisError } from './redis/errors.ts';
import type { Link } from './redis/link.ts';
import { entriesOfRead, entriesReply, groupsReply, numbersOf, type StreamEntry, valueOf } from './redis/replies.ts';
import {
  beginScript,
  buryScript,
  earlyLook,
  groupOf,
  lateLook,
  lookScript,
  openKey,
  rehearseScript,
  rememberedSeconds,
  type Script,
  seenKeys,
} from './scripts.ts';

/** One process reads at a time, so the consumer has one name: what it left behind is its successor's. */
const consumer = 'orquanta';
const blockMilliseconds = 1_000;
/** Beyond the time that it blocks, a read that hasn't come back never will. */
const readLimitMilliseconds = blockMilliseconds + 5_000;
/** After so many deliveries an entry is put aside: something about it ends the process. */
const maxDeliveries = 5;

/** A placement, as a plan. */
export interface OwnPlan {
  readonly planID: string;
  /** '<namespace>/<name>' of the GPUJob. */
  readonly symbol: string;
  readonly nodes: readonly string[];
}

export interface Beginning extends Plan {
  /** It has a late observation: its acknowledgement waits for that. */
  readonly isAwaited: boolean;
}

export interface Standing {
  /** Entries that nobody has read yet; undefined where Redis doesn't know (after an XDEL in the middle). */
  readonly lag: number | undefined;
  /** Entries that were read and are not acknowledged. */
  readonly pending: number;
}

const claimReply = z.tuple([z.string(), z.array(entriesReply.element.nullable())]).rest(z.unknown());
const pendingReply = z.array(z.tuple([z.string(), z.string(), z.number(), z.number()]));
const timeReply = z.tuple([z.string(), z.string()]);

export class PlanStreams {
  readonly #link: Link;
  readonly #settings: ObserverSettings;
  readonly #clock: Clock;
  readonly #group: string;
  /** Redis' epoch milliseconds minus our monotonic ones. */
  #offset = 0;

  constructor(link: Link, settings: ObserverSettings, clock: Clock) {
    this.#link = link;
    this.#settings = settings;
    this.#clock = clock;
    this.#group = groupOf(settings);
  }

  /** Epoch milliseconds, by Redis' clock. */
  now(): number {
    return this.#clock.monotonic() + this.#offset;
  }

  /** `from`: where a group that isn't there yet begins, '$' at what comes from now on, '0' at the first entry. */
  async prepare(from: '$' | '0'): Promise<void> {
    const before = this.#clock.monotonic();
    const [seconds, microseconds] = timeReply.parse(await this.#link.command('TIME'));
    const between = (before + this.#clock.monotonic()) / 2;
    this.#offset = Number(seconds) * 1_000 + Number(microseconds) / 1_000 - between;
    await this.#createGroup(from);
    await this.#rehearse();
  }

  /** False where the server doesn't tell of new keys, or doesn't let us see whether it does. */
  async followKeys(database: number, onPlan: (planID: string) => void): Promise<boolean> {
    const { lookupPrefix } = this.#settings;
    let events: unknown;
    try {
      [, events] = z.array(z.string()).parse(await this.#link.command('CONFIG', 'GET', 'notify-keyspace-events'));
    } catch (error) {
      if (isRedisError(error, 'Refused', 'Answered')) return false;
      throw error;
    }
    if (typeof events !== 'string' || !events.includes('E') || !events.includes('n')) return false;
    await this.#link.subscribe(`__keyevent@${database}__:new`, (key) => {
      if (key.startsWith(lookupPrefix)) onPlan(key.slice(lookupPrefix.length));
    });
    return true;
  }

  /** The next entries that nobody has read; none after about a second. */
  async read(count: number): Promise<readonly StreamEntry[]> {
    const { plans } = this.#settings.streams;
    const group = ['GROUP', this.#group, consumer, 'COUNT', String(count), 'BLOCK', String(blockMilliseconds)];
    try {
      const reply = await this.#link.read(readLimitMilliseconds, 'XREADGROUP', ...group, 'STREAMS', plans, '>');
      return entriesOfRead(reply);
    } catch (error) {
      // Somebody flushed the database: what has come since is read from its first entry on.
      if (!isRedisError(error, 'NoGroup')) throw error;
      await this.#createGroup('0');
      return [];
    }
  }

  /** Pages of what was read and not acknowledged for that long; `dead` are those that were put aside. */
  async *unacknowledged(
    idleMilliseconds: number,
    count: number,
  ): AsyncGenerator<{ readonly entries: readonly StreamEntry[]; readonly dead: readonly string[] }> {
    const { plans } = this.#settings.streams;
    let cursor = '0-0';
    do {
      const page = [
        'XAUTOCLAIM',
        plans,
        this.#group,
        consumer,
        String(idleMilliseconds),
        cursor,
        'COUNT',
        String(count),
      ];
      const [next, claimed] = claimReply.parse(await this.#link.command(...page));
      const found = claimed.filter((entry) => entry !== null);
      const tired = found.length === 0 ? new Set<string>() : await this.#deliveredTooOften(found);
      for (const entry of found) if (tired.has(entry[0])) await this.#bury(entry);
      yield { entries: found.filter(([id]) => !tired.has(id)), dead: [...tired] };
      cursor = next;
    } while (cursor !== '0-0');
  }

  /** `looks`: an earlyLook for each. An answer for each: see `begun` in scripts.ts. At most maxBatch plans. */
  async begin(plans: readonly Beginning[], looks: readonly string[]): Promise<readonly number[]> {
    const { streams, maxObservedEntries, lookupPrefix, late } = this.#settings;
    const notAwaited = late.enabled ? '' : '-';
    const seen = seenKeys(this.#settings, this.now() / 1_000);
    const keys = [streams.plans, streams.observed, openKey(this.#settings), seen.now, seen.before];
    const args = [this.#group, String(maxObservedEntries), lookupPrefix, String(2 * rememberedSeconds(this.#settings))];
    for (const [index, { entryID, planID, symbol, isAwaited }] of plans.entries()) {
      const look = looks[index] ?? earlyLook.look;
      args.push(entryID, planID, symbol, (isAwaited ? '+' : notAwaited) + look);
    }
    return numbersOf(await this.#run(beginScript, keys, args));
  }

  /** `looks`: a lateLook for each. An answer for each: see `looked` in scripts.ts. At most maxBatch plans. */
  async look(plans: readonly Plan[], looks: readonly string[]): Promise<readonly number[]> {
    const { streams, late, maxObservedEntries, lookupPrefix } = this.#settings;
    const keys = [streams.plans, streams.observed, openKey(this.#settings)];
    const times = [String(late.pollMilliseconds), String(late.maxWaitMilliseconds)];
    const args = [this.#group, String(maxObservedEntries), lookupPrefix, ...times];
    for (const [index, { entryID, planID, symbol }] of plans.entries()) {
      args.push(entryID, planID, symbol, looks[index] ?? lateLook.look);
    }
    return numbersOf(await this.#run(lookScript, keys, args));
  }

  /** A plan of our own. */
  async publish({ planID, symbol, nodes }: OwnPlan): Promise<void> {
    const fields = ['plan_id', planID, 'symbol', symbol, 'nodes', nodes.join(',')];
    await this.#link.command('XADD', this.#settings.streams.plans, '*', ...fields);
  }

  /** What stands under the key of a plan; null where nothing does any more. */
  async heatOf(planID: string): Promise<unknown> {
    return this.#link.command('GET', this.#keyOf(planID));
  }

  async acknowledge(entryID: string): Promise<void> {
    await this.#link.command('XACK', this.#settings.streams.plans, this.#group, entryID);
  }

  async standing(): Promise<Standing> {
    const groups = groupsReply.parse(await this.#link.command('XINFO', 'GROUPS', this.#settings.streams.plans));
    const ours = groups.find((fields) => valueOf(fields, 'name') === this.#group) ?? [];
    const lag = valueOf(ours, 'lag');
    return { lag: typeof lag === 'number' ? lag : undefined, pending: Number(valueOf(ours, 'pending') ?? 0) };
  }

  #keyOf(planID: string): string {
    return this.#settings.lookupPrefix + planID;
  }

  async #createGroup(from: '$' | '0'): Promise<void> {
    try {
      await this.#link.command('XGROUP', 'CREATE', this.#settings.streams.plans, this.#group, from, 'MKSTREAM');
    } catch (error) {
      if (!isRedisError(error, 'GroupExists')) throw error;
    }
  }

  async #rehearse(): Promise<void> {
    const { streams, maxObservedEntries } = this.#settings;
    const { now } = seenKeys(this.#settings, this.now() / 1_000);
    const keys = [streams.plans, streams.observed, openKey(this.#settings), now];
    const args = [this.#group, String(maxObservedEntries), String(2 * rememberedSeconds(this.#settings))];
    await this.#run(rehearseScript, keys, args);
  }

  async #deliveredTooOften(found: readonly StreamEntry[]): Promise<Set<string>> {
    const [first, last] = [found[0]?.[0] ?? '-', found.at(-1)?.[0] ?? '+'];
    const range = ['XPENDING', this.#settings.streams.plans, this.#group, first, last, String(found.length)];
    const pending = pendingReply.parse(await this.#link.command(...range));
    const tired = pending.filter(([, , , deliveries]) => deliveries > maxDeliveries).map(([id]) => id);
    if (tired.length === 0) return new Set();
    // What has begun ends no process: it is delivered again with every new connection, while it is awaited.
    const isOpen = numbersOf(await this.#link.command('SMISMEMBER', openKey(this.#settings), ...tired));
    return new Set(tired.filter((_, index) => isOpen[index] === 0));
  }

  async #bury([entryID, fields]: StreamEntry): Promise<void> {
    const { plans, deadLetter } = this.#settings.streams;
    const why = `it was delivered more than ${maxDeliveries} times`;
    await this.#run(buryScript, [plans, deadLetter], [this.#group, entryID, why, ...fields]);
  }

  /** A server that was restarted doesn't know the script any more. */
  async #run({ text, sha }: Script, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...args];
    try {
      return await this.#link.command('EVALSHA', sha, ...rest);
    } catch (error) {
      if (!isRedisError(error, 'NoScript')) throw error;
      return this.#link.command('EVAL', text, ...rest);
    }
  }
}
