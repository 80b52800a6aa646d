// The table of make bench-placement, at most 80 columns wide: our policies below the published ones, and what the figures
// assume. It judges nothing.
import type { PolicyName } from './policies.ts';
import { type Allocation, type Published, published, reference } from './published.ts';
import { type ListName, listNames, mostPercent, type Result } from './run.ts';

const labelWidth = 18;
const figureWidth = 12;
/** Of a figure: ' ±0.12'. */
const deviationWidth = 6;
const secondsWidth = 7;

const loads = [100, mostPercent] as const;

type Load = (typeof loads)[number];

const columns = listNames.flatMap((list) => loads.map((load) => ({ list, load })));

const assumptions = [
  "Published: means of the paper's ten seeds (USENIX ATC'23). Our seeds draw by the",
  'same rule, but other tasks.',
  'No headroom: a task of the trace asks for exactly what it asks for. Tasks that',
  'need no GPU are placed by the same score as the others, as in the paper. What',
  'work is wanted is learned from the arrivals as they come; nobody leaves.',
  'A weight alone has 1,000,000 ppm, the others 0; equal scores go to what packs',
  'better.',
];

/** Why the rows of several policies don't differ. */
const whyEqual = [
  'All policies allocate the same here: all cards are of one size and have no',
  'price, and nothing is known of nodes, so only packing tells places apart.',
];

export function placementReport(results: readonly Result[]): string[] {
  const policies = [...new Set(results.map(({ policy }) => policy))];
  const seeds = new Set(results.map(({ seed }) => seed)).size;
  return [
    `Cards allocated, % of the cluster's; mean of ${seeds === 1 ? 'one seed' : `${seeds} seeds ± standard deviation`}`,
    '',
    ...heading(),
    ...published.map(publishedRow),
    '',
    ...policies.flatMap((policy) => [
      ourRow(policy, results),
      ...(policy === 'default' ? [differenceRow(reference, results)] : []),
    ]),
    '',
    ...assumptions,
    ...(policies.length > 1 && isSameForAll(results) ? whyEqual : []),
  ].map((line) => line.trimEnd());
}

function isSameForAll(results: readonly Result[]): boolean {
  const byRun = Map.groupBy(results, ({ list, seed }) => `${list} ${seed}`);
  return [...byRun.values()].every((same) => new Set(same.map(({ allocated }) => allocated.join())).size === 1);
}

function heading(): string[] {
  const lists = listNames.map((list) => ` ${list}`.padEnd(figureWidth * loads.length)).join('');
  const percents = columns.map(({ load }) => `${load} %`.padStart(figureWidth - deviationWidth).padEnd(figureWidth));
  const times = ['mean', 'most'].map((word) => word.padStart(secondsWidth));
  return [
    `${'list'.padEnd(labelWidth)}${lists}  s a seed`,
    ['asked for'.padEnd(labelWidth), ...percents, ...times].join(''),
  ];
}

function publishedRow({ name, means }: Published): string {
  return row(
    name,
    columns.map(({ list, load }) => publishedAt(means[list], load).toFixed(2)),
  );
}

function ourRow(policy: PolicyName, results: readonly Result[]): string {
  const ours = results.filter((result) => result.policy === policy);
  const figures = columns.map(({ list, load }) => withDeviation(allocationsAt(ours, list, load)));
  const seconds = ours.map((result) => result.seconds);
  return row(policy === 'default' ? 'OrQuanta, default' : `${policy} alone`, figures, [
    mean(seconds),
    Math.max(...seconds),
  ]);
}

function differenceRow({ name, means }: Published, results: readonly Result[]): string {
  const ours = results.filter(({ policy }) => policy === 'default');
  const figures = columns.map(({ list, load }) => {
    const difference = mean(allocationsAt(ours, list, load)) - publishedAt(means[list], load);
    return Number.isNaN(difference) ? '-' : `${difference < 0 ? '' : '+'}${difference.toFixed(2)}`;
  });
  return row(`  minus ${name}`, figures);
}

/** Figures stand under each other whether they have a deviation or not. */
function row(label: string, figures: readonly string[], seconds: readonly number[] = []): string {
  const cells = figures.map((figure) => {
    const [value = '', deviation = ''] = figure.split(' ');
    return value.padStart(figureWidth - deviationWidth) + deviation.padStart(deviationWidth);
  });
  const times = seconds.map((each) => each.toFixed(1).padStart(secondsWidth));
  return [label.padEnd(labelWidth), ...cells, ...times].join('');
}

function withDeviation(values: readonly number[]): string {
  if (values.length === 0) return '-';
  const value = mean(values).toFixed(2);
  return values.length === 1 ? value : `${value} ±${deviation(values).toFixed(2)}`;
}

export function allocationsAt(results: readonly Result[], list: ListName, load: Load): number[] {
  return results.filter((result) => result.list === list).map(({ allocated }) => allocated[load] ?? Number.NaN);
}

export function publishedAt({ at100, at130 }: Allocation, load: Load): number {
  return load === 100 ? at100 : at130;
}

/** NaN of none. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of a sample. */
function deviation(values: readonly number[]): number {
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}
