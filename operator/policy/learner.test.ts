// What a GPUJob's failure is for the ledger: one version, which the API server gives back as it was sealed; none, and no error,
// where the ledger can take none.
import { describe, expect, it } from 'vitest';
import { aGPUJob } from '../gpujob/testing/builders.ts';
import { ApiError } from '../runtime/errors.ts';
import { Learner } from './learner.ts';
import { aPolicy, aProcess, aServer, never, takeName } from './testing.ts';

const lesson = { cause: 'NeverFits', run: 1, policyName: 'default' } as const;

const ofImage = (image: string) => aGPUJob({ template: { spec: { containers: [{ name: 'main', image }] } } });

describe('a failure of a GPUJob', () => {
  it('makes one version, however often it is told', async () => {
    const { keeper } = aProcess(aServer());
    const learner = new Learner(keeper);
    expect(await learner.learn(ofImage('train:1'), lesson, never)).toBe(2);
    expect(await learner.learn(ofImage('train:1'), lesson, never)).toBe(2);
  });

  it('teaches nothing while somebody else has the name of the next version, and the job goes on', async () => {
    const { keeper, client } = aProcess(aServer());
    const learner = new Learner(keeper);
    await keeper.begin(aPolicy(), never);
    const giveBack = await takeName(client, 'default-2');
    expect(await learner.learn(ofImage('train:1'), lesson, never)).toBeUndefined();
    expect(keeper.chainOf(aPolicy())).toMatchObject({ kind: 'Intact', head: { version: 1 } });
    await giveBack();
    expect(await learner.learn(ofImage('train:1'), { ...lesson, run: 2 }, never)).toBe(2);
  });

  it('that the API server would not take is told again: nothing else is passed over', async () => {
    const server = aServer();
    server.intercept((request, serve) => {
      if (request.method === 'POST') throw new ApiError('Unavailable', 'as the test has it');
      return serve();
    });
    const learner = new Learner(aProcess(server).keeper);
    await expect(learner.learn(ofImage('train:1'), lesson, never)).rejects.toThrow('as the test has it');
  });

  // Such a job never runs, and can teach NeverFits all the same: whoever submits it must not break the ledger by it.
  it('leaves the chain intact, though its image is cut in the middle of a character', async () => {
    const { keeper } = aProcess(aServer());
    expect(await new Learner(keeper).learn(ofImage(`${'x'.repeat(511)}😀`), lesson, never)).toBe(2);
    expect(keeper.chainOf(aPolicy())).toMatchObject({ kind: 'Intact', head: { version: 2 } });
  });
});
