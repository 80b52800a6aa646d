// Whether one worker fits on one node's cards: a chain of small rules, each an assertion with the words that say what is
// wrong. The first violation wins. The words are API: they end up in status messages.
import { formatCapacity } from '../../resources/quantity.ts';
import { backendOf } from '../cards/backend-of.ts';
import type { Ask, BackendName, CardFilter, CardPool, NodeFacts } from '../model.ts';
import { asksShares, takenOfCard } from './room.ts';
import { nodeMatches } from './selectors.ts';
import { cardToleration, lastingTaints, untoleratedTaint } from './taints.ts';

export type RuleName =
  | 'NodeIsReady'
  | 'NodeIsSchedulable'
  | 'CardsAreInService'
  | 'TaintsAreTolerated'
  | 'NodeMatchesSelector'
  | 'ProductIsAllowed'
  | 'AllocationIsOffered'
  | 'IsolationIsOffered'
  | 'VRAMIsKnown'
  | 'CardIsLargeEnough'
  | 'NodeHasEnoughCards'
  | 'NodeHasEnoughFreeCards'
  | 'NodeHasEnoughCPUAndMemory';

/** One worker on one pool of one node. */
export interface FitSubject {
  readonly ask: Ask;
  readonly node: NodeFacts;
  readonly pool: CardPool;
  readonly freeCards: number;
  /** Of cpu, memory and the like; undefined where the node doesn't list the resource. */
  readonly freeAmount: (resourceName: string) => number | undefined;
}

export interface Violation {
  readonly rule: RuleName;
  /** Reads well after a number of nodes: '8 busy'. */
  readonly words: string;
}

type Rule<S> = (subject: S) => string | undefined;
type StaticSubject = Pick<FitSubject, 'ask' | 'node' | 'pool'>;
type KindSubject = Pick<FitSubject, 'node' | 'pool'> & { readonly ask: CardFilter };

function nodeIsReady({ node }: Pick<FitSubject, 'node'>): string | undefined {
  if (node.deleting === true) return 'being deleted';
  return node.ready ? undefined : 'not ready';
}

function nodeIsSchedulable({ node }: Pick<FitSubject, 'node'>): string | undefined {
  return node.unschedulable ? 'cordoned' : undefined;
}

function cardsAreInService({ pool }: Pick<FitSubject, 'pool'>): string | undefined {
  return pool.refused === undefined ? undefined : `out of service (${pool.refused.detail})`;
}

function taintsAreTolerated({ ask, node, pool }: KindSubject): string | undefined {
  return taintWords(node.taints, ask, pool);
}

function lastingTaintsAreTolerated({ ask, node, pool }: KindSubject): string | undefined {
  return taintWords(lastingTaints(node), ask, pool);
}

function taintWords(taints: NodeFacts['taints'], ask: CardFilter, pool: CardPool): string | undefined {
  if (taints.length === 0) return undefined;
  const taint = untoleratedTaint(taints, [...ask.constraints.tolerations, cardToleration(pool)]);
  return taint === undefined ? undefined : `tainted (${taint.key}:${taint.effect})`;
}

function nodeMatchesSelector({ ask, node }: KindSubject): string | undefined {
  return nodeMatches(node, ask.constraints) ? undefined : 'outside the node selector';
}

/**
 * Exact names, suffixes included: `A100-SXM4-40GB-MIG-1g.5gb` is a slice of that card and `A100-SXM4-40GB-SHARED` a share of
 * it, and whoever allows the card has not allowed those. An 80 GB job was once put on a 40 GB card by a prefix.
 */
function productIsAllowed({ ask, pool }: KindSubject): string | undefined {
  const { allow, deny } = ask.products;
  if (deny.includes(pool.product)) return `of a denied product (${pool.product})`;
  if (allow.length === 0 || allow.includes(pool.product)) return undefined;
  return `of another product (${pool.product === '' ? 'no name' : pool.product})`;
}

function allocationIsOffered({ ask, pool }: KindSubject): string | undefined {
  const offered = backendOf(pool);
  return ask.allocation === 'Auto' || ask.allocation === offered
    ? undefined
    : `offered by ${backendWords[offered]} only`;
}

const backendWords: Readonly<Record<BackendName, string>> = { DevicePlugin: 'device plugin', DRA: 'DRA' };

function isolationIsOffered({ ask, pool }: KindSubject): string | undefined {
  if (pool.isolation === ask.isolation) return undefined;
  // A card that its driver divides is whole or shared, as each job wants it.
  if (pool.isolation === 'Exclusive' && asksShares(ask, pool)) return undefined;
  return `without ${ask.isolation} cards (${pool.isolation} here)`;
}

