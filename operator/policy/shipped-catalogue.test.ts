import { describe, expect, it } from 'vitest';
import { sovereignPolicySchema } from '../resources/sovereignpolicy.ts';
import { annotations } from '../resources/labels.ts';
import { defaultPolicy, defaultPolicySpec, outdatedCatalogue } from './default-policy.ts';
import { catalogueVersion, shippedGPUs, shippedModels } from './shipped-catalogue.ts';

const dated = /\b20\d\d-\d\d(-\d\d)?\b/;

describe('the shipped catalogue', () => {
  it('makes a default policy that the schema accepts', () => {
    expect(sovereignPolicySchema.safeParse(defaultPolicy()).error?.issues ?? []).toEqual([]);
    expect(defaultPolicySpec).toMatchObject({ gpus: [...shippedGPUs], warnAbove: { costPerHour: '5.00' } });
  });

  it('has each product and each model once', () => {
    const names = [...shippedGPUs.map(({ product }) => product), ...shippedModels.map(({ name }) => name)];
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('has a source and a date for every price, and says where there is none', () => {
    const priced = [
      ...shippedGPUs.map(({ costPerHour: price, notes = '' }) => ({ price, notes })),
      ...shippedModels.map(({ costPerMillionTokens: price, notes = '' }) => ({ price, notes })),
    ];
    const unsourced = priced.filter(({ price, notes }) =>
      price === undefined ? !notes.includes('No price:') : !(notes.includes('Price in USD') && dated.test(notes)),
    );
    expect(unsourced).toEqual([]);
  });

  it('computes the VRAM of a model from its parameters', () => {
    const llama = shippedModels.find(({ name }) => name === 'llama-3.1-8b-instruct');
    // 8.03e9 x 2 x 1.2 bytes are 17.95 GiB.
    expect(llama?.vram).toBe('18Gi');
    expect(llama?.notes).toContain('8.03 billion parameters x 2 bytes + 20 %');
  });

  it('has a version that is a day', () => {
    expect(catalogueVersion).toMatch(/^20\d\d-\d\d-\d\d$/);
  });
});

describe('an outdated catalogue', () => {
  const named = (name: string, version?: string) => ({
    metadata: { name, ...(version !== undefined && { annotations: { [annotations.catalogue]: version } }) },
  });

  it('is said with the command that applies the newer one', () => {
    expect(outdatedCatalogue(named('default', '2026-01-01'))).toBe(
      `the catalogue is that of 2026-01-01, and OrQuanta ships one of ${catalogueVersion}: apply it with \`kubectl apply --server-side --force-conflicts --field-manager=orquanta-default --filename=config/catalogue/catalogue.yaml\` (products of your own stay; what you changed in shipped ones is overwritten), or remove the annotation orquanta.io/catalogue to keep yours`,
    );
  });

  it.each([
    ['it is the newest', named('default', catalogueVersion)],
    ['it comes from a newer OrQuanta', named('default', '2999-01-01')],
    ['the catalogue is somebody’s own', named('default')],
    ['the operator did not make the policy', named('research', '2026-01-01')],
  ])('is not said where %s', (_, policy) => {
    expect(outdatedCatalogue(policy)).toBeUndefined();
  });
});
