// The kubectl plugin as one file that needs nothing but Node, its archive, and what krew wants to know of it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { stringify } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { forNode } from '../build.ts';
import { packed } from './archive.ts';
import type { NamedFile } from './chart.ts';

const root = join(import.meta.dirname, '..', '..');
const program = 'kubectl-orquanta';

export async function pluginArchive(): Promise<NamedFile> {
  const { outputFiles } = await build({
    ...forNode,
    entryPoints: ['operator/programs/kubectl-orquanta.ts'],
    banner: { js: `#!/usr/bin/env node\n${forNode.banner.js}` },
    // One file: kubectl finds a plugin by its name on PATH, wherever it is linked to from.
    legalComments: 'eof',
    write: false,
  });
  const [bundle] = outputFiles;
  if (bundle === undefined) throw new Error('esbuild made nothing of the plugin');
  const entries = [
    { name: 'LICENSE', content: await readFile(join(root, 'LICENSE')) },
    { name: program, content: Buffer.from(bundle.contents), isProgram: true },
  ];
  return { name: `${program}-${manifest.version}.tar.gz`, content: await packed(entries) };
}

/** https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/. `url`: the folder that the archive is downloaded from. */
export function krewManifest(archive: string, sha256: string, url: string): NamedFile {
  const content = {
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: 'orquanta' },
    spec: {
      version: `v${manifest.version}`,
      shortDescription: 'Compare placement policies and verify heat',
      description: 'Commands for OrQuanta, which runs GPU work by the VRAM it needs.',
      caveats: `It needs Node ${manifest.engines.node.replace('>=', '')} or newer on PATH.`,
      platforms: [
        {
          selector: { matchExpressions: [{ key: 'os', operator: 'In', values: ['darwin', 'linux'] }] },
          uri: `${url.replace(/\/$/, '')}/${archive}`,
          sha256,
          bin: program,
          files: [program, 'LICENSE'].map((from) => ({ from, to: '.' })),
        },
      ],
    },
  };
  return { name: 'krew-orquanta.yaml', content: stringify(content, { lineWidth: 0 }) };
}
