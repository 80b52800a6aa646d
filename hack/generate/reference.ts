// The reference pages of docs/: reasons, settings with commands, and metrics, each from the one place in the operator where it is
// defined. It knows Markdown and no meaning.
import { format, resolveConfig } from 'prettier';
import { Registry } from 'prom-client';
import { canaryMetrics } from '../../operator/canary/metrics.ts';
import type { Command } from '../../operator/commands/command.ts';
import { commands } from '../../operator/commands/commands.ts';
import { settings } from '../../operator/config.ts';
import { gpujobMetrics } from '../../operator/gpujob/metrics.ts';
import { heatMetrics } from '../../operator/heat/metrics.ts';
import { policyMetrics } from '../../operator/policy/metrics.ts';
import { Inventory } from '../../operator/placement/inventory/inventory.ts';
import {
  type Stage,
  conditionTypes,
  eventMeanings,
  reasonMeanings,
  warningTypes,
} from '../../operator/resources/gpujob/conditions.ts';
import { heatConditionTypes, heatReasonMeanings } from '../../operator/resources/heatobserver/conditions.ts';
import { policyConditionTypes, policyReasonMeanings } from '../../operator/resources/sovereignpolicy/conditions.ts';
import { systemClock } from '../../operator/runtime/clock.ts';
import { runtimeMetrics } from '../../operator/runtime/metrics.ts';
import type { GeneratedFile } from './files.ts';

export interface Page {
  readonly name: string;
  readonly title: string;
  readonly source: string;
  readonly body: string;
}

/** Formatted as `make fmt` would, so that the two never disagree. */
export function referencePages(): Promise<GeneratedFile[]> {
  return Promise.all([reasonsPage(), configurationPage(), metricsPage()].map(written));
}

export async function written({ name, title, source, body }: Page): Promise<GeneratedFile> {
  const path = `docs/${name}.md`;
  const header = `<!-- Generated from ${source} by \`make generate\`. Edit it there, not here. -->`;
  const content = await format(`${header}\n\n# ${title}\n\n${body}`, {
    ...(await resolveConfig(import.meta.filename)),
    parser: 'markdown',
  });
  return { path, content };
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function escaped(cell: string): string {
  return cell.replaceAll('|', String.raw`\|`);
}

export const code = (text: string): string => `\`${text}\``;

/** What each word means. */
function glossary(head: string, meanings: Readonly<Record<string, string>>): string {
  return table(
    [head, 'Meaning'],
    Object.entries(meanings).map(([word, sentence]) => [code(word), sentence]),
  );
}

const stageTitles: Readonly<Record<Stage, string>> = {
  BeforeRun: 'Before a run',
  InRun: 'In a run',
  AfterRun: 'After a run',
};

function reasonsPage(): Page {
  const stages = Object.entries(stageTitles).map(([stage, title]) => {
    const reasons = Object.entries(reasonMeanings).filter(([, meaning]) => meaning.stage === stage);
    const rows = reasons.map(([reason, { sentence }]) => [code(reason), sentence]);
    return `## ${title}\n\n${table(['Reason', 'Meaning'], rows)}`;
  });
  const body = `A GPUJob says where it stands in \`status.conditions\`. \`kubectl get gpuj\` shows the reason of \`Ready\`.

## Conditions

${glossary('Condition', conditionTypes)}

Every condition's reason is one of those below: the most precise one that applies. Its message says the rest.

${stages.join('\n\n')}

## Warnings

A warning stops nothing. It is a condition that is there only while it is true, its reason is its name, and an event says the
same.

${glossary('Condition', warningTypes)}

## Events

A reason that begins to be true is told as an event too, and so is the end of each run. Beside them there are:

${glossary('Event', eventMeanings)}

## Of a SovereignPolicy

${glossary('Condition', policyConditionTypes)}

${glossary('Reason', policyReasonMeanings)}

## Of a HeatObserver

${glossary('Condition', heatConditionTypes)}

${glossary('Reason', heatReasonMeanings)}`;
  const source = 'the conditions.ts of each kind in operator/resources';
  return { name: 'reasons', title: 'Conditions and reasons', source, body };
}

function configurationPage(): Page {
  const rows = Object.values(settings).map(({ flag, variable, fallback, text }) => [
    code(`--${flag}`),
    code(variable),
    fallback === '' ? '' : code(fallback),
    text,
  ]);
  const body = `Every setting is a flag and an environment variable; the flag wins. A value that can't be used stops the start with one
line that says what to write instead.

${table(['Flag', 'Variable', 'Default', 'Meaning'], rows)}

## Commands

The same program, called with a word instead of flags alone; \`kubectl orquanta\` with the plugin of a release.

${commands.map(commandSection).join('\n\n')}`;
  const source = 'operator/config.ts and operator/commands';
  return { name: 'configuration', title: 'Settings and commands of the operator', source, body };
}

function commandSection({ words, summary, help }: Command): string {
  return `### ${words.join(' ')}\n\n${summary}\n\n\`\`\`text\n${help.trim()}\n\`\`\``;
}

/** What prom-client's metrics carry and its types leave out. */
interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labelNames?: readonly string[];
}

/** All that an operator serves of its own, leading or observing. */
export function operatorMetrics(): Metric[] {
  const registry = new Registry();
  runtimeMetrics(registry, systemClock);
  gpujobMetrics(registry, new Inventory());
  policyMetrics(registry);
  heatMetrics(registry);
  canaryMetrics(registry);
  return registry.getMetricsAsArray() as unknown as Metric[];
}

function metricsPage(): Page {
  const metrics = operatorMetrics();
  const isOfHeat = ({ name }: Metric): boolean => name.startsWith('orquanta_heat_') || name.startsWith('p28_');
  const isOurs = (metric: Metric): boolean => metric.name.startsWith('orquanta_') && !isOfHeat(metric);
  const tableOf = (some: readonly Metric[]): string =>
    table(
      ['Metric', 'Type', 'Labels', 'Meaning'],
      some.map(({ name, type, labelNames = [], help }) => [code(name), type, labelNames.map(code).join(', '), help]),
    );
  const body = `\`/metrics\` listens on \`--${settings.metricsBindAddress.flag}\`. No label holds the name of a job.
Over TLS, and for those alone who may read them: [secure.md](secure.md#metrics-over-tls-for-those-who-may-read-them).

## GPUs, jobs and policies

${tableOf(metrics.filter(isOurs))}

## Heat

The \`p28_\` metrics have 14 series, whatever is observed. \`observer\` is the namespace and name of a HeatObserver.

${tableOf(metrics.filter(isOfHeat))}

## The operator itself

Names and labels are those of controller-runtime and client-go, so that dashboards made for them work. \`process_…\` and
\`nodejs_…\` come with prom-client.

${tableOf(metrics.filter((metric) => !isOurs(metric) && !isOfHeat(metric)))}`;
  const source = 'metrics.ts in the rooms of operator';
  return { name: 'metrics', title: 'Metrics', source, body };
}
