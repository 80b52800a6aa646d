// One observer on one Redis: reads plans, looks early, awaits late, and writes what it saw. It goes on for as long as it is
// told to, over any number of connections; what it has begun stands in Redis, so that whoever follows it can end it.
import { type Backoff, backoffMilliseconds } from '../runtime/backoff.ts';
import { type Clock, sleep, type Timer } from '../runtime/clock.ts';
import { observationPoints, type ObserverEvents, type ObserverSettings, type Reason } from './observation.ts';
import { type OpenPlan, OpenPlans } from './open-plans.ts';
import { type Plan, publishedAt, readHeat, type ReadPlan, readPlan } from './plan.ts';
import { type Beginning, type OwnPlan, PlanStreams, type Standing } from './plan-streams.ts';
import { asRedisError, isRedisError, type RedisError } from './redis/errors.ts';
import type { Link } from './redis/link.ts';
import type { StreamEntry } from './redis/replies.ts';
import { begun, earlyLook, lateLook, looked, maxBatch } from './scripts.ts';

export interface ObserverOptions {
  readonly settings: ObserverSettings;
  /** Number of the database: events of keys carry it. */
  readonly database: number;
  /** The first of its kind begins with what comes from now on; one that was there before misses nothing. */
  readonly isNew: boolean;
  /** Opens the connections anew each time: address and password may have changed. */
  readonly open: () => Promise<Link>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: ObserverEvents;
  readonly onStanding: (standing: ObserverStanding) => void;
}

export type ObserverStanding =
  /** `hints`: the server tells of new keys, so nothing is polled. */
  { readonly kind: 'Reading'; readonly hints: boolean } | { readonly kind: 'Failing'; readonly error: RedisError };

/** It reads again well within 10 s of the server's return. */
const reconnect: Backoff = { firstMilliseconds: 100, maxMilliseconds: 2_000 };
const readCount = 500;
/** Scripts that begin plans, at a time: so long a look waits for them. */
const mostBeginning = 2;
/** How often deadlines are looked at; plans and hints that come in between are read and asked about together. */
const beatMilliseconds = 4;
/** What is unacknowledged for so much longer than a plan can be awaited is nobody's: it is begun again. */
const forgottenMilliseconds = 30_000;
const takeOverMilliseconds = 5_000;

/** What begins together; once a part of it has failed, none of it is tried again. */
interface Page {
  readonly signal: AbortSignal;
  failure: { readonly error: unknown } | undefined;
}

/** A plan on its way into Redis. */
interface Registered extends Beginning {
  readonly open: OpenPlan | undefined;
  readonly isMalformed: boolean;
}

