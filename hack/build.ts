// make build: the operator as a few files of plain JavaScript in dist/, as the image will hold it. It starts sooner and weighs
// less than the sources, whose types Node strips at each start. Nothing in it needs node_modules.
import { rm } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');

/** The oldest Node that package.json's engines allow. */
const target = 'node22.19';

/** Some packages are CommonJS inside and ask for Node's own modules by require(), which an ES module doesn't have. */
const banner = `import { createRequire as createRequireOfBundle } from 'node:module';
const require = createRequireOfBundle(import.meta.url);`;

/** Returns the path of the program: node <path>. */
export async function buildOperator(): Promise<{ program: string; bytes: number }> {
  const folder = join(root, 'dist');
  await rm(folder, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { orquanta: 'operator/main.ts', 'heat-thread': 'operator/heat/worker/thread.ts' },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // What only a kubeconfig with a plugin needs stays a file of its own, loaded for that alone.
    splitting: true,
    platform: 'node',
    format: 'esm',
    target,
    banner: { js: banner },
    legalComments: 'linked',
    metafile: true,
    logLevel: 'warning',
  });
  const bytes = Object.values(metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
  return { program: join(folder, 'orquanta.mjs'), bytes };
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === import.meta.filename) {
  const { program, bytes } = await buildOperator();
  const path = relative(process.cwd(), program);
  const megabytes = (bytes / 1_000_000).toFixed(1);
  process.stdout.write(`${path} and what it loads: ${megabytes} MB. Start it with: node ${path} --help\n`);
}
