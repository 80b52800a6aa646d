// R7 on the real API server: what runs cost is in their status and in the books, once, whatever dies; a spent budget stops
// what would come next and nothing that runs.
import { expect, it } from 'vitest';
import { nodes } from '../../hack/nodes/inventory.ts';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import {
  burst,
  gpujob,
  gpujobsOf,
  type GPUJobState,
  isTrue,
  submit,
  untilEnded,
  untilStarted,
} from '../robustness/jobs.ts';
import { operatorForTest } from '../robustness/replicas.ts';
import { adminApi, namespaceFor, nodesFor, waitFor, waitForObject } from '../setup/surroundings.ts';
import { conditionOf, policiesPath, policyFor, type PolicyState, untilPolicy } from './stage.ts';

const api = adminApi();

interface ConfigMap {
  metadata: { name: string };
  data?: Record<string, string>;
}

interface Book {
  spent: Record<string, number>;
  open: Record<string, unknown>;
}

/** In micro-units, over all months that the test may touch. */
async function booked(policy: string, namespace: string): Promise<{ spent: number; open: number }> {
  const path = '/api/v1/namespaces/orquanta-system/configmaps';
  const { items } = await api.get<{ items: ConfigMap[] }>(`${path}?labelSelector=orquanta.io/policy=${policy}`);
  const books = items.map(({ data }) => JSON.parse(data?.['book'] ?? '{}') as Book);
  return {
    spent: books.reduce((sum, { spent }) => sum + (spent[namespace] ?? 0), 0),
    open: books.reduce((sum, { open }) => sum + Object.keys(open).length, 0),
  };
}

const microOf = (text: unknown): number => Math.round(Number(text ?? 0) * 1_000_000);
const costOf = ({ status }: GPUJobState): number =>
  (status.attempts ?? []).reduce((sum, attempt) => sum + microOf(attempt['cost']), 0);

/** A second of this card costs 0.10. */
const priced = { gpus: [{ product: 'NVIDIA-A10', vram: '22Gi', costPerHour: '360' }] };

async function aNamespaceWithCards(words: string): Promise<string> {
  const namespace = await namespaceFor(api, words);
  await nodesFor(api, nodes(3, nvidiaCards.a10(8), namespace));
  return namespace;
}

it('R7: the cost of each run stands in its status, and their sum in the books, although the operator is killed', async () => {
  const namespace = await aNamespaceWithCards('bill');
  const policyName = await policyFor(api, 'bill', priced);
  const args = [`--watch-namespace=${namespace}`];
  const first = await operatorForTest({ args });
  const submitted = submit(api, namespace, burst(40, { play: { 'run-seconds': '1' }, spec: { policyName } }));
  await untilStarted(api, namespace, 20);
  first.signal('SIGKILL');
  await Promise.all([submitted, first.exited]);
  await operatorForTest({ args });
  const ended = await untilEnded(api, namespace, 40);
  for (const one of ended) expect(costOf(one)).toBeGreaterThan(50_000);
  const sum = ended.reduce((total, one) => total + costOf(one), 0);
  expect(await booked(policyName, namespace)).toEqual({ spent: sum, open: 0 });
  const { status } = await untilPolicy(api, policyName, 'the bill in its status', (one) => spentOf(one) > 0);
  expect(status.conditions?.find(({ type }) => type === 'BudgetAlert')?.status).toBe('False');
});

it('R7: a budget of 1.00 stops the next job, which says how to go on, and lets what runs go on', async () => {
  const namespace = await aNamespaceWithCards('budget');
  const policyName = await policyFor(api, 'budget', { ...priced, budget: { monthly: '1.00' } });
  await operatorForTest({ args: [`--watch-namespace=${namespace}`] });
  const long = burst(2, { play: { 'run-seconds': '15' }, spec: { policyName } }, 'long');
  await submit(api, namespace, long);
  await untilPolicy(api, policyName, 'the budget to be spent', (one) => {
    return conditionOf(one, 'BudgetAlert')?.message.includes('has spent') ?? false;
  });
  await submit(api, namespace, [gpujob({ name: 'next', spec: { policyName } })]);
  const next = await waitForObject<GPUJobState>(api, gpujobsOf(namespace), 'next', {
    what: 'the next job to wait for the budget',
    timeoutMilliseconds: 30_000,
    until: ({ status }) => status.conditions?.find(({ type }) => type === 'Ready')?.reason === 'BudgetExhausted',
  });
  const message = next.status.conditions?.find(({ type }) => type === 'Ready')?.message;
  expect(message).toContain(`raise budget.monthly of SovereignPolicy ${policyName}, or wait for`);
  const running = await waitFor<GPUJobState>(api, gpujobsOf(namespace), {
    what: 'the long jobs to end well',
    timeoutMilliseconds: 60_000,
    until: (seen) => seen.filter((one) => isTrue(one, 'Complete')).length === 2,
  });
  expect(running.find(({ metadata }) => metadata.name === 'next')?.status.run ?? 0).toBe(0);
  await api.patch(`${policiesPath}/${policyName}`, { spec: { budget: { monthly: '100.00' } } });
  await untilEnded(api, namespace, 3);
});

it('R7: deleting a GPUJob that runs erases nothing from the bill', async () => {
  const namespace = await aNamespaceWithCards('erased');
  const policyName = await policyFor(api, 'erased', priced);
  await operatorForTest({ args: [`--watch-namespace=${namespace}`] });
  await submit(api, namespace, [gpujob({ name: 'gone', play: { 'run-seconds': '600' }, spec: { policyName } })]);
  const until = async (what: string, holds: (now: { spent: number; open: number }) => boolean) => {
    await expect
      .poll(async () => holds(await booked(policyName, namespace)), { timeout: 30_000, message: what })
      .toBe(true);
  };
  await until('an open run', ({ open }) => open === 1);
  await api.delete(`${gpujobsOf(namespace)}/gone`);
  await until('a closed run', ({ open, spent }) => open === 0 && spent > 0);
});

function spentOf({ status }: PolicyState): number {
  return Number((status as { spent?: { amount: string } }).spent?.amount ?? 0);
}
