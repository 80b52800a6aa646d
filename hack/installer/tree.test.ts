// config/ as it stands in the tree: no manifest is forgotten by the kustomization beside it.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';

const config = join(import.meta.dirname, '../../config');

/** The names that kustomize knows. */
const isKustomization = (name: string): boolean => ['Kustomization', 'kustomization.yaml'].includes(name);

it.each(['rbac', 'user-roles', 'manager', 'default', 'prometheus', 'network-policy', 'samples'])(
  'config/%s is installed whole: each of its manifests is a resource of its kustomization',
  async (folder) => {
    const names = await readdir(join(config, folder));
    const [kustomization = ''] = names.filter(isKustomization);
    const { resources } = parse(await readFile(join(config, folder, kustomization), 'utf8')) as { resources: string[] };
    const manifests = names.filter((name) => name.endsWith('.yaml') && !isKustomization(name));
    expect(resources.filter((path) => !path.startsWith('../')).sort()).toEqual(manifests.sort());
    expect(manifests).not.toEqual([]);
  },
);
