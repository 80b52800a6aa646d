// A version stays as long as its failure may be told again.
import { describe, expect, it } from 'vitest';
import { aGPUJob } from '../gpujob/testing/builders.ts';
import type { GPUJobStatus } from '../resources/gpujob.ts';
import { mayForget } from './retention.ts';
import { aFailure, aProcess, aServer, never } from './testing.ts';

const attempt = (run: number, policyVersion?: number) => ({
  run,
  outcome: 'OutOfMemory' as const,
  vram: '20Gi',
  ...(policyVersion === undefined ? {} : { policyVersion }),
});

async function mayForgetAFailure(
  status: GPUJobStatus,
  uid = 'gpujob-uid',
  kind: 'OutOfMemory' | 'NeverFits' = 'OutOfMemory',
) {
  const { keeper } = aProcess(aServer());
  const version = (await keeper.learn('default', aFailure('train', { uid: 'gpujob-uid', run: 3, kind }), never))!;
  const gpujob = aGPUJob({}, status);
  return mayForget(version, { get: () => ({ ...gpujob, metadata: { ...gpujob.metadata, uid } }) });
}

describe('a version may be forgotten', () => {
  it.each([
    ['once the status says which version the failure made', { attempts: [attempt(3, 2)] }, true],
    ['not before: the status does not tell of the run', {}, false],
    ['not before: the status tells of the run and not of the version', { attempts: [attempt(3)] }, false],
    ['not before: it tells of an earlier run only', { attempts: [attempt(2, 1)] }, false],
    ['when the run is older than the ten that status keeps', { attempts: [attempt(4, 5)] }, true],
  ])('%s', async (_, status, may) => {
    expect(await mayForgetAFailure(status)).toBe(may);
  });

  it('when the GPUJob is gone, or another one has its name', async () => {
    expect(await mayForgetAFailure({}, 'another-uid')).toBe(true);
  });

  it('of a job that could never fit, once its status says so', async () => {
    expect(await mayForgetAFailure({ neverFits: { run: 3 } }, 'gpujob-uid', 'NeverFits')).toBe(false);
    expect(await mayForgetAFailure({ neverFits: { run: 3, policyVersion: 2 } }, 'gpujob-uid', 'NeverFits')).toBe(true);
  });

  it('that no failure made', async () => {
    const { keeper, policies } = aProcess(aServer());
    const first = (await keeper.begin(policies.get('default')!, never))!;
    expect(mayForget(first, { get: () => undefined })).toBe(true);
  });
});
