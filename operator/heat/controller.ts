// The controller of the HeatObservers: has each observed as its spec says, or says what stands in the way, and writes its status.
import { isDeepStrictEqual } from 'node:util';
import {
  allStreamsDiffer,
  heatDefaults,
  heatObservers,
  type DefaultedHeatSpec,
  type HeatObserver,
  type OperatorHeatDefaults,
  redisEndpoint,
} from '../resources/heatobserver.ts';
import { annotations } from '../resources/labels.ts';
import type { ApiClient } from '../runtime/client.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Outcome } from '../runtime/controller.ts';
import { isApiError } from '../runtime/errors.ts';
import type { Store } from '../runtime/store.ts';
import type { HeatMetrics } from './metrics.ts';
import { observationPoints, reasons } from './observation.ts';
import { hostRefusal, type HostPolicy } from './redis/address.ts';
import type { RedisErrorKind } from './redis/errors.ts';
import { type Credentials, readCredentials } from './secrets.ts';
import {
  addFigures,
  heatStatus,
  isLagging,
  type Known,
  noTotals,
  type Obstacle,
  saysTheSame,
  type Totals,
  troubleMilliseconds,
} from './status.ts';
import type { FromThread, Order } from './worker/messages.ts';
import type { Observers } from './worker/observers.ts';

export interface HeatControllerOptions {
  readonly client: ApiClient;
  readonly store: Store<HeatObserver>;
  readonly observers: Pick<Observers, 'observe' | 'stop' | 'verify'>;
  readonly defaults: OperatorHeatDefaults;
  /** Empty: any. */
  readonly lookupPrefix: string;
  readonly hosts: HostPolicy;
  readonly clock: Clock;
  readonly metrics: HeatMetrics;
  readonly enqueue: (key: string) => void;
}

interface Entry {
  known: Known;
  /** What the status said when this process first looked. */
  readonly base: Totals;
  readonly isNew: boolean;
  credentials: { readonly read: Credentials; readonly at: number; readonly reference: unknown } | undefined;
  writtenAt: number;
  asked: string | undefined;
}

/** As status.lastHandledVerify may be. */
const maxTokenLength = 256;

const done: Outcome = { kind: 'done' };
/** Numbers alone are written so often. */
const figuresMilliseconds = 60_000;
/** A password may be changed at any time; what is missing is looked for sooner. */
const credentialsMilliseconds = 300_000;
const missingMilliseconds = 10_000;

const nothingKnown: Known = {
  ...{ standing: undefined, golden: undefined, figures: undefined, totals: noTotals },
  ...{ lastObservationAt: undefined, skippedAt: undefined, laggedAt: undefined, handledVerify: undefined },
};

const reasonOf: Readonly<Partial<Record<RedisErrorKind, 'RedisRefused' | 'HostNotAllowed'>>> = {
  Refused: 'RedisRefused',
  HostNotAllowed: 'HostNotAllowed',
};

