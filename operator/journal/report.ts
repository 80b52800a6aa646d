// A comparison in words: a table that fits 80 columns, the newest differences, and the one sentence that sums it up.
import { formatMoney } from '../policy/bill/money.ts';
import type { Comparison, Difference } from './compare.ts';

type Row = readonly [what: string, before: string, after: string];

/** `name` of the other policy. */
export function report(comparison: Comparison, name: string): string {
  const { decisions, span } = comparison;
  if (decisions === 0 || span === undefined) return 'No decisions are recorded yet.\n';
  const rows: Row[] = [['', 'as decided', `by ${name}`], ...placementRows(comparison), ...costRows(comparison)];
  const { before, after, untold } = comparison.outOfMemory;
  rows.push(['out-of-memory failures', String(before), `${after}${change(before, after)}`]);
  if (untold > 0) rows.push(["  that can't be told", '', String(untold)]);
  return [
    `The last ${decisions} placements, ${span.from} to ${span.until}`,
    '',
    ...table(rows),
    '',
    ...differences(comparison.examples),
    sentence(comparison),
    '',
  ].join('\n');
}

function placementRows({ decisions, onOtherNodes, onOtherProduct, waits }: Comparison): Row[] {
  return [
    ['placements', String(decisions), String(decisions - waits)],
    ['  on other nodes', '', share(onOtherNodes, decisions)],
    ['  on another product', '', share(onOtherProduct, decisions)],
    ['  that would have waited', '', share(waits, decisions)],
  ];
}

function costRows({ costs, unpriced }: Comparison): Row[] {
  const rows = costs.map(({ currency, runs, before, after }): Row => [
    `cost of ${runs} ended runs, ${currency}`,
    money(before),
    `${money(after)}${change(before, after)}`,
  ]);
  return unpriced === 0 ? rows : [...rows, ['  runs without a price', '', String(unpriced)]];
}

/** To the cent: what is compared is a sum of many. */
function money(micro: number): string {
  return formatMoney(Math.round(micro / 10_000) * 10_000);
}

function share(part: number, whole: number): string {
  return part === 0 ? '0' : `${part} (${Math.round((100 * part) / whole)} %)`;
}

/** ' (-12 %)'; nothing where there is nothing to compare with. */
function change(before: number, after: number): string {
  const words = percent(before, after);
  return words === undefined ? '' : ` (${words})`;
}

function percent(before: number, after: number): string | undefined {
  if (before === 0) return undefined;
  const points = Math.round((100 * (after - before)) / before);
  return `${points > 0 ? '+' : ''}${points} %`;
}

function table(rows: readonly Row[]): string[] {
  const width = (column: 0 | 1 | 2): number => Math.max(...rows.map((row) => row[column].length));
  const [first, second, third] = [width(0), width(1), width(2)];
  return rows.map(([what, before, after]) =>
    `${what.padEnd(first)}  ${before.padStart(second)}  ${after.padStart(third)}`.trimEnd(),
  );
}

function differences(examples: readonly Difference[]): string[] {
  if (examples.length === 0) return [];
  const lines = examples.map(({ decision, chosen }) => {
    const { namespace, name, decisionID } = decision;
    const run = decisionID.slice(decisionID.lastIndexOf('-') + 1);
    const before = place(
      decision.chosen.product,
      decision.chosen.nodes.map(({ node }) => node),
    );
    return `  ${namespace}/${name} run ${run}: ${before} -> ${chosen ? place(chosen.product, chosen.nodes) : 'would wait'}`;
  });
  return ['The newest that differ:', ...lines, ''];
}

function place(product: string, nodes: readonly string[]): string {
  const [first = '', ...others] = [...new Set(nodes)];
  return `${product} on ${first}${others.length > 0 ? ` and ${others.length} more` : ''}`;
}

function sentence({ decisions, onOtherNodes, waits, costs, outOfMemory }: Comparison): string {
  const money = costs.map(({ before, after, currency }) => {
    const words = percent(before, after) ?? 'as before';
    return costs.length > 1 ? `cost in ${currency} ${words}` : `cost ${words}`;
  });
  const { before, after } = outOfMemory;
  const retries = `out-of-memory retries ${percent(before, after) ?? (after === 0 ? 'none as before' : `${after} where there were none`)}`;
  return [`Of the last ${decisions} placements ${onOtherNodes + waits} would differ`, ...money, retries].join(', ');
}
