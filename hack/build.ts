// make build: the operator as a few files of plain JavaScript, as the image holds it, and the bill of materials beside them. It
// starts sooner and weighs less than the sources, whose types Node strips at each start. Nothing in it needs node_modules.
import { rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { build, type BuildOptions } from 'esbuild';
import { billOfMaterials } from './release/bill-of-materials.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** Some packages are CommonJS inside and ask for Node's own modules by require(), which an ES module doesn't have. */
const banner = `import { createRequire as createRequireOfBundle } from 'node:module';
const require = createRequireOfBundle(import.meta.url);`;

/** What all programs that are shipped have in common. */
export const forNode = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  // The oldest Node that package.json's engines allow.
  target: 'node22.19',
  banner: { js: banner },
  // The paths of what is bundled are part of it: they must not tell where a linked node_modules really is.
  preserveSymlinks: true,
  legalComments: 'linked',
  logLevel: 'warning',
} as const satisfies BuildOptions;

/** Whatever else is in `folder` is removed. Returns the path of the program: node <path>. */
export async function buildOperator(folder = join(dist, 'operator')): Promise<{ program: string; bytes: number }> {
  await rm(folder, { recursive: true, force: true });
  const { metafile } = await build({
    ...forNode,
    entryPoints: {
      orquanta: 'operator/main.ts',
      'heat-thread': 'operator/heat/worker/thread.ts',
      healthcheck: 'operator/programs/healthcheck.ts',
    },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    // What only a kubeconfig with a plugin needs stays a file of its own, loaded for that alone.
    splitting: true,
    metafile: true,
  });
  const bytes = Object.values(metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
  return { program: join(folder, 'orquanta.mjs'), bytes };
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === import.meta.filename) {
  const { program, bytes } = await buildOperator();
  await writeFile(join(dist, 'sbom.cdx.json'), await billOfMaterials(root));
  const path = relative(process.cwd(), program);
  const megabytes = (bytes / 1_000_000).toFixed(1);
  process.stdout.write(`${path} and what it loads: ${megabytes} MB. Start it with: node ${path} --help\n`);
}
