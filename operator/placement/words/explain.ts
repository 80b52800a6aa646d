// Says why a workload waits, in words that tell what to do: counts of nodes per reason, and for what can never fit the
// number that would. Every sentence here is API and tested word for word. It decides nothing.
import { formatCapacity, formatMebibytes } from '../../resources/quantity.ts';
import { classKindViolation, classViolation, cardsPerWorkerAllowed, ruleOrder } from '../fit/fit.ts';
import type { Violation } from '../fit/fit.ts';
import type { Ask, CardFilter, CardPool, Verdict, Workload } from '../model.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { NodeClass } from '../inventory/node-class.ts';
import { shortResource } from '../choice/left.ts';
import { mostWorkersNow } from '../choice/search.ts';
import type { SearchContext } from '../choice/search.ts';
import { asksShares, cardsFree, largestShare } from '../fit/room.ts';
import { groupRoom, groupSites, matchingNodes, nodesOf, siteRoom } from '../fit/shape.ts';
import type { Shape, Site } from '../fit/shape.ts';
import { sample, Tally } from './tally.ts';

export const maxMessageLength = 1024;

type Waiting = Extract<Verdict, { kind: 'Waiting' }>;

export function policyNotFound(policyName: string, known: Iterable<string>): Waiting {
  const names = [...known].sort();
  const hint = names.length === 0 ? 'create it' : `create it, or set policyName to one of ${names.join(', ')}`;
  return waiting('PolicyNotFound', `policy ${JSON.stringify(policyName)} does not exist: ${hint}`);
}

/** For a shape without hope: no cards of the right kind, or none that would do even when empty. */
export function withoutHope(inventory: Inventory, workload: Workload, shape: Shape): Waiting {
  if (shape.kindSites.length === 0) return noMatchingCards(inventory, workload);
  const known = shape.kindSites.filter(({ pool }) => pool.vram.known);
  if (known.length === 0)
    return waiting('NoMatchingCards', `no card of the right kind has a known VRAM: ${unknownNodes(shape)}`);
  const changing = nodesReconfiguring(inventory);
  if (changing.length > 0) {
    return waiting(
      'NoMatchingCards',
      `no card fits, but MIG is being reconfigured on ${nodes(changing.length)} (${sample(changing)})`,
    );
  }
  const unknown = unknownNodes(shape);
  return waiting('NeverFits', neverFitsWords(shape, known) + (unknown === '' ? '' : `; ${unknown}`));
}

/** For a shape that would fit when the cluster is empty and in order. */
export function withHope(context: SearchContext, workload: Workload, shape: Shape): Waiting {
  const tally = tallyNow(context, workload, shape);
  const roomFor = shape.workers > 1 ? mostWorkersNow(context, shape) : 0;
  const all = `${gpuNodeCount(context.inventory)} nodes`;
  const headroom =
    shape.ask.needMebibytes > shape.vramMebibytes
      ? `; asks ${formatMebibytes(shape.ask.needMebibytes)} with headroom`
      : '';
  if (roomFor > 0) {
    const start = `${roomFor} of ${shape.workers} workers would fit now, and a gang starts whole`;
    return waiting('WaitingForGang', `${start}: of ${all} ${tally.words()}${headroom}`);
  }
  return waiting('CardsBusy', `0 of ${all} fit now: ${tally.words()}${headroom}${mostFree(context, shape)}`);
}

/** Of a job that asks for parts of cards: the most that it could have at once somewhere now. */
function mostFree({ inventory }: SearchContext, { usable, ask }: Shape): string {
  let most = -1;
  for (const site of usable.flatMap(({ sites }) => sites)) {
    if (!asksShares(ask, site.pool)) continue;
    for (const name of nodesOf(site)) {
      const entry = inventory.node(name);
      if (entry) most = Math.max(most, largestShare(entry, site.poolIndex, ask.gpus));
    }
  }
  if (most < 0) return '';
  const where = ask.gpus === 1 ? 'one card' : `each of ${ask.gpus} cards of a node`;
  return most === 0 ? `; nothing is free on ${where}` : `; the most free on ${where} is ${formatMebibytes(most)}`;
}

