// config/default as the files that are installed: what `kubectl kustomize` makes of it, with another image where one is named. It asks
// no cluster, and the same input gives the same bytes.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { stringify } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { runKubectl } from '../cluster/kubectl.ts';
import type { Programs } from '../cluster/programs.ts';
import { type ImageReference, readImage } from './image.ts';

const root = join(import.meta.dirname, '..', '..');

/** As config/manager names it. */
export const imageName = 'orquanta';
export const standardImage = `${imageName}:${manifest.version}`;

export interface Installer {
  /** Everything. */
  readonly install: string;
  /** The CRDs alone. */
  readonly crds: string;
}

/** `image`: empty for the one that config/manager names. */
export async function renderInstaller(programs: Programs, image = ''): Promise<Installer> {
  const text = await renderAll(programs, image === '' ? undefined : readImage(image));
  const crds = documentsOf(text, (kind) => kind === 'CustomResourceDefinition');
  return { install: headed(text, 'install.yaml'), crds: headed(crds, 'crds.yaml') };
}

/** A folder with a kustomization. */
export function kustomize(programs: Programs, folder: string): Promise<string> {
  // No kubeconfig is read: it asks no cluster.
  return runKubectl(programs, '', ['kustomize', folder]);
}

/** Those documents whose kind is wanted, as they stand. */
export function documentsOf(text: string, wants: (kind: string) => boolean): string {
  return text
    .split(/^---\n/m)
    .filter((document) => wants(/^kind: (\w+)$/m.exec(document)?.[1] ?? ''))
    .join('---\n');
}

async function renderAll(programs: Programs, image: ImageReference | undefined): Promise<string> {
  const config = join(root, 'config', 'default');
  if (image === undefined) return kustomize(programs, config);
  // kustomize changes files in place where it is told an image: an overlay leaves the tree as it is.
  const folder = await mkdtemp(join(tmpdir(), 'orquanta-installer-'));
  try {
    await writeFile(join(folder, 'kustomization.yaml'), overlay(relative(resolve(folder), config), image));
    return await kustomize(programs, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `config`: kustomize refuses an absolute path. */
function overlay(config: string, { name, tag, digest }: ImageReference): string {
  return stringify({
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [config],
    images: [{ name: imageName, newName: name, ...(digest === undefined ? { newTag: tag ?? 'latest' } : { digest }) }],
  });
}

function headed(text: string, file: string): string {
  return `# OrQuanta ${manifest.version}. Install it with: kubectl apply --server-side --filename=${file}\n---\n${text}`;
}
