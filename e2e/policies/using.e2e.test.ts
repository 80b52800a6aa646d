// Which policy a job is placed by: the default that the operator makes once, the one it names, and whom that one serves.
import { expect, it, onTestFinished } from 'vitest';
import { nodes } from '../../hack/nodes/inventory.ts';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { gpujob, submit, untilEnded } from '../robustness/jobs.ts';
import { operatorForTest } from '../robustness/replicas.ts';
import { createUnlearningDefault } from '../setup/default-policy.ts';
import { adminApi, kubectl, namespaceFor, nodesFor } from '../setup/surroundings.ts';
import {
  messageOf,
  policiesPath,
  policyFor,
  policyNamed,
  policyNameFor,
  type PolicyState,
  untilPolicy,
  untilReason,
} from './stage.ts';

const api = adminApi();

async function aNamespaceWithCards(words: string, labels: Record<string, string> = {}): Promise<string> {
  const namespace = await namespaceFor(api, words, labels);
  await nodesFor(api, nodes(1, nvidiaCards.a10(8), namespace));
  return namespace;
}

it('the policy default is made once where there is none, and is never touched again', async () => {
  const namespace = await namespaceFor(api, 'default policy');
  await api.delete(`${policiesPath}/default`);
  onTestFinished(async () => {
    await api.delete(`${policiesPath}/default`);
    await createUnlearningDefault(api);
  });
  const args = [`--watch-namespace=${namespace}`];
  const first = await operatorForTest({ args });
  const made = await untilPolicy(api, 'default', 'a status', ({ status }) => status.version !== undefined);
  expect(made.metadata.managedFields.map(({ manager }) => manager).sort()).toEqual(['orquanta', 'orquanta-default']);
  await first.stop();
  await api.patch(`${policiesPath}/default`, { spec: { headroomPermille: 70 } });
  await operatorForTest({ args });
  const edited = await untilPolicy(api, 'default', 'the edit', (one) => one.status.effectiveHeadroomPermille === 70);
  expect((edited['spec'] as { headroomPermille: number }).headroomPermille).toBe(70);
  expect(edited.metadata.uid).toBe(made.metadata.uid);
});

it('a job that names a policy which is not there says so, and runs when it comes', async () => {
  const namespace = await aNamespaceWithCards('policy not found');
  const name = policyNameFor(api, 'late');
  await operatorForTest({ args: [`--watch-namespace=${namespace}`] });
  await submit(api, namespace, [gpujob({ name: 'job', spec: { policyName: name } })]);
  const waiting = await untilReason(api, namespace, 'job', 'PolicyNotFound');
  expect(messageOf(waiting)).toContain(`policy "${name}" does not exist: create it, or set policyName to one of`);
  await api.create(policiesPath, policyNamed(name));
  const [ended] = await untilEnded(api, namespace, 1);
  expect(ended?.status.conditions).toContainEqual(expect.objectContaining({ type: 'Complete', status: 'True' }));
});

it('a namespace that a policy does not serve is told so, and served when it is labelled', async () => {
  const namespace = await aNamespaceWithCards('policy not allowed');
  const name = await policyFor(api, 'gold', { namespaceSelector: { matchLabels: { tier: 'gold' } } });
  await operatorForTest({ args: [`--watch-namespace=${namespace}`] });
  await submit(api, namespace, [gpujob({ name: 'job', spec: { policyName: name } })]);
  const waiting = await untilReason(api, namespace, 'job', 'PolicyNotAllowed');
  expect(messageOf(waiting)).toContain(`policy "${name}" doesn't serve namespace "${namespace}"`);
  await kubectl(['label', 'namespace', namespace, 'tier=gold']);
  await untilEnded(api, namespace, 1);
});

it('kubectl get spol shows version, mode, headroom and the last cause', async () => {
  const namespace = await namespaceFor(api, 'columns');
  const name = await policyFor(api, 'columns');
  await operatorForTest({ args: [`--watch-namespace=${namespace}`] });
  await untilPolicy(api, name, 'a status', ({ status }: PolicyState) => status.version === 1);
  const table = await kubectl(['get', 'spol', name]);
  expect(table.split('\n')[1]).toMatch(new RegExp(`^${name} +1 +Apply +50 +Created +\\d+s *$`));
});

it('a job that names a model asks for what the catalogue says of it, and waits while the catalogue does not know it', async () => {
  const namespace = await aNamespaceWithCards('model');
  const name = await policyFor(api, 'model', { models: [{ name: 'llama-8b', vram: '20Gi' }] });
  await operatorForTest({ args: [`--watch-namespace=${namespace}`] });
  const jobs = ['llama-8b', 'llama-9b'].map((model) => gpujob({ name: model, spec: { policyName: name, model } }));
  for (const job of jobs) delete (job['spec'] as { requiredVRAM?: string }).requiredVRAM;
  await submit(api, namespace, jobs);
  const waiting = await untilReason(api, namespace, 'llama-9b', 'ModelNotFound');
  expect(messageOf(waiting)).toBe(
    `policy "${name}" doesn't know the model "llama-9b" (it knows llama-8b): set requiredVRAM, or have the model added to its spec.models`,
  );
  expect(waiting.status['vram']).toBeUndefined();
  const known = await untilReason(api, namespace, 'llama-8b', 'Complete');
  expect(known.status['vram']).toBe('20Gi');
  const models = ['llama-8b', 'llama-9b'].map((model) => ({ name: model, vram: '20Gi' }));
  await api.patch(`${policiesPath}/${name}`, { spec: { models } });
  await untilEnded(api, namespace, 2);
});
