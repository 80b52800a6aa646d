// config/ as it stands in the tree: no manifest is forgotten by the kustomization beside it, and who applies one folder alone gets
// no less care than by config/default.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';

const config = join(import.meta.dirname, '../../config');

/** The names that kustomize knows. */
const isKustomization = (name: string): boolean => ['Kustomization', 'kustomization.yaml'].includes(name);

it.each(['admission', 'rbac', 'user-roles', 'manager', 'default', 'prometheus', 'network-policy', 'samples'])(
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

it('config/rbac gives the token of its service account to no Pod that does not ask for it, and config/manager asks', async () => {
  const read = async (path: string) => parse(await readFile(join(config, path), 'utf8')) as Record<string, unknown>;
  expect(await read('rbac/service_account.yaml')).toMatchObject({ automountServiceAccountToken: false });
  expect(await read('manager/manager.yaml')).toMatchObject({
    spec: { template: { spec: { serviceAccountName: 'orquanta', automountServiceAccountToken: true } } },
  });
});
