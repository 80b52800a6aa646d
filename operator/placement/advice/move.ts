// What would let a waiting job start: one running job moved to where it fits as well. Advice and nothing else: moving ends a run,
// and whether that is worth it is for its owner to say. Pure; the inventory is as before when it returns.
import type { Demand } from '../choice/demand.ts';
import { choosePlaces, type Places, type SearchContext } from '../choice/search.ts';
import { buildShape, type Shape } from '../fit/shape.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { Policy, Workload } from '../model.ts';

/** A run of one worker that could be ended and started elsewhere. */
export interface Movable {
  /** As if it were to be placed anew. */
  readonly workload: Workload;
  /** The run that holds cards now, as in PodFacts.run. */
  readonly run: string;
  readonly node: string;
  readonly startedAtMilliseconds: number;
}

export interface Move {
  readonly moved: Movable;
  /** Where it would go. */
  readonly to: string;
  /** Where the waiting job would start then: its nodes, each once. */
  readonly then: readonly string[];
}

export interface AdviceContext {
  readonly inventory: Inventory;
  readonly demand: Demand;
  readonly policyOf: (workload: Workload) => Policy | undefined;
  /** Whether a node is kept for another job, which has waited too long. */
  readonly isKeptFrom: (uid: string, node: string) => boolean;
}

/**
 * The first of these whose move would do, in the order in which they are given. None of a higher priority: to end more
 * important work for less important is no advice. None where there is room as it is: then the job waits for its turn.
 */
export function adviseMove(context: AdviceContext, waiting: Workload, movables: readonly Movable[]): Move | undefined {
  const asks = searchFor(context, waiting);
  if (asks === undefined || asks.shape.usable.length === 0) return undefined;
  if (choosePlaces(asks.search, asks.shape) !== undefined) return undefined;
  for (const moved of movables) {
    if (moved.workload.priority > waiting.priority) continue;
    const move = tryMove(context, asks, moved);
    if (move !== undefined) return move;
  }
  return undefined;
}

interface Asks {
  readonly shape: Shape;
  readonly search: SearchContext;
}

/** Undefined: no policy serves it now, so it would be placed nowhere. */
function searchFor({ inventory, demand, policyOf, isKeptFrom }: AdviceContext, workload: Workload): Asks | undefined {
  const policy = policyOf(workload);
  if (policy === undefined || policy.refusalOf?.(workload.namespace) !== undefined) return undefined;
  const shape = buildShape(inventory, workload, policy);
  const scoring = { weights: policy.weights, sizes: shape.sizes, signals: policy.signals ?? {} };
  const isLeftOut = (node: string): boolean => isKeptFrom(workload.uid, node);
  return { shape, search: { inventory, demand, scoring, isLeftOut } };
}

/** Only where it stands in the way: the waiting job must start on the node that it leaves. */
function tryMove(context: AdviceContext, { shape, search }: Asks, moved: Movable): Move | undefined {
  const { inventory } = context;
  return inventory.inDraft((draft) => {
    for (const { node, amounts, cards } of inventory.heldBy(moved.run)) draft.lift(node, amounts, cards);
    const places = choosePlaces(search, shape);
    if (places === undefined || !places.workers.some(({ node }) => node === moved.node)) return undefined;
    for (const { node, cards } of places.workers) draft.take(node, places.group.perWorker, cards);
    const to = placeOf(context, moved);
    return to === undefined ? undefined : { moved, to, then: nodesOf(places) };
  });
}

function placeOf(context: AdviceContext, { workload }: Movable): string | undefined {
  const asks = searchFor(context, workload);
  return asks && choosePlaces(asks.search, asks.shape)?.workers[0]?.node;
}

function nodesOf({ workers }: Places): string[] {
  return [...new Set(workers.map(({ node }) => node))].sort();
}
