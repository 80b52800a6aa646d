// The card pools of a node: which extended resource stands for which cards, of which product, size and isolation.
// It reads one node's labels and amounts and the catalogue; it knows nothing of what is in use.
import { readQuantity, QuantityError, unitsRoundedUp } from '../../resources/quantity.ts';
import {
  intelCardCount,
  readAMDMemory,
  readCoreWeaveMemory,
  readGFDMemory,
  readIntelMemory,
  readKarpenterMemory,
  wholeNumber,
} from './label-sources.ts';
import type { Labels, SourceReading } from './label-sources.ts';
import type { CardPool, Catalogue, NodeFacts, VRAM } from '../model.ts';
import { hamiAnnotations, hamiResources } from './hami.ts';
import { cardsHandedOut, isUnreadable, registeredCards } from './hami-devices.ts';
import { refusal } from './refusal.ts';
import { settleVRAM, shareOf, unknownVRAM } from './vram.ts';

interface PoolCounts {
  readonly resourceName: string;
  readonly count: number;
  readonly capacity: number;
}

type PoolReader = (node: NodeFacts, counts: PoolCounts, catalogue: Catalogue) => CardPool;

/** All card pools of a node, by resource name, but those whose cards HAMi hands out one by one. A node without GPUs has none. */
export function readCardPools(node: NodeFacts, catalogue: Catalogue): CardPool[] {
  const names = new Set([...Object.keys(node.allocatable), ...Object.keys(node.capacity ?? {})]);
  const pools: CardPool[] = [];
  if (cardsHandedOut(node).length > 0) names.delete(hamiResources.cards);
  for (const resourceName of [...names].sort()) {
    const read = readerOf(resourceName);
    if (read === undefined) continue;
    const counts = poolCounts(node, resourceName);
    if (counts.count > 0 || counts.capacity > 0) pools.push(read(node, counts, catalogue));
  }
  return pools;
}

function readerOf(resourceName: string): PoolReader | undefined {
  if (/^nvidia\.com\/gpu(\.shared)?$/.test(resourceName)) return readNVIDIAPool;
  if (/^nvidia\.com\/mig-[0-9a-z.]+$/.test(resourceName)) return readMIGPool;
  if (resourceName === 'amd.com/gpu') return readAMDPool;
  if (resourceName === 'gpu.intel.com/i915' || resourceName === 'gpu.intel.com/xe') return readIntelPool;
  return undefined;
}

function poolCounts(node: NodeFacts, resourceName: string): PoolCounts {
  const count = unitsIn(node.allocatable, resourceName);
  return { resourceName, count, capacity: Math.max(count, unitsIn(node.capacity ?? {}, resourceName)) };
}

/** No node has more: 16 cards of 128 MPS clients are 2,048. A bound, so that a nonsensical amount can't fill the memory. */
const largestUnitCount = 4096;

function unitsIn(amounts: Labels, resourceName: string): number {
  const quantity = readQuantity(amounts[resourceName] ?? '0');
  if (quantity instanceof QuantityError) return 0;
  return Math.min(largestUnitCount, Math.max(0, unitsRoundedUp(quantity)));
}

/** `nvidia.com/gpu`: whole cards, MIG slices ("single" strategy), shares, or a vGPU, as the labels tell. */
function readNVIDIAPool(node: NodeFacts, counts: PoolCounts, catalogue: Catalogue): CardPool {
  const { labels } = node;
  const product = nvidiaProduct(labels);
  const slice = product.includes('-MIG-');
  const sharing = sharingOf(labels, 'nvidia.com/gpu', product, counts.resourceName);
  // A slice is measured by GFD alone: the other sources describe the physical card.
  const perCard = slice ? [] : [readKarpenterMemory(labels, 'NVIDIA'), readCoreWeaveMemory(labels)];
  const card = cardVRAM([readGFDMemory(labels, 'nvidia.com/gpu'), ...perCard], product, catalogue);
  const labelled = labelledUnits(labels, 'nvidia.com/gpu', sharing) ?? registeredCards(node);
  return {
    resourceName: counts.resourceName,
    vendor: 'NVIDIA',
    product,
    vram: unreadableRegister(node) ?? mixedByCount(counts, labelled) ?? sharedVRAM(card, sharing),
    isolation: sharing.shared ? 'Shared' : slice ? 'MIG' : 'Exclusive',
    ...fencing(sharing),
    count: counts.count,
    installed: Math.max(counts.capacity, labelled ?? 0),
    ...refusal(labels),
  };
}

/** `nvidia.com/mig-1g.5gb`: the "mixed" strategy; each profile has labels of its own, and less memory than its name says. */
function readMIGPool(node: NodeFacts, counts: PoolCounts, catalogue: Catalogue): CardPool {
  const { labels } = node;
  const prefix = counts.resourceName.replace(/\.shared$/, '');
  const profile = prefix.slice('nvidia.com/mig-'.length);
  const card = labels['nvidia.com/gpu.product'];
  const product = labels[`${prefix}.product`] ?? (card === undefined ? '' : `${card}-MIG-${profile}`);
  const sharing = sharingOf(labels, prefix, product, counts.resourceName);
  return {
    resourceName: counts.resourceName,
    vendor: 'NVIDIA',
    product,
    vram: sharedVRAM(cardVRAM([readGFDMemory(labels, prefix)], product, catalogue), sharing),
    isolation: sharing.shared ? 'Shared' : 'MIG',
    ...fencing(sharing),
    count: counts.count,
    installed: counts.capacity,
    ...refusal(labels),
  };
}