export class HeatController {
  readonly #options: HeatControllerOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: HeatControllerOptions) {
    this.#options = options;
  }

  async reconcile(key: string, signal: AbortSignal): Promise<Outcome> {
    const { store, observers, metrics } = this.#options;
    const observer = store.get(key);
    if (!observer || observer.metadata.deletionTimestamp !== undefined) {
      observers.stop(key);
      metrics.gone(key);
      this.#entries.delete(key);
      return done;
    }
    const entry = this.#entryOf(key, observer);
    const spec = heatDefaults(observer.spec, this.#options.defaults);
    const obstacle = this.#misfit(observer, spec) ?? (await this.#missing(observer, spec, entry, signal));
    if (obstacle || spec.suspend) this.#stop(key, entry);
    else this.#observe(key, observer, spec, entry);
    return this.#writeStatus(observer, obstacle, entry, signal);
  }

  /** What the thread tells. */
  hear(message: FromThread): void {
    const entry = this.#entries.get(message.key);
    if (!entry) return;
    const { known } = entry;
    switch (message.kind) {
      case 'Reading':
        entry.known = { ...known, standing: { kind: 'Reading' } };
        break;
      case 'Failing': {
        const reason = reasonOf[message.error] ?? 'RedisUnreachable';
        entry.known = { ...known, standing: { kind: 'Failing', reason, message: message.message } };
        // The password may have been changed.
        if (reason === 'RedisRefused') entry.credentials = undefined;
        break;
      }
      case 'Golden':
        entry.known = { ...known, golden: message.result, handledVerify: message.token ?? known.handledVerify };
        break;
      case 'Figures':
        this.#count(message.key, entry, message);
        return;
      case 'Heat':
        return;
    }
    this.#options.enqueue(message.key);
  }

  /** The thread was started again: what was known of connections holds no more, and what was asked of it is asked again. */
  forgetStandings(keys: readonly string[]): void {
    for (const key of keys) {
      const entry = this.#entries.get(key);
      if (entry) forgetStanding(entry);
      this.#options.enqueue(key);
    }
  }

  #count(key: string, entry: Entry, { figures }: Extract<FromThread, { kind: 'Figures' }>): void {
    const { metrics, clock } = this.#options;
    metrics.add(key, figures);
    const counts = Object.values(observationPoints).flatMap((point) =>
      reasons.map((reason) => figures.reasons[point][reason]),
    );
    const { totals, lastObservationAt, skippedAt, laggedAt } = entry.known;
    const now = clock.monotonic();
    const isNews = (seen: boolean, at: number | undefined): boolean =>
      seen && (at === undefined || now - at >= troubleMilliseconds);
    const lags = isLagging(figures);
    const isTrouble = isNews(figures.skipped > 0, skippedAt) || isNews(lags, laggedAt);
    entry.known = {
      ...entry.known,
      figures,
      totals: addFigures(totals, figures),
      lastObservationAt: counts.some((count) => count > 0) ? clock.now() : lastObservationAt,
      skippedAt: figures.skipped > 0 ? now : skippedAt,
      laggedAt: lags ? now : laggedAt,
    };
    if (isTrouble || clock.monotonic() - entry.writtenAt >= figuresMilliseconds) this.#options.enqueue(key);
  }

  #entryOf(key: string, { status }: HeatObserver): Entry {
    const found = this.#entries.get(key);
    if (found) return found;
    const { observed = 0, skipped = 0, redisErrors = 0, parseErrors = 0 } = status ?? {};
    const entry: Entry = {
      known: { ...nothingKnown, handledVerify: status?.lastHandledVerify },
      base: { observed, skipped, redisErrors, parseErrors },
      isNew: observed === 0,
      credentials: undefined,
      writtenAt: -Infinity,
      asked: status?.lastHandledVerify,
    };
    this.#entries.set(key, entry);
    return entry;
  }

  /** What the spec says that this operator can't do. */
  #misfit({ metadata }: HeatObserver, { lookupPrefix, streams, redis }: DefaultedHeatSpec): Obstacle | undefined {
    const { lookupPrefix: wanted, hosts } = this.#options;
    if (wanted !== '' && wanted !== lookupPrefix) {
      const message = `lookupPrefix is "${lookupPrefix}", and the operator's P28_HEAT_LOOKUP_PREFIX is "${wanted}": make them equal, as the early and the late observation must not differ`;
      return { reason: 'PrefixConflict', message };
    }
    if (!allStreamsDiffer(streams)) {
      const message = `two of the streams are the same (plans: ${streams.plans}, observed: ${streams.observed}, decisions: ${streams.decisions}, deadLetter: ${streams.deadLetter}): give each a name of its own`;
      return { reason: 'StreamConflict', message };
    }
    const host = redisEndpoint(redis.url)?.host ?? '';
    const message = hostRefusal(host, metadata.namespace, hosts);
    return message === undefined ? undefined : { reason: 'HostNotAllowed', message };
  }

  async #missing(
    { metadata }: HeatObserver,
    { redis, suspend }: DefaultedHeatSpec,
    entry: Entry,
    signal: AbortSignal,
  ): Promise<Obstacle | undefined> {
    if (suspend) return undefined;
    const { client, clock } = this.#options;
    const reference = [redis.passwordSecretRef, redis.tls.caSecretRef];
    const { credentials } = entry;
    const lasts = credentials?.read.kind === 'Known' ? credentialsMilliseconds : missingMilliseconds;
    const isFresh =
      credentials && clock.monotonic() - credentials.at < lasts && isDeepStrictEqual(credentials.reference, reference);
    const read = isFresh ? credentials.read : await readCredentials(redis, metadata.namespace, client, signal);
    if (!isFresh) entry.credentials = { read, at: clock.monotonic(), reference };
    return read.kind === 'Missing' ? { reason: read.reason, message: read.message } : undefined;
  }

  #stop(key: string, entry: Entry): void {
    this.#options.observers.stop(key);
    forgetStanding(entry);
  }

  #observe(key: string, observer: HeatObserver, spec: DefaultedHeatSpec, entry: Entry): void {
    const { observers } = this.#options;
    const order = this.#orderOf(key, observer, spec, entry);
    if (order && observers.observe(key, order))
      entry.known = { ...entry.known, standing: undefined, golden: undefined };
    // A cut through a surrogate pair would come back from the server as another text, and be taken for a new token.
    const asked = observer.metadata.annotations?.[annotations.verify]?.slice(0, maxTokenLength).toWellFormed();
    if (asked === undefined || asked === entry.asked) return;
    entry.asked = asked;
    observers.verify(key, asked);
  }

  #orderOf(name: string, { metadata }: HeatObserver, spec: DefaultedHeatSpec, entry: Entry): Order | undefined {
    const endpoint = redisEndpoint(spec.redis.url);
    const credentials = entry.credentials?.read;
    if (!endpoint || credentials?.kind !== 'Known') return undefined;
    const { lookupPrefix, streams, late, maxRedisErrors, deduplicationSeconds, maxObservedEntries, golden } = spec;
    const { password, ca } = credentials;
    const { plans, observed, deadLetter, decisions } = streams;
    return {
      namespace: metadata.namespace,
      settings: {
        ...{ name, lookupPrefix, late, maxRedisErrors, deduplicationSeconds, maxObservedEntries },
        streams: { plans, observed, deadLetter },
      },
      decisionsStream: decisions,
      golden,
      redis: { endpoint, username: spec.redis.username, password, ca, serverName: spec.redis.tls.serverName },
      hosts: this.#options.hosts,
      isNew: entry.isNew,
    };
  }

  async #writeStatus(
    observer: HeatObserver,
    obstacle: Obstacle | undefined,
    entry: Entry,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { client, store, clock } = this.#options;
    const again = obstacle ? missingMilliseconds : figuresMilliseconds;
    const status = heatStatus(observer, obstacle, entry.known, entry.base, clock.now(), clock.monotonic());
    const isDue = clock.monotonic() - entry.writtenAt >= figuresMilliseconds;
    if (saysTheSame(status, observer.status) && !(isDue && !isDeepStrictEqual(status, observer.status))) {
      return { kind: 'requeueAfter', milliseconds: again };
    }
    try {
      store.absorb(await client.replaceStatus<HeatObserver>(heatObservers, observer, status, signal));
      entry.writtenAt = clock.monotonic();
    } catch (error) {
      if (isApiError(error, 'Conflict')) return { kind: 'requeueAfter', milliseconds: 1_000 };
      if (isApiError(error, 'NotFound')) return done;
      throw error;
    }
    return { kind: 'requeueAfter', milliseconds: again };
  }
}

/** Golden verifications that it was asked for are asked for again. */
function forgetStanding(entry: Entry): void {
  entry.known = { ...entry.known, standing: undefined };
  entry.asked = entry.known.handledVerify;
}
