// What becomes a version and what doesn't: every cause once, in an unbroken chain, whoever writes.
import { describe, expect, it } from 'vitest';
import { controllerRevisions } from '../runtime/resource.ts';
import { ApiError } from '../runtime/errors.ts';
import { breakerMilliseconds, failuresToOpen } from './breaker.ts';
import type { Chain } from './ledger/chain.ts';
import type { Version } from './ledger/version.ts';
import { mutate } from './mutate.ts';
import { initialState, learningRulesOf } from './state.ts';
import { policyDefaults } from '../resources/sovereignpolicy.ts';
import { aFailure, aPolicy, aProcess, aServer, ledgerNamespace, never } from './testing.ts';

const day = 86_400_000;

function intact(chain: Chain): Chain & { kind: 'Intact' } {
  if (chain.kind !== 'Intact') throw new Error(`the chain is ${chain.kind}: ${'words' in chain ? chain.words : ''}`);
  return chain;
}

function numbers(versions: readonly Version[]): number[] {
  return versions.map(({ version }) => version);
}

describe('S3: a failure', () => {
  it('makes the first version and then its own', async () => {
    const { keeper, told } = aProcess(aServer());
    const version = await keeper.learn('default', aFailure('a'), never);
    expect(version?.version).toBe(2);
    expect(told.map(({ cause }) => cause.kind)).toEqual(['Created', 'OutOfMemory']);
    expect(version?.effective.headroom).toBe(60_000);
  });

  it('that is told twice makes one version, in this process and in the next', async () => {
    const server = aServer();
    const { keeper } = aProcess(server);
    const first = await keeper.learn('default', aFailure('a'), never);
    expect(await keeper.learn('default', aFailure('a'), never)).toEqual(first);
    const next = aProcess(server);
    await next.ledger.load('default', never);
    expect(await next.keeper.learn('default', aFailure('a'), never)).toEqual(first);
    expect(next.told).toEqual([]);
  });

  it('of the next run of the same job is another one', async () => {
    const { keeper } = aProcess(aServer());
    await keeper.learn('default', aFailure('a'), never);
    expect((await keeper.learn('default', aFailure('a', { run: 2 }), never))?.version).toBe(3);
  });

  it('among 100 at once makes exactly one version of 100, and the weights of 100 one after the other', async () => {
    const policy = aPolicy({
      learning: { maxNamespaceShiftPermille: 1000, maxHeadroomPermille: 1000 },
      historyLimit: 200,
    });
    const { keeper, clock } = aProcess(aServer(), [policy]);
    const names = Array.from({ length: 100 }, (_, index) => `job-${index}`);
    await Promise.all(names.map((name) => keeper.learn('default', aFailure(name), never)));
    const { versions, head } = intact(keeper.chainOf(policy));
    expect(numbers(versions)).toEqual(Array.from({ length: 101 }, (_, index) => index + 1));
    const rules = learningRulesOf(policyDefaults(policy.spec));
    let state = initialState(rules);
    const teaching = { cause: 'OutOfMemory', namespace: 'ml', breakerIsOpen: false } as const;
    for (let count = 0; count < 100; count += 1) state = mutate(state, teaching, rules, clock.now()).state;
    expect(head.effective).toEqual(state.effective);
  });

  it('of four writers with 100 each makes 400 versions, none twice, none missing', async () => {
    const server = aServer();
    const policy = aPolicy({ historyLimit: 1000 });
    const writers = Array.from({ length: 4 }, () => aProcess(server, [policy]));
    await Promise.all(
      writers.flatMap(({ keeper }, writer) =>
        Array.from({ length: 100 }, (_, index) => keeper.learn('default', aFailure(`w${writer}-${index}`), never)),
      ),
    );
    const reader = aProcess(server, [policy]);
    await reader.ledger.load('default', never);
    const { versions } = intact(reader.keeper.chainOf(policy));
    expect(numbers(versions)).toEqual(Array.from({ length: 401 }, (_, index) => index + 1));
    const causes = versions.map(({ cause }) => ('uid' in cause ? cause.uid : cause.kind));
    expect(new Set(causes).size).toBe(401);
  });

  it('whose commit had succeeded although its answer was lost is found by the next try', async () => {
    const server = aServer();
    const { keeper } = aProcess(server);
    await keeper.begin(aPolicy(), never);
    const stop = server.intercept(async (request, serve) => {
      const answer = await serve();
      if (request.method === 'POST') throw new ApiError('Timeout', 'the answer got lost');
      return answer;
    });
    await expect(keeper.learn('default', aFailure('a'), never)).rejects.toThrow('got lost');
    stop();
    expect((await keeper.learn('default', aFailure('a'), never))?.version).toBe(2);
    expect((await keeper.learn('default', aFailure('b'), never))?.version).toBe(3);
  });

  it('teaches nothing where there is no policy, and where its mode is Off', async () => {
    const { keeper, told } = aProcess(aServer(), [aPolicy({ learning: { mode: 'Off' } })]);
    expect(await keeper.learn('default', aFailure('a'), never)).toBeUndefined();
    expect(await keeper.learn('other', aFailure('a'), never)).toBeUndefined();
    expect(told).toEqual([]);
  });
});

