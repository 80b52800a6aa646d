// What the policies say of a GPUJob as `observe` asks it: of the policy that the job names, and at no cost where there is
// nothing to ask. The words themselves are in catalogue.test.ts.
import { describe, expect, it } from 'vitest';
import type { GPUJob, GPUJobSpec } from '../resources/gpujob.ts';
import type { SovereignPolicy } from '../resources/sovereignpolicy.ts';
import { FakeClock } from '../runtime/testing/fake-clock.ts';
import { experienceOf } from './experience.ts';
import { RunHistory } from './run-history.ts';
import { aPolicy, aProcess, aServer } from './testing.ts';

const gpus = [{ product: 'Old', vram: '32Gi', tested: true }];
const models = [{ name: 'raw', vram: '20Gi', costPerMillionTokens: '0.02', recommended: true }];
const policies = [aPolicy({ gpus, models }), aPolicy({ models }, 'other')];

function aGPUJob(spec: Partial<GPUJobSpec>): GPUJob {
  const template = { spec: { containers: [{ name: 'main', image: 'train:1' }] } };
  return {
    metadata: { name: 'train', namespace: 'ml', uid: 'uid', resourceVersion: '1' },
    spec: { ...spec, template },
  };
}

function anExperience() {
  const asked: string[] = [];
  const get = (name: string): SovereignPolicy | undefined => {
    asked.push(name);
    return policies.find(({ metadata }) => metadata.name === name);
  };
  const { keeper } = aProcess(aServer());
  return {
    asked,
    experience: experienceOf({ history: new RunHistory(), keeper, policies: { get }, clock: new FakeClock() }),
  };
}

interface Case {
  readonly name: string;
  readonly spec: Partial<GPUJobSpec>;
  readonly wantWords?: string;
  readonly wantCost?: string;
  /** How often a policy is read for both answers. */
  readonly wantReads: number;
}

const untested = (policyName: string): string =>
  `of the AI models that the job names, policy "${policyName}" calls untested: raw (0.02 USD a million tokens); alternatives: none`;

const cases: readonly Case[] = [
  { name: 'a job that names neither product nor model', spec: { requiredVRAM: '20Gi' }, wantReads: 0 },
  { name: 'a job that only denies products', spec: { products: { allow: [], deny: ['Old'] } }, wantReads: 0 },
  {
    name: 'a job that names a product',
    spec: { requiredVRAM: '20Gi', products: { allow: ['Old'] } },
    wantWords:
      'of the GPU products that the job allows, policy "default" doesn\'t recommend: Old; alternatives with 20Gi: none',
    wantReads: 1,
  },
  {
    name: 'a job that names a model',
    spec: { model: 'raw' },
    wantWords: untested('default'),
    wantCost: '0.02',
    wantReads: 2,
  },
  {
    name: 'a job that names another policy',
    spec: { model: 'raw', policyName: 'other', products: { allow: ['Old'] } },
    wantWords: untested('other'),
    wantCost: '0.02',
    wantReads: 2,
  },
  { name: 'a job whose policy is not there', spec: { model: 'raw', policyName: 'none' }, wantReads: 2 },
];

describe('the catalogue of its policy says of', () => {
  it.each(cases)('$name', ({ spec, wantWords, wantCost, wantReads }) => {
    const { experience, asked } = anExperience();
    const gpujob = aGPUJob(spec);
    expect(experience.catalogueWords(gpujob)).toBe(wantWords);
    expect(experience.modelCost(gpujob)?.costPerMillionTokens).toBe(wantCost);
    expect(asked).toHaveLength(wantReads);
  });
});
