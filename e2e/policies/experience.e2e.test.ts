// What a workload's own past does to it: it starts at the size it needed, and stops growing when growing doesn't help.
import { expect, it } from 'vitest';
import { learningNodes, playLearning } from '../../hack/bench/learning-play.ts';
import { gpuNode, nvidiaCards } from '../../hack/nodes/node.ts';
import { gpujob, gpujobsOf, type GPUJobState, submit, untilEnded } from '../robustness/jobs.ts';
import { operatorForTest } from '../robustness/replicas.ts';
import { adminApi, namespaceFor, nodesFor, waitFor } from '../setup/surroundings.ts';
import { policyFor } from './stage.ts';

const api = adminApi();

async function aNamespaceWithCards(words: string): Promise<string> {
  const namespace = await namespaceFor(api, words);
  await nodesFor(api, [
    gpuNode({ name: `${namespace}-small`, cards: nvidiaCards.a10(8) }),
    gpuNode({ name: `${namespace}-large`, cards: nvidiaCards.a100x40(8) }),
  ]);
  return namespace;
}

it('a workload that ran out of memory and then ended well starts at that size the next time', async () => {
  const namespace = await aNamespaceWithCards('experience');
  const policyName = await policyFor(api, 'experience');
  const args = [`--watch-namespace=${namespace}`];
  const operator = await operatorForTest({ args });
  const wish = { requiredVRAM: '20Gi', play: { 'peak-vram': '30Gi' }, spec: { policyName } };
  await submit(api, namespace, [gpujob({ ...wish, name: 'first' })]);
  const [first] = await untilEnded(api, namespace, 1);
  expect(first?.status.attempts?.map(({ outcome }) => outcome)).toEqual(['OutOfMemory', 'Complete']);
  await submit(api, namespace, [gpujob({ ...wish, name: 'second' })]);
  const [, second] = await untilEnded(api, namespace, 2);
  expect(second?.status.attempts?.map(({ outcome, nodes }) => [outcome, nodes])).toEqual([
    ['Complete', [`${namespace}-large`]],
  ]);
  expect(second?.status['vram']).toBe(first?.status['vram']);
  // It is read from the statuses: an operator that starts anew knows it too.
  await operator.stop();
  await operatorForTest({ args });
  await submit(api, namespace, [gpujob({ ...wish, name: 'third' })]);
  const third = (await untilEnded(api, namespace, 3)).find(({ metadata }) => metadata.name === 'third');
  expect(third?.status.attempts).toHaveLength(1);
});

it('a workload that runs out of memory at every size stops growing, and says why', async () => {
  const namespace = await aNamespaceWithCards('breaker');
  const policyName = await policyFor(api, 'breaker');
  await operatorForTest({ args: [`--watch-namespace=${namespace}`] });
  const jobs = Array.from({ length: 16 }, (_, index) =>
    gpujob({
      name: `job-${index}`,
      requiredVRAM: '20Gi',
      play: { 'peak-vram': '300Gi', 'run-seconds': '0.2' },
      spec: { policyName, intent: `try ${index}` },
    }),
  );
  await submit(api, namespace, jobs);
  const notGrown = (seen: readonly GPUJobState[]) =>
    seen.filter(({ status }) => {
      const ready = status.conditions?.find(({ type }) => type === 'Ready');
      return ready?.reason === 'BackingOff' && ready.message.includes('not grown, because jobs of this image');
    });
  const seen = await waitFor<GPUJobState>(api, gpujobsOf(namespace), {
    what: 'a job that is not grown',
    timeoutMilliseconds: 60_000,
    until: (now) => notGrown(now).length > 0,
  });
  for (const { status } of notGrown(seen)) expect(status['vram']).toBe(status.attempts?.at(-1)?.['vram']);
  const ended = await untilEnded(api, namespace, 16);
  expect(
    ended.every(({ status }) => status.conditions?.some(({ type, status: is }) => type === 'Failed' && is === 'True')),
  ).toBe(true);
});

it('learning cuts out-of-memory failures by half at least, and wastes no more VRAM than without (short form of make bench-learning)', async () => {
  const namespaces = { off: await namespaceFor(api, 'worth off'), apply: await namespaceFor(api, 'worth apply') };
  await nodesFor(api, learningNodes(namespaces.off));
  await operatorForTest({});
  const play = async (mode: 'off' | 'apply') =>
    playLearning({
      api,
      namespace: namespaces[mode],
      policyName: await policyFor(api, `worth-${mode}`, { learning: { mode: mode === 'off' ? 'Off' : 'Apply' } }),
      jobs: 40,
      workloads: 10,
      waveSize: 10,
      signal: AbortSignal.timeout(300_000),
    });
  const [off, apply] = [await play('off'), await play('apply')];
  expect([off.complete, apply.complete]).toEqual([40, 40]);
  expect(off.outOfMemory).toBeGreaterThan(4);
  expect(apply.outOfMemory).toBeLessThanOrEqual(off.outOfMemory / 2);
  expect(apply.heldGibibytes - apply.neededGibibytes).toBeLessThanOrEqual(
    (off.heldGibibytes - off.neededGibibytes) * 1.1,
  );
}, 300_000);
