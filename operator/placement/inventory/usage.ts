// Who uses what on which node: bound Pods of everybody, and reservations for workers whose Pods aren't bound yet.
// It counts; it doesn't know nodes, cards or sizes.
import type { PodFacts, Reservation, ResourceAmounts } from '../model.ts';
import { workerCount } from '../worker-count.ts';

type Amounts = Map<string, number>;

interface ReservedRun {
  reservation: Reservation | undefined;
  /** Bound Pods of the run by node, finished ones too: a worker once bound needs no reservation any more. */
  readonly bound: Map<string, number>;
  boundCount: number;
  /** By uid, the bound ones. */
  readonly pods: Set<string>;
  /** Workers counted on each node at this moment on behalf of the reservation. */
  outstanding: ReadonlyMap<string, number>;
}

/** Used amounts by node, kept up to date with each change; `onChange` hears of every node whose amounts moved. */
export class Usage {
  readonly #onChange: (node: string) => void;
  readonly #byNode = new Map<string, Amounts>();
  readonly #pods = new Map<string, PodFacts>();
  readonly #runs = new Map<string, ReservedRun>();

  constructor(onChange: (node: string) => void) {
    this.#onChange = onChange;
  }

  amount(node: string, resourceName: string): number {
    return this.#byNode.get(node)?.get(resourceName) ?? 0;
  }

  /** By resource name; nothing that is zero. */
  amounts(node: string): ReadonlyMap<string, number> {
    return this.#byNode.get(node) ?? nothing;
  }

  setPod(pod: PodFacts): void {
    const previous = this.#pods.get(pod.uid);
    if (previous !== undefined) this.#count(previous, -1);
    this.#pods.set(pod.uid, pod);
    this.#count(pod, 1);
    if (previous?.run !== undefined && previous.run !== pod.run) this.#settle(previous.run);
    if (pod.run !== undefined) this.#settle(pod.run);
  }

  removePod(uid: string): void {
    const pod = this.#pods.get(uid);
    if (pod === undefined) return;
    this.#pods.delete(uid);
    this.#count(pod, -1);
    if (pod.run !== undefined) this.#settle(pod.run);
  }

  setReservation(reservation: Reservation): void {
    const run = this.#runOf(reservation.run);
    this.#withdraw(run);
    run.reservation = reservation;
    this.#settle(reservation.run);
  }

  removeReservation(name: string): void {
    const run = this.#runs.get(name);
    if (run === undefined) return;
    this.#withdraw(run);
    run.reservation = undefined;
    this.#settle(name);
  }

  /** One entry for each of its workers that hold something. */
  heldBy(name: string): { readonly node: string; readonly amounts: ResourceAmounts }[] {
    const run = this.#runs.get(name);
    if (run === undefined) return [];
    const pods = [...run.pods].flatMap((uid) => {
      const pod = this.#pods.get(uid);
      return pod === undefined || pod.terminal ? [] : [{ node: pod.nodeName, amounts: pod.requests }];
    });
    const reserved = [...run.outstanding].flatMap(([node, count]) =>
      Array.from({ length: count }, () => ({ node, amounts: run.reservation?.perWorker ?? {} })),
    );
    return [...pods, ...reserved];
  }

  /** Adds `times` the amounts to what is used on a node; negative to take them back. */
  add(node: string, amounts: ResourceAmounts, times: number): void {
    const used = this.#byNode.get(node) ?? new Map<string, number>();
    for (const name in amounts) {
      const next = (used.get(name) ?? 0) + (amounts[name] ?? 0) * times;
      if (next === 0) used.delete(name);
      else used.set(name, next);
    }
    if (used.size === 0) this.#byNode.delete(node);
    else this.#byNode.set(node, used);
    this.#onChange(node);
  }

  #count(pod: PodFacts, sign: 1 | -1): void {
    if (pod.nodeName === '') return;
    if (!pod.terminal) this.add(pod.nodeName, pod.requests, sign);
    if (pod.run === undefined) return;
    const run = this.#runOf(pod.run);
    run.boundCount += sign;
    if (sign === 1) run.pods.add(pod.uid);
    else run.pods.delete(pod.uid);
    const bound = (run.bound.get(pod.nodeName) ?? 0) + sign;
    if (bound === 0) run.bound.delete(pod.nodeName);
    else run.bound.set(pod.nodeName, bound);
  }

  #runOf(name: string): ReservedRun {
    let run = this.#runs.get(name);
    if (run === undefined) {
      run = { reservation: undefined, bound: new Map(), boundCount: 0, pods: new Set(), outstanding: nothing };
      this.#runs.set(name, run);
    }
    return run;
  }

  #withdraw(run: ReservedRun): void {
    const { reservation, outstanding } = run;
    if (reservation === undefined) return;
    run.outstanding = nothing;
    for (const [node, count] of outstanding) this.add(node, reservation.perWorker, -count);
  }

  /** Brings what the reservation counts in line with the Pods bound by now; forgets a run nobody speaks of any more. */
  #settle(name: string): void {
    const run = this.#runs.get(name);
    if (run === undefined) return;
    const wanted = outstandingWorkers(run);
    if (!sameCounts(wanted, run.outstanding)) {
      this.#withdraw(run);
      run.outstanding = wanted;
      for (const [node, count] of wanted) this.add(node, run.reservation?.perWorker ?? {}, count);
    }
    if (run.reservation === undefined && run.boundCount === 0) this.#runs.delete(name);
  }
}

const nothing: ReadonlyMap<string, number> = new Map();

/** Reserved workers without a bound Pod, by node; none once all workers of the run are bound, wherever that is. */
function outstandingWorkers(run: ReservedRun): ReadonlyMap<string, number> {
  const outstanding = new Map<string, number>();
  const workers = run.reservation?.placement.workers ?? [];
  const reserved = workerCount(workers);
  if (run.boundCount >= reserved) return outstanding;
  for (const { node, count } of workers) {
    const missing = count - (run.bound.get(node) ?? 0);
    if (missing > 0) outstanding.set(node, missing);
  }
  return outstanding;
}

function sameCounts(one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): boolean {
  if (one.size !== other.size) return false;
  for (const [node, count] of one) if (other.get(node) !== count) return false;
  return true;
}
