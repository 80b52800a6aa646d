// Compares the generated files with what stands in the repository and says in one line each what is wrong. It writes nothing.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GeneratedFile } from './files.ts';

/** Folders in which every file is generated: what is there and not in the list was left behind. */
const generatedFolders = [
  'crds',
  'crds/schemas',
  'config/crd',
  'config/crd/bases',
  'config/admission',
  'config/catalogue',
  'charts/orquanta/templates/crds',
  'charts/orquanta/templates/generated',
];

export async function staleFiles(root: string, files: readonly GeneratedFile[]): Promise<string[]> {
  const stale = await Promise.all(files.map((file) => staleness(root, file)));
  return [...stale.filter((line) => line !== undefined), ...(await leftovers(root, files))];
}

async function staleness(root: string, { path, content }: GeneratedFile): Promise<string | undefined> {
  const found = await contentOf(join(root, path));
  if (found === undefined) return `${path} is missing: run \`npm run generate\``;
  if (found === content) return undefined;
  return `${path} is stale from line ${String(firstDifference(found, content))} on: run \`npm run generate\``;
}

function firstDifference(found: string, wanted: string): number {
  const [foundLines, wantedLines] = [found.split('\n'), wanted.split('\n')];
  return foundLines.findIndex((line, index) => line !== wantedLines[index]) + 1 || foundLines.length + 1;
}

async function contentOf(path: string): Promise<string | undefined> {
  return unlessMissing(readFile(path, 'utf8'), undefined);
}

async function leftovers(root: string, files: readonly GeneratedFile[]): Promise<string[]> {
  const known = new Set(files.map(({ path }) => path));
  const found = await Promise.all(generatedFolders.map((folder) => filesIn(root, folder)));
  return found
    .flat()
    .filter((path) => !known.has(path))
    .map((path) => `${path} is no generated file: delete it`);
}

async function filesIn(root: string, folder: string): Promise<string[]> {
  const entries = await unlessMissing(readdir(join(root, folder), { withFileTypes: true }), []);
  return entries.filter((entry) => entry.isFile()).map(({ name }) => `${folder}/${name}`);
}

async function unlessMissing<T, U>(reading: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return otherwise;
    throw error;
  }
}
