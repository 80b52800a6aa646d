// The lines that a replay with shares ends with: what kube-scheduler has allocated beside what the planner gives away by itself,
// and what the figures are figures of.
import { sharesAssumption } from '../openb/shares.ts';
import { meaningOfShares } from './objects.ts';
import { clients } from './replay.ts';
import { line, standingLines, tookLine } from './report.ts';
import type { SharesReplayed } from './shares.ts';
import type { SharesScene } from './shares-scene.ts';
import { type Allocated, meanOf, type Simulations } from './simulated.ts';

const howItWasPlayed: readonly string[] = [
  `Tasks arrive as by the measure of make bench-placement, and nobody leaves. ${clients} clients submit, each the next one when its last is bound or waits, so neighbours may change places; when all cards have been asked for, they pause until everything is at rest.`,
  'Simulated: the same planner on the same arrivals without a cluster. Plain Pods are spread by the default scores of kube-scheduler, and whoever finds no room waits, which keeps nodes from others after a while; mean of 8 orders, least and most.',
  'By the measure: who finds no room leaves, and tasks without cards are packed by the planner as well.',
];

export function sharesReport(scene: SharesScene, live: SharesReplayed, simulations: Simulations): string[] {
  return [
    ...meaningOfShares,
    sharesAssumption,
    ...howItWasPlayed,
    '',
    line('tasks', `${scene.tasks.length} on ${scene.nodes.length} nodes with ${scene.cards} cards`),
    ...standingLines(live.replayed),
    '',
    ...allocationLines(scene, live, simulations),
    '',
    line('most held of one card, %', live.atEnd.mostOfOneCardPercent.toFixed(1)),
    tookLine(live.replayed),
  ];
}

/** In % of the cluster's cards, parts of cards counted as parts. */
export function allocationLines(
  { askedPercent }: SharesScene,
  { whenFull, atEnd }: SharesReplayed,
  { live, measure }: Simulations,
): string[] {
  const row = (asked: string, moment: keyof Allocated, held: number): string => {
    const all = live.map((each) => each[moment]);
    const simulated = `${meanOf(live, moment).toFixed(2)} (${Math.min(...all).toFixed(2)} to ${Math.max(...all).toFixed(2)})`;
    return line(`  ${asked} % asked for`, columns(held.toFixed(2), simulated, measure[moment].toFixed(2)));
  };
  return [
    line('allocated, % of the cards', columns('kube-scheduler', 'simulated', 'by the measure')),
    row('100', 'whenFull', whenFull.percent),
    row(askedPercent.toFixed(0), 'atEnd', atEnd.percent),
  ];
}

function columns(real: string, simulated: string, measure: string): string {
  return `${real.padEnd(16)}${simulated.padEnd(24)}${measure}`;
}
