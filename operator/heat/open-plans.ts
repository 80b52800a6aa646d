// The plans that are awaited, and when each must be looked at for the last time. Data only: it asks nothing and no clock.
import type { Plan } from './plan.ts';

export interface OpenPlan extends Plan {
  /** By our monotonic clock, in milliseconds. */
  readonly dueAt: number;
  /** Beginning: not known to stand in Redis yet. Asked: a look is under way. */
  state: 'Beginning' | 'Waiting' | 'Asked';
  /** Something says that its key is there. */
  isHinted: boolean;
  isDue: boolean;
  errors: number;
}

/** Deadlines are kept in slots of so many milliseconds: finding those that are due costs nothing for those that aren't. */
const slotMilliseconds = 4;

export class OpenPlans {
  readonly #byID = new Map<string, OpenPlan>();
  readonly #slots = new Map<number, OpenPlan[]>();
  #lastSlot: number | undefined;

  get size(): number {
    return this.#byID.size;
  }

  get(planID: string): OpenPlan | undefined {
    return this.#byID.get(planID);
  }

  list(): Iterable<OpenPlan> {
    return this.#byID.values();
  }

  add(plan: OpenPlan): void {
    this.#byID.set(plan.planID, plan);
  }

  /** From now on its deadline counts. What is due already comes with the next `due`. */
  await(plan: OpenPlan): void {
    const slot = Math.max(slotOf(plan.dueAt), (this.#lastSlot ?? -Infinity) + 1);
    const plans = this.#slots.get(slot);
    if (plans) plans.push(plan);
    else this.#slots.set(slot, [plan]);
  }

  remove(plan: OpenPlan): void {
    if (this.#byID.get(plan.planID) === plan) this.#byID.delete(plan.planID);
  }

  /** Those whose deadline has come since the last time, if they are still open. */
  due(nowMilliseconds: number): OpenPlan[] {
    const slot = slotOf(nowMilliseconds) - 1;
    const found: OpenPlan[] = [];
    const take = (number: number): void => {
      for (const plan of this.#slots.get(number) ?? []) if (this.#byID.get(plan.planID) === plan) found.push(plan);
      this.#slots.delete(number);
    };
    const first = this.#lastSlot === undefined ? undefined : this.#lastSlot + 1;
    // At first, and after a long sleep, there are fewer slots in use than have passed.
    if (first === undefined || slot - first > this.#slots.size) {
      const past = [...this.#slots.keys()].filter((number) => number <= slot);
      for (const number of past.sort((a, b) => a - b)) take(number);
    } else {
      for (let number = first; number <= slot; number += 1) take(number);
    }
    this.#lastSlot = Math.max(slot, this.#lastSlot ?? slot);
    return found;
  }
}

function slotOf(milliseconds: number): number {
  return Math.floor(milliseconds / slotMilliseconds);
}