describe('the history', () => {
  it('keeps as many versions as the policy says, and its anchor', async () => {
    const server = aServer();
    const policy = aPolicy({ historyLimit: 20 });
    const { keeper, client } = aProcess(server, [policy]);
    for (let count = 0; count < 50; count += 1) await keeper.learn('default', aFailure(`job-${count}`), never);
    const { versions } = intact(keeper.chainOf(policy));
    expect(numbers(versions)).toEqual(Array.from({ length: 20 }, (_, index) => 32 + index));
    const { items } = await client.list(controllerRevisions, { namespace: ledgerNamespace }, never);
    expect(items).toHaveLength(20);
    const reader = aProcess(server, [policy]);
    await reader.ledger.load('default', never);
    expect(reader.keeper.chainOf(policy).kind).toBe('Intact');
  });

  it('keeps a version whose failure may still be told again, and all behind it', async () => {
    const policy = aPolicy({ historyLimit: 20 });
    const kept = (version: Version) => !('name' in version.cause && version.cause.name === 'job-3');
    const { keeper } = aProcess(aServer(), [policy], { mayForget: kept });
    for (let count = 0; count < 50; count += 1) await keeper.learn('default', aFailure(`job-${count}`), never);
    const { versions } = intact(keeper.chainOf(policy));
    expect(versions[0]?.version).toBe(5);
    expect((await keeper.learn('default', aFailure('job-3'), never))?.version).toBe(5);
  });
});

describe('forgetting', () => {
  it('is a version a day, for as long as there is something to forget', async () => {
    const policy = aPolicy();
    const { keeper, clock, told } = aProcess(aServer());
    await keeper.learn('default', aFailure('a'), never);
    await clock.advance(day - 1000);
    expect(await keeper.fade(policy, never)).toBeUndefined();
    await clock.advance(1000);
    expect((await keeper.fade(policy, never))?.cause).toEqual({ kind: 'Decay', elapsedMilliseconds: day });
    expect(await keeper.fade(policy, never)).toBeUndefined();
    for (let days = 0; days < 200; days += 1) {
      await clock.advance(day);
      await keeper.fade(policy, never);
    }
    const { head } = intact(keeper.chainOf(policy));
    expect(head.effective).toEqual(head.baseline);
    const count = told.length;
    await clock.advance(day);
    expect(await keeper.fade(policy, never)).toBeUndefined();
    expect(told).toHaveLength(count);
  });

  it('goes on although failures push the older versions out of the history', async () => {
    const policy = aPolicy({ historyLimit: 20 });
    const { keeper, clock } = aProcess(aServer(), [policy]);
    for (let count = 0; count < 50; count += 1) {
      await keeper.learn('default', aFailure(`job-${count}`), never);
      await clock.advance(day / 25);
    }
    expect((await keeper.fade(policy, never))?.cause.kind).toBe('Decay');
  });
});