export class Observer {
  readonly #options: ObserverOptions;
  readonly #open = new OpenPlans();
  /** To be looked at with the next beat. */
  readonly #asking = new Set<OpenPlan>();
  /** Their look failed: it is made again with the next poll. */
  readonly #failed = new Set<OpenPlan>();
  /** By entry: how often its early look failed. */
  readonly #earlyErrors = new Map<string, number>();
  #asksUnderWay = 0;
  #streams: PlanStreams | undefined;
  #hasHints = false;
  #polledAt = 0;

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#open.size;
  }

  /** What stands in Redis; undefined while there is no connection. */
  async standing(): Promise<Standing | undefined> {
    return this.#streams?.standing();
  }

  /** Fail-open: false where it can't be published now. */
  async publish(plan: OwnPlan): Promise<boolean> {
    try {
      await this.#streams?.publish(plan);
      return this.#streams !== undefined;
    } catch (error) {
      this.#options.events.onRedisError(asRedisError(error));
      return false;
    }
  }

  /** From 0 to 1000; undefined where it can't be had, or is no heat. */
  async heatOf(planID: string): Promise<number | undefined> {
    const { events } = this.#options;
    const streams = this.#streams;
    if (!streams) return undefined;
    try {
      const heat = readHeat(await streams.heatOf(planID));
      if (heat === undefined) events.onUnreadableHeat(planID);
      return heat;
    } catch (error) {
      events.onRedisError(asRedisError(error));
      return undefined;
    }
  }

  /** Returns when it is told to stop. What is open then stays open in Redis. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, onStanding, events, isNew } = this.#options;
    const beat = this.#startBeat();
    let failures = 0;
    let from: '$' | '0' = isNew ? '$' : '0';
    while (!signal.aborted) {
      try {
        await this.#session(from, signal, () => {
          failures = 0;
          from = '0';
        });
      } catch (error) {
        const redisError = asRedisError(error);
        failures += 1;
        events.onRedisError(redisError);
        onStanding({ kind: 'Failing', error: redisError });
        const milliseconds = backoffMilliseconds(reconnect, failures, random());
        await sleep(clock, milliseconds, signal).catch(() => undefined);
      }
    }
    beat.stop();
  }

  /** One connection, from its opening to its end. */
  async #session(from: '$' | '0', signal: AbortSignal, onReading: () => void): Promise<void> {
    const { settings, open, clock, database, onStanding } = this.#options;
    const link = await open();
    const stop = (): void => {
      link.close();
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      signal.throwIfAborted();
      const streams = new PlanStreams(link, settings, clock);
      await streams.prepare(from);
      this.#hasHints = await this.#followKeys(streams, database);
      this.#streams = streams;
      // Keys may have come while nobody listened.
      for (const plan of this.#open.list()) this.#ask(plan);
      await this.#takeOver(streams, 0, signal);
      onStanding({ kind: 'Reading', hints: this.#hasHints });
      onReading();
      await this.#readOn(link, streams, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#streams = undefined;
      this.#hasHints = false;
      signal.removeEventListener('abort', stop);
      link.close();
    }
  }

  async #followKeys(streams: PlanStreams, database: number): Promise<boolean> {
    if (!this.#options.settings.late.enabled) return false;
    return streams.followKeys(database, (planID) => {
      const plan = this.#open.get(planID);
      if (!plan) return;
      plan.isHinted = true;
      this.#ask(plan);
    });
  }

  async #readOn(link: Link, streams: PlanStreams, signal: AbortSignal): Promise<void> {
    const { clock, settings } = this.#options;
    let tookOverAt = clock.monotonic();
    // The next page is read while one begins.
    let beginning = Promise.resolve();
    try {
      while (!signal.aborted) {
        const [entries] = await Promise.all([streams.read(readCount), beginning]);
        beginning = this.#begin(streams, entries, signal);
        // It may fail before anybody waits for it.
        beginning.catch(() => undefined);
        // Under load plans are read together: a read costs Redis about as much for one as for many.
        if (entries.length > 0 && entries.length < maxBatch) await sleep(clock, beatMilliseconds, signal);
        if (clock.monotonic() - tookOverAt < takeOverMilliseconds) continue;
        await beginning;
        tookOverAt = clock.monotonic();
        await this.#takeOver(streams, settings.late.maxWaitMilliseconds + forgottenMilliseconds, signal);
      }
    } finally {
      // What didn't begin must be known before the next session takes over what is unacknowledged.
      link.close();
      await beginning.catch(() => undefined);
    }
  }

  /** What was delivered and not acknowledged: to a former process, or by a read whose answer was lost. */
  async #takeOver(streams: PlanStreams, idleMilliseconds: number, signal: AbortSignal): Promise<void> {
    for await (const { entries, dead } of streams.unacknowledged(idleMilliseconds, readCount)) {
      for (const entryID of dead) this.#options.events.onDeadLetter(entryID);
      await this.#begin(streams, entries, signal);
    }
  }

  async #begin(streams: PlanStreams, entries: readonly StreamEntry[], signal: AbortSignal): Promise<void> {
    const reads = entries.map(([entryID, fields]) => readPlan(entryID, fields)).filter((read) => !this.#isOpen(read));
    const batches = inBatches(reads);
    const page: Page = { signal, failure: undefined };
    const beginNext = async (): Promise<void> => {
      for (let batch = batches.shift(); batch && !page.failure; batch = batches.shift()) {
        try {
          await this.#beginBatch(streams, batch, page);
        } catch (error) {
          page.failure ??= { error };
        }
      }
    };
    // Only when none is under way any more is it known what is open.
    await Promise.all(Array.from({ length: mostBeginning }, beginNext));
    if (page.failure) throw page.failure.error;
  }

  #isOpen(read: ReadPlan): boolean {
    return read.kind === 'Plan' && this.#open.get(read.plan.planID)?.entryID === read.plan.entryID;
  }

  async #beginBatch(streams: PlanStreams, reads: readonly ReadPlan[], page: Page): Promise<void> {
    for (const read of reads) {
      if (read.kind === 'Plan' || read.planID !== undefined) continue;
      await streams.acknowledge(read.entryID);
      this.#options.events.onMalformed(read.entryID, read.why);
    }
    const plans = reads.flatMap((read) => this.#register(read, streams) ?? []);
    if (plans.length === 0) return;
    try {
      const { looks, answers } = await this.#untilTaken(streams, plans, page);
      plans.forEach((plan, index) => {
        this.#hasBegun(plan, answers[index] ?? begun.duplicate, looks[index] ?? earlyLook.look);
      });
    } catch (error) {
      // They are pending in Redis: the next session takes them over.
      for (const { open } of plans) if (open) this.#open.remove(open);
      throw error;
    }
  }

  /** Undefined: there is nothing of it that could be written. */
  #register(read: ReadPlan, streams: PlanStreams): Registered | undefined {
    if (read.kind === 'Malformed') {
      const { entryID, planID } = read;
      return planID === undefined
        ? undefined
        : { entryID, planID, symbol: '', isAwaited: false, open: undefined, isMalformed: true };
    }
    const { late } = this.#options.settings;
    const { plan } = read;
    const isAwaited = late.enabled && this.#open.size < late.maxInFlight && !this.#open.get(plan.planID);
    const open = isAwaited ? this.#opened(plan, streams) : undefined;
    if (open) this.#open.add(open);
    return { ...plan, isAwaited, open, isMalformed: false };
  }

  #opened(plan: Plan, streams: PlanStreams): OpenPlan {
    const { clock, settings } = this.#options;
    // An entry's id may be anything that grows: what lies ahead of Redis' clock is as of now.
    const age = Math.max(0, streams.now() - publishedAt(plan.entryID));
    const dueAt = clock.monotonic() + settings.late.maxWaitMilliseconds - age;
    return { ...plan, dueAt, state: 'Beginning', isHinted: false, isDue: false, errors: 0 };
  }

  /** Early looks that fail too often are redis_error; they are held until Redis takes them. */
  async #untilTaken(
    streams: PlanStreams,
    plans: readonly Registered[],
    page: Page,
  ): Promise<{ looks: string[]; answers: readonly number[] }> {
    const { settings, clock, events } = this.#options;
    for (;;) {
      const looks = plans.map((plan) => this.#earlyLookOf(plan));
      try {
        const answers = await streams.begin(plans, looks);
        for (const { entryID } of plans) this.#earlyErrors.delete(entryID);
        return { looks, answers };
      } catch (error) {
        for (const { entryID } of plans) this.#earlyErrors.set(entryID, (this.#earlyErrors.get(entryID) ?? 0) + 1);
        if (!isRedisError(error, 'Answered') || page.failure) throw error;
        events.onRedisError(error);
        await sleep(clock, settings.late.pollMilliseconds, page.signal);
      }
    }
  }

  #earlyLookOf({ entryID, isMalformed }: Registered): string {
    if (isMalformed) return earlyLook.parseError;
    const errors = this.#earlyErrors.get(entryID) ?? 0;
    return errors >= this.#options.settings.maxRedisErrors ? earlyLook.redisError : earlyLook.look;
  }

  #hasBegun({ planID, open, isMalformed, isAwaited }: Registered, answer: number, look: string): void {
    const { events, settings } = this.#options;
    if (answer === begun.duplicate) {
      if (open) this.#open.remove(open);
      events.onDuplicate(planID);
      return;
    }
    if (answer !== begun.again) {
      const found = answer === begun.found;
      events.onObserved({ point: observationPoints.early, found, reason: earlyReason(look, found) }, planID);
      if (!isAwaited && !isMalformed && settings.late.enabled) events.onSkipped(planID);
    }
    if (!open) return;
    open.state = 'Waiting';
    this.#open.await(open);
    // Found early: it is there; asked for at once, so that late is never behind early.
    if (open.isHinted || answer !== begun.missing) this.#ask(open);
  }

  #ask(plan: OpenPlan): void {
    if (plan.state === 'Waiting') this.#asking.add(plan);
  }

  #startBeat(): { stop: () => void } {
    const { clock } = this.#options;
    let timer: Timer;
    const next = (): void => {
      timer = clock.setTimeout(() => {
        this.#onBeat(clock.monotonic());
        next();
      }, beatMilliseconds);
    };
    next();
    return {
      stop: () => {
        timer.cancel();
      },
    };
  }

  #onBeat(now: number): void {
    const { pollMilliseconds } = this.#options.settings.late;
    for (const plan of this.#open.due(now)) {
      plan.isDue = true;
      this.#ask(plan);
    }
    if (now - this.#polledAt >= pollMilliseconds) {
      this.#polledAt = now;
      this.#poll();
    }
    this.#askAll();
  }

  /** As somebody would who looks at every key every time; where the server tells of new keys, only at what failed before. */
  #poll(): void {
    if (this.#streams === undefined) {
      for (const plan of this.#open.list()) if (plan.state === 'Waiting') plan.errors += 1;
    } else {
      for (const plan of this.#hasHints ? this.#failed : this.#open.list()) this.#ask(plan);
      this.#failed.clear();
    }
  }

  #askAll(): void {
    const streams = this.#streams;
    const { maxWorkers } = this.#options.settings.late;
    while (streams && this.#asking.size > 0 && this.#asksUnderWay < maxWorkers) {
      const batch: OpenPlan[] = [];
      for (const plan of this.#asking) {
        this.#asking.delete(plan);
        if (plan.state === 'Waiting') batch.push(plan);
        if (batch.length === maxBatch) break;
      }
      // Those that are due are mostly not there, the others mostly are: see scripts.ts.
      batch.sort((one, other) => Number(one.isDue) - Number(other.isDue));
      if (batch.length > 0) void this.#look(streams, batch);
    }
  }

  async #look(streams: PlanStreams, plans: readonly OpenPlan[]): Promise<void> {
    const { events } = this.#options;
    const looks = plans.map((plan) => this.#lateLookOf(plan));
    for (const plan of plans) {
      plan.state = 'Asked';
      plan.isHinted = false;
    }
    this.#asksUnderWay += 1;
    try {
      const answers = await streams.look(plans, looks);
      plans.forEach((plan, index) => {
        this.#hasLooked(plan, answers[index] ?? looked.notYet, looks[index] ?? lateLook.look);
      });
    } catch (error) {
      events.onRedisError(asRedisError(error));
      for (const plan of plans) {
        plan.state = 'Waiting';
        plan.errors += 1;
        this.#failed.add(plan);
      }
    } finally {
      this.#asksUnderWay -= 1;
      this.#askAll();
    }
  }

  #lateLookOf({ errors, isDue }: OpenPlan): string {
    if (errors >= this.#options.settings.maxRedisErrors) return lateLook.redisError;
    return isDue ? lateLook.last : lateLook.look;
  }

  #hasLooked(plan: OpenPlan, answer: number, look: string): void {
    const { events, clock } = this.#options;
    if (answer === looked.notYet) {
      plan.state = 'Waiting';
      if (plan.isHinted || plan.isDue) this.#ask(plan);
      return;
    }
    this.#open.remove(plan);
    if (answer === looked.gone) return;
    const found = answer === looked.found;
    if (look === lateLook.last) events.onDeadline(Math.max(0, clock.monotonic() - plan.dueAt));
    events.onObserved({ point: observationPoints.late, found, reason: lateReason(look, found) }, plan.planID);
  }
}

function inBatches<Item>(items: readonly Item[]): Item[][] {
  const batches: Item[][] = [];
  for (let index = 0; index < items.length; index += maxBatch) batches.push(items.slice(index, index + maxBatch));
  return batches;
}

function earlyReason(look: string, found: boolean): Reason {
  if (look === earlyLook.parseError) return 'parse_error';
  if (look === earlyLook.redisError) return 'redis_error';
  return found ? 'ok' : 'missing';
}

function lateReason(look: string, found: boolean): Reason {
  if (look === lateLook.redisError) return 'redis_error';
  return found ? 'ok' : 'timeout';
}
