// What the catalogue says of a job in its status and as a fact: there while it is said, told once, and costing nothing where
// nothing is said. The words themselves are in operator/policy/catalogue.test.ts.
import { describe, expect, it } from 'vitest';
import type { GPUJobSpec, GPUJobStatus } from '../../resources/gpujob.ts';
import type { Fact } from '../effects.ts';
import { aGPUJob, aJob, anObservation, aPlacement, aPod, at, start } from '../testing/builders.ts';
import { decide } from './decide.ts';

type Overrides = Parameters<typeof anObservation>[0];

const placed = { kind: 'Placed', placement: aPlacement() } as const;
const busy = { kind: 'Waiting', reason: 'CardsBusy', message: '0 of 3 nodes fit now: 3 busy' } as const;
const words =
  'of the GPU products that the job allows, policy "default" calls untested: New; alternatives with 20Gi: none';
const otherWords = `${words}, Middle`;
const cost = { costPerMillionTokens: '0.04', currency: 'USD' };

function written(overrides: Overrides): { status: GPUJobStatus; facts: readonly Fact[] } | undefined {
  const { effects } = decide(anObservation(overrides));
  return effects.find((effect) => effect.kind === 'WriteStatus');
}

function statusAfter(overrides: Overrides): GPUJobStatus {
  return written(overrides)?.status ?? {};
}

function aGPUJobOfGeneration(generation: number, spec: Partial<GPUJobSpec>, status: GPUJobStatus) {
  const gpujob = aGPUJob(spec, status);
  return { ...gpujob, metadata: { ...gpujob.metadata, generation } };
}

const warningIn = ({ conditions }: GPUJobStatus) => conditions?.find(({ type }) => type === 'CatalogueWarning');
const typesIn = ({ conditions = [] }: GPUJobStatus) => conditions.map(({ type }) => type);
const told = (overrides: Overrides) => written(overrides)?.facts.filter(({ kind }) => kind === 'CatalogueWarning');

const plain = statusAfter({ verdict: busy });
const warned = statusAfter({ verdict: busy, catalogueWords: words });

describe('the status of a job of which the catalogue has nothing to say', () => {
  it('holds nothing of it', () => {
    expect(typesIn(plain)).toEqual('Ready Placed Suspended Complete Failed Finished Reconciling Stalled'.split(' '));
    expect(plain).not.toHaveProperty('model');
  });
});

