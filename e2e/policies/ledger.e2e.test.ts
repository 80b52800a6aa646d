// What was learned survives what happens to a policy: Git syncs, deletion, a wiped status; it is taken back on request; and
// tampering is seen.
import { describe, expect, it } from 'vitest';
import { nodes } from '../../hack/nodes/inventory.ts';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { submit, untilEnded } from '../robustness/jobs.ts';
import { metricsOf } from '../robustness/metrics.ts';
import { operatorForTest } from '../robustness/replicas.ts';
import type { Operator } from '../setup/operator.ts';
import { adminApi, kubectl, namespaceFor, nodesFor, ownCluster } from '../setup/surroundings.ts';
import {
  brokenLinks,
  conditionOf,
  dyingJobs,
  ledgerPath,
  policiesPath,
  policyFor,
  policyNamed,
  policyNameFor,
  type PolicyState,
  untilPolicy,
  versionsOf,
} from './stage.ts';

const api = adminApi();

/** One that has learned from so many failures, and the operator that looks after it. */
async function aPolicyAndItsOperator(
  words: string,
  failures: number,
): Promise<{ policy: PolicyState; operator: Operator }> {
  const name = await policyFor(api, words);
  const operator = await operatorForTest({ args: [`--watch-namespace=${await teach(name, words, failures)}`] });
  const hasLearned = ({ status }: PolicyState) => status.version === failures + 1;
  return { policy: await untilPolicy(api, name, `${failures} failures to be learned`, hasLearned), operator };
}

async function aLearnedPolicy(words: string, failures: number): Promise<PolicyState> {
  return (await aPolicyAndItsOperator(words, failures)).policy;
}

/** Submits what fails; the namespace they are in. */
async function teach(policy: string, words: string, failures: number): Promise<string> {
  const namespace = await namespaceFor(api, words);
  await nodesFor(api, nodes(2, nvidiaCards.a10(8), namespace));
  await submit(api, namespace, dyingJobs(failures, policy));
  return namespace;
}

const weightsOf = ({ status }: PolicyState) => ({
  weights: status.effectiveWeights,
  headroom: status.effectiveHeadroomPermille,
});
const isIntact = (policy: PolicyState) => conditionOf(policy, 'ChainBroken')?.status === 'False';
const isBroken = (policy: PolicyState) => conditionOf(policy, 'ChainBroken')?.status === 'True';

const baseline = [
  { name: 'Fit', partsPerMillion: 350_000 },
  { name: 'Packing', partsPerMillion: 250_000 },
  { name: 'Cost', partsPerMillion: 200_000 },
  { name: 'Reliability', partsPerMillion: 150_000 },
  { name: 'Heat', partsPerMillion: 50_000 },
];

describe('a policy from Git', () => {
  it('learns without a change of its generation, and a sync takes nothing back', async () => {
    const name = policyNameFor(api, 'git');
    const manifest = JSON.stringify(policyNamed(name));
    const sync = () =>
      kubectl(
        ['apply', '--server-side', '--force-conflicts', '--field-manager=argocd-controller', '-f', '-'],
        manifest,
      );
    await sync();
    const namespace = await teach(name, 'git', 2);
    await operatorForTest({ args: [`--watch-namespace=${namespace}`] });
    const learned = await untilPolicy(api, name, 'two lessons', ({ status }) => status.version === 3);
    expect(learned.metadata.generation).toBe(1);
    expect(weightsOf(learned)).not.toEqual({ weights: baseline, headroom: 50 });
    await sync();
    await sync();
    await untilEnded(api, namespace, 2);
    const synced = await api.get<PolicyState>(`${policiesPath}/${name}`);
    expect(synced.status).toEqual(learned.status);
    expect(synced.metadata.generation).toBe(1);
    const ours = synced.metadata.managedFields.filter(({ manager }) => manager.startsWith('orquanta'));
    expect(ours.map(({ manager, subresource }) => [manager, subresource])).toEqual([['orquanta', 'status']]);
  });

  it('that is edited puts what was learned on the new baseline', async () => {
    const policy = await aLearnedPolicy('edited', 2);
    await api.patch(`${policiesPath}/${policy.metadata.name}`, { spec: { headroomPermille: 100 } });
    const edited = await untilPolicy(api, policy.metadata.name, 'the edit', ({ status }) => status.version === 4);
    expect(edited.status.lastCause).toBe('Edited');
    expect(edited.status.effectiveHeadroomPermille).toBe(120);
    expect(edited.status.effectiveWeights).toEqual(policy.status.effectiveWeights);
  });
});

