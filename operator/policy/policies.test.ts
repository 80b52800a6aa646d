// When placement's view of the policies is made anew, and a pass is asked for: a pass over a long queue isn't free.
import { describe, expect, it } from 'vitest';
import type { SovereignPolicy } from '../resources/sovereignpolicy.ts';
import { policyCollections } from './collections.ts';
import { inForceByLedger, Policies } from './policies.ts';
import { RunHistory } from './run-history.ts';
import { aFailure, aPolicy, aProcess, aServer, never } from './testing.ts';

async function aView() {
  const { client, keeper, clock, store, policies } = aProcess(aServer());
  const collections = policyCollections();
  // The view reads the very stores that the keeper writes to.
  const watched = {
    policies: { ...collections.policies, store: policies },
    ledger: { ...collections.ledger, store },
    namespaces: collections.namespaces,
  };
  const asked = { passes: 0 };
  const onChange = () => void (asked.passes += 1);
  const heatFor = () => new Map<string, number>();
  const view = new Policies({
    collections: watched,
    inForce: inForceByLedger(keeper),
    history: new RunHistory(),
    refusalOf: () => undefined,
    heatFor,
    clock,
    onChange,
  });
  await keeper.begin(aPolicy(), never);
  asked.passes = 0;
  const change = (changes: Partial<SovereignPolicy>, metadata: Partial<SovereignPolicy['metadata']> = {}) => {
    const policy = { ...aPolicy(), ...changes };
    policies.absorb({ ...policy, metadata: { ...policy.metadata, resourceVersion: '2', ...metadata } });
  };
  return { client, view, keeper, policies, namespaces: collections.namespaces.store, asked, change };
}

describe('the policies as placement sees them', () => {
  it('stay as they are when only a status is written', async () => {
    const { view, asked, change } = await aView();
    const before = view.forPlacement();
    change({ status: { version: 1, lastChange: 'Created from the baseline' } });
    expect(asked.passes).toBe(0);
    expect(view.forPlacement()).toBe(before);
  });

  it('are made anew, and a pass is asked for, when a spec is edited', async () => {
    const { view, asked, change } = await aView();
    expect(view.forPlacement().get('default')?.signals?.costByProduct?.size).toBe(0);
    change({ spec: aPolicy({ gpus: [{ product: 'A', vram: '8Gi', costPerHour: '1' }] }).spec }, { generation: 2 });
    expect(asked.passes).toBe(1);
    expect(view.forPlacement().get('default')?.signals?.costByProduct?.size).toBe(1);
  });

  it('are made anew when a policy comes and when it goes', async () => {
    const { view, policies, asked } = await aView();
    const other = aPolicy({}, 'other');
    policies.absorb(other);
    expect(view.forPlacement().has('other')).toBe(true);
    policies.absorbDelete({ ...other.metadata, resourceVersion: '3' });
    expect(view.forPlacement().has('other')).toBe(false);
    expect(asked.passes).toBe(2);
  });

  it('are made anew when something is learned', async () => {
    const { view, keeper, asked } = await aView();
    expect(view.forPlacement().get('default')?.version).toBe(1);
    await keeper.learn('default', aFailure('train'), never);
    expect(asked.passes).toBe(1);
    expect(view.forPlacement().get('default')?.version).toBe(2);
  });

  it('ask for nothing any more once they are stopped', async () => {
    const { view, asked, change } = await aView();
    view.stop();
    change({}, { generation: 2 });
    expect(asked.passes).toBe(0);
  });
});
