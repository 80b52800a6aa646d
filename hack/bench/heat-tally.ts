// What stands in the output stream, beside what was published: lost, doubled, missed, and how long after its key a plan was
// observed. Pure; it believes nothing that an observer says of itself.
import { numberOf } from './heat-scene.ts';

export interface Observation {
  readonly plan_id: string;
  readonly obs_point: string;
  readonly heat_found: string;
  readonly ts: string;
  readonly waited_exact_ms?: string;
}

export interface TallyOptions {
  /** Plans that were published, numbered from 0. */
  readonly plans: number;
  /** By plan: when its key was set, epoch milliseconds; 0: never. */
  readonly keysSetAt: Float64Array;
  readonly maxWaitMilliseconds: number;
  /** Latencies are of observations made in this span; lost and doubled are of all. */
  readonly fromMilliseconds: number;
  readonly toMilliseconds: number;
}

export class Tally {
  readonly #options: TallyOptions;
  readonly #early: Uint8Array;
  readonly #late: Uint8Array;
  readonly detectionMilliseconds: number[] = [];
  /** Said to have no key, though it had one well before the deadline. */
  missed = 0;
  #found = 0;

  constructor(options: TallyOptions) {
    this.#options = options;
    this.#early = new Uint8Array(options.plans);
    this.#late = new Uint8Array(options.plans);
  }

  add(observation: Observation): void {
    const number = numberOf(observation.plan_id);
    const times = observation.obs_point === 'create_apply_plan' ? this.#early : this.#late;
    times[number] = Math.min(255, (times[number] ?? 0) + 1);
    if (times === this.#late) this.#addLate(observation, this.#options.keysSetAt[number] ?? 0);
  }

  #addLate({ heat_found, ts, waited_exact_ms }: Observation, setAt: number): void {
    const { maxWaitMilliseconds, fromMilliseconds, toMilliseconds } = this.#options;
    const at = Number(ts);
    if (heat_found === '1') {
      this.#found += 1;
      // Both by Redis' clock; `ts` has no fractions.
      if (at >= fromMilliseconds && at < toMilliseconds) this.detectionMilliseconds.push(at - Math.floor(setAt));
      return;
    }
    const deadline = at - Number(waited_exact_ms) + maxWaitMilliseconds;
    if (setAt > 0 && setAt < deadline - 1) this.missed += 1;
  }

  /** Share of the plans whose key the late observation found. */
  get coverage(): number {
    return this.#found / this.#options.plans;
  }

  /** Observations that aren't there. A plan that was skipped has no late one. */
  lost(skipped: number): number {
    const missing = (counts: Uint8Array): number => counts.reduce((sum, times) => sum + (times === 0 ? 1 : 0), 0);
    return missing(this.#early) + missing(this.#late) - skipped;
  }

  /** Observations that are there once more than they should be. */
  get doubled(): number {
    const extra = (counts: Uint8Array): number => counts.reduce((sum, times) => sum + Math.max(0, times - 1), 0);
    return extra(this.#early) + extra(this.#late);
  }
}
