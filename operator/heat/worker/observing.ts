// One HeatObserver in the thread of the observers: golden verification first where it is wanted, then the observer, and every
// second what it has seen.
import type { Clock } from '../../runtime/clock.ts';
import { sleep } from '../../runtime/clock.ts';
import { Counting } from '../figures.ts';
import { verifyGolden } from '../golden.ts';
import { observationPoints } from '../observation.ts';
import { Observer } from '../observer.ts';
import type { OwnPlan } from '../plan-streams.ts';
import { resolveTarget } from '../redis/address.ts';
import { asRedisError } from '../redis/errors.ts';
import { type Link, openLink } from '../redis/link.ts';
import type { FromThread, Order } from './messages.ts';

export interface ObservingOptions {
  readonly key: string;
  readonly order: Order;
  readonly clock: Clock;
  readonly tell: (message: FromThread) => void;
}

const figuresMilliseconds = 1_000;
/** What has no plan yet, or fails, is verified again. */
const goldenMilliseconds = 5_000;
/** Of the plans that were skipped, as many are named in the debug log each time. */
const maxNamed = 100;

export class Observing {
  readonly #options: ObservingOptions;
  readonly #stop = new AbortController();
  readonly #counting: Counting;
  /** Plans that are placements of ours: their heat is read. */
  readonly #own = new Set<string>();
  readonly #observer: Observer;
  #skipped: string[] = [];
  readonly #ended: Promise<void>;

  constructor(options: ObservingOptions) {
    this.#options = options;
    this.#counting = new Counting({
      onObserved: ({ point, found }, planID) => {
        if (point === observationPoints.late && this.#own.delete(planID) && found) void this.#tellHeat(planID);
      },
      onSkipped: (planID) => {
        this.#own.delete(planID);
        if (this.#skipped.length < maxNamed) this.#skipped.push(planID);
      },
    });
    this.#observer = this.#newObserver();
    this.#ended = this.#run(this.#stop.signal);
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('told to stop'));
    await this.#ended;
  }

  /** On request; `token` names it. */
  async verify(token: string | undefined): Promise<void> {
    const { key, tell } = this.#options;
    const result = await this.#golden();
    tell({ kind: 'Golden', key, result, token });
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { order } = this.#options;
    try {
      if (order.golden === 'Require') await this.#untilGolden(signal);
      else if (order.golden === 'Warn') void this.verify(undefined);
      const telling = this.#tellFigures(this.#observer, signal);
      await this.#observer.run(signal);
      await telling;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async publish(plan: OwnPlan): Promise<void> {
    this.#own.add(plan.planID);
    if (!(await this.#observer.publish(plan))) this.#own.delete(plan.planID);
  }

  async #tellHeat(planID: string): Promise<void> {
    const { key, tell } = this.#options;
    const heat = await this.#observer.heatOf(planID);
    if (heat !== undefined) tell({ kind: 'Heat', key, planID, heat });
  }

  async #untilGolden(signal: AbortSignal): Promise<void> {
    const { key, tell, clock } = this.#options;
    for (;;) {
      const result = await this.#golden();
      tell({ kind: 'Golden', key, result, token: undefined });
      if (result.kind === 'Passed') return;
      await sleep(clock, goldenMilliseconds, signal);
    }
  }

  #newObserver(): Observer {
    const { key, order, clock, tell } = this.#options;
    return new Observer({
      settings: order.settings,
      database: order.redis.endpoint.database,
      isNew: order.isNew,
      open: () => this.#open(),
      clock,
      random: Math.random,
      events: this.#counting,
      onStanding: (standing) => {
        if (standing.kind === 'Reading') tell({ kind: 'Reading', key, hints: standing.hints });
        else tell({ kind: 'Failing', key, error: standing.error.kind, message: standing.error.message });
      },
    });
  }

  async #open(): Promise<Link> {
    const { order, clock } = this.#options;
    const { endpoint, username, password, ca, serverName } = order.redis;
    const host = await resolveTarget(endpoint.host, order.namespace, order.hosts);
    const tls = endpoint.tls ? { ca, serverName: serverName ?? endpoint.host } : undefined;
    return openLink({ host, port: endpoint.port, database: endpoint.database, username, password, tls }, clock);
  }

  async #golden() {
    const { order, clock } = this.#options;
    let link: Link | undefined;
    try {
      link = await this.#open();
      const { settings, decisionsStream } = order;
      const { lookupPrefix, streams } = settings;
      const patience = { milliseconds: settings.late.maxWaitMilliseconds, clock, signal: this.#stop.signal };
      return await verifyGolden(link, { lookupPrefix, plans: streams.plans, decisions: decisionsStream }, patience);
    } catch (error) {
      return { kind: 'Failed' as const, words: `it could not be verified: ${asRedisError(error).message}` };
    } finally {
      link?.close();
    }
  }

  async #tellFigures(observer: Observer, signal: AbortSignal): Promise<void> {
    const { key, clock, tell } = this.#options;
    while (!signal.aborted) {
      await sleep(clock, figuresMilliseconds, signal).catch(() => undefined);
      const standing = await observer.standing().catch(() => undefined);
      const now = { inFlight: observer.inFlight, lag: standing?.lag, pending: standing?.pending };
      tell({ kind: 'Figures', key, figures: this.#counting.take(now), skippedPlans: this.#skipped });
      this.#skipped = [];
    }
  }
}