function noMatchingCards(inventory: Inventory, workload: Workload): Waiting {
  const count = gpuNodeCount(inventory);
  if (count === 0) return waiting('NoMatchingCards', 'there is no GPU node yet');
  const tally = new Tally();
  for (const nodeClass of inventory.classes()) {
    if (nodeClass.pools.length > 0) tallyKind(inventory, workload, nodeClass, tally);
  }
  const help = helpToShare(inventory, workload);
  return waiting('NoMatchingCards', `0 of ${count} nodes have cards of the right kind: ${tally.words()}${help}`);
}

/** Where no card at all is shared, for a job that wants a part of one: how there could be. */
function helpToShare(inventory: Inventory, { isolation }: Workload): string {
  const pools = [...inventory.classes()].flatMap((nodeClass) => nodeClass.pools);
  const isShared = pools.some((pool) => pool.isolation === 'Shared' || pool.devices?.shares !== undefined);
  if (isolation !== 'Shared' || isShared) return '';
  return pools.some(({ devices }) => devices !== undefined)
    ? '; for shares by DRA the driver must publish them, with DRAConsumableCapacity on in API server and scheduler'
    : '; for shares set up time-slicing or MPS in the device plugin, or DRA with a driver that publishes them';
}

function tallyKind(inventory: Inventory, workload: CardFilter, nodeClass: NodeClass, tally: Tally): void {
  if (nodeClass.example.deleting === true) {
    tally.add({ rule: 'NodeIsReady', words: 'being deleted' }, nodeClass.nodeNames);
    return;
  }
  const violation = furthest(nodeClass, (pool) => classKindViolation(workload, nodeClass.example, pool));
  tallyClass(inventory, workload, nodeClass, violation ?? outsideSelector, tally);
}

const outsideSelector: Violation = { rule: 'NodeMatchesSelector', words: 'outside the node selector' };

/** Counts a class under its violation, less the nodes that the selector, which comes earlier, already leaves out. */
function tallyClass(
  inventory: Inventory,
  workload: CardFilter,
  nodeClass: NodeClass,
  violation: Violation,
  tally: Tally,
): void {
  const selectorFirst = ruleOrder(violation.rule) > ruleOrder('NodeMatchesSelector');
  const matching = selectorFirst ? matchingNodes(inventory, nodeClass, workload) : undefined;
  if (matching === undefined) {
    tally.add(violation, nodeClass.nodeNames);
    return;
  }
  tally.add(violation, matching);
  tally.add(outsideSelector, without(nodeClass.nodeNames, matching));
}

function tallyNow(context: SearchContext, workload: Workload, shape: Shape): Tally {
  const tally = new Tally();
  for (const nodeClass of context.inventory.classes()) {
    if (nodeClass.pools.length === 0) continue;
    const violation = furthest(nodeClass, (pool) => classViolation(shape.ask, nodeClass.example, pool));
    if (violation !== undefined) tallyClass(context.inventory, workload, nodeClass, violation, tally);
    else tallyRoom(context, workload, shape, nodeClass, tally);
  }
  return tally;
}

/** The class itself would do: what counts is each node's free cards and the rest of what it has left. */
function tallyRoom(context: SearchContext, workload: Workload, shape: Shape, nodeClass: NodeClass, tally: Tally): void {
  const matching = matchingNodes(context.inventory, nodeClass, workload);
  if (matching !== undefined) tally.add(outsideSelector, without(nodeClass.nodeNames, matching));
  const poolIndexes = nodeClass.pools.flatMap((pool, index) =>
    classViolation(shape.ask, nodeClass.example, pool) === undefined ? [index] : [],
  );
  const [poolIndex] = poolIndexes;
  const pool = poolIndex === undefined ? undefined : nodeClass.pools[poolIndex];
  const byBucket =
    matching === undefined && poolIndexes.length === 1 && pool !== undefined && !asksShares(shape.ask, pool);
  const candidates =
    byBucket && poolIndex !== undefined
      ? tallyBusy(nodeClass, poolIndex, shape.ask.gpus, tally)
      : (matching ?? nodeClass.nodeNames);
  for (const node of candidates) tally.add(roomViolation(context, shape.ask, node, poolIndexes), [node]);
}

