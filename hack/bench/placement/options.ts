// What make bench-placement is told by its environment, and what it answers to what it can't use.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type PolicyName, policyNames } from './policies.ts';
import { type ListName, listNames } from './run.ts';

export interface Options {
  /** Holds the files of the trace. */
  readonly folder: string;
  readonly seeds: readonly number[];
  readonly lists: readonly ListName[];
  readonly policies: readonly PolicyName[];
  /** The file that the plot is written to. */
  readonly plot: string;
}

export class UsageError extends Error {}

const root = join(import.meta.dirname, '..', '..', '..');

/** Beside a clone where the openb files are shared; nothing is there in most. */
export const sharedTrace = join(root, '..', 'shared', 'data', 'openb');

/** The paper's. */
const defaultSeeds = [42, 43, 44, 45, 46, 47, 48, 49, 50, 51];
const mostSeed = 0xffff_ffff;

type Environment = Readonly<Record<string, string | undefined>>;

export function readOptions(environment: Environment, fallbackFolder = sharedTrace): Options {
  const lists = someOf('LISTS', environment['LISTS'], listNames);
  return {
    folder: traceFolder(environment['TRACE'] ?? '', fallbackFolder, lists),
    seeds: seedsOf(environment['SEEDS'] ?? ''),
    lists,
    policies: someOf('POLICIES', environment['POLICIES'], policyNames),
    plot: resolve(environment['PLOT'] || join(root, 'dist', 'bench', 'placement.svg')),
  };
}

function traceFolder(asked: string, fallback: string, lists: readonly ListName[]): string {
  const source = 'the openb files (openb_*.csv of the repository hkust-adsl/kubernetes-scheduler-simulator)';
  if (asked === '' && !existsSync(fallback)) {
    throw new UsageError(`say where ${source} are: make bench-placement TRACE=<folder>`);
  }
  const folder = resolve(asked || fallback);
  const files = ['openb_node_list_gpu_node.csv', ...lists.map((list) => `openb_pod_list_${list}.csv`)];
  const missing = files.find((file) => !existsSync(join(folder, file)));
  if (missing === undefined) return folder;
  throw new UsageError(`TRACE=${asked || fallback}: there is no ${missing}; write the folder that has ${source}`);
}

function seedsOf(text: string): readonly number[] {
  const seeds =
    text === '' ? defaultSeeds : text.split(',').map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : -1));
  if (seeds.every((seed) => seed >= 0 && seed <= mostSeed) && isEachOnce(seeds)) return seeds;
  throw new UsageError(`SEEDS=${text}: write whole numbers from 0 to ${mostSeed}, each once, as in SEEDS=42,43,44`);
}

/** All of them for `all`, and where nothing is said. */
function someOf<Name extends string>(
  variable: string,
  text: string | undefined,
  names: readonly Name[],
): readonly Name[] {
  if (text === undefined || text === '' || text === 'all') return names;
  const parts = text.split(',').map((part) => part.trim());
  const found = parts.map((part) => names.find((name) => name === part));
  const known = found.filter((name) => name !== undefined);
  if (known.length === parts.length && isEachOnce(known)) return known;
  throw new UsageError(`${variable}=${text}: write all, or some of ${names.join(',')}, each once`);
}

function isEachOnce(values: readonly unknown[]): boolean {
  return new Set(values).size === values.length;
}
