// One pure pass over the queue: a verdict for every workload, placements that see each other, and the memory for the next pass.
// No clock, no randomness, no I/O; the inventory is as before when it returns.
import { policyNotFound, withHope, withoutHope } from './explain.ts';
import type { Draft, Inventory } from './inventory.ts';
import type {
  HeldNodes,
  PlacedWorkers,
  Placement,
  Policy,
  QueueMemory,
  Reservation,
  ScoreSignals,
  Verdict,
  Workload,
} from './model.ts';
import type { Places, SearchContext } from './search.ts';
import { choosePlaces } from './search.ts';
import { buildShape, shapeKey, withCards } from './shape.ts';
import type { Shape } from './shape.ts';
import { nodesToHold, Patience, stillFitsOn } from './starvation.ts';

export interface PlanInput {
  readonly queue: readonly Workload[];
  readonly inventory: Inventory;
  readonly policies: ReadonlyMap<string, Policy>;
  readonly memory: QueueMemory;
  readonly nowMilliseconds: number;
  /** Behind Cost, Reliability and Heat; what is missing is neutral. */
  readonly signals?: ScoreSignals;
}

export interface Plan {
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly memory: QueueMemory;
}

/** Total: every workload of the queue gets a verdict, whatever it asks. */
export function plan(input: PlanInput): Plan {
  const draft = input.inventory.draft();
  try {
    return new Pass(input, draft).run();
  } finally {
    draft.giveBackTo(0);
  }
}

/** Priority first, then age, then uid: a total order. */
export function compareInQueue(one: Workload, other: Workload): number {
  return (
    other.priority - one.priority ||
    one.createdAtMilliseconds - other.createdAtMilliseconds ||
    (one.uid < other.uid ? -1 : one.uid > other.uid ? 1 : 0)
  );
}

/** A queue in order; the same array where it already is. */
export function inQueueOrder(queue: readonly Workload[]): readonly Workload[] {
  const ordered = queue.every((workload, index) => {
    const previous = queue[index - 1];
    return previous === undefined || compareInQueue(previous, workload) <= 0;
  });
  return ordered ? queue : [...queue].sort(compareInQueue);
}

/** What holds a placement's cards from the moment it is decided until its Pods are bound. */
export function reservationFor(workload: Workload, placement: Placement): Reservation {
  return {
    run: `${workload.uid}/${workload.run}`,
    placement,
    perWorker: withCards(workload.perWorker, placement.resourceName, workload.gpus),
  };
}

interface KnownShape {
  readonly shape: Shape;
  /** The words for all who ask the same: within a pass room only shrinks, so who comes later waits too. */
  verdict: Verdict | undefined;
}

const noSignals: ScoreSignals = {};

class Pass {
  readonly #input: PlanInput;
  readonly #queue: readonly Workload[];
  readonly #draft: Draft;
  readonly #patience: Patience;
  readonly #shapes = new Map<string, KnownShape>();
  readonly #verdicts = new Map<string, Verdict>();
  #held: HeldNodes | undefined;
  #heldNodes: ReadonlySet<string> = new Set();
  /** Starving jobs for which there are no nodes in service to keep; asked once a pass. */
  readonly #unholdable = new Set<string>();

  constructor(input: PlanInput, draft: Draft) {
    this.#input = input;
    this.#draft = draft;
    this.#queue = inQueueOrder(input.queue);
    this.#patience = new Patience(input.memory, input.nowMilliseconds);
    this.#hold(this.#stillHeld());
  }

