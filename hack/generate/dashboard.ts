// The Grafana dashboard as the JSON that Grafana imports, from the panels of dashboard-panels.ts: for people in config/grafana,
// and once more for the chart, which takes no file from outside its folder. It knows no metric.
import { format, resolveConfig } from 'prettier';
import { type Panel, type Row, rows } from './dashboard-panels.ts';
import type { GeneratedFile } from './files.ts';

/** Grafana's grid: 24 units wide. */
const gridWidth = 24;
const heights = { row: 1, stat: 4, timeseries: 8 } as const;
const widths = { stat: 6, timeseries: 8 } as const;
/** Of the JSON model that Grafana 10.3 writes; newer ones read it. */
const schemaVersion = 39;

const datasource = { type: 'prometheus', uid: '${datasource}' };

export async function dashboardFiles(): Promise<GeneratedFile[]> {
  const options = { ...(await resolveConfig(import.meta.filename)), parser: 'json' };
  const content = await format(JSON.stringify(dashboard()), options);
  return ['config/grafana/orquanta.json', 'charts/orquanta/files/dashboard.json'].map((path) => ({ path, content }));
}

function dashboard(): object {
  return {
    title: 'OrQuanta',
    description: 'GPUJobs, cards, policies and heat, and the operator itself',
    uid: 'orquanta',
    tags: ['orquanta', 'gpu', 'kubernetes'],
    schemaVersion,
    editable: true,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: { list: [sourceVariable(), labelVariable('namespace'), labelVariable('job')] },
    panels: laidOut(rows),
  };
}

function sourceVariable(): object {
  return { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' };
}

/** Without a choice every operator that is scraped. */
function labelVariable(label: string): object {
  const query = `label_values(orquanta_gpu_nodes, ${label})`;
  return {
    name: label,
    label,
    type: 'query',
    datasource,
    definition: query,
    query: { query, refId: 'variable' },
    includeAll: true,
    allValue: '.*',
    multi: false,
    refresh: 2,
    sort: 1,
    current: { selected: true, text: 'All', value: '$__all' },
  };
}

/** Rows below each other, the panels of a row from the left, as many as there is room for. */
function laidOut(all: readonly Row[]): object[] {
  const placed: object[] = [];
  let y = 0;
  for (const { title, panels } of all) {
    placed.push({
      id: placed.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: place(0, y, 'row'),
      panels: [],
    });
    y += heights.row;
    let x = 0;
    for (const panel of panels) {
      const kind = panel.kind ?? 'timeseries';
      if (x + widths[kind] > gridWidth) [x, y] = [0, y + heights[kind]];
      placed.push({ id: placed.length + 1, ...written(panel, kind), gridPos: place(x, y, kind) });
      x += widths[kind];
    }
    y += heights[panels.at(-1)?.kind ?? 'timeseries'];
  }
  return placed;
}

function place(x: number, y: number, kind: keyof typeof heights): object {
  return { x, y, w: kind === 'row' ? gridWidth : widths[kind], h: heights[kind] };
}

function written({ title, description, unit, series }: Panel, kind: keyof typeof widths): object {
  const refs = Object.entries(series).map(([legendFormat, expr], index) => ({
    refId: String.fromCharCode('A'.charCodeAt(0) + index),
    datasource,
    expr,
    legendFormat,
  }));
  return {
    type: kind,
    title,
    description,
    datasource,
    fieldConfig: { defaults: { unit }, overrides: [] },
    targets: refs,
  };
}
