// Tampering is seen, whatever was done: a version altered, removed at either end, replaced by a well-sealed other one.
import { describe, expect, it } from 'vitest';
import type { ControllerRevision } from '../../runtime/kubernetes.ts';
import { controllerRevisions } from '../../runtime/resource.ts';
import { aFailure, aPolicy, aProcess, aServer, never, takeName } from '../testing.ts';
import { readChain, type Witness } from './chain.ts';
import { ledgerIndex } from './ledger.ts';
import { hashOf, type Version } from './version.ts';

async function aChain(
  failures: number,
  historyLimit = 100,
): Promise<{ revisions: ControllerRevision[]; head: Witness }> {
  const { keeper, store } = aProcess(aServer(), [aPolicy({ historyLimit })]);
  for (let count = 0; count < failures; count += 1) await keeper.learn('default', aFailure(`job-${count}`), never);
  const revisions = [...store.byIndex(ledgerIndex, 'default')].sort((a, b) => a.revision - b.revision);
  const { version, hash } = revisions.at(-1)?.data as Version;
  return { revisions, head: { version, hash } };
}

function altered(revision: ControllerRevision, change: Partial<Version>, reseal = false): ControllerRevision {
  const data = { ...(revision.data as Version), ...change };
  const { hash: _hash, ...content } = data;
  return { ...revision, data: reseal ? { ...data, hash: hashOf(content) } : data };
}

function wordsOf(revisions: readonly ControllerRevision[], ...witnesses: Witness[]): string {
  const chain = readChain('default', revisions, witnesses);
  return chain.kind === 'Broken' ? chain.words : chain.kind;
}

const setting = {
  weights: { Fit: 200_000, Packing: 200_000, Cost: 200_000, Reliability: 200_000, Heat: 200_000 },
  headroom: 0,
};

describe('a chain', () => {
  it('is intact from its checkpoint to its head, in whatever order it is listed', async () => {
    const { revisions, head } = await aChain(40, 20);
    expect(wordsOf([...revisions].reverse(), head)).toBe('Intact');
    expect(wordsOf([])).toBe('Empty');
  });

  it('may have leftovers before its checkpoint: a version that could not be deleted yet', async () => {
    const { revisions, head } = await aChain(25, 20);
    const [first] = revisions;
    const leftover = { ...first!, revision: 1, metadata: { ...first!.metadata, name: 'default-1' } };
    expect(wordsOf([leftover, ...revisions], head)).toBe('Intact');
  });

  it('is broken where a version was altered, wherever it stands', async () => {
    const { revisions, head } = await aChain(5);
    for (let index = 0; index < revisions.length; index += 1) {
      const tampered = revisions.with(index, altered(revisions[index]!, { effective: setting }));
      expect(wordsOf(tampered, head)).toBe(`version ${index + 1}: its content is not what its hash says`);
    }
  });

  it('is broken where a version was altered and sealed again', async () => {
    const { revisions, head } = await aChain(5);
    for (let index = 0; index < revisions.length - 1; index += 1) {
      const tampered = revisions.with(index, altered(revisions[index]!, { effective: setting }, true));
      expect(wordsOf(tampered, head)).toBe(`version ${index + 2} doesn't follow the version before it`);
    }
    const newest = revisions.with(-1, altered(revisions.at(-1)!, { effective: setting }, true));
    expect(wordsOf(newest, head)).toBe('version 6 is another one than the one that was there');
  });

  it('is broken where any version is missing', async () => {
    const { revisions, head } = await aChain(5);
    for (let index = 0; index < revisions.length; index += 1) {
      const rest = revisions.toSpliced(index, 1);
      expect(wordsOf(rest, head)).toBe(
        index === revisions.length - 1 ? 'version 6 was there and is gone' : `version ${index + 1} is missing`,
      );
    }
    expect(wordsOf([], head)).toBe('versions up to 6 were there and all are gone');
  });

  it('is broken where what stands there is no version at all', async () => {
    const { revisions, head } = await aChain(2);
    const nonsense = revisions.with(1, { ...revisions[1]!, data: { hello: 'world' } });
    expect(wordsOf(nonsense, head)).toMatch(/^version 2: it can't be read: /);
    const swapped = revisions.with(1, { ...revisions[1]!, data: revisions[0]!.data });
    expect(wordsOf(swapped, head)).toBe('version 2: it says that it is version 1 of default');
  });

  it('is not mended by itself: nothing but a reset follows, and that begins anew behind what was there', async () => {
    const server = aServer();
    const { keeper, store, policies, client } = aProcess(server);
    const policy = policies.get('default')!;
    await keeper.learn('default', aFailure('a'), never);
    await keeper.learn('default', aFailure('b'), never);
    const second = store.byIndex(ledgerIndex, 'default').find(({ revision }) => revision === 2)!;
    await client.delete(
      controllerRevisions,
      second.metadata,
      { uid: second.metadata.uid, propagationPolicy: 'Background' },
      never,
    );
    store.absorbDelete(second.metadata);
    expect(keeper.chainOf(policy).kind).toBe('Broken');
    expect(await keeper.learn('default', aFailure('c'), never)).toBeUndefined();
    expect(await keeper.rollBack(policy, { toVersion: 1, token: 'x' }, never)).toBeUndefined();
    const reset = await keeper.reset(policy, 'now', never);
    expect(reset).toMatchObject({ version: 4, cause: { kind: 'Reset', after: 'version 2 is missing' } });
    expect(reset?.effective).toEqual(reset?.baseline);
    expect(keeper.chainOf(policy).kind).toBe('Intact');
    expect((await keeper.learn('default', aFailure('c'), never))?.version).toBe(5);
  });

  it('does not wait for ever on a name that somebody else has taken: it says what to delete', async () => {
    const { keeper, client } = aProcess(aServer());
    await keeper.begin(aPolicy(), never);
    await takeName(client, 'default-2');
    await expect(keeper.learn('default', aFailure('a'), never)).rejects.toThrow(
      "ControllerRevision orquanta-system/default-2 is in the way of the ledger and isn't of it: delete it",
    );
  });

  it('is not called broken where status is only ahead of this process: the API server is asked first', async () => {
    const server = aServer();
    const other = aProcess(server);
    const { keeper, ledger } = aProcess(server);
    await keeper.begin(aPolicy(), never);
    const newest = (await other.keeper.learn('default', aFailure('a'), never))!;
    const policy = { ...aPolicy(), status: { version: newest.version, hash: newest.hash } };
    expect(keeper.chainOf(policy).kind).toBe('Broken');
    expect((await keeper.confirmedChainOf(policy, never)).kind).toBe('Intact');
    expect(ledger.read('default', undefined)).toMatchObject({ head: { version: 2 } });
  });
});