describe('what was learned', () => {
  it('comes back when the policy is deleted and made again', async () => {
    const before = await aLearnedPolicy('again', 2);
    const { name } = before.metadata;
    await api.delete(`${policiesPath}/${name}`);
    await api.create(policiesPath, policyNamed(name));
    const after = await untilPolicy(api, name, 'its old state', ({ status }) => status.version === 3);
    expect(after.metadata.uid).not.toBe(before.metadata.uid);
    expect(weightsOf(after)).toEqual(weightsOf(before));
    expect(after.status.hash).toBe(before.status.hash);
  });

  it('comes back when the status is wiped', async () => {
    const before = await aLearnedPolicy('wiped', 2);
    const { name } = before.metadata;
    await api.patch(`${policiesPath}/${name}/status`, { status: null });
    const after = await untilPolicy(api, name, 'its status again', ({ status }) => status.version === 3);
    expect(weightsOf(after)).toEqual(weightsOf(before));
  });
});

describe('S2: by annotation', () => {
  const annotate = (name: string, text: string) => kubectl(['annotate', 'spol', name, text, '--overwrite']);

  it('a rollback gives exactly the old weights, and a reset the baseline, each under a new version, once', async () => {
    const { metadata } = await aLearnedPolicy('rollback', 3);
    const { name } = metadata;
    const second = (await versionsOf(api, name))[1]!;
    await annotate(name, 'orquanta.io/rollback=2@first');
    const back = await untilPolicy(api, name, 'the rollback', ({ status }) => status.lastHandledRollback === '2@first');
    expect(back.status).toMatchObject({ version: 5, lastCause: 'Rollback' });
    expect((await versionsOf(api, name)).at(-1)?.effective).toEqual(second.effective);
    await annotate(name, 'orquanta.io/reset=now');
    const reset = await untilPolicy(api, name, 'the reset', ({ status }) => status.lastHandledReset === 'now');
    expect(reset.status).toMatchObject({ version: 6, effectiveWeights: baseline, effectiveHeadroomPermille: 50 });
    await annotate(name, 'other=annotation');
    await annotate(name, 'orquanta.io/rollback=3@second');
    const again = await untilPolicy(api, name, 'another', ({ status }) => status.lastHandledRollback === '3@second');
    expect(again.status.version).toBe(7);
    expect(brokenLinks(await versionsOf(api, name))).toEqual([]);
  });

  it('a rollback to what is not kept says what is', async () => {
    const { metadata } = await aLearnedPolicy('refused', 1);
    await annotate(metadata.name, 'orquanta.io/rollback=99@x');
    const refused = await untilPolicy(api, metadata.name, 'a refusal', (policy) => {
      return conditionOf(policy, 'RequestRefused')?.status === 'True';
    });
    expect(conditionOf(refused, 'RequestRefused')?.message).toBe(
      'there is no version 99 to roll back to: versions 1 to 2 are kept',
    );
    await annotate(metadata.name, 'orquanta.io/rollback=soon');
    await untilPolicy(api, metadata.name, 'another refusal', (policy) =>
      (conditionOf(policy, 'RequestRefused')?.message ?? '').includes('write <version>@<anything new>'),
    );
    expect(await versionsOf(api, metadata.name)).toHaveLength(2);
  });
});

