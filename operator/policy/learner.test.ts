// What a GPUJob's failure is for the ledger: one version, which the API server gives back as it was sealed.
import { describe, expect, it } from 'vitest';
import { aGPUJob } from '../gpujob/testing/builders.ts';
import { Learner } from './learner.ts';
import { aPolicy, aProcess, aServer, never } from './testing.ts';

const lesson = { cause: 'NeverFits', run: 1, policyName: 'default' } as const;

const ofImage = (image: string) => aGPUJob({ template: { spec: { containers: [{ name: 'main', image }] } } });

describe('a failure of a GPUJob', () => {
  it('makes one version, however often it is told', async () => {
    const { keeper } = aProcess(aServer());
    const learner = new Learner(keeper);
    expect(await learner.learn(ofImage('train:1'), lesson, never)).toBe(2);
    expect(await learner.learn(ofImage('train:1'), lesson, never)).toBe(2);
  });

  // Such a job never runs, and can teach NeverFits all the same: whoever submits it must not break the ledger by it.
  it('leaves the chain intact, though its image is cut in the middle of a character', async () => {
    const { keeper } = aProcess(aServer());
    expect(await new Learner(keeper).learn(ofImage(`${'x'.repeat(511)}😀`), lesson, never)).toBe(2);
    expect(keeper.chainOf(aPolicy())).toMatchObject({ kind: 'Intact', head: { version: 2 } });
  });
});
