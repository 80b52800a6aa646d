// The page of docs/ about the chart's values: every value with its default and the comment above it in values.yaml. A comment that
// is missing is found here, so that no value goes unexplained.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMap, isScalar, type Node, parseDocument, type YAMLMap } from 'yaml';
import type { GeneratedFile } from './files.ts';
import { code, table, written } from './reference.ts';

const valuesFile = 'charts/orquanta/values.yaml';

export interface ChartValue {
  /** As --set takes it. */
  readonly path: string;
  readonly fallback: unknown;
  readonly meaning: string;
}

/** One value as a whole: Kubernetes explains itself what is in it. */
const passedOn: ReadonlySet<string> = new Set([
  'podSecurityContext',
  'securityContext',
  'resources',
  'affinity',
  'labels',
]);

export async function chartValuesPage(): Promise<GeneratedFile> {
  const values = readValues(await readFile(join(import.meta.dirname, '../..', valuesFile), 'utf8'));
  const rows = values.map(({ path, fallback, meaning }) => [code(path), defaultWords(fallback), meaning]);
  const body = `What \`helm install --set\` and \`--values\` take. A key that is not here, or a value of another type, is refused by
\`values.schema.json\`, and what no single value can tell by the chart itself, with the value's name.

${table(['Value', 'Default', 'Meaning'], rows)}`;
  return written({ name: 'chart-values', title: 'Values of the chart', source: valuesFile, body });
}

/** Throws, by name, where one has no comment. */
export function readValues(text: string): ChartValue[] {
  const { contents } = parseDocument(text);
  if (!isMap(contents)) throw new Error('the values are no map');
  return [...leaves(contents as YAMLMap<Node, Node>, '')];
}

function* leaves(map: YAMLMap<Node, Node>, prefix: string, before = map.commentBefore): Generator<ChartValue> {
  for (const [index, { key, value }] of map.items.entries()) {
    const name = isScalar(key) ? String(key.value) : '';
    const path = `${prefix}${name}`;
    if (isMap(value) && value.items.length > 0 && !passedOn.has(name)) {
      yield* leaves(value as YAMLMap<Node, Node>, `${path}.`, value.commentBefore);
      continue;
    }
    // The comment above a map's first key belongs to the map.
    const comment = key.commentBefore ?? (index === 0 ? before : undefined);
    if (comment == null) throw new Error(`${path} has no comment in ${valuesFile}`);
    yield { path, fallback: value?.toJSON() as unknown, meaning: sentencesOf(comment) };
  }
}

/** Behind an empty line a comment is about something else: the file, or a group. */
function sentencesOf(comment: string): string {
  const [last = ''] = comment.split(/\n\s*\n/).slice(-1);
  return last
    .split('\n')
    .map((line) => line.trim())
    .join(' ');
}

function defaultWords(value: unknown): string {
  return value === '' ? '' : code(typeof value === 'string' ? value : JSON.stringify(value));
}
