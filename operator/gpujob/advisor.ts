// What else could be moved to let a waiting job start, sought now and then: to try out moves of running jobs costs some
// milliseconds, so each kind of job is looked at once in a while, and others wait for their turn. It moves nothing.
import { adviseMove, type Movable } from '../placement/advice/move.ts';
import type { Demand } from '../placement/choice/demand.ts';
import { shapeKey } from '../placement/fit/shape.ts';
import type { Inventory } from '../placement/inventory/inventory.ts';
import type { Policy, Workload } from '../placement/model.ts';
import { adviceWords } from '../placement/words/advice.ts';
import type { Clock } from '../runtime/clock.ts';

/** How long an answer stands: as long as a waiting job's message does. */
const standsMilliseconds = 300_000;
/** No two are sought in less. */
const betweenMilliseconds = 1_000;
const mostRemembered = 1_000;

export interface AdvisorOptions {
  readonly inventory: Inventory;
  readonly policies: () => ReadonlyMap<string, Policy>;
  readonly demand: () => Demand;
  readonly clock: Clock;
  /** Runs that could be moved, those that would lose least first. */
  readonly movable: () => readonly Movable[];
}

interface Answer {
  readonly words: string | undefined;
  readonly at: number;
}

export class Advisor {
  readonly #options: AdvisorOptions;
  /** By namespace and kind of job: another namespace's jobs aren't named. */
  readonly #answers = new Map<string, Answer>();
  #soughtAt = Number.NEGATIVE_INFINITY;

  constructor(options: AdvisorOptions) {
    this.#options = options;
  }

  /** Which running job, moved, would let this one start, and what that would cost; undefined where none is known. */
  adviceFor(workload: Workload): string | undefined {
    const key = `${workload.namespace} ${shapeKey(workload)}`;
    const known = this.#answers.get(key);
    const now = this.#options.clock.monotonic();
    const isFresh = known !== undefined && now - known.at < standsMilliseconds;
    if (isFresh || now - this.#soughtAt < betweenMilliseconds) return known?.words;
    this.#soughtAt = now;
    const words = this.#seek(workload);
    if (this.#answers.size >= mostRemembered) this.#answers.clear();
    this.#answers.set(key, { words, at: now });
    return words;
  }

  #seek(workload: Workload): string | undefined {
    const { clock, inventory, policies, demand, movable } = this.#options;
    const all = policies();
    const policyOf = ({ policyName }: Workload): Policy | undefined => all.get(policyName);
    const move = adviseMove({ inventory, demand: demand(), policyOf }, workload, movable());
    return move && adviceWords(move, workload.namespace, clock.now());
  }
}
