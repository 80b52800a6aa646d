// Events for people (events.k8s.io/v1): best effort, merged, bounded and slow on purpose. Recording never throws, never
// waits and never holds up the work that is told about; what must be told exactly once has a door of its own.
import { createHash } from 'node:crypto';
import type { ApiClient, Draft } from './client.ts';
import { sleep } from './clock.ts';
import type { Clock } from './clock.ts';
import { isApiError } from './errors.ts';
import type { Event } from './kubernetes.ts';
import type { Log } from './log.ts';
import { microTime } from './micro-time.ts';
import { events } from './resource.ts';

export interface ObjectReference {
  apiVersion: string;
  kind: string;
  namespace?: string;
  name: string;
  uid: string;
  resourceVersion?: string;
  fieldPath?: string;
}

export interface EventNote {
  regarding: ObjectReference;
  type: 'Normal' | 'Warning';
  reason: string;
  /** What was done or tried, in one word ('Placing'). The API requires it. */
  action: string;
  note: string;
  related?: ObjectReference;
}

export interface EventRecorderOptions {
  client: ApiClient;
  /** For instance 'orquanta.io/operator'. */
  reportingController: string;
  /** This process. */
  reportingInstance: string;
  clock: Clock;
  log: Log;
}

/** All that was told with the same words about the same object. */
interface Series {
  event: EventNote;
  count: number;
  firstAt: number;
  lastAt: number;
  /** Its name on the server, once it is there. */
  name?: string;
}

/** What waits to be written; beyond it Normal events are shed first. */
const maxQueued = 1_000;

/** client-go forgets a series after six minutes without news (tools/events/event_broadcaster.go). */
const seriesMilliseconds = 6 * 60_000;
const maxSeries = 4_096;

const burst = 50;
const perSecond = 10;

/** The API's own limit, in bytes (validation of events.k8s.io/v1); a UTF-16 unit takes three of them at most. */
const maxNoteBytes = 1_024;
const safeNoteLength = Math.floor(maxNoteBytes / 3) - 1;
const maxNameLength = 253;

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  /** In the order of their last news. */
  readonly #series = new Map<string, Series>();
  readonly #queue = new Set<Series>();
  #created = 0;
  #shed = 0;
  #tokens = burst;
  #tokensAt: number;
  #wake: () => void = () => undefined;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#tokensAt = options.clock.monotonic();
  }

  /** How many events were dropped because too many were told. */
  get shed(): number {
    return this.#shed;
  }

  /** Never throws, never waits. */
  record(event: EventNote): void {
    const series = this.#seriesOf(event);
    if (this.#queue.has(series)) return;
    if (this.#queue.size >= maxQueued && !this.#makeRoomFor(event)) {
      this.#shed++;
      return;
    }
    this.#queue.add(series);
    this.#wake();
  }

  /**
   * For what must be told once, whoever leads and whatever dies: written at once, under a name that follows from the object and
   * the occasion, so that telling it again changes nothing. False: it was told already. Unlike `record` it waits, and throws
   * what the write throws. The server forgets events after an hour: beyond that the caller has to remember.
   */
  async recordOnce(event: EventNote, occasion: string, signal: AbortSignal): Promise<boolean> {
    const { client, clock } = this.#options;
    const now = clock.now();
    const draft = this.#draft({ event, count: 1, firstAt: now, lastAt: now }, onceName(event.regarding, occasion));
    try {
      await client.createForMetadata(events, draft, {}, signal);
      return true;
    } catch (error) {
      if (!isApiError(error, 'AlreadyExists')) throw error;
      return false;
    }
  }

  /** Writes what is recorded, one at a time, until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = () => {
      this.#wake();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    while (!signal.aborted) {
      const [next] = this.#queue;
      if (next) await this.#writeInTurn(next, signal);
      else await this.#nextRecord(signal);
    }
    signal.removeEventListener('abort', onAbort);
  }

  #seriesOf(event: EventNote): Series {
    const now = this.#options.clock.now();
    const key = JSON.stringify([event.regarding.uid, event.type, event.reason, event.action, event.note]);
    const known = this.#series.get(key);
    const goesOn = known !== undefined && now - known.lastAt < seriesMilliseconds;
    const series = goesOn ? known : { event, count: 0, firstAt: now, lastAt: now };
    series.count++;
    series.lastAt = now;
    this.#series.delete(key);
    this.#series.set(key, series);
    this.#forgetOldest();
    return series;
  }

  #forgetOldest(): void {
    if (this.#series.size <= maxSeries) return;
    const [oldest] = this.#series.keys();
    if (oldest !== undefined) this.#series.delete(oldest);
  }

  #makeRoomFor(event: EventNote): boolean {
    if (event.type === 'Normal') return false;
    for (const queued of this.#queue) {
      if (queued.event.type !== 'Normal') continue;
      this.#queue.delete(queued);
      this.#shed++;
      return true;
    }
    return false;
  }

  async #writeInTurn(series: Series, signal: AbortSignal): Promise<void> {
    try {
      await this.#takeToken(signal);
      this.#queue.delete(series);
      await this.#write(series, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#options.log.debug({ err: error, reason: series.event.reason }, 'an event could not be written');
    }
  }

  async #takeToken(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const now = clock.monotonic();
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#tokensAt) / 1000) * perSecond);
    this.#tokensAt = now;
    this.#tokens--;
    if (this.#tokens < 0) await sleep(clock, (-this.#tokens / perSecond) * 1000, signal);
  }

  async #write(series: Series, signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    const draft = this.#draft(series, this.#eventName(series.event.regarding.name));
    if (series.name !== undefined) {
      const key = { namespace: draft.metadata.namespace, name: series.name };
      try {
        await client.patch(events, key, { series: draft.series }, signal);
        return;
      } catch (error) {
        // The server forgets events after an hour.
        if (!isApiError(error, 'NotFound')) throw error;
      }
    }
    await client.createForMetadata(events, draft, {}, signal);
    series.name = draft.metadata.name;
  }

  #draft({ event, count, firstAt, lastAt }: Series, name: string) {
    const { reportingController, reportingInstance } = this.#options;
    const { regarding, related, note, ...rest } = event;
    const series = count > 1 ? { series: { count, lastObservedTime: microTime(lastAt) } } : {};
    return {
      ...rest,
      ...series,
      ...(related === undefined ? {} : { related }),
      metadata: { namespace: regarding.namespace ?? 'default', name },
      eventTime: microTime(firstAt),
      note: shortened(note),
      regarding,
      reportingController,
      reportingInstance,
    } satisfies Draft<Event>;
  }

  /** client-go's form, the object's name and a time; the count keeps apart what falls into one millisecond. */
  #eventName(about: string): string {
    const now = this.#options.clock.now();
    return withSuffix(about, `.${now.toString(16)}${(this.#created++ % 0x1000).toString(16).padStart(3, '0')}`);
  }

  #nextRecord(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (signal.aborted) resolve();
    });
  }
}

/** Of this object, not of another one of its name. */
function onceName({ name, uid }: ObjectReference, occasion: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([uid, occasion]))
    .digest('hex');
  return withSuffix(name, `.${digest.slice(0, 32)}`);
}

function withSuffix(about: string, suffix: string): string {
  return `${about.slice(0, maxNameLength - suffix.length)}${suffix}`;
}

function shortened(note: string): string {
  return Buffer.byteLength(note) <= maxNoteBytes ? note : `${note.slice(0, safeNoteLength)}…`;
}
