// Keeps the planner's question and answers: who waits, what was decided, which reservations hold. It runs one pass at a
// time, coalesced, and tells whose answer changed; it writes nothing anywhere.
import { isDeepStrictEqual } from 'node:util';
import type { Inventory } from '../placement/inventory/inventory.ts';
import { emptyQueueMemory, type Policy, type QueueMemory, type Verdict, type Workload } from '../placement/model.ts';
import { plan, reservationFor } from '../placement/queue/planner.ts';
import { type Demand, RecentDemand } from '../placement/choice/demand.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { runKey } from './reservation.ts';

/** After a pass of n milliseconds the next one waits n times this, so that planning leaves most of the time to the rest. */
const restFactor = 4;
/** The starvation rule needs a look at the clock even where nothing changes. */
const idlePassMilliseconds = 5_000;

export interface DispatcherOptions {
  readonly inventory: Inventory;
  readonly policies: () => ReadonlyMap<string, Policy>;
  readonly clock: Clock;
  /** Whether somebody keeps what placements are chosen from. */
  readonly withScenes: boolean;
  /** Called for each workload whose verdict changed in a way that somebody has to act on. */
  readonly onVerdict: (workload: Workload) => void;
  readonly onPass?: (pass: PassReport) => void;
}

export interface PassReport {
  readonly milliseconds: number;
  readonly waiting: ReadonlyMap<string, { readonly workload: Workload; readonly verdict: Verdict }>;
}

interface Entry {
  workload: Workload;
  verdict: Verdict | undefined;
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #demand = new RecentDemand();
  #memory: QueueMemory = emptyQueueMemory;
  #timer: Timer | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #restUntil = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** The answer to exactly this workload; undefined while there is none. */
  verdictOn(workload: Workload): Verdict | undefined {
    const entry = this.#entries.get(workload.uid);
    return entry && isDeepStrictEqual(entry.workload, workload) ? entry.verdict : undefined;
  }

  /** A job that is there, waiting or not: once for each. */
  note(workload: Workload): void {
    this.#demand.note(workload);
  }

  /** Joins the queue, or asks anew when the question has changed. */
  submit(workload: Workload): void {
    const entry = this.#entries.get(workload.uid);
    if (entry && isDeepStrictEqual(entry.workload, workload)) return;
    if (entry) this.#release(entry);
    this.#entries.set(workload.uid, { workload, verdict: undefined });
    this.planSoon();
  }

  /** Leaves the queue. A placement that has become a Job keeps its cards: its Job holds the reservation from then on. */
  withdraw(uid: string, carriedOut: boolean): void {
    const entry = this.#entries.get(uid);
    if (!entry) return;
    this.#entries.delete(uid);
    if (!carriedOut) this.#release(entry);
  }

  /** What was asked for lately. */
  demand(): Demand {
    return this.#demand.current(() => this.#options.inventory.cardsByProduct());
  }

  /** Whether a node is kept for another job, which has waited too long. */
  isKeptFrom(uid: string, node: string): boolean {
    return this.#memory.held.some((hold) => hold.uid !== uid && hold.nodes.includes(node));
  }

  /** Something that a verdict may depend on has changed. */
  planSoon(): void {
    this.#planWithin(0);
  }

  /**
   * Gives back what is promised and not carried out: the inventory outlives a leader's term. A term may end between a Job
   * and the status that tells of it; then its Job holds the cards.
   */
  stop(isCarriedOut: (workload: Workload) => boolean): void {
    for (const { workload } of [...this.#entries.values()]) this.withdraw(workload.uid, isCarriedOut(workload));
    this.#timer?.cancel();
  }

  #release(entry: Entry): void {
    if (entry.verdict?.kind !== 'Placed') return;
    this.#options.inventory.removeReservation(runKey(entry.workload.uid, entry.workload.run));
    this.planSoon();
  }

  #planWithin(milliseconds: number): void {
    const { clock } = this.#options;
    const at = Math.max(clock.monotonic() + milliseconds, this.#restUntil);
    if (at >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = clock.setTimeout(
      () => {
        this.#pass();
      },
      Math.max(0, at - clock.monotonic()),
    );
  }

  #pass(): void {
    const { clock, inventory, policies, withScenes } = this.#options;
    const started = clock.monotonic();
    this.#timerAt = Number.POSITIVE_INFINITY;
    const waiting = [...this.#entries.values()].filter((entry) => entry.verdict?.kind !== 'Placed');
    if (waiting.length > 0) {
      const { verdicts, memory } = plan({
        queue: waiting.map((entry) => entry.workload),
        inventory,
        policies: policies(),
        memory: this.#memory,
        nowMilliseconds: clock.now(),
        demand: this.demand(),
        withScenes,
      });
      this.#memory = memory;
      for (const entry of waiting) this.#take(entry, verdicts.get(entry.workload.uid));
    }
    this.#report(clock.monotonic() - started);
  }

  #take(entry: Entry, verdict: Verdict | undefined): void {
    const before = entry.verdict;
    entry.verdict = verdict;
    if (!verdict) return;
    if (verdict.kind === 'Placed')
      this.#options.inventory.setReservation(reservationFor(entry.workload, verdict.placement));
    const sameReason = before?.kind === 'Waiting' && verdict.kind === 'Waiting' && before.reason === verdict.reason;
    if (!sameReason) this.#options.onVerdict(entry.workload);
  }

  #report(milliseconds: number): void {
    this.#restUntil = this.#options.clock.monotonic() + milliseconds * restFactor;
    const waiting = new Map<string, { workload: Workload; verdict: Verdict }>();
    for (const [uid, { workload, verdict }] of this.#entries) {
      if (verdict?.kind === 'Waiting') waiting.set(uid, { workload, verdict });
    }
    this.#options.onPass?.({ milliseconds, waiting });
    if (waiting.size > 0) this.#planWithin(idlePassMilliseconds);
  }
}