  run(): Plan {
    for (const workload of this.#queue) this.#verdicts.set(workload.uid, this.#judge(workload));
    return { verdicts: this.#verdicts, memory: this.#patience.remember(this.#held) };
  }

  #judge(workload: Workload): Verdict {
    const policy = this.#input.policies.get(workload.policyName);
    if (policy === undefined) return policyNotFound(workload.policyName, this.#input.policies.keys());
    const known = this.#shapeOf(workload, policy);
    if (known.shape.hopeful.length === 0) {
      known.verdict ??= withoutHope(this.#input.inventory, workload, known.shape);
      return known.verdict;
    }
    const isHolder = this.#held?.uid === workload.uid;
    if (known.verdict === undefined || isHolder) {
      const places = this.#choose(workload, known.shape, policy);
      if (places !== undefined) return this.#place(workload, policy, places);
    }
    return this.#wait(workload, policy, known);
  }

  #place(workload: Workload, policy: Policy, places: Places): Verdict {
    for (const { node } of places.workers) this.#draft.take(node, places.group.perWorker);
    if (this.#held?.uid === workload.uid) this.#letGo();
    this.#patience.wasPlaced();
    this.#holdForStarving();
    return { kind: 'Placed', placement: placementOf(workload, policy, places) };
  }

  #wait(workload: Workload, policy: Policy, known: KnownShape): Verdict {
    known.verdict ??= withHope(this.#contextFor(workload, policy, known.shape), workload, known.shape);
    this.#patience.mustWait(workload.uid, known.shape);
    this.#holdForStarving();
    return known.verdict;
  }

  /** Nodes to avoid are left out first, and taken where nothing else fits. */
  #choose(workload: Workload, shape: Shape, policy: Policy): Places | undefined {
    const context = this.#contextFor(workload, policy, shape);
    if (workload.avoidNodes.length === 0) return choosePlaces(context, shape);
    const avoided = new Set(workload.avoidNodes);
    const careful = { ...context, isLeftOut: (node: string) => avoided.has(node) || context.isLeftOut(node) };
    return choosePlaces(careful, shape) ?? choosePlaces(context, shape);
  }

  #contextFor(workload: Pick<Workload, 'uid'>, policy: Policy, shape: Shape): SearchContext {
    const mayUseHeld = this.#held === undefined || this.#held.uid === workload.uid;
    return {
      inventory: this.#input.inventory,
      scoring: { weights: policy.weights, sizes: shape.sizes, signals: this.#input.signals ?? noSignals },
      isLeftOut: mayUseHeld ? leaveOutNone : (node) => this.#heldNodes.has(node),
    };
  }

  #shapeOf(workload: Workload, policy: Policy): KnownShape {
    const key = shapeKey(workload);
    let known = this.#shapes.get(key);
    if (known === undefined) {
      known = { shape: buildShape(this.#input.inventory, workload, policy), verdict: undefined };
      this.#shapes.set(key, known);
    }
    return known;
  }

  /** What an earlier pass kept stays kept, as long as its job waits and would fit there when empty. */
  #stillHeld(): HeldNodes | undefined {
    const { held } = this.#input.memory;
    const holder = held === undefined ? undefined : this.#queue.find(({ uid }) => uid === held.uid);
    const policy = holder === undefined ? undefined : this.#input.policies.get(holder.policyName);
    if (held === undefined || holder === undefined || policy === undefined) return undefined;
    const { shape } = this.#shapeOf(holder, policy);
    return stillFitsOn(this.#contextFor(holder, policy, shape), shape, held) ? held : undefined;
  }

  #holdForStarving(): void {
    if (this.#held !== undefined) return;
    for (const { uid, shape } of this.#patience.starving()) {
      if (this.#unholdable.has(uid)) continue;
      const holder = this.#queue.find((workload) => workload.uid === uid);
      const policy = this.#input.policies.get(holder?.policyName ?? '');
      if (holder === undefined || policy === undefined) continue;
      const nodes = nodesToHold(this.#contextFor(holder, policy, shape), shape, new Set(holder.avoidNodes));
      if (nodes === undefined) {
        this.#unholdable.add(uid);
        continue;
      }
      this.#hold({ uid, nodes });
      return;
    }
  }

  /** Now there may be room for those who come later in the queue: what was said so far is no answer for them. */
  #letGo(): void {
    this.#hold(undefined);
    for (const known of this.#shapes.values()) known.verdict = undefined;
  }

  #hold(held: HeldNodes | undefined): void {
    this.#held = held;
    this.#heldNodes = new Set(held?.nodes ?? []);
  }
}

function leaveOutNone(): boolean {
  return false;
}

function placementOf(workload: Workload, policy: Policy, { group, workers }: Places): Placement {
  const counts = new Map<string, number>();
  for (const { node } of workers) counts.set(node, (counts.get(node) ?? 0) + 1);
  const placed: PlacedWorkers[] = [...counts.keys()].sort().map((node) => ({ node, count: counts.get(node) ?? 0 }));
  return {
    workers: placed,
    resourceName: group.resourceName,
    product: group.product,
    cardVRAMMebibytes: Math.min(...workers.map(({ vramMebibytes }) => vramMebibytes)),
    policyVersion: policy.version,
    decisionID: `${workload.uid}-${workload.run}`,
    backend: 'DevicePlugin',
  };
}
