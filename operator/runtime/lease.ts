// Leader election on a coordination.k8s.io Lease, and the fence it gives: the right to write ends by our own clock before
// anybody else can take the lease. It does no leader's work itself and knows nothing of what that is.
import type { ApiClient } from './client.ts';
import type { Clock } from './clock.ts';
import { isApiError } from './errors.ts';
import type { Fence } from './fence.ts';
import type { Lease } from './kubernetes.ts';
import { observe, specOf, validForMilliseconds } from './lease-record.ts';
import type { LeaseRecord, ObservedRecord } from './lease-record.ts';
import type { Log } from './log.ts';
import { microTime } from './micro-time.ts';
import { Reflector } from './reflector.ts';
import { leases } from './resource.ts';
import { isNewer, noVersion } from './resource-version.ts';
import { Store } from './store.ts';

export interface LeaseTimes {
  /** How long a standby leaves a silent leader alone. */
  leaseDurationMilliseconds: number;
  /** How long a leader goes on without having renewed. */
  renewDeadlineMilliseconds: number;
  /** How often a leader renews and a standby tries. */
  retryPeriodMilliseconds: number;
}

export interface LeaderElectorOptions extends LeaseTimes {
  client: ApiClient;
  namespace: string;
  name: string;
  /** Unique per process. */
  identity: string;
  clock: Clock;
  log: Log;
  /** In [0, 1). */
  random?: () => number;
  /** Told of every change between leading and standing by. */
  onLeadingChanged?: (leading: boolean) => void;
}

export interface LeaderCallbacks {
  /** Does the leader's work until the signal is aborted; resolves when all of it has stopped. May be called again. */
  onStartedLeading: (signal: AbortSignal) => Promise<void>;
}

/** Times with which two could lead at once, or a renewal could never be tried twice. */
export class InvalidLeaseTimes extends RangeError {
  override readonly name = 'InvalidLeaseTimes';
}

/** client-go's JitterFactor: standbys that tried together don't try together again. */
const jitter = 1.2;

/** So many tries fit into the renew deadline, even if each of them hangs. */
const triesPerDeadline = 3;

/** How a term ended: the work stopped, the renew deadline passed, or the record names somebody else. */
type TermEnd = 'stopped' | 'expired' | 'taken';

export class LeaderElector implements Fence {
  readonly #options: LeaderElectorOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #random: () => number;
  /** Ends the pauses of whoever waits for another holder. */
  readonly #wakers = new Set<() => void>();
  #observed: ObservedRecord | undefined;
  /** The object to replace; undefined when there is none. */
  #lease: Lease | undefined;
  #newestVersion = noVersion;
  /** Monotonic: when the last successful renewal was sent. Undefined: not leading. */
  #renewedAt: number | undefined;

  constructor(options: LeaderElectorOptions) {
    refuseInvalidTimes(options);
    this.#options = options;
    this.#clock = options.clock;
    this.#random = options.random ?? Math.random;
    this.#log = options.log.child({ lease: `${options.namespace}/${options.name}`, identity: options.identity });
  }

  isHeld(): boolean {
    return this.remainingMilliseconds() > 0;
  }

