// R7 on the real API server: what runs cost is in their status and in the books, once, whatever dies; a spent budget stops
// what would come next and nothing that runs.
import { expect, it } from 'vitest';
import type { KubernetesObject } from '../../hack/api/client.ts';
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
import { adminApi, kubectl, namespaceFor, nodesFor, waitFor, waitForObject } from '../setup/surroundings.ts';
import { booksOf, forgetBooks, leaveBook, monthsAgo } from './books.ts';
import { conditionOf, policiesPath, policyFor, type PolicyState, untilPolicy } from './stage.ts';

const api = adminApi();

interface Book {
  spent: Record<string, number>;
  open: Record<string, unknown>;
}

/** In micro-units, over all months that the test may touch. */
async function booked(policy: string, namespace: string): Promise<{ spent: number; open: number }> {
  const books = (await booksOf(api, policy)).map(({ data }) => JSON.parse(data?.['book'] ?? '{}') as Book);
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

it('R7: an alert and the limit are told in one event each, although the operator is killed, and again under a new limit', async () => {
  const namespace = await aNamespaceWithCards('alerts');
  const share = (monthly: string) => ({
    monthly: '1000000',
    alertPercents: [50],
    namespaces: [{ namespace, monthly }],
  });
  const policyName = await policyFor(api, 'alerts', { ...priced, budget: share('0.50') });
  const args = [`--watch-namespace=${namespace}`];
  const first = await operatorForTest({ args });
  await submit(api, namespace, burst(2, { play: { 'run-seconds': 'forever' }, spec: { policyName } }));
  const told = await untilTold(policyName, 2);
  const who = `namespace "${namespace}" under policy "${policyName}" has spent`;
  expect(told.map(({ reason }) => reason)).toEqual(['BudgetAlert', 'BudgetExhausted']);
  expect(told[0]?.note).toMatch(new RegExp(`^${who} [0-9.]+ of 0.50 USD for `));
  expect(told[1]?.note).toContain(`${who} its 0.50 USD for `);
  expect(told[0]?.note).toContain(
    ' and reached 50 %, and at the limit new runs wait: see status.spent of SovereignPolicy',
  );
  expect(told[1]?.note).toContain(`: raise monthly of namespace ${namespace} in budget.namespaces of SovereignPolicy`);
  expect(told[1]?.note).toContain('; until then new runs wait, and what runs goes on');
  expect(await kubectl(['describe', 'spol', policyName])).toMatch(/Warning +BudgetExhausted +.* has spent /);

  first.signal('SIGKILL');
  await first.exited;
  await operatorForTest({ args });
  await seenAgain(policyName, { headroomPermille: 60 });
  expect(await eventsOf(policyName)).toEqual(told);
  // What runs goes on to cost: half of the new limit is reached in a few seconds, and the limit itself long after.
  const limit = (2 * spentOf(await api.get<PolicyState>(`${policiesPath}/${policyName}`)) + 2).toFixed(2);
  await seenAgain(policyName, { budget: share(limit) });
  const more = await untilTold(policyName, 3);
  expect(more.slice(0, 2)).toEqual(told);
  expect(more[2]?.reason).toBe('BudgetAlert');
  expect(more[2]?.note).toContain(` of ${limit} USD for `);
});

it('R7: bills of more than twelve months ago are deleted, unless a run in them goes on', async () => {
  const namespace = await namespaceFor(api, 'old bills');
  const policyName = await policyFor(api, 'old-bills');
  forgetBooks(api, policyName);
  const asleep = gpujob({ name: 'asleep', spec: { suspend: true } });
  const { metadata } = await api.create<KubernetesObject & { metadata: { uid: string } }>(gpujobsOf(namespace), asleep);
  const run = {
    namespace,
    name: 'asleep',
    cards: 1,
    microPerHour: 1,
    since: Date.parse(`${monthsAgo(20)}-02T00:00:00Z`),
  };
  const months = [0, 1, 12, 13, 14].map(monthsAgo);
  for (const month of months) await leaveBook(api, policyName, month);
  await leaveBook(api, policyName, monthsAgo(20), { [`${metadata.uid}/1`]: run });
  await operatorForTest({ args: [`--watch-namespace=${namespace}`] });
  const names = [monthsAgo(20), ...months.slice(0, 3)].map((month) => `orquanta-bill-${policyName}-${month}`).sort();
  await expect
    .poll(async () => (await booksOf(api, policyName)).map((book) => book.metadata.name).sort(), { timeout: 30_000 })
    .toEqual(names);
});

interface Told {
  reason: string;
  note: string;
}

/** About the budget of the policy, the first first; fails where one was written more than once. */
async function eventsOf(policy: string): Promise<Told[]> {
  const { items } = await api.get<{
    items: (Told & { regarding: { name: string }; eventTime: string; series?: object })[];
  }>('/apis/events.k8s.io/v1/namespaces/default/events');
  const own = items.filter(({ regarding, reason }) => regarding.name === policy && reason.startsWith('Budget'));
  expect(own.filter(({ series }) => series !== undefined)).toEqual([]);
  return own.sort((a, b) => (a.eventTime < b.eventTime ? -1 : 1)).map(({ reason, note }) => ({ reason, note }));
}

async function untilTold(policy: string, count: number): Promise<Told[]> {
  await expect.poll(async () => (await eventsOf(policy)).length, { timeout: 60_000 }).toBe(count);
  return eventsOf(policy);
}

/** Until the operator has looked at the policy, edited so, and has said so. */
async function seenAgain(policy: string, spec: object): Promise<void> {
  const { metadata } = await api.patch<PolicyState>(`${policiesPath}/${policy}`, { spec });
  await untilPolicy(api, policy, 'to be looked at again', ({ status }) => {
    return (status.observedGeneration ?? 0) >= metadata.generation;
  });
}

function spentOf({ status }: PolicyState): number {
  return Number((status as { spent?: { amount: string } }).spent?.amount ?? 0);
}
