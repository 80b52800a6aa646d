// Alerts and dashboard against the operator itself: every expression is one, reads only metrics and labels that are served, and
// every alert has its page in docs/runbooks.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { gpujobMetrics } from '../../operator/gpujob/metrics.ts';
import { heatMetrics } from '../../operator/heat/metrics.ts';
import { Inventory } from '../../operator/placement/inventory/inventory.ts';
import { policyMetrics } from '../../operator/policy/metrics.ts';
import { systemClock } from '../../operator/runtime/clock.ts';
import { runtimeMetrics } from '../../operator/runtime/metrics.ts';
import { readExpression } from './chart-expressions.ts';
import { rows } from './dashboard-panels.ts';

const root = join(import.meta.dirname, '../..');

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<string, string>>;
}

const { groups } = parse(readFileSync(join(root, 'charts/orquanta/files/alerts.yaml'), 'utf8')) as {
  groups: { rules: Alert[] }[];
};
const alerts = groups.flatMap(({ rules }) => rules);

/** Name to labels, of each series that a scrape can find. */
function served(): Map<string, ReadonlySet<string>> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  runtimeMetrics(registry, systemClock);
  gpujobMetrics(registry, new Inventory());
  policyMetrics(registry);
  heatMetrics(registry);
  /** What prom-client's metrics carry and its types leave out. */
  type Metric = { name: string; type: string; labelNames?: string[] };
  const series = new Map<string, ReadonlySet<string>>([['up', new Set()]]);
  for (const { name, type, labelNames = [] } of registry.getMetricsAsArray() as unknown as Metric[]) {
    const isHistogram = type === 'histogram';
    const names = isHistogram ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
    for (const one of names) series.set(one, new Set([...labelNames, ...(one.endsWith('_bucket') ? ['le'] : [])]));
  }
  return series;
}

/** Prometheus' own for what it scrapes. */
const targetLabels = new Set(['namespace', 'job', 'instance']);

/** What is wrong with an expression, in words; nothing where it is right. */
function mistakes(expression: string): string[] {
  const { selectors, groupings, error } = readExpression(expression.replaceAll('$__rate_interval', '5m'));
  if (error !== undefined) return [`no expression from here: ${error}`];
  const series = served();
  /** A target has a namespace: Prometheus keeps the operator's own label under another name. */
  const renamed = (labels: ReadonlySet<string>) =>
    new Set([...labels].map((label) => (targetLabels.has(label) ? `exported_${label}` : label)));
  const known = (metric: string) => new Set([...renamed(series.get(metric) ?? new Set()), ...targetLabels]);
  const all = new Set(selectors.flatMap(({ metric }) => [...known(metric)]));
  return [
    ...selectors.filter(({ metric }) => !series.has(metric)).map(({ metric }) => `no metric ${metric}`),
    ...selectors.flatMap(({ metric, labels }) =>
      labels.filter((label) => !known(metric).has(label)).map((label) => `${metric} has no label ${label}`),
    ),
    ...groupings.filter((label) => !all.has(label)).map((label) => `nothing here has a label ${label}`),
    ...selectors.filter(({ labels }) => !labels.includes('job')).map(({ metric }) => `${metric} of everybody`),
  ];
}

/** Labels that a text names, in Prometheus' templates or Grafana's. */
const labelsIn = (text: string): string[] =>
  [...text.matchAll(/\$labels\.(\w+)|\{\{(\w+)\}\}/g)].map(([, ofAlert, ofLegend]) => ofAlert ?? ofLegend ?? '');

/** Of an aggregation those it groups by; of a plain selector the target's. */
function labelsLeft(expression: string): string[] {
  const { groupings } = readExpression(expression.replaceAll('$__rate_interval', '5m'));
  return groupings.length > 0 ? [...groupings] : [...targetLabels];
}

describe('reading an expression', () => {
  it('finds metrics, matched labels and groupings', () => {
    expect(readExpression('sum by (a, b) (rate(x_total{job="j",c=~"1|2"}[5m])) / on () y > 0')).toEqual({
      selectors: [
        { metric: 'x_total', labels: ['job', 'c'] },
        { metric: 'y', labels: [] },
      ],
      groupings: ['a', 'b'],
      error: undefined,
    });
  });

  it.each([
    ['an open bracket', 'sum(up{job="j"}', 'no expression from here: its end'],
    ['a metric that is not there', 'up{job="j"} and unheard_of{job="j"}', 'no metric unheard_of'],
    [
      'a label that is not there',
      'orquanta_queue_jobs{job="j",product="x"}',
      'orquanta_queue_jobs has no label product',
    ],
    ['a grouping that is not there', 'sum by (product) (up{job="j"})', 'nothing here has a label product'],
    ['an operator of somebody else', 'sum(up)', 'up of everybody'],
  ])('finds %s', (_, expression, words) => {
    expect(mistakes(expression)).toContain(words);
  });
});

describe('the alerts', () => {
  it('are as many as they should be, each with its own name', () => {
    expect(alerts.length).toBeGreaterThan(15);
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  });

  it.each(alerts)('$alert reads what the operator serves', ({ expr }) => {
    expect(mistakes(expr)).toEqual([]);
  });

  it.each(alerts)(
    '$alert says how bad it is, and what is wrong in whole sentences',
    ({ labels, annotations, expr }) => {
      expect(['critical', 'warning', 'info']).toContain(labels.severity);
      expect(Object.keys(annotations).sort()).toEqual(['description', 'summary']);
      for (const text of Object.values(annotations)) expect(text).toMatch(/[.]$/);
      expect(labelsLeft(expr)).toEqual(expect.arrayContaining(labelsIn(annotations['description'] ?? '')));
    },
  );

  it('have a page each, and no page is left of one that is gone', () => {
    const pages = readdirSync(join(root, 'docs/runbooks')).filter((name) => name !== 'README.md');
    expect(pages.sort()).toEqual(alerts.map(({ alert }) => `${alert}.md`).sort());
  });

  it.each(alerts)('$alert is explained: meaning, impact, diagnosis with commands, mitigation', ({ alert }) => {
    const page = readFileSync(join(root, 'docs/runbooks', `${alert}.md`), 'utf8');
    const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual([alert, 'Meaning', 'Impact', 'Diagnosis', 'Mitigation']);
    expect(page).toMatch(/^## Diagnosis\n[^#]*```sh\n/m);
    for (const section of page.split(/^## .+$/m).slice(1)) expect(section.trim().length).toBeGreaterThan(30);
  });
});

describe('the dashboard', () => {
  const panels = rows.flatMap((row) => row.panels.map((panel) => ({ ...panel, row: row.title })));

  it.each(panels)(
    '$row, $title: reads what the operator serves, and says what it is',
    ({ series, unit, description }) => {
      expect(Object.keys(series)).not.toEqual([]);
      for (const [legend, expression] of Object.entries(series)) {
        expect(mistakes(expression)).toEqual([]);
        expect(labelsLeft(expression)).toEqual(expect.arrayContaining(labelsIn(legend)));
      }
      expect(unit).not.toBe('');
      expect(description).toMatch(/[.]$/);
    },
  );

  it('lays its panels out without one upon the other', () => {
    const { panels: placed } = JSON.parse(readFileSync(join(root, 'config/grafana/orquanta.json'), 'utf8')) as {
      panels: { id: number; gridPos: { x: number; y: number; w: number; h: number } }[];
    };
    const cells = placed.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...placed.map(({ gridPos }) => gridPos.x + gridPos.w))).toBeLessThanOrEqual(24);
    expect(new Set(placed.map(({ id }) => id)).size).toBe(placed.length);
  });
});