  /** Counted from the moment the last successful renewal was sent, not answered. */
  remainingMilliseconds(): number {
    if (this.#renewedAt === undefined) return 0;
    return Math.max(0, this.#renewedAt + this.#options.renewDeadlineMilliseconds - this.#clock.monotonic());
  }

  /**
   * Stands by, leads, and stands aside. 'released': told to stop, and the lease was given up after the work had stopped.
   * 'lost': somebody else leads; the process should end. Rejects with what onStartedLeading threw, after releasing.
   */
  async run(signal: AbortSignal, callbacks: LeaderCallbacks): Promise<'released' | 'lost'> {
    const watching = new AbortController();
    const watch = this.#watch(watching.signal);
    try {
      return await this.#campaign(signal, callbacks);
    } finally {
      watching.abort();
      await watch;
    }
  }

  async #campaign(signal: AbortSignal, callbacks: LeaderCallbacks): Promise<'released' | 'lost'> {
    let mayLead = await this.#acquire(signal);
    while (mayLead) {
      const transitions = this.#observed?.record.transitions;
      const end = await this.#lead(signal, callbacks);
      if (end === 'stopped') return 'released';
      this.#log.warn({ end }, 'the lease was lost and the work has stopped');
      mayLead = await this.#reclaim(transitions, signal);
      if (!mayLead && !signal.aborted) return 'lost';
    }
    return 'released';
  }

  /** Tries until the lease is ours; false when told to stop before. */
  async #acquire(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (await this.#attempt(signal, () => this.#takeIfFree(signal))) return true;
      await this.#pause(this.#untilNextTryMilliseconds(), signal);
    }
    return false;
  }

  /**
   * After the deadline has passed: nobody else led as long as the record names us with the same transitions, so the term
   * goes on. False when somebody took over, or when told to stop.
   */
  async #reclaim(transitions: number | undefined, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      const seen = await this.#attempt(signal, () => this.#read(signal));
      if (seen && (!this.#isOurs() || this.#observed?.record.transitions !== transitions)) return false;
      if (seen && (await this.#attempt(signal, () => this.#renew(signal)))) return true;
      await this.#pause(this.#options.retryPeriodMilliseconds, signal);
    }
    return false;
  }

  /** One term: the work and the renewing side by side. The work has always stopped when this returns. */
  async #lead(signal: AbortSignal, { onStartedLeading }: LeaderCallbacks): Promise<TermEnd> {
    const leading = new AbortController();
    const renewing = new AbortController();
    const stop = () => {
      leading.abort(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    this.#log.info({}, 'started leading');
    this.#options.onLeadingChanged?.(true);
    const work = settled(onStartedLeading(leading.signal));
    // Renewing goes on while the work stops in an orderly way: its last writes need the fence.
    const renewal = this.#renewUntilLost(renewing.signal);
    const end = await Promise.race([work.then(() => 'stopped' as const), renewal]);
    // Lost: whatever the work still sends while it stops is fenced off.
    if (end !== 'stopped') this.#standDown();
    leading.abort();
    renewing.abort();
    const [failure] = await Promise.all([work, renewal]);
    signal.removeEventListener('abort', stop);
    if (end === 'stopped') await this.#release();
    this.#options.onLeadingChanged?.(false);
    if (failure) throw failure.error;
    return end;
  }

  async #renewUntilLost(signal: AbortSignal): Promise<'expired' | 'taken'> {
    for (;;) {
      await this.#pause(Math.min(this.#options.retryPeriodMilliseconds, this.remainingMilliseconds()), signal);
      if (signal.aborted || !this.isHeld()) return 'expired';
      if (!this.#isOurs()) return 'taken';
      await this.#attempt(signal, () => this.#renew(signal));
      if (!this.#isOurs()) return 'taken';
    }
  }

  /** Gives the lease up as client-go does: nobody's, and valid for a second only. */
  async #release(): Promise<void> {
    const record = this.#observed?.record;
    const isHeld = this.isHeld();
    this.#standDown();
    if (!record || !isHeld || !this.#isOurs()) return;
    const now = microTime(this.#clock.now());
    const released = { ...record, holder: '', durationMilliseconds: 1000, acquireTime: now, renewTime: now };
    // We were told to stop already; this last request is bounded by its time limit.
    const { signal } = new AbortController();
    const done = await this.#attempt(signal, () => this.#writeOver(released, signal));
    if (done) this.#log.info({}, 'released the lease');
  }

  #standDown(): void {
    this.#renewedAt = undefined;
  }

  async #takeIfFree(signal: AbortSignal): Promise<boolean> {
    await this.#read(signal);
    if (!this.#isOurs() && this.#validForMilliseconds() > 0) return false;
    const previous = this.#observed?.record;
    const now = microTime(this.#clock.now());
    const transitions = previous ? previous.transitions + (previous.holder === this.#options.identity ? 0 : 1) : 0;
    return this.#hold({ ...this.#ownRecord(now), transitions, acquireTime: now }, signal);
  }

  #renew(signal: AbortSignal): Promise<boolean> {
    const record = this.#observed?.record;
    const now = microTime(this.#clock.now());
    const { transitions = 0, acquireTime = now } = record ?? {};
    return this.#hold({ ...this.#ownRecord(now), transitions, acquireTime }, signal);
  }

  #ownRecord(now: string): Omit<LeaseRecord, 'transitions' | 'acquireTime'> {
    const { identity, leaseDurationMilliseconds } = this.#options;
    return { holder: identity, durationMilliseconds: leaseDurationMilliseconds, renewTime: now };
  }

  /** Writes our name; only the time before the request was sent is known to be covered by it. */
  async #hold(record: LeaseRecord, signal: AbortSignal): Promise<boolean> {
    const sentAt = this.#clock.monotonic();
    if (!(await this.#writeOver(record, signal))) return false;
    this.#renewedAt = sentAt;
    return true;
  }

  /**
   * A conflict may be our own earlier write that was thought to have failed: read again, and write again if the record
   * still has the holder we meant to write over.
   */
  async #writeOver(record: LeaseRecord, signal: AbortSignal): Promise<boolean> {
    const over = this.#observed?.record.holder;
    try {
      this.#see(await this.#write(record, signal));
      return true;
    } catch (error) {
      if (!isApiError(error, 'Conflict', 'AlreadyExists', 'NotFound')) throw error;
      await this.#read(signal);
      if (over !== this.#options.identity || !this.#isOurs()) return false;
      this.#see(await this.#write(record, signal));
      return true;
    }
  }

  #write(record: LeaseRecord, signal: AbortSignal): Promise<Lease> {
    const { namespace, name } = this.#options;
    const spec = specOf(record);
    const client = this.#client();
    if (this.#lease) return client.replace(leases, { ...this.#lease, spec }, signal);
    return client.create(leases, { metadata: { namespace, name }, spec }, {}, signal);
  }

  /** A lease that is gone leaves its last record valid: its holder may not have noticed. True: the server answered. */
  async #read(signal: AbortSignal): Promise<true> {
    try {
      this.#see(await this.#client().get(leases, this.#options, signal));
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
      this.#lease = undefined;
    }
    return true;
  }

  /** On its own lane; a try that hangs leaves time for the next ones, and ends before the fence does. */
  #client(): ApiClient {
    const perTry = this.#options.renewDeadlineMilliseconds / triesPerDeadline;
    const timeoutMilliseconds = this.isHeld() ? Math.min(perTry, this.remainingMilliseconds()) : perTry;
    return this.#options.client.with({ lane: 'lease', timeoutMilliseconds });
  }

  /** Answers and watch events overtake each other; only the newest counts. */
  #see(lease: Lease): void {
    if (!isNewer(lease.metadata.resourceVersion, this.#newestVersion)) return;
    const holderBefore = this.#observed?.record.holder;
    this.#newestVersion = lease.metadata.resourceVersion;
    this.#lease = lease;
    this.#observed = observe(this.#observed, lease, this.#clock.monotonic());
    if (this.#observed.record.holder !== holderBefore) for (const wake of this.#wakers) wake();
  }

  #isOurs(): boolean {
    return this.#observed?.record.holder === this.#options.identity;
  }

  #validForMilliseconds(): number {
    return this.#observed ? validForMilliseconds(this.#observed, this.#clock.monotonic()) : 0;
  }

  #untilNextTryMilliseconds(): number {
    const jittered = this.#options.retryPeriodMilliseconds * (1 + jitter * this.#random());
    const valid = this.#validForMilliseconds();
    return valid > 0 ? Math.min(valid, jittered) : jittered;
  }

  /** A try that fails for a reason that may pass is no success, and no more than that. */
  async #attempt(signal: AbortSignal, work: () => Promise<boolean>): Promise<boolean> {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) return false;
      if (isApiError(error)) this.#log.warn({ err: error }, 'a request for the lease failed');
      else this.#log.error({ err: error }, 'a request for the lease failed unexpectedly');
      return false;
    }
  }

  /** Ends early when the lease gets another holder or the signal is aborted; never rejects. */
  #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        timer.cancel();
        this.#wakers.delete(end);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = this.#clock.setTimeout(end, milliseconds);
      this.#wakers.add(end);
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted) end();
    });
  }

  /** Only a hint, so that an orderly release is seen at once; every decision is made on a lease that was read. */
  #watch(signal: AbortSignal): Promise<void> {
    const { namespace, name, clock } = this.#options;
    const store = new Store<Lease>();
    store.subscribe((change) => {
      if (change.type !== 'deleted') this.#see(change.object);
    });
    const reflector = new Reflector({
      client: this.#options.client.with({ lane: 'lease' }),
      resource: leases,
      store,
      namespace,
      fieldSelector: `metadata.name=${name}`,
      clock,
      random: this.#random,
      log: this.#log,
    });
    return reflector.run(signal);
  }
}

function refuseInvalidTimes(times: LeaseTimes): void {
  const { leaseDurationMilliseconds: lease, renewDeadlineMilliseconds: renew, retryPeriodMilliseconds: retry } = times;
  if (lease <= renew) {
    throw new InvalidLeaseTimes(
      `the lease duration (${lease} ms) must be longer than the renew deadline (${renew} ms)`,
    );
  }
  if (renew <= jitter * retry) {
    const least = Math.round(jitter * retry);
    throw new InvalidLeaseTimes(`the renew deadline (${renew} ms) must be longer than 1.2 retry periods (${least} ms)`);
  }
  if (retry <= 0) throw new InvalidLeaseTimes(`the retry period (${retry} ms) must be positive`);
}

function settled(work: Promise<void>): Promise<{ error: unknown } | undefined> {
  return work.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
}
