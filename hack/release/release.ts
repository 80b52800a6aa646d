// Everything that is published of one version, as files with their checksums. The same tree and the same Node give the same bytes,
// in whatever folder, at whatever time.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import type { Programs } from '../cluster/programs.ts';
import { renderInstaller } from '../installer/render.ts';
import { billOfMaterials } from './bill-of-materials.ts';
import { chartPackage, type NamedFile } from './chart.ts';
import { krewManifest, pluginArchive } from './plugin.ts';

const root = join(import.meta.dirname, '..', '..');

export interface ReleaseOptions {
  /** In install.yaml; empty for the one that config/manager names. */
  readonly image: string;
  /** The folder that the files will be downloaded from; empty: there is no krew manifest, which has to name it. */
  readonly url: string;
}

export async function releaseFiles(programs: Programs, { image, url }: ReleaseOptions): Promise<NamedFile[]> {
  const { install, crds } = await renderInstaller(programs, image);
  const plugin = await pluginArchive();
  const files = [
    await chartPackage(programs),
    plugin,
    { name: 'install.yaml', content: install },
    { name: 'crds.yaml', content: crds },
    { name: `orquanta-${manifest.version}.sbom.cdx.json`, content: await billOfMaterials(root) },
    ...(url === '' ? [] : [krewManifest(plugin.name, sha256(plugin.content), url)]),
  ];
  return [...files, checksums(files)];
}

/** As sha256sum writes them and `sha256sum --check` reads them. */
function checksums(files: readonly NamedFile[]): NamedFile {
  const lines = files.map(({ name, content }) => `${sha256(content)}  ${name}\n`);
  return { name: 'sha256sums.txt', content: lines.join('') };
}

function sha256(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex');
}