function readAMDPool(node: NodeFacts, counts: PoolCounts, catalogue: Catalogue): CardPool {
  const { labels } = node;
  const product =
    labels['amd.com/gpu.product-name'] ?? labels['beta.amd.com/gpu.product-name'] ?? karpenterName(labels);
  return {
    resourceName: counts.resourceName,
    vendor: 'AMD',
    product,
    vram: cardVRAM([readAMDMemory(labels), readKarpenterMemory(labels, 'AMD')], product, catalogue),
    isolation: 'Exclusive',
    count: counts.count,
    installed: counts.capacity,
  };
}

/** Intel's plugin may offer each card several times (shared-dev-num): more devices than cards means shares. */
function readIntelPool(node: NodeFacts, counts: PoolCounts, catalogue: Catalogue): CardPool {
  const { labels } = node;
  const product = labels['gpu.intel.com/product'] ?? karpenterName(labels);
  const cards = intelCardCount(labels) ?? counts.capacity;
  const replicas = Math.max(1, Math.ceil(counts.capacity / Math.max(1, cards)));
  const twoDrivers = ['gpu.intel.com/i915', 'gpu.intel.com/xe'].every((name) => unitsIn(node.allocatable, name) > 0);
  const card = twoDrivers
    ? unknownVRAM('MixedModels', 'i915 and xe cards share one gpu.intel.com/memory.max')
    : cardVRAM([readIntelMemory(labels, counts.capacity)], product, catalogue);
  return {
    resourceName: counts.resourceName,
    vendor: 'Intel',
    product,
    vram: shareOf(card, replicas),
    ...(replicas > 1 ? { isolation: 'Shared', isUnfenced: true } : { isolation: 'Exclusive' }),
    count: counts.count,
    installed: counts.capacity,
  };
}

function cardVRAM(readings: readonly (SourceReading | undefined)[], product: string, catalogue: Catalogue): VRAM {
  return settleVRAM(
    readings.filter((reading) => reading !== undefined),
    product,
    catalogue,
  );
}

/** The label as it stands; GKE's and Karpenter's names get GFD's suffixes, so that a slice or share is never taken for a card. */
function nvidiaProduct(labels: Labels): string {
  const named = labels['nvidia.com/gpu.product'];
  if (named !== undefined) return named;
  const gke = labels['cloud.google.com/gke-accelerator'];
  if (gke === undefined) return labels['gpu.nvidia.com/class'] ?? karpenterName(labels);
  const slice = labels['cloud.google.com/gke-gpu-partition-size'];
  const shared = labels['cloud.google.com/gke-gpu-sharing-strategy'] !== undefined;
  return `${gke}${slice === undefined ? '' : `-MIG-${slice}`}${shared ? '-SHARED' : ''}`;
}

function karpenterName(labels: Labels): string {
  return labels['karpenter.k8s.aws/instance-gpu-name'] ?? '';
}

interface Sharing {
  readonly shared: boolean;
  /** Units per card; undefined: shared, but no label says among how many. */
  readonly replicas: number | undefined;
  readonly strategy: string;
}

/** MPS holds each client to its part of the memory; time-slicing only takes turns, and any other way promises nothing. */
function fencing({ shared, strategy }: Sharing): Pick<CardPool, 'isUnfenced'> {
  return shared && strategy !== 'mps' ? { isUnfenced: true } : {};
}

/** A card is shared when any sign says so: the strategy, the replicas, the `-SHARED` suffix, or a renamed resource. */
function sharingOf(labels: Labels, prefix: string, product: string, resourceName: string): Sharing {
  const text = labels[`${prefix}.replicas`] ?? labels['cloud.google.com/gke-max-shared-clients-per-gpu'];
  const replicas = Number(wholeNumber(text ?? '') ?? 0n);
  const strategy =
    labels[`${prefix}.sharing-strategy`] ?? labels['cloud.google.com/gke-gpu-sharing-strategy'] ?? 'none';
  const named = product.endsWith('-SHARED') || resourceName.endsWith('.shared');
  if (replicas <= 1 && strategy === 'none' && !named) return { shared: false, replicas: 1, strategy };
  return { shared: true, replicas: replicas >= 1 ? replicas : undefined, strategy };
}

function sharedVRAM(card: VRAM, sharing: Sharing): VRAM {
  if (!card.known || !sharing.shared) return card;
  if (sharing.replicas === undefined)
    return unknownVRAM('UnreadableLabel', 'shared, but no label tells among how many');
  return shareOf(card, sharing.replicas);
}

/** The units the labels account for; undefined where they don't say. */
function labelledUnits(labels: Labels, prefix: string, sharing: Sharing): number | undefined {
  const cards = wholeNumber(labels[`${prefix}.count`] ?? '');
  if (cards === undefined || cards === 0n || sharing.replicas === undefined) return undefined;
  return Number(cards) * sharing.replicas;
}

/** HAMi may offer each card many times, and only its annotation says of how much. */
function unreadableRegister(node: NodeFacts): VRAM | undefined {
  if (!isUnreadable(node)) return undefined;
  return unknownVRAM('UnreadableLabel', `${hamiAnnotations.register} is in no form that is known`);
}

/** GFD describes one model only: more cards than it counts are of another model (internal/lm/nvml.go counts by name). */
function mixedByCount({ capacity, resourceName }: PoolCounts, labelled: number | undefined): VRAM | undefined {
  if (labelled === undefined || capacity <= labelled) return undefined;
  return unknownVRAM('MixedModels', `${capacity} cards behind ${resourceName}, but the labels describe ${labelled}`);
}
