// One pure pass over the queue: a verdict for every workload, placements that see each other, and the memory for the next pass.
// No clock, no randomness, no I/O; the inventory is as before when it returns.
import { policyNotFound, withHope, withoutHope } from '../words/explain.ts';
import { hasFreeCardsOn, holdCandidates, Holds, nodesToHold, stillFitsOn } from './holds.ts';
import type { HoldCandidates, Waiter } from './holds.ts';
import { backendOf } from '../cards/backend-of.ts';
import type {
  Ask,
  CardClaim,
  CardOnNode,
  CardPool,
  DeviceTerms,
  PlacedWorkers,
  Placement,
  Policy,
  QueueMemory,
  Reservation,
  ScoreSignals,
  Verdict,
  Workload,
} from '../model.ts';
import { asksShares, takenOfCard } from '../fit/room.ts';
import type { Draft, Inventory } from '../inventory/inventory.ts';
import { sceneOf } from '../scene/record-scene.ts';
import type { Scene } from '../scene/scene.ts';
import { type Demand, noDemand } from '../choice/demand.ts';
import type { Places, SearchContext } from '../choice/search.ts';
import { choosePlaces } from '../choice/search.ts';
import { buildShape, shapeKey, withCards } from '../fit/shape.ts';
import type { Shape } from '../fit/shape.ts';
import { Patience, startingSites, WantedNodes } from './starvation.ts';

export interface PlanInput {
  readonly queue: readonly Workload[];
  readonly inventory: Inventory;
  readonly policies: ReadonlyMap<string, Policy>;
  readonly memory: QueueMemory;
  readonly nowMilliseconds: number;
  /** What was asked for lately; absent: nothing, and nodes are simply filled one after the other. */
  readonly demand?: Demand;
  /** Whether a placement comes with what it was chosen from. */
  readonly withScenes?: boolean;
}

export interface Plan {
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly memory: QueueMemory;
}

