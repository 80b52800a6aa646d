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
  readonly isKeptFrom: (uid: string, node: string) => boolean;
  readonly clock: Clock;
  /** Runs that could be moved, those that would lose least first. */
  readonly movable: () => readonly Movable[];
}

interface Kind {
  readonly words: string | undefined;
  readonly soughtAt: number;
  readonly turnedAwayAt: number;
}

const never = Number.NEGATIVE_INFINITY;
const unknown: Kind = { words: undefined, soughtAt: never, turnedAwayAt: never };

export class Advisor {
  readonly #options: AdvisorOptions;
  /** By namespace, as another one's jobs aren't named; by priority, as more important work isn't moved; by kind of job. */
  readonly #kinds = new Map<string, Kind>();
  #soughtAt = never;

  constructor(options: AdvisorOptions) {
    this.#options = options;
  }

  /** Which running job, moved, would let this one start, and what that would cost; undefined where none is known. */
  adviceFor(workload: Workload): string | undefined {
    const key = `${workload.namespace} ${workload.priority} ${shapeKey(workload)}`;
    const kind = this.#kinds.get(key) ?? unknown;
    const now = this.#options.clock.monotonic();
    if (now - kind.soughtAt < standsMilliseconds) return kind.words;
    if (now - this.#soughtAt < betweenMilliseconds || this.#isOutOfTurn(kind, now)) {
      this.#remember(key, { ...kind, turnedAwayAt: now });
      return kind.words;
    }
    this.#soughtAt = now;
    const words = this.#seek(workload);
    this.#remember(key, { words, soughtAt: now, turnedAwayAt: never });
    return words;
  }

  /**
   * Jobs that came together ask together ever after, always in the same order: were the first served each time, the others
   * never would be. Who was turned away and comes no more is not waited for.
   */
  #isOutOfTurn({ soughtAt }: Kind, now: number): boolean {
    for (const other of this.#kinds.values()) {
      if (other.soughtAt < soughtAt && now - other.turnedAwayAt < 2 * standsMilliseconds) return true;
    }
    return false;
  }

  /** What was looked at longest ago goes first. */
  #remember(key: string, kind: Kind): void {
    this.#kinds.delete(key);
    this.#kinds.set(key, kind);
    const [oldest] = this.#kinds.keys();
    if (this.#kinds.size > mostRemembered && oldest !== undefined) this.#kinds.delete(oldest);
  }

  #seek(workload: Workload): string | undefined {
    const { clock, inventory, policies, demand, isKeptFrom, movable } = this.#options;
    const all = policies();
    const policyOf = ({ policyName }: Workload): Policy | undefined => all.get(policyName);
    const move = adviseMove({ inventory, demand: demand(), policyOf, isKeptFrom }, workload, movable());
    return move && adviceWords(move, workload.namespace, clock.now());
  }
}
