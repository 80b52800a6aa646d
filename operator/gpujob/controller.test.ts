// What wakes a GPUJob beside its own changes. Nothing is decided here: the keys that are asked for are all that is looked at.
import { describe, expect, it } from 'vitest';
import { Inventory } from '../placement/inventory/inventory.ts';
import type { GPUJobStatus } from '../resources/gpujob.ts';
import type { ResourceClaim } from '../runtime/kubernetes.ts';
import { FakeClock } from '../runtime/testing/fake-clock.ts';
import { collections } from './collections.ts';
import { GPUJobController } from './controller.ts';
import { defaultSettings } from './observation.ts';
import { aClaim, aGPUJob, at, gpujobOwner } from './testing/builders.ts';

const unused = {} as never;

/** The keys that are asked for when this claim goes. */
function wokenBy(claim: ResourceClaim, status: GPUJobStatus): string[] {
  const watched = collections();
  const woken: string[] = [];
  const controller = new GPUJobController({
    ...{ client: unused, experience: unused, learn: unused, settle: unused, announce: unused },
    collections: watched,
    inventory: new Inventory(),
    policies: () => new Map(),
    settings: defaultSettings,
    withScenes: false,
    clock: new FakeClock(),
    enqueue: (key) => void woken.push(key),
    enqueueAfter: (key) => void woken.push(key),
  });
  watched.gpujobs.store.absorb(aGPUJob({}, status));
  watched.resourceClaims.store.absorb(claim);
  controller.start();
  woken.length = 0;
  watched.resourceClaims.store.absorbDelete(claim.metadata);
  controller.stop();
  return woken;
}

const attempts: GPUJobStatus['attempts'] = [{ run: 1, outcome: 'Complete', vram: '20Gi', endTime: at(0) }];

describe('a claim that is gone', () => {
  it('wakes the job whose run goes on: its Pod may wait for it', () => {
    expect(wokenBy(aClaim(), { run: 1 })).toEqual(['ml/train']);
  });

  it('wakes the job that waits for its name: it was a namesake’s', () => {
    expect(wokenBy(aClaim(1, { owner: gpujobOwner('former-uid') }), {})).toEqual(['ml/train']);
  });

  it('wakes nobody where the run has ended, and where a gang’s Pod owned it', () => {
    expect(wokenBy(aClaim(), { run: 1, attempts })).toEqual([]);
    expect(wokenBy(aClaim(1, { owner: { ...gpujobOwner('pod-uid'), kind: 'Pod' } }), { run: 1 })).toEqual([]);
  });
});