function vramIsKnown({ pool }: StaticSubject): string | undefined {
  return pool.vram.known ? undefined : `of unknown VRAM (${pool.vram.detail})`;
}

function cardIsLargeEnough({ ask, pool }: StaticSubject): string | undefined {
  if (!pool.vram.known || takenOfCard(ask, pool) > 0) return undefined;
  return `cards too small (${formatCapacity(pool.vram.mebibytes)})`;
}

function nodeHasEnoughCards({ ask, pool }: StaticSubject): string | undefined {
  return cardsPerWorkerAllowed(ask, pool) && pool.count >= ask.gpus ? undefined : `with too few cards (${pool.count})`;
}

function nodeHasEnoughFreeCards({ ask, freeCards }: FitSubject): string | undefined {
  return freeCards >= ask.gpus ? undefined : 'busy';
}

function nodeHasEnoughCPUAndMemory({ ask, freeAmount }: FitSubject): string | undefined {
  const short = Object.keys(ask.perWorker).filter(
    (name) => !hasAmount(name, freeAmount(name), ask.perWorker[name] ?? 0),
  );
  return short.length === 0 ? undefined : `short of ${short.sort().join(' and ')}`;
}

/** Two units of a shared card may be the same card twice (shared/field-notes.md), so a worker gets one share. */
export function cardsPerWorkerAllowed(ask: Pick<Ask, 'gpus'>, pool: CardPool): boolean {
  return pool.isolation !== 'Shared' || ask.gpus === 1;
}

/** Every node lists these, once its kubelet has reported; another resource that isn't listed isn't there. */
const listedByEveryNode = new Set(['cpu', 'memory', 'ephemeral-storage', 'pods']);

export function hasAmount(resourceName: string, there: number | undefined, asked: number): boolean {
  if (asked <= 0) return true;
  return there === undefined ? listedByEveryNode.has(resourceName) : there >= asked;
}

type Chain<S> = readonly (readonly [RuleName, Rule<S>])[];

const stateRules: Chain<StaticSubject> = [
  ['NodeIsReady', nodeIsReady],
  ['NodeIsSchedulable', nodeIsSchedulable],
  ['CardsAreInService', cardsAreInService],
];

const sizeRules: Chain<StaticSubject> = [
  ['VRAMIsKnown', vramIsKnown],
  ['CardIsLargeEnough', cardIsLargeEnough],
  ['NodeHasEnoughCards', nodeHasEnoughCards],
];

const productRules: Chain<KindSubject> = [
  ['ProductIsAllowed', productIsAllowed],
  ['AllocationIsOffered', allocationIsOffered],
  ['IsolationIsOffered', isolationIsOffered],
];

/** What holds at any time for a whole class of nodes: what they are for, and what kind of cards they have. */
const classKindRules: Chain<KindSubject> = [['TaintsAreTolerated', lastingTaintsAreTolerated], ...productRules];

const classRules: Chain<StaticSubject> = [
  ...stateRules,
  ['TaintsAreTolerated', taintsAreTolerated],
  ...productRules,
  ...sizeRules,
];

/** The whole chain, in the order in which violations win. */
export const fitRules: Chain<FitSubject> = [
  ...stateRules,
  ['TaintsAreTolerated', taintsAreTolerated],
  ['NodeMatchesSelector', nodeMatchesSelector],
  ...productRules,
  ...sizeRules,
  ['NodeHasEnoughFreeCards', nodeHasEnoughFreeCards],
  ['NodeHasEnoughCPUAndMemory', nodeHasEnoughCPUAndMemory],
];

/** How far down the chain a rule stands; explanations prefer the pool that got furthest. */
export function ruleOrder(rule: RuleName): number {
  return fitRules.findIndex(([name]) => name === rule);
}

/** Everything: whether one worker fits there now. */
export function fitViolation(subject: FitSubject): Violation | undefined {
  return firstViolation(fitRules, subject);
}

/** Whether the cards of a class are of the right kind at all, whatever their size, state and use; node selectors are asked node by node. */
export function classKindViolation(ask: CardFilter, example: NodeFacts, pool: CardPool): Violation | undefined {
  return firstViolation(classKindRules, { ask, node: example, pool });
}

/** All rules that are the same for a whole class of nodes, whoever uses them at the moment. */
export function classViolation(ask: Ask, example: NodeFacts, pool: CardPool): Violation | undefined {
  return firstViolation(classRules, { ask, node: example, pool });
}

function firstViolation<S>(chain: Chain<S>, subject: S): Violation | undefined {
  for (const [rule, assertion] of chain) {
    const words = assertion(subject);
    if (words !== undefined) return { rule, words };
  }
  return undefined;
}