/** Total: every workload of the queue gets a verdict, whatever it asks. */
export function plan(input: PlanInput): Plan {
  return input.inventory.inDraft((draft) => new Pass(input, draft).run());
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
    perWorker: withCards(workload.perWorker, placement.backend, placement.resourceName, workload.gpus),
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
  readonly #holds = new Holds();
  readonly #candidates = new Map<Shape, HoldCandidates>();
  /** Nodes that a starving job could use which can't have enough kept yet. */
  readonly #owed = new WantedNodes();

  constructor(input: PlanInput, draft: Draft) {
    this.#input = input;
    this.#draft = draft;
    this.#queue = inQueueOrder(input.queue);
    this.#patience = new Patience(input.memory, input.nowMilliseconds, input.inventory);
    this.#holdWhatWasHeld();
  }

  run(): Plan {
    for (const workload of this.#queue) this.#verdicts.set(workload.uid, this.#judge(workload));
    return { verdicts: this.#verdicts, memory: { ...this.#patience.remember(), held: this.#holds.remember() } };
  }

  #judge(workload: Workload): Verdict {
    const policy = this.#input.policies.get(workload.policyName);
    if (policy === undefined) return policyNotFound(workload.policyName, this.#input.policies.keys());
    const refusal = policy.refusalOf?.(workload.namespace);
    if (refusal !== undefined) return { kind: 'Waiting', ...refusal };
    const known = this.#shapeOf(workload, policy);
    if (known.shape.hopeful.length === 0) {
      known.verdict ??= withoutHope(this.#input.inventory, workload, known.shape);
      return known.verdict;
    }
    if (known.verdict === undefined || this.#holds.nodesOf(workload.uid) !== undefined) {
      const places = this.#choose(workload, known.shape, policy);
      if (places !== undefined) return this.#place(workload, policy, places, this.#sceneOf(workload, policy, known));
    }
    return this.#wait(workload, policy, known);
  }

  /** Before the places are taken. */
  #sceneOf(workload: Workload, policy: Policy, { shape }: KnownShape): { scene?: Scene } {
    if (this.#input.withScenes !== true) return {};
    return { scene: sceneOf(this.#contextFor(workload, policy, shape), workload, shape) };
  }

  #place(workload: Workload, policy: Policy, places: Places, scene: { scene?: Scene }): Verdict {
    for (const { node, cards } of places.workers) this.#draft.take(node, places.group.perWorker, cards);
    if (this.#holds.nodesOf(workload.uid) !== undefined) this.#letGo(workload.uid);
    this.#holdFor(this.#patience.wasPlaced(places.workers.map(({ node }) => node)));
    return { kind: 'Placed', placement: placementOf(workload, policy, places), ...scene };
  }

  #wait(workload: Workload, policy: Policy, known: KnownShape): Verdict {
    known.verdict ??= withHope(this.#contextFor(workload, policy, known.shape), workload, known.shape);
    const waiter = { workload, shape: known.shape };
    if (this.#patience.mustWait(waiter, this.#holds.nodesOf(workload.uid))) this.#holdFor([waiter]);
    return known.verdict;
  }

  /** What is to be avoided is left out first, and taken where nothing else fits. */
  #choose(workload: Workload, shape: Shape, policy: Policy): Places | undefined {
    const context = this.#contextFor(workload, policy, shape);
    const { avoidNodes, avoidCards } = workload;
    if (avoidNodes.length === 0 && avoidCards.length === 0) return choosePlaces(context, shape);
    const avoided = new Set(avoidNodes);
    const careful = { ...context, isLeftOut: (node: string) => avoided.has(node) || context.isLeftOut(node) };
    return this.#withoutCards(avoidCards, () => choosePlaces(careful, shape)) ?? choosePlaces(context, shape);
  }

  /** As if somebody had them. */
  #withoutCards<T>(cards: readonly CardOnNode[], choose: () => T): T {
    const { inventory } = this.#input;
    return inventory.inDraft((draft) => {
      for (const card of cards) draft.take(card.node, {}, inventory.restOf(card));
      return choose();
    });
  }

  #contextFor(workload: Workload, policy: Policy, shape: Shape): SearchContext {
    return {
      inventory: this.#input.inventory,
      demand: this.#input.demand ?? noDemand,
      scoring: { weights: policy.weights, sizes: shape.sizes, signals: policy.signals ?? noSignals },
      isLeftOut: (node) => this.#holds.isKeptFrom(workload.uid, node),
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
  #holdWhatWasHeld(): void {
    const nodesByUid = new Map(this.#input.memory.held.map(({ uid, nodes }) => [uid, nodes]));
    if (nodesByUid.size === 0) return;
    for (const workload of this.#queue) {
      const nodes = nodesByUid.get(workload.uid);
      const policy = this.#input.policies.get(workload.policyName);
      if (nodes === undefined || policy === undefined) continue;
      const { shape } = this.#shapeOf(workload, policy);
      if (stillFitsOn(this.#input.inventory, shape, nodes)) this.#holds.keep(workload.uid, nodes);
    }
  }

  /**
   * In queue order. While a starving job finds too few nodes that aren't kept, those behind it get none of the nodes that it
   * could use: else they would keep them in turns, and a gang would starve behind them.
   */
  #holdFor(starving: readonly Waiter[]): void {
    for (const waiter of starving) {
      const { workload, shape } = waiter;
      if (this.#holds.nodesOf(workload.uid) !== undefined) continue;
      const sites = startingSites(shape);
      if (this.#owed.includeAny(sites)) continue;
      const candidates = this.#candidatesOf(shape);
      const nodes = nodesToHold(candidates, waiter, (node) => this.#holds.isKept(node));
      if (nodes !== undefined) this.#holds.keep(workload.uid, nodes);
      else if (nodesToHold(candidates, waiter, () => false) !== undefined) this.#owed.addSites(sites);
      else this.#candidates.set(shape, []);
    }
  }

  /** As they are when a pass first asks; none where they are too few in any case. */
  #candidatesOf(shape: Shape): HoldCandidates {
    const candidates = this.#candidates.get(shape) ?? holdCandidates(this.#input.inventory, shape);
    this.#candidates.set(shape, candidates);
    return candidates;
  }

  /** What was said so far is no answer for those who come later in the queue and could have the room that is left there. */
  #letGo(uid: string): void {
    const nodes = this.#holds.nodesOf(uid) ?? [];
    this.#holds.letGo(uid);
    for (const known of this.#shapes.values()) {
      if (hasFreeCardsOn(this.#input.inventory, known.shape, nodes)) known.verdict = undefined;
    }
  }
}

/** So many identities of 64 characters go into one selector, which holds 10 KiB (k8s.io/api/resource/v1). */
const maxPinnedCards = 128;

function placementOf(workload: Workload, policy: Policy, { group, ask, workers }: Places): Placement {
  const { pool } = group;
  const pinned = pool.devices !== undefined && workload.gpus * workload.workers <= maxPinnedCards;
  const byNode = Map.groupBy(workers, ({ node }) => node);
  const placed: PlacedWorkers[] = [...byNode.keys()].sort().map((node) => {
    const there = byNode.get(node) ?? [];
    const cards = there.flatMap((worker) => (worker.cards ?? []).map(({ card }) => card.device.identity));
    return { node, count: there.length, ...(pinned ? { cards } : {}) };
  });
  return {
    workers: placed,
    resourceName: group.resourceName,
    product: group.product,
    cardVRAMMebibytes: Math.min(...workers.map(({ vramMebibytes }) => vramMebibytes)),
    policyVersion: policy.version,
    decisionID: `${workload.uid}-${workload.run}`,
    backend: backendOf(pool),
    ...(pool.devices === undefined ? {} : { claim: claimOn(ask, pool, pool.devices) }),
    ...(pool.isUnfenced === true && ask.isolation === 'Shared' ? { isUnfenced: true } : {}),
  };
}

/** Whole: all of each capacity, so that nobody else's claim fits beside it. A share: its VRAM and the least of the rest. */
function claimOn(ask: Ask, pool: CardPool, terms: DeviceTerms): CardClaim {
  const { driver, identityAttribute, match, memory, whole, shares } = terms;
  const mebibytes = takenOfCard(ask, pool);
  // HAMi's resource counts MiB itself: to it `30Gi` would be thousands of cards.
  const share = terms.byLimits === true ? String(mebibytes) : `${mebibytes}Mi`;
  const requests = shares !== undefined && asksShares(ask, pool) ? { ...shares.besides, [memory]: share } : whole;
  return { driver, gpus: ask.gpus, identityAttribute, match, requests, mebibytes };
}
