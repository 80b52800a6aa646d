// What a policy's status says, as a function of what is known.
import { describe, expect, it } from 'vitest';
import { annotations } from '../resources/labels.ts';
import { policyDefaults, type SovereignPolicy } from '../resources/sovereignpolicy.ts';
import type { Chain } from './ledger/chain.ts';
import { type Findings, policyStatus } from './status.ts';
import { aFailure, aPolicy, aProcess, aServer, never } from './testing.ts';

const now = Date.parse('2026-11-21T12:00:00Z');
const nothing: Findings = {
  breakers: [],
  foreign: undefined,
  refusal: undefined,
  handledReset: undefined,
  handledRollback: undefined,
  bill: undefined,
  heat: undefined,
  ledgerNamespace: 'orquanta-system',
};

function statusOf(policy: SovereignPolicy, chain: Chain, findings: Partial<Findings> = {}) {
  return policyStatus(policy, policyDefaults(policy.spec), chain, { ...nothing, ...findings }, now);
}

function conditionOf(status: ReturnType<typeof statusOf>, type: string) {
  return status.conditions?.find((condition) => condition.type === type);
}

async function aChain(policy = aPolicy()): Promise<Chain> {
  const { keeper } = aProcess(aServer(), [policy]);
  await keeper.learn('default', aFailure('train'), never);
  return keeper.chainOf(policy);
}

describe('the status of a policy', () => {
  it('says what placement uses, what made it, and that it learns', async () => {
    const status = statusOf(aPolicy(), await aChain());
    expect(status).toMatchObject({
      version: 2,
      mode: 'Apply',
      effectiveHeadroomPermille: 60,
      lastCause: 'OutOfMemory',
      lastChange: 'OutOfMemory on ml/train',
    });
    expect(conditionOf(status, 'Ready')).toMatchObject({ status: 'True', reason: 'Learning' });
    expect(status.observedWeights).toBeUndefined();
  });

  it('in mode Observe says beside it what would have been learned', async () => {
    const policy = aPolicy({ learning: { mode: 'Observe' } });
    const status = statusOf(policy, await aChain(policy));
    expect(status).toMatchObject({ effectiveHeadroomPermille: 50, observedHeadroomPermille: 60 });
    expect(conditionOf(status, 'Ready')?.reason).toBe('Observing');
  });

  it('of a broken chain keeps what was last known of the head, says Stalled, and gives the command', () => {
    const policy = { ...aPolicy(), status: { version: 7, hash: 'abc' } };
    const status = statusOf(policy, { kind: 'Broken', words: 'version 3 is missing', highest: 7 });
    expect(status).toMatchObject({ version: 7, hash: 'abc', mode: 'Broken', effectiveHeadroomPermille: 50 });
    for (const type of ['Stalled', 'ChainBroken']) expect(conditionOf(status, type)?.status).toBe('True');
    expect(conditionOf(status, 'Ready')?.message).toContain(
      'kubectl annotate sovereignpolicy default orquanta.io/reset=',
    );
  });

  it('says whose object has the name of the next version and what to do, while what was learned holds', async () => {
    const foreign = { namespace: 'orquanta-system', name: 'default-3' };
    const chain = await aChain();
    const status = statusOf(aPolicy(), chain, { foreign });
    const message =
      "ControllerRevision orquanta-system/default-3 isn't this policy's, but has the name of its next version. What is in force holds and nothing is learned. Look whose it is, then delete it, or make it anew under another name: kubectl --namespace orquanta-system delete controllerrevision default-3";
    expect(conditionOf(status, 'Stalled')).toMatchObject({ status: 'True', reason: 'NameTaken', message });
    expect(conditionOf(status, 'Ready')).toMatchObject({ status: 'False', reason: 'NameTaken', message });
    expect(conditionOf(status, 'ChainBroken')?.status).toBe('False');
    expect(status).toMatchObject({ version: 2, mode: 'Apply', effectiveHeadroomPermille: 60 });
    const mended = statusOf({ ...aPolicy(), status }, chain);
    expect(conditionOf(mended, 'Stalled')).toMatchObject({ status: 'False', reason: 'ChainIntact', message: '' });
    expect(conditionOf(mended, 'Ready')).toMatchObject({ status: 'True', reason: 'Learning' });
  });

  it('of a broken chain that no reset can follow says first what is in the way of one', () => {
    const foreign = { namespace: 'orquanta-system', name: 'default-8' };
    const chain: Chain = { kind: 'Broken', words: 'version 3 is missing', highest: 7 };
    const status = statusOf(aPolicy(), chain, { foreign });
    for (const type of ['Stalled', 'Ready']) expect(conditionOf(status, type)?.reason).toBe('NameTaken');
    expect(conditionOf(status, 'ChainBroken')).toMatchObject({ status: 'True', reason: 'ChainBroken' });
    expect(status.mode).toBe('Broken');
  });

  it('names the workload whose breaker is open, and takes it back when it closes', async () => {
    const breaker = { signature: 's', namespace: 'ml', image: 'bad:1', failures: 12, untilMilliseconds: now + 1000 };
    const open = statusOf(aPolicy(), await aChain(), { breakers: [breaker] });
    expect(open.breakers).toEqual([
      { signature: 's', namespace: 'ml', image: 'bad:1', failures: 12, untilTime: '2026-11-21T12:00:01Z' },
    ]);
    expect(conditionOf(open, 'BreakerOpen')?.message).toContain('bad:1 in ml (12 times)');
    const closed = statusOf({ ...aPolicy(), status: open }, await aChain());
    expect(closed.breakers).toBeUndefined();
    expect(conditionOf(closed, 'BreakerOpen')?.status).toBe('False');
  });

  it('says that a newer catalogue is shipped, with the command, of the policy that the operator made', async () => {
    const old = aPolicy();
    old.metadata.annotations = { [annotations.catalogue]: '2020-01-01' };
    expect(conditionOf(statusOf(old, await aChain()), 'CatalogueOutdated')?.message).toContain(
      'kubectl apply --server-side',
    );
    expect(conditionOf(statusOf(aPolicy(), await aChain()), 'CatalogueOutdated')?.status).toBe('False');
  });

  it('says whether its heat is available where it names an observer, and nothing of it elsewhere; Ready is another matter', async () => {
    const chain = await aChain();
    expect(conditionOf(statusOf(aPolicy(), chain), 'HeatAvailable')).toBeUndefined();
    const heat = { status: 'False', reason: 'ObserverNotFound', message: 'there is none' } as const;
    const without = statusOf(aPolicy(), chain, { heat });
    expect(conditionOf(without, 'HeatAvailable')).toEqual({
      ...{ type: 'HeatAvailable', ...heat, observedGeneration: 1 },
      lastTransitionTime: '2026-11-21T12:00:00Z',
    });
    expect(conditionOf(without, 'Ready')?.status).toBe('True');
    const unset = statusOf({ ...aPolicy(), status: without }, chain);
    expect(conditionOf(unset, 'HeatAvailable')).toBeUndefined();
  });

  it('keeps the time of a condition while its status stays, and is the same when nothing changed', async () => {
    const chain = await aChain();
    const before = statusOf(aPolicy(), chain);
    const policy = { ...aPolicy(), status: before };
    expect(policyStatus(policy, policyDefaults(policy.spec), chain, nothing, now + 60_000)).toEqual(before);
  });
});