describe('S2: a rollback', () => {
  it('gives exactly the old weights, under a new version, once for each token', async () => {
    const policy = aPolicy();
    const { keeper } = aProcess(aServer());
    const old = await keeper.learn('default', aFailure('a'), never);
    await keeper.learn('default', aFailure('b'), never);
    const request = { toVersion: 2, token: '2@now' };
    const back = await keeper.rollBack(policy, request, never);
    expect(back?.version).toBe(4);
    expect(back?.effective).toEqual(old?.effective);
    expect(await keeper.rollBack(policy, request, never)).toEqual(back);
  });

  it('to a version that is not kept changes nothing', async () => {
    const { keeper } = aProcess(aServer());
    await keeper.begin(aPolicy(), never);
    expect(await keeper.rollBack(aPolicy(), { toVersion: 7, token: '7' }, never)).toBeUndefined();
  });
});

describe('S2: a reset', () => {
  it('gives the baseline, and forgets what namespaces have shifted', async () => {
    const policy = aPolicy();
    const { keeper } = aProcess(aServer());
    await keeper.learn('default', aFailure('a'), never);
    const reset = await keeper.reset(policy, 'now', never);
    expect(reset?.effective).toEqual(reset?.baseline);
    expect(reset?.accounts).toEqual([]);
    expect(await keeper.reset(policy, 'now', never)).toEqual(reset);
    expect((await keeper.reset(policy, 'again', never))?.version).toBe(4);
  });
});

describe('an edit in Git', () => {
  it('puts what was learned on the new baseline, in one version', async () => {
    const { keeper } = aProcess(aServer());
    await keeper.learn('default', aFailure('a'), never);
    const changed = aPolicy({ headroomPermille: 100 });
    const version = await keeper.followSpec(changed, never);
    expect(version?.cause.kind).toBe('Edited');
    expect(version?.effective.headroom).toBe(110_000);
    expect(await keeper.followSpec(changed, never)).toBeUndefined();
  });
});

describe('the breaker', () => {
  const storm = (index: number) => aFailure(`storm-${index}`, { signature: 'one-bad-image' });

  it('opens after many failures of one workload in a row, and then none of them moves anything', async () => {
    const policy = aPolicy({ learning: { maxNamespaceShiftPermille: 1000, maxHeadroomPermille: 1000 } });
    const { keeper } = aProcess(aServer(), [policy]);
    const made: (Version | undefined)[] = [];
    for (let count = 0; count < 30; count += 1) made.push(await keeper.learn('default', storm(count), never));
    expect(made.slice(0, failuresToOpen).every((version) => version?.held === undefined)).toBe(true);
    expect(made.slice(failuresToOpen).every((version) => version?.held === 'Breaker')).toBe(true);
    expect(made.at(-1)?.effective).toEqual(made[failuresToOpen - 1]?.effective);
    const other = await keeper.learn('default', aFailure('other'), never);
    expect(other?.held).toBeUndefined();
  });

  it('closes by itself some time after the last failure', async () => {
    const { keeper, clock } = aProcess(aServer());
    for (let count = 0; count < 12; count += 1) await keeper.learn('default', storm(count), never);
    await clock.advance(breakerMilliseconds);
    expect((await keeper.learn('default', storm(12), never))?.held).not.toBe('Breaker');
  });

  it('closes when a run of the workload ends well', async () => {
    const success: { at?: number } = {};
    const { keeper, clock } = aProcess(aServer(), [aPolicy()], { succeededAt: () => success.at });
    for (let count = 0; count < 12; count += 1) await keeper.learn('default', storm(count), never);
    await clock.advance(1000);
    success.at = clock.now();
    await clock.advance(1000);
    expect((await keeper.learn('default', storm(12), never))?.held).not.toBe('Breaker');
  });
});
