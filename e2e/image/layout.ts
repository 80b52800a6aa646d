// What a container engine would make of image/Dockerfile, in folders: the build context, the stage that builds, the final tree. Only
// the base image is left out, and `npm ci`, for which the packages of this clone stand.
import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, readdir, readFile, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type Copy, ignoresOf, readStages, type Stage } from './dockerfile.ts';

export const root = join(import.meta.dirname, '../..');

export interface Layout {
  /** Paths that the build context holds. */
  readonly context: readonly string[];
  /** The root of the final tree. */
  readonly tree: string;
  readonly stage: Stage;
}

export async function layOut(folder: string): Promise<Layout> {
  const stages = readStages(await readFile(join(root, 'image/Dockerfile'), 'utf8'));
  const context = join(folder, 'context');
  const paths = await layOutContext(context);
  const roots = new Map<string | undefined, string>([[undefined, context]]);
  for (const stage of stages) {
    const own = join(folder, stage.name ?? 'final');
    roots.set(stage.name ?? 'final', own);
    for (const copy of stage.copies) await carryOut(copy, roots.get(copy.from) ?? '', join(own, stage.workdir));
    for (const run of stage.runs) await runs(run, join(own, stage.workdir));
  }
  return { context: paths, tree: roots.get('final') ?? '', stage: stages.at(-1)! };
}

async function layOutContext(context: string): Promise<string[]> {
  const { ignores, mayHold } = ignoresOf(await readFile(join(root, '.dockerignore'), 'utf8'));
  const paths = (await filesBelow('', mayHold)).filter((path) => !ignores(path));
  for (const path of paths) {
    await mkdir(dirname(join(context, path)), { recursive: true });
    await copyFile(join(root, path), join(context, path));
  }
  return paths;
}

async function filesBelow(folder: string, mayHold: (folder: string) => boolean): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true });
  const found = entries.map(async (entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (!entry.isDirectory()) return [path];
    return mayHold(path) ? filesBelow(path, mayHold) : [];
  });
  return (await Promise.all(found)).flat();
}

/** Of a folder its content is copied, as Docker does it. */
async function carryOut({ sources, to }: Copy, from: string, workdir: string): Promise<void> {
  const target = resolve(workdir, to);
  const isFolder = to.endsWith('/') || sources.length > 1;
  for (const source of sources) {
    const path = join(from, source);
    const ofFile = isFolder ? join(target, basename(source)) : target;
    await cp(path, (await stat(path)).isDirectory() ? target : ofFile, { recursive: true });
  }
}

async function runs(command: string, workdir: string): Promise<void> {
  if (command === 'npm ci --ignore-scripts') await symlink(join(root, 'node_modules'), join(workdir, 'node_modules'));
  else if (command === 'npm run build') await promisify(execFile)('npm', ['run', 'build'], { cwd: workdir });
  else throw new Error(`image/Dockerfile: RUN ${command} isn't known to the test`);
}