/** Counts whole buckets of busy nodes; returns the nodes with enough cards free. */
function tallyBusy(nodeClass: NodeClass, poolIndex: number, gpus: number, tally: Tally): string[] {
  const count = nodeClass.pools[poolIndex]?.count ?? 0;
  for (let free = 0; free < gpus; free += 1) tally.add(busy, nodeClass.withFree(poolIndex, free));
  const roomy: string[] = [];
  for (let free = gpus; free <= count; free += 1) roomy.push(...nodeClass.withFree(poolIndex, free));
  return roomy;
}

const busy: Violation = { rule: 'NodeHasEnoughFreeCards', words: 'busy' };
const kept: Violation = { rule: 'NodeHasEnoughFreeCards', words: 'kept for a job that waited too long' };
const roomForSome: Violation = { rule: 'NodeHasEnoughCPUAndMemory', words: 'with room for some workers' };

function roomViolation(context: SearchContext, ask: Ask, node: string, poolIndexes: readonly number[]): Violation {
  const entry = context.inventory.node(node);
  if (entry === undefined || !poolIndexes.some((index) => cardsFree(ask, entry, index) >= ask.gpus)) return busy;
  if (context.isLeftOut(node)) return kept;
  const short = shortResource(context.inventory, entry, ask.perWorker);
  return short === undefined ? roomForSome : { rule: 'NodeHasEnoughCPUAndMemory', words: `short of ${short}` };
}

function neverFitsWords(shape: Shape, known: readonly Site[]): string {
  const large = known.filter(({ pool }) => pool.vram.known && pool.vram.mebibytes >= shape.vramMebibytes);
  if (large.length === 0) return tooLittleVRAM(shape.vramMebibytes, known);
  const { ask } = shape;
  if (large.every(({ pool }) => !cardsPerWorkerAllowed(ask, pool))) {
    return `asks ${ask.gpus} shares for one worker, and two shares may be the same card: set gpus to 1`;
  }
  const most = Math.max(...large.map(({ pool }) => pool.installed));
  if (most < ask.gpus) {
    const there = nodes(countNodes(large.filter(({ pool }) => pool.installed === most)));
    return `needs ${ask.gpus} cards on one node; the largest node with such cards has ${most} (${there})`;
  }
  const room = large.filter((site) => siteRoom(site, ask, 1) > 0);
  return room.length === 0 ? tooLittleElse(ask, large) : gangTooLarge(shape, room);
}

/** Within a tenth of what is needed, the number that would fit is the help: 16Gi never fits a "16 GB" card. */
const nearMissPermille = 100;

function tooLittleVRAM(need: number, known: readonly Site[]): string {
  const sizeOf = ({ pool }: Site): number => (pool.vram.known ? pool.vram.mebibytes : 0);
  const largest = Math.max(...known.map(sizeOf));
  const there = known.filter((site) => sizeOf(site) === largest);
  const start = `needs ${formatMebibytes(need)} on one GPU; the largest card here has ${formatCapacity(largest)}`;
  if ((need - largest) * 1000 > need * nearMissPermille) return `${start} (${nodes(countNodes(there))})`;
  const product = there.map(({ pool }) => pool.product).sort()[0] ?? '';
  return `${start} (${largest}Mi${product === '' ? '' : `, ${product}`}): ask at most ${largest}Mi`;
}

