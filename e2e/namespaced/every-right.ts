// Brings to use what no other scenario of this room does of the rights of a release that is limited to namespaces, so that those it
// is granted and those it uses can be held against each other. All of it is done by the operator itself.
import { expect } from 'vitest';
import type { Api } from '../../hack/api/client.ts';
import { waitFor } from '../../hack/api/wait.ts';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { booksOf, booksPath, leaveBook, monthsAgo } from '../policies/books.ts';
import { conditionOf, ledgerPath, policiesPath, policyFor, policyNamed, untilPolicy } from '../policies/stage.ts';
import type { Teams } from './stage.ts';

/** Before the operator starts: the bill of more than a year ago, and a policy whose operator was elsewhere and is gone. */
export async function prepareRights(api: Api): Promise<void> {
  await leaveBook(api, 'old', monthsAgo(13));
  await api.create(policiesPath, policyNamed('moved'));
  await api.patch(`${policiesPath}/moved/status`, { status: { ledgerNamespace: 'gone-system' } });
}

export async function useTheRest(api: Api, teams: Teams): Promise<void> {
  await useRightsOfJobs(teams);
  await useRightsOfBills(api, teams);
  await useRightsOfLedger(api);
  await tellTwice(api);
}

/** A foreign Job for the look at it, and a wait said twice for an event's series. */
async function useRightsOfJobs({ a }: Teams): Promise<void> {
  await a.nodes({ only: nvidiaCards.a10(1) });
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'example.com/other:1' }] } };
  await a.api.create(a.path('jobs'), { metadata: { name: 'taken-1' }, spec: { suspend: true, template } });
  await a.submit('taken');
  await a.untilReason('taken', 'NameTaken');
  await a.submit('holds', { play: { 'run-seconds': 'forever' } });
  await a.running('holds');
  await a.submit('waits');
  await a.untilReason('waits', 'CardsBusy');
  await a.edit('waits', { suspend: true });
  await a.untilReason('waits', 'Suspended');
  await a.edit('waits', { suspend: false });
  await a.untilReason('waits', 'CardsBusy');
  await a.delete('gpujobs', 'holds');
  await a.untilFinished('waits');
}

/** A write of somebody else: the operator's next one has to read the book again. */
async function useRightsOfBills(api: Api, { a }: Teams): Promise<void> {
  const books = await booksOf(api, 'default');
  expect(books).not.toEqual([]);
  for (const { metadata } of books) {
    await api.patch(`${booksPath}/${metadata.name}`, { metadata: { annotations: { touched: 'yes' } } });
  }
  await a.submit('billed');
  await a.untilFinished('billed');
}

/** Somebody else's revision has the name of a version: the operator looks whose it is. */
async function useRightsOfLedger(api: Api): Promise<void> {
  await api.create(ledgerPath, { metadata: { name: 'taken-1' }, revision: 1, data: {} });
  await api.create(policiesPath, policyNamed('taken'));
}

/** Of more versions than are kept the oldest go. A broken chain is said again where the status that said it was lost. */
async function tellTwice(api: Api): Promise<void> {
  const historyLimit = 20;
  const name = await policyFor(api, 'broken', { historyLimit });
  for (let version = 2; version <= historyLimit + 1; version += 1) {
    await api.patch(`${policiesPath}/${name}`, { metadata: { annotations: { 'orquanta.io/reset': `${version}` } } });
    await untilPolicy(api, name, `version ${version}`, ({ status }) => status.version === version);
  }
  await api.delete(`${ledgerPath}/${name}-${historyLimit + 1}`);
  await untilPolicy(api, name, 'to be broken', (policy) => conditionOf(policy, 'ChainBroken')?.status === 'True');
  await untilTold(api, name, 'ChainBroken');
  await api.patch(`${policiesPath}/${name}/status`, { status: { conditions: null } });
  await untilPolicy(api, name, 'to be broken still', (policy) => conditionOf(policy, 'ChainBroken')?.status === 'True');
}

/** Of what has no namespace the events are in `default`. The notes of those with this reason. */
export async function untilTold(api: Api, policy: string, reason: string): Promise<unknown[]> {
  const isIt = (event: Record<string, unknown>) =>
    (event['regarding'] as { name: string }).name === policy && event['reason'] === reason;
  const events = await waitFor(api, '/apis/events.k8s.io/v1/namespaces/default/events', {
    what: `the event ${reason} about the policy ${policy}`,
    timeoutMilliseconds: 30_000,
    until: (seen) => seen.some(isIt),
  });
  return events.filter(isIt).map(({ note }) => note);
}
