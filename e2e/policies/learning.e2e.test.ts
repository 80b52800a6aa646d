// S3 on the real API server: every failure makes exactly one version, whoever writes, whatever dies meanwhile.
import { expect, it } from 'vitest';
import { nodes } from '../../hack/nodes/inventory.ts';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { gpujob, gpujobsOf, type GPUJobState, submit, untilEnded, untilStarted } from '../robustness/jobs.ts';
import { operatorForTest, quickLease, Replicas } from '../robustness/replicas.ts';
import { adminApi, namespaceFor, nodesFor } from '../setup/surroundings.ts';
import {
  brokenLinks,
  countTo,
  dyingJobs,
  openHanded,
  policyFor,
  untilPolicy,
  versionCaused,
  versionsOf,
  type VersionState,
} from './stage.ts';
import { expectToWeather } from './storm.ts';
import { runWriters } from './writers.ts';

const api = adminApi();

/** One after the other: each takes a permille from Fit and gives it to Reliability and to the headroom. */
function expectWeightsOf(failures: number, head: VersionState | undefined): void {
  expect(head?.effective).toEqual({
    weights: {
      Fit: 350_000 - failures * 1000,
      Packing: 250_000,
      Cost: 200_000,
      Reliability: 150_000 + failures * 1000,
      Heat: 50_000,
    },
    headroom: failures * 1000,
  });
}

async function expectOneVersionEach(policy: string, ended: readonly GPUJobState[]): Promise<void> {
  const versions = await versionsOf(api, policy);
  expect(versions.map(({ version }) => version)).toEqual(countTo(ended.length + 1));
  expect(brokenLinks(versions)).toEqual([]);
  expectWeightsOf(ended.length, versions.at(-1));
  expect(
    versions
      .slice(1)
      .map(({ cause }) => cause.uid)
      .sort(),
  ).toEqual(ended.map(({ metadata }) => metadata['uid' as 'name']).sort());
  const told = ended.map((one) => Number(versionCaused(one))).sort((a, b) => a - b);
  expect(told).toEqual(countTo(ended.length + 1).slice(1));
  await untilPolicy(
    api,
    policy,
    'the status to speak of the head',
    ({ status }) => status.hash === versions.at(-1)?.hash,
  );
}

it('S3: 100 jobs that fail at once, with three replicas, make exactly 100 versions', async () => {
  const namespace = await namespaceFor(api, 'learning');
  await nodesFor(api, nodes(13, nvidiaCards.a10(8), namespace));
  const policy = await policyFor(api, 'hundred', openHanded);
  const args = [...quickLease, `--watch-namespace=${namespace}`];
  await Replicas.start(api, ['replica-a', 'replica-b', 'replica-c'], { args });
  await submit(api, namespace, dyingJobs(100, policy));
  await expectOneVersionEach(policy, await untilEnded(api, namespace, 100));
});

it('S3: the same when the leader is killed in the middle', async () => {
  const namespace = await namespaceFor(api, 'learning under fire');
  await nodesFor(api, nodes(5, nvidiaCards.a10(8), namespace));
  const policy = await policyFor(api, 'fire', openHanded);
  const args = [...quickLease, `--watch-namespace=${namespace}`];
  const replicas = await Replicas.start(api, ['replica-a', 'replica-b', 'replica-c'], { args });
  const submitted = submit(api, namespace, dyingJobs(100, policy));
  for (const started of [30, 70]) {
    await untilStarted(api, namespace, started);
    const leader = await replicas.leader();
    leader.signal('SIGKILL');
    await leader.exited;
    await replicas.restartEnded();
  }
  await submitted;
  await expectOneVersionEach(policy, await untilEnded(api, namespace, 100));
});

it('S3: four processes that teach directly, 100 failures each, make 400 versions', async () => {
  const policy = await policyFor(api, 'writers', {
    ...openHanded,
    learning: { ...openHanded.learning, minPermille: 1, maxPermille: 900 },
    weights: [
      { name: 'Fit', permille: 500 },
      { name: 'Packing', permille: 200 },
      { name: 'Cost', permille: 150 },
      { name: 'Reliability', permille: 100 },
      { name: 'Heat', permille: 50 },
    ],
  });
  expect(await runWriters(policy, 4, 100)).toEqual([0, 0, 0, 0]);
  const versions = await versionsOf(api, policy);
  expect(versions.map(({ version }) => version)).toEqual(countTo(401));
  expect(brokenLinks(versions)).toEqual([]);
  expect(new Set(versions.map(({ cause }) => cause.uid)).size).toBe(401);
  expect(versions.at(-1)?.effective.weights).toMatchObject({ Fit: 100_000, Reliability: 500_000 });
  expect(versions.at(-1)?.effective.headroom).toBe(400_000);
});

it('S3: the same failure, seen again by an operator that starts anew, makes no second version', async () => {
  const namespace = await namespaceFor(api, 'seen twice');
  await nodesFor(api, nodes(1, nvidiaCards.a10(8), namespace));
  const policy = await policyFor(api, 'twice', openHanded);
  const args = [`--watch-namespace=${namespace}`];
  const first = await operatorForTest({ args });
  await submit(api, namespace, dyingJobs(3, policy));
  const ended = await untilEnded(api, namespace, 3);
  await first.stop();
  // As if the status had never been written: the failures are there to be seen again.
  for (const { metadata } of ended) {
    const status = { attempts: null, failures: null, conditions: null, completionTime: null, placement: null };
    await api.patch(`${gpujobsOf(namespace)}/${metadata.name}/status`, { status });
  }
  await operatorForTest({ args });
  await expectOneVersionEach(policy, await untilEnded(api, namespace, 3));
});

it('S7: a job that can never fit teaches too, once', async () => {
  const namespace = await namespaceFor(api, 'never fits');
  await nodesFor(api, nodes(1, nvidiaCards.a10(8), namespace));
  const policy = await policyFor(api, 'never');
  await operatorForTest({ args: [`--watch-namespace=${namespace}`] });
  await submit(api, namespace, [gpujob({ name: 'huge', requiredVRAM: '200Gi', spec: { policyName: policy } })]);
  const [ended] = await untilEnded(api, namespace, 1);
  expect(ended?.status['neverFits']).toEqual({ run: 1, policyVersion: 2 });
  const versions = await versionsOf(api, policy);
  expect(versions.map(({ cause }) => cause.kind)).toEqual(['Created', 'NeverFits']);
});

it.each([
  ['its breaker opens before the bound', 120],
  ['the bound holds before its breaker opens', 50],
])('a storm of one bad image moves no weight by more than its namespace may: %s', async (_, permille) => {
  await expectToWeather(100, permille);
});
