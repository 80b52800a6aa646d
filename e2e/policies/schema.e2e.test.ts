// The CRD of the policies on the real API server: the table of good and bad objects means there what it means to zod.
import { randomBytes } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { Api, type KubernetesObject } from '../../hack/api/client.ts';
import { refusal } from '../setup/refusal.ts';
import { ownSurroundings } from '../setup/surroundings.ts';
import { runKubectl } from '../../hack/cluster/kubectl.ts';
import { badPolicies, goodPolicies } from '../../operator/resources/testing/policies.ts';

const { kubeconfig, programs } = ownSurroundings();
const path = '/apis/orquanta.io/v1alpha1/sovereignpolicies';
const api = Api.fromKubeconfig(kubeconfig, 'policies-e2e');
const prefix = `schema-${randomBytes(4).toString('hex')}`;

afterAll(() => api.close());

describe('the API server accepts', () => {
  it.each(goodPolicies)('$name', async ({ object }) => {
    expect(await refusal(api.create(`${path}?dryRun=All&fieldValidation=Strict`, object))).toBeUndefined();
  });
});

describe('the API server refuses', () => {
  it.each(badPolicies)('$name, in a dry run and in earnest', async ({ object, says }) => {
    expect(await refusal(api.create(`${path}?dryRun=All`, object))).toContain(says);
    expect(await refusal(api.create(path, object))).toContain(says);
  });

  it('and has created none of them', async () => {
    const { items } = await api.get<{ items: KubernetesObject[] }>(path);
    expect(items.map(({ metadata }) => metadata.name).filter((name) => name !== 'default')).not.toContain('research');
  });
});

describe('kubectl', () => {
  it('explains every field, and prints columns that fit 80 characters', async () => {
    const explained = await runKubectl(programs, kubeconfig, ['explain', 'sovereignpolicy', '--recursive']);
    expect(explained).toContain('maxNamespaceShiftPermille');
    await api.create(path, { ...goodPolicies[0]!.object, metadata: { name: prefix } });
    const table = await runKubectl(programs, kubeconfig, ['get', 'spol', prefix]);
    expect(table.split('\n')[0]).toMatch(/^NAME +VERSION +MODE +HEADROOM +LAST-CAUSE +AGE *$/);
    await api.delete(`${path}/${prefix}`);
  });
});
