// The cards that HAMi hands out on a node: each one known by its uuid and size, divided by MiB and fenced by HAMi's library, which
// only a container that says CUDA_DISABLE_CONTROL is without. It reads a Node; who holds what of them stands on Pods (hami.ts).
import { QuantityError, readQuantity, unitsRoundedUp } from '../../resources/quantity.ts';
import type { CardPool, NodeDevices, NodeFacts, VRAM } from '../model.ts';
import { hamiAnnotations, hamiDeviceID, hamiResources, readRegister } from './hami.ts';
import type { RegisteredCard } from './hami.ts';
import { readGFDMemory } from './label-sources.ts';
import { refusal } from './refusal.ts';
import { withPools } from './slices.ts';
import type { DeviceReading } from './slices.ts';
import { settleVRAM, unknownVRAM } from './vram.ts';

const none: NodeDevices = { devices: [], counters: {} };

/** All cards that HAMi hands out on a node; none where it doesn't. */
export function hamiDevices(node: NodeFacts): NodeDevices {
  const cards = cardsHandedOut(node);
  return cards.length === 0 ? none : { devices: withPools(cards.map((card) => readingOf(card, node))), counters: {} };
}

/**
 * HAMi never takes its annotation away, so who offers the cards now is told by their number: its device plugin offers each card
 * as often as it registers it, any other once or by a count of its own.
 */
export function cardsHandedOut(node: NodeFacts): readonly RegisteredCard[] {
  const cards = registerOf(node) ?? [];
  const units = Math.max(unitsOf(node.allocatable), unitsOf(node.capacity));
  return units > 0 && units === cards.reduce((sum, { shares }) => sum + shares, 0) ? cards : [];
}

/** How many cards there are by HAMi's annotation, whoever offers them; undefined where it doesn't say. */
export function registeredCards(node: NodeFacts): number | undefined {
  return registerOf(node)?.length;
}

/** There is an annotation of HAMi's, in no form that is known. */
export function isUnreadable(node: NodeFacts): boolean {
  return node.annotations?.[hamiAnnotations.register] !== undefined && registerOf(node) === undefined;
}

function registerOf({ annotations }: NodeFacts): readonly RegisteredCard[] | undefined {
  const text = annotations?.[hamiAnnotations.register];
  return text === undefined ? undefined : readRegister(text);
}

function unitsOf(amounts: NodeFacts['capacity']): number {
  const quantity = readQuantity(amounts?.[hamiResources.cards] ?? '0');
  return quantity instanceof QuantityError ? 0 : Math.max(0, unitsRoundedUp(quantity));
}

/** Its device plugin is gone, or hasn't told its kubelet anything yet. */
function isSilent({ allocatable }: NodeFacts): boolean {
  return unitsOf(allocatable) === 0;
}

function readingOf(card: RegisteredCard, node: NodeFacts): DeviceReading {
  const { uuid, mebibytes, cores, product, shares } = card;
  return {
    pool: {
      resourceName: hamiResources.cards,
      devices: {
        driver: 'hami.io',
        byLimits: true,
        identityAttribute: hamiAnnotations.useCards,
        match: {},
        memory: hamiResources.memory,
        // All of its compute, so that nobody comes beside it who asks for none of its memory.
        whole: {
          [hamiResources.memory]: String(mebibytes),
          ...(cores > 0 ? { [hamiResources.cores]: String(Math.min(cores, 100)) } : {}),
        },
        shares: { minMebibytes: 1, stepMebibytes: 1, besides: {}, slots: shares },
        ...(cores > 0 ? { compute: { name: hamiResources.cores, units: cores } } : {}),
      },
      vendor: 'NVIDIA',
      product,
      vram: vramOf(card, node),
      isolation: 'Exclusive',
      ...refusedFor(card, node),
    },
    id: hamiDeviceID(uuid),
    identity: uuid,
    slots: shares,
    counters: {},
    tainted: !card.healthy || isSilent(node),
  };
}

/**
 * Less than the label says is kept back by whoever set it up. More is memory that isn't there: HAMi then moves what doesn't fit
 * to the machine's own memory (CUDA_OVERSUBSCRIBE), which is no VRAM.
 */
function vramOf({ mebibytes, product }: RegisteredCard, { labels }: NodeFacts): VRAM {
  if (mebibytes === 0) return unknownVRAM('NoVRAMLabel', 'HAMi registers no memory of it');
  // With two models on a node the labels speak of one of them.
  const measured = labels['nvidia.com/gpu.product'] === product ? readGFDMemory(labels, 'nvidia.com/gpu') : undefined;
  if (measured?.kind !== 'Size' || measured.mebibytes >= mebibytes) return { known: true, mebibytes };
  const registered = { kind: 'Size', source: hamiAnnotations.register, mebibytes } as const;
  return settleVRAM([measured, registered], product, new Map());
}

/** In MIG mode it cuts a slice for each Pod, larger than what was asked for, as the card's other slices leave it. */
function refusedFor({ mode }: RegisteredCard, { labels }: NodeFacts): Pick<CardPool, 'refused'> {
  if (mode === 'hami-core') return refusal(labels);
  return { refused: { reason: 'DividedOtherwise', detail: `HAMi hands it out in mode ${mode}` } };
}
