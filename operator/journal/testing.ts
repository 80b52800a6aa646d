// Entries for the tests of the journal and of the commands that read it. Not for the operator.
import type { Scene, SceneSite } from '../placement/scene/scene.ts';
import type { DecisionEntry, OutcomeEntry } from './entries.ts';

export const cards = {
  small: { product: 'Small', vramMebibytes: 24_000 },
  large: { product: 'Large', vramMebibytes: 80_000 },
} as const;

/** As on a node with so many free cards, for workers of one card each. */
export function packings(free: number): { score: number; freeAfter: number }[] {
  return Array.from({ length: free }, (_, index) => ({ score: 0.5, freeAfter: free - 1 - index }));
}

export function siteOf(card: keyof typeof cards, changes: Partial<SceneSite> = {}): SceneSite {
  return {
    ...cards[card],
    resourceName: 'nvidia.com/gpu',
    count: 8,
    room: 8,
    inService: true,
    nodes: [{ name: `${card}-1`, packings: packings(8) }],
    ...changes,
  };
}

export function sceneWith(sites: readonly SceneSite[], changes: Partial<Scene> = {}): Scene {
  const ask = { vramMebibytes: 20_000, hasMargin: false, gpus: 1, workers: 1 };
  return { ...ask, sites, reliabilityByProduct: {}, ...changes };
}

/** Chosen: one card of that kind, where both kinds had room. */
export function decisionOn(
  card: keyof typeof cards,
  decisionID: string,
  changes: Partial<DecisionEntry> = {},
): DecisionEntry {
  const { product, vramMebibytes } = cards[card];
  return {
    kind: 'Decision',
    decisionID,
    time: '2026-11-20T10:00:00Z',
    namespace: 'ml',
    name: 'train',
    policy: { name: 'default', version: 1 },
    chosen: { product, cardVRAMMebibytes: vramMebibytes, nodes: [{ node: `${card}-1`, count: 1 }] },
    scene: sceneWith([siteOf('small'), siteOf('large')]),
    prices: { Small: '1.00', Large: '3.00' },
    currency: 'USD',
    ...changes,
  };
}

export function endOf(
  decisionID: string,
  outcome: OutcomeEntry['outcome'],
  changes: Partial<OutcomeEntry> = {},
): OutcomeEntry {
  const hour = { milliseconds: 3_600_000 };
  return { kind: 'Outcome', decisionID, time: '2026-11-20T11:00:00Z', outcome, ...hour, ...changes };
}
