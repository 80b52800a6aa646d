// Makes one answer of what the label sources say about a card: its VRAM, or why it is unknown. Never 0, never a guess.
import type { Catalogue, UnknownVRAMReason, VRAM } from '../model.ts';
import type { SourceReading } from './label-sources.ts';

/** Two true statements about one card differ by rounding and by reserved memory (T4: 15360 measured, 16384 nominal), not by more. */
const toleratedDifferencePermille = 100;

/**
 * The readings come best first: what was measured on the machine before what an instance type says.
 * The first size is the answer as long as no other source contradicts it.
 */
export function settleVRAM(readings: readonly SourceReading[], product: string, catalogue: Catalogue): VRAM {
  const broken = readings.find((reading) => reading.kind !== 'Size');
  if (broken !== undefined) return unknownVRAM(reasonOf(broken.kind), broken.detail);
  const sizes = readings.filter((reading) => reading.kind === 'Size');
  const [best] = sizes;
  if (best === undefined) return fromCatalogue(product, catalogue);
  const other = sizes.find((candidate) => contradicts(candidate.mebibytes, best.mebibytes));
  if (other === undefined) return { known: true, mebibytes: best.mebibytes };
  return unknownVRAM(
    'SourcesDisagree',
    `${best.source} says ${best.mebibytes}Mi, ${other.source} says ${other.mebibytes}Mi`,
  );
}

export function unknownVRAM(reason: UnknownVRAMReason, detail: string): VRAM {
  return { known: false, reason, detail };
}

/** One share of a card whose memory is divided (MPS) or merely shared (time-slicing): what each can have when all are used. */
export function shareOf(vram: VRAM, replicas: number): VRAM {
  if (!vram.known || replicas <= 1) return vram;
  const mebibytes = Math.floor(vram.mebibytes / replicas);
  return mebibytes > 0
    ? { known: true, mebibytes }
    : unknownVRAM('UnreadableLabel', `${replicas} replicas leave nothing`);
}

/** Under which the catalogue has a product: it knows cards and slices, and a share is divided afterwards. */
export function catalogueName(product: string): string {
  return product.replace(/-SHARED$/, '');
}

function contradicts(one: number, other: number): boolean {
  return Math.abs(one - other) * 1000 > Math.max(one, other) * toleratedDifferencePermille;
}

function reasonOf(kind: 'Misconfigured' | 'Mixed' | 'Unreadable'): UnknownVRAMReason {
  switch (kind) {
    case 'Misconfigured':
      return 'MIGMisconfigured';
    case 'Mixed':
      return 'MixedModels';
    case 'Unreadable':
      return 'UnreadableLabel';
  }
}

function fromCatalogue(product: string, catalogue: Catalogue): VRAM {
  if (product === '') return unknownVRAM('NoVRAMLabel', 'no label tells product or VRAM');
  const card = catalogue.get(catalogueName(product));
  if (card !== undefined && card.vramMebibytes > 0) return { known: true, mebibytes: card.vramMebibytes };
  return unknownVRAM('NotInCatalogue', `no VRAM label, and no policy has ${product} in spec.gpus`);
}
