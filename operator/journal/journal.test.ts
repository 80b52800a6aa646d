import { describe, expect, it } from 'vitest';
import type { Fact } from '../gpujob/effects.ts';
import { aGPUJob, aPlacement } from '../gpujob/testing/builders.ts';
import { aPolicy } from '../policy/testing.ts';
import { FakeClock } from '../runtime/testing/fake-clock.ts';
import { type Entry, entrySchema } from './entries.ts';
import { note } from './journal.ts';
import { sceneWith, siteOf } from './testing.ts';

const scene = sceneWith([siteOf('small'), siteOf('large')]);
const started: Fact = {
  kind: 'RunStarted',
  run: 2,
  placement: { ...aPlacement(2), product: 'Small', cardVRAMMebibytes: 24_000 },
  waitedMilliseconds: 0,
  message: '',
  scene,
};

const priced = aPolicy({
  gpus: [
    { product: 'Small', vram: '24Gi', costPerHour: '1.00' },
    { product: 'Large', vram: '80Gi' },
    { product: 'Elsewhere', vram: '80Gi', costPerHour: '5.00' },
  ],
  budget: { monthly: '10.00', currency: 'EUR' },
});

function noted(fact: Fact, policies = new Map([['default', priced]])): Entry[] {
  const entries: Entry[] = [];
  note(aGPUJob(), fact, { file: { append: (entry) => void entries.push(entry) }, clock: new FakeClock(), policies });
  return entries.map((entry) => entrySchema.parse(JSON.parse(JSON.stringify(entry))));
}

describe('the journal', () => {
  it('notes a start with what it was chosen from, and the prices of what was in question', () => {
    expect(noted(started)).toEqual([
      {
        kind: 'Decision',
        decisionID: 'gpujob-uid-2',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
        namespace: aGPUJob().metadata.namespace,
        name: aGPUJob().metadata.name,
        policy: { name: 'default', version: aPlacement().policyVersion },
        chosen: { product: 'Small', cardVRAMMebibytes: 24_000, nodes: aPlacement().workers },
        scene,
        prices: { Small: '1.00' },
        currency: 'EUR',
      },
    ]);
  });

  it('notes nothing of a start that another process decided, or whose policy is gone', () => {
    expect(noted({ ...started, scene: undefined })).toEqual([]);
    expect(noted(started, new Map())).toEqual([]);
  });

  it('notes how a run ended, and what its evidence says that it needed', () => {
    const times = { startTime: '2026-11-20T10:00:00Z', endTime: '2026-11-20T10:01:30Z' };
    const evidence = { signature: 'torch', blame: 'OwnUse' as const, needed: '22928Mi' };
    const attempt = { run: 2, outcome: 'OutOfMemory' as const, vram: '20Gi', ...times, evidence };
    expect(noted({ kind: 'RunEnded', attempt, message: '' })).toMatchObject([
      { decisionID: 'gpujob-uid-2', outcome: 'OutOfMemory', milliseconds: 90_000, neededMebibytes: 22_928 },
    ]);
  });

  it('knows no time of a run whose Pods never started', () => {
    const attempt = { run: 2, outcome: 'Unschedulable' as const, vram: '20Gi', endTime: '2026-11-20T10:01:30Z' };
    const [entry] = noted({ kind: 'RunEnded', attempt, message: '' });
    expect(entry).not.toHaveProperty('milliseconds');
  });

  it('is silent about all else', () => {
    expect(noted({ kind: 'Waiting', reason: 'CardsBusy', message: '' })).toEqual([]);
  });
});
