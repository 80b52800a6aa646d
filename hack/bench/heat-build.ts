// The parties of make bench-heat as plain JavaScript, as the operator is shipped (hack/build.ts): stripping types at the start
// would be half of an observer's memory.
import { join } from 'node:path';
import { build } from 'esbuild';

const parties = ['heat-ceiling', 'heat-generator', 'heat-naive', 'heat-observer'] as const;
export type PartyName = (typeof parties)[number];

/** Some packages are CommonJS inside: see hack/build.ts. */
const banner = `import { createRequire as createRequireOfBundle } from 'node:module';
const require = createRequireOfBundle(import.meta.url);`;

/** Where each program then is. */
export async function buildParties(directory: string): Promise<(party: PartyName) => string> {
  const folder = join(directory, 'programs');
  await build({
    entryPoints: parties.map((name) => join(import.meta.dirname, `${name}.ts`)),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22.19',
    banner: { js: banner },
    logLevel: 'warning',
  });
  return (party) => join(folder, `${party}.mjs`);
}
