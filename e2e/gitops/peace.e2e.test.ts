// Git stays right while the operator works: a sync by force takes nothing from it, and it gives a sync nothing to undo.
import { expect, it } from 'vitest';
import { nodes } from '../../hack/nodes/inventory.ts';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { policiesPath, policyNamed, policyNameFor } from '../policies/stage.ts';
import { gpujob, gpujobsOf, type GPUJobState, isTrue, untilEnded } from '../robustness/jobs.ts';
import { operatorForTest } from '../robustness/replicas.ts';
import { say } from '../robustness/say.ts';
import { adminApi, namespaceFor, nodesFor, waitForObject } from '../setup/surroundings.ts';
import { playPeace } from './peace.ts';
import { driftOf, type Kept, liveOf, sync, wouldChange } from './sync.ts';

const syncs = 20;

it(`K7: ${syncs} syncs by force while a policy learns and jobs grow change no spec, lose no status and find no drift`, async () => {
  const peace = await playPeace(syncs);
  say(`${peace.syncs} syncs, ${peace.lessons} lessons, ${peace.grown} jobs grown and complete`);
  expect(peace.broken).toEqual([]);
  expect(peace.lessons).toBe(syncs);
  expect(peace.grown).toBe(syncs);
});

it('a retry by hand is no drift, and no sync takes it back', async () => {
  const api = adminApi();
  const namespace = await namespaceFor(api, 'retry by hand');
  await nodesFor(api, nodes(1, nvidiaCards.a10(1), namespace));
  await operatorForTest({ args: [`--watch-namespace=${namespace}`] });
  const play = { 'exit-code': '1,0', 'run-seconds': '0.2' };
  const job: Kept = {
    collection: gpujobsOf(namespace),
    manifest: gpujob({ name: 'job', play, spec: { retry: { maxFailures: 0 } } }),
  };
  await sync(api, [job]);
  await untilEnded(api, namespace, 1);
  await api.patch(`${job.collection}/job`, { metadata: { annotations: { 'orquanta.io/retry': 'by-hand' } } });
  await sync(api, [job]);
  await waitForObject<GPUJobState>(api, job.collection, 'job', {
    what: 'to complete',
    timeoutMilliseconds: 60_000,
    until: (seen) => isTrue(seen, 'Complete'),
  });
  const done = await liveOf(api, job);
  await sync(api, [job]);
  expect(driftOf(job.manifest, done)).toEqual([]);
  expect(await wouldChange(api, job)).toEqual([]);
  expect((await liveOf(api, job)).status).toEqual(done.status);
  expect(done.metadata.annotations).toEqual({ 'orquanta.io/retry': 'by-hand' });
});

it('a retry that failed as well stays over, however often Git is synced', async () => {
  const api = adminApi();
  const namespace = await namespaceFor(api, 'retry that fails');
  const collection = gpujobsOf(namespace);
  await nodesFor(api, nodes(1, nvidiaCards.a10(1), namespace));
  await operatorForTest({ args: [`--watch-namespace=${namespace}`] });
  const play = { 'exit-code': '1', 'run-seconds': '0.2' };
  const job: Kept = { collection, manifest: gpujob({ name: 'job', play, spec: { retry: { maxFailures: 0 } } }) };
  const until = (name: string, what: string, is: (seen: GPUJobState) => boolean): Promise<GPUJobState> =>
    waitForObject<GPUJobState>(api, collection, name, { what, timeoutMilliseconds: 60_000, until: is });
  await sync(api, [job]);
  await untilEnded(api, namespace, 1);
  await api.patch(`${collection}/job`, { metadata: { annotations: { 'orquanta.io/retry': 'by-hand' } } });
  const { status } = await until('job', 'to fail again', (seen) => seen.status.run === 2 && isTrue(seen, 'Failed'));
  // A commit that changes the job, and one job more: when that is over, the operator has looked at both.
  const { metadata, ...rest } = job.manifest;
  const changed = { ...rest, metadata: { ...metadata, labels: { commit: 'next' } } };
  const next = gpujob({ name: 'next', play: { 'run-seconds': '0.2' } });
  await sync(
    api,
    [changed, next].map((manifest): Kept => ({ collection, manifest })),
  );
  await until('next', 'to complete', (seen) => isTrue(seen, 'Complete'));
  expect((await liveOf(api, job)).status).toEqual(status);
});

it('an action that changes spec stays where Git says nothing of the field, and is taken back where it does', async () => {
  const api = adminApi();
  const namespace = await namespaceFor(api, 'actions');
  const silent: Kept = { collection: gpujobsOf(namespace), manifest: gpujob({ name: 'silent' }) };
  const saying: Kept = {
    collection: gpujobsOf(namespace),
    manifest: gpujob({ name: 'saying', spec: { suspend: false } }),
  };
  const name = policyNameFor(api, 'frozen');
  const policy: Kept = {
    collection: policiesPath,
    manifest: policyNamed(name, { learning: { halfLifeSeconds: 3600 } }),
  };
  const git = [silent, saying, policy];
  await sync(api, git);
  for (const { collection, manifest } of [silent, saying]) {
    await api.patch(`${collection}/${manifest.metadata.name}?fieldManager=argocd-server`, { spec: { suspend: true } });
  }
  const frozen = {
    metadata: { annotations: { 'orquanta.io/mode-before-freeze': 'Apply' } },
    spec: { learning: { mode: 'Off' } },
  };
  await api.patch(`${policiesPath}/${name}?fieldManager=argocd-server`, frozen);
  await sync(api, git);
  const [silentNow, sayingNow, policyNow] = await Promise.all(git.map((kept) => liveOf(api, kept)));
  expect(silentNow?.spec['suspend']).toBe(true);
  expect(sayingNow?.spec['suspend']).toBe(false);
  expect(policyNow?.spec['learning']).toEqual({ halfLifeSeconds: 3600, mode: 'Off' });
  expect((await Promise.all(git.map((kept) => wouldChange(api, kept)))).flat()).toEqual([]);
});
