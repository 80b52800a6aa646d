// What of the repository docs may name: files, make targets, flags, metrics, values of the chart. It reads and judges nothing.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commands } from '../../operator/commands/commands.ts';
import { settings } from '../../operator/config.ts';
import { readValues } from '../generate/chart-values.ts';
import { type Page, readPage } from './page.ts';
import { operatorMetrics } from '../generate/reference.ts';

export interface Repository {
  /** Files and folders, from the root. */
  readonly paths: ReadonlySet<string>;
  readonly makeTargets: ReadonlySet<string>;
  /** Of the operator and its commands, without dashes. */
  readonly flags: ReadonlySet<string>;
  readonly metrics: ReadonlySet<string>;
  /** Of the chart, as --set takes them. */
  readonly values: readonly string[];
}

const root = join(import.meta.dirname, '../..');
/** What is fetched, built, or Git's. */
const notOurs = new Set(['node_modules', 'dist', '.git', '.tools', '.ci', 'coverage']);

export function readRepository(): Repository {
  return {
    paths: new Set(pathsUnder('')),
    makeTargets: new Set([...read('Makefile').matchAll(/^([a-z][a-z0-9-]*):/gm)].map(([, name = '']) => name)),
    flags: new Set([...Object.values(settings).map(({ flag }) => flag), ...commandFlags(), 'help']),
    metrics: new Set(operatorMetrics().map(({ name }) => name)),
    values: readValues(read('charts/orquanta/values.yaml')).map(({ path }) => path),
  };
}

export function readPages({ paths }: Repository): Page[] {
  return [...paths].filter((path) => path.endsWith('.md')).map((path) => readPage(path, read(path)));
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

function* pathsUnder(folder: string): Generator<string> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    if (notOurs.has(entry.name)) continue;
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    yield path;
    if (entry.isDirectory()) yield* pathsUnder(path);
  }
}

function commandFlags(): string[] {
  return commands.flatMap(({ help }) => [...help.matchAll(/--([a-z-]+)/g)].map(([, flag = '']) => flag));
}