describe('tampering', () => {
  const after = async (policy: PolicyState) => untilPolicy(api, policy.metadata.name, 'the break to be seen', isBroken);

  async function expectBaselineUntilReset(broken: PolicyState): Promise<void> {
    const { name } = broken.metadata;
    expect(broken.status).toMatchObject({ mode: 'Broken', effectiveWeights: baseline, effectiveHeadroomPermille: 50 });
    expect(conditionOf(broken, 'Ready')?.status).toBe('False');
    const count = (await versionsOf(api, name)).length;
    await kubectl(['annotate', 'spol', name, 'orquanta.io/reset=mended', '--overwrite']);
    const reset = await untilPolicy(api, name, 'the reset', isIntact);
    expect(reset.status).toMatchObject({ mode: 'Apply', effectiveWeights: baseline, lastCause: 'Reset' });
    // What was there stays for whoever wants to look.
    expect((await versionsOf(api, name)).length).toBe(count + 1);
  }

  it('by removing the newest version is seen, and the baseline holds until a reset; a metric says how long', async () => {
    const { policy, operator } = await aPolicyAndItsOperator('newest', 3);
    const gauge = `orquanta_policy_chain_broken{policy="${policy.metadata.name}"}`;
    expect(await metricsOf(operator)).toContain(`${gauge} 0\n`);
    await api.delete(`${ledgerPath}/${policy.metadata.name}-4`);
    const broken = await after(policy);
    expect(conditionOf(broken, 'ChainBroken')?.message).toContain('version 4 was there and is gone');
    expect(await metricsOf(operator)).toContain(`${gauge} 1\n`);
    await expectBaselineUntilReset(broken);
    expect(await metricsOf(operator)).toContain(`${gauge} 0\n`);
  });

  it('by removing the oldest version is seen', async () => {
    const policy = await aLearnedPolicy('oldest', 3);
    await api.delete(`${ledgerPath}/${policy.metadata.name}-1`);
    const broken = await after(policy);
    expect(conditionOf(broken, 'ChainBroken')?.message).toContain('version 1 is missing');
    await expectBaselineUntilReset(broken);
  });

  it.runIf(ownCluster() !== undefined)('by altering a version in etcd is seen, and said in an event', async () => {
    const policy = await aLearnedPolicy('altered', 3);
    const { name } = policy.metadata;
    const key = `/registry/controllerrevisions/orquanta-system/${name}-2`;
    await ownCluster()!.alterInEtcd(key, '"headroom":60000', '"headroom":61000');
    const broken = await after(policy);
    expect(conditionOf(broken, 'ChainBroken')?.message).toContain('version 2: its content is not what its hash says');
    const events = await kubectl(['get', 'events', '-A', `--field-selector=involvedObject.name=${name}`, '-o', 'wide']);
    expect(events).toContain('ChainBroken');
    await expectBaselineUntilReset(broken);
  });
});

describe("somebody else's object under the name of the next version", () => {
  it('is said and keeps no job waiting, and once it is gone the policy goes on', async () => {
    const name = await policyFor(api, 'taken');
    const namespace = await teach(name, 'taken', 1);
    await operatorForTest({ args: [`--watch-namespace=${namespace}`] });
    await untilPolicy(api, name, 'a lesson', ({ status }) => status.version === 2);
    const metadata = { name: `${name}-3` };
    const theirs = { metadata, revision: 1, data: { spec: { replicas: 1 } } };
    await api.create(ledgerPath, { apiVersion: 'apps/v1', kind: 'ControllerRevision', ...theirs });
    const [job] = dyingJobs(1, name);
    await submit(api, namespace, [{ ...job!, metadata: { ...job!.metadata, name: 'late' } }]);
    const isStalled = (policy: PolicyState) => conditionOf(policy, 'Stalled')?.status === 'True';
    const stalled = await untilPolicy(api, name, 'to say whose name is taken', isStalled);
    expect(conditionOf(stalled, 'Stalled')).toMatchObject({ reason: 'NameTaken' });
    expect(conditionOf(stalled, 'Stalled')?.message).toContain(`ControllerRevision orquanta-system/${name}-3 isn't`);
    expect(stalled.status.version).toBe(2);
    await untilEnded(api, namespace, 2);
    await api.delete(`${ledgerPath}/${metadata.name}`);
    await untilPolicy(api, name, 'to go on', (policy) => !isStalled(policy));
    await kubectl(['annotate', 'spol', name, 'orquanta.io/reset=now']);
    const reset = await untilPolicy(api, name, 'the reset', ({ status }) => status.lastHandledReset === 'now');
    expect(reset.status).toMatchObject({ version: 3, lastCause: 'Reset' });
  });
});