function tooLittleElse({ perWorker, gpus }: Ask, large: readonly Site[]): string {
  const enoughCards = large.filter(({ pool }) => pool.installed >= gpus);
  for (const name of Object.keys(perWorker).sort()) {
    const asked = perWorker[name] ?? 0;
    const most = enoughCards.reduce((largest, site) => Math.max(largest, mostOf(site, name)), 0);
    if (asked > most) {
      return `needs ${amountWords(name, asked)} on one node; the largest node with such cards has ${amountWords(name, most, 'there')}`;
    }
  }
  return 'needs more CPU or memory on one node than any node with such cards has';
}

/** The most that any of the site's nodes has of a resource. */
function mostOf(site: Site, resource: string): number {
  return nodesOf(site).reduce((most, name) => Math.max(most, site.nodeClass.allocatableOf(name)[resource] ?? 0), 0);
}

function gangTooLarge(shape: Shape, room: readonly Site[]): string {
  const groups = groupSites(room, shape.ask);
  const most = Math.max(...groups.map((group) => groupRoom(group, shape.ask)));
  return (
    `needs ${shape.workers} workers of ${shape.ask.gpus} ${shape.ask.gpus === 1 ? 'card' : 'cards'} of one product; ` +
    `all nodes with such cards have room for ${most} when empty`
  );
}

const bytesPerMebibyte = 1_048_576;

function amountWords(name: string, amount: number, of: 'asked' | 'there' = 'asked'): string {
  if (name === 'cpu') return `cpu ${amount % 1000 === 0 ? amount / 1000 : `${amount}m`}`;
  if (name !== 'memory' && name !== 'ephemeral-storage' && !name.startsWith('hugepages-')) return `${name} ${amount}`;
  const round = of === 'asked' ? Math.ceil : Math.floor;
  return `${name} ${formatMebibytes(round(amount / bytesPerMebibyte))}`;
}

/** The nodes whose cards are of the right kind but of unknown VRAM, counted and named, with the reason. */
function unknownNodes({ kindSites }: Shape): string {
  const reasons = new Map<string, string[]>();
  for (const site of kindSites) {
    if (site.pool.vram.known) continue;
    const names = reasons.get(site.pool.vram.detail) ?? [];
    reasons.set(site.pool.vram.detail, [...names, ...nodesOf(site)]);
  }
  return [...reasons]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([detail, names]) => `${nodes(names.length)} of unknown VRAM (${detail}: ${sample(names)})`)
    .join(', ');
}

function nodesReconfiguring(inventory: Inventory): string[] {
  return [...inventory.classes()]
    .filter(({ pools }) => pools.some(({ refused }) => refused?.reason === 'MIGReconfiguring'))
    .flatMap(({ nodeNames }) => nodeNames);
}

/** Of a node's pools the one that got furthest down the chain; undefined when one of them passes. */
function furthest(nodeClass: NodeClass, ask: (pool: CardPool) => Violation | undefined): Violation | undefined {
  let best: Violation | undefined;
  for (const pool of nodeClass.pools) {
    const violation = ask(pool);
    if (violation === undefined) return undefined;
    if (best === undefined || ruleOrder(violation.rule) > ruleOrder(best.rule)) best = violation;
  }
  return best;
}

function gpuNodeCount(inventory: Inventory): number {
  let count = 0;
  for (const { pools, size } of inventory.classes()) if (pools.length > 0) count += size;
  return count;
}

function countNodes(sites: readonly Site[]): number {
  return new Set(sites.flatMap(nodesOf)).size;
}

function nodes(count: number): string {
  return count === 1 ? '1 node' : `${count} nodes`;
}

function without(all: readonly string[], some: readonly string[]): string[] {
  const left = new Set(some);
  return all.filter((name) => !left.has(name));
}

function waiting(reason: Waiting['reason'], message: string): Waiting {
  const fits = message.length <= maxMessageLength;
  return { kind: 'Waiting', reason, message: fits ? message : `${message.slice(0, maxMessageLength - 1)}…` };
}