describe('the words of the catalogue', () => {
  it('stand in the first status behind the other conditions, which are as without them', () => {
    const { conditions = [] } = warned;
    expect(conditions.slice(0, -1)).toEqual(plain.conditions);
    expect(conditions.at(-1)).toEqual({
      type: 'CatalogueWarning',
      status: 'True',
      reason: 'CatalogueWarning',
      message: words,
      lastTransitionTime: at(0),
      observedGeneration: 1,
    });
  });

  it.each<[string, Overrides]>([
    ['a job that gets cards at once', { verdict: placed }],
    ['a job that must wait', { verdict: busy }],
    ['a suspended job', { gpujob: aGPUJob({ suspend: true }) }],
    ['a job whose model nobody knows', { modelNotFound: { reason: 'ModelNotFound', message: 'unknown' } }],
  ])('are told of %s with its first status write, before all else', (_, overrides) => {
    const { facts = [], status = {} } = written({ ...overrides, catalogueWords: words }) ?? {};
    expect(facts[0]).toEqual({ kind: 'CatalogueWarning', message: words });
    expect(facts.slice(1)).toEqual(written(overrides)?.facts);
    expect(warningIn(status)?.message).toBe(words);
  });

  it('are no reason to write a status that would say the same, also not after a restart', () => {
    const overrides = { gpujob: aGPUJob({}, warned), verdict: busy, catalogueWords: words };
    expect(written(overrides)).toBeUndefined();
    expect(written({ ...overrides, statusWrittenAtMilliseconds: start })).toBeUndefined();
  });

  it('are not told again with a status that is written for another reason', () => {
    const overrides = {
      gpujob: aGPUJob({}, warned),
      verdict: placed,
      catalogueWords: words,
      nowMilliseconds: start + 1,
    };
    expect(told(overrides)).toEqual([]);
    expect(warningIn(statusAfter(overrides))).toEqual(warningIn(warned));
  });

  it('are told again of another generation, in which somebody read them and went on', () => {
    const gpujob = aGPUJobOfGeneration(2, {}, warned);
    const overrides = { gpujob, verdict: busy, catalogueWords: words, nowMilliseconds: start + 1 };
    expect(told(overrides)).toHaveLength(1);
    expect(warningIn(statusAfter(overrides))).toMatchObject({ observedGeneration: 2, lastTransitionTime: at(0) });
  });

  it('are written and told at once when they change, although messages of a waiting job wait for five minutes', () => {
    const soon = { gpujob: aGPUJob({}, warned), verdict: busy, statusWrittenAtMilliseconds: start };
    const overrides = { ...soon, catalogueWords: otherWords, nowMilliseconds: start + 1_000 };
    expect(told(overrides)).toEqual([{ kind: 'CatalogueWarning', message: otherWords }]);
    expect(warningIn(statusAfter(overrides))?.message).toBe(otherWords);
  });

  it.each<[string, Overrides]>([
    ['waits', { gpujob: aGPUJob({}, warned), verdict: busy, statusWrittenAtMilliseconds: start }],
    ['was mended', { gpujob: aGPUJobOfGeneration(2, {}, warned), verdict: busy }],
    [
      'runs',
      {
        gpujob: aGPUJob({}, { ...warned, run: 1 }),
        jobs: [aJob()],
        pods: [aPod(1, { phase: 'Running', node: 'node-a', startedAt: 0 })],
      },
    ],
  ])('are gone at once from a job that %s when the catalogue has nothing to say any more', (_, overrides) => {
    const { facts = [], status = {} } = written({ ...overrides, catalogueWords: undefined }) ?? {};
    expect(typesIn(status)).toEqual(typesIn(plain));
    expect(facts.map(({ kind }) => kind)).not.toContain('CatalogueWarning');
  });

  it('stay as they are on a job that is finished', () => {
    const finished = statusAfter({
      gpujob: aGPUJob({}, { ...warned, run: 1 }),
      jobs: [aJob(1, 'Complete')],
      catalogueWords: words,
    });
    expect(warningIn(finished)?.message).toBe(words);
    expect(written({ gpujob: aGPUJob({}, finished), catalogueWords: undefined })).toBeUndefined();
  });
});

describe('the cost of a model', () => {
  it('stands in the first status and changes with the catalogue', () => {
    const first = statusAfter({ verdict: busy, modelCost: cost });
    expect(first.model).toEqual(cost);
    expect(written({ gpujob: aGPUJob({}, first), verdict: busy, modelCost: cost })).toBeUndefined();
    const dearer = { ...cost, costPerMillionTokens: '0.05' };
    expect(statusAfter({ gpujob: aGPUJob({}, first), verdict: busy, modelCost: dearer }).model).toEqual(dearer);
    expect(statusAfter({ gpujob: aGPUJob({}, first), verdict: busy })).not.toHaveProperty('model');
  });
});

describe('the message of a run', () => {
  it('does not call it experience when the catalogue asks less for the model than when the run began', () => {
    const gpujob = aGPUJob({ model: 'llama-8b' }, { run: 1, vram: '20Gi' });
    const { requiredVRAM: _, ...spec } = gpujob.spec;
    const status = statusAfter({ gpujob: { ...gpujob, spec }, jobs: [aJob()] });
    expect(status.conditions?.[0]?.message).toBe('run 1 on node-a: 1 x NVIDIA-L4 (22.3Gi)');
  });
});
