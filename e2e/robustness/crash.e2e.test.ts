// An operator that is killed without warning in the middle of its work, and two that work at once without an election.
import { expect, it } from 'vitest';
import { nodes } from '../../hack/nodes/inventory.ts';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { adminApi, namespaceFor, nodesFor, ownCluster } from '../setup/surroundings.ts';
import { burst, isTrue, jobsTold, notCompleteInRunOne, submit, undone, untilEnded, untilStarted } from './jobs.ts';
import { JobLedger, jobsCreated } from './ledger.ts';
import { operatorForTest, Replicas } from './replicas.ts';
import { say } from './say.ts';

const api = adminApi();
const cluster = ownCluster();

function expectOneJobPerName(ledger: JobLedger, namespace: string, names: readonly string[]): void {
  expect(ledger.names()).toEqual([...names].sort());
  expect(ledger.doubled()).toEqual([]);
  if (cluster === undefined) return; // someone else's: its audit log can't be read
  // A create whose sender died may have worked without an answer: what counts is that none worked twice.
  expect([...jobsCreated(cluster, namespace)].filter(([, times]) => times !== 1)).toEqual([]);
}

it('K3: an operator killed in the middle of a burst of 100 jobs starts again and runs every job exactly once', async () => {
  const namespace = await namespaceFor(api, 'crash');
  // Cards for 40 at a time: a queue stands when the operator dies.
  await nodesFor(api, nodes(5, nvidiaCards.a10(8), namespace));
  const ledger = new JobLedger(api, namespace);
  const operator = await operatorForTest({});
  const submitted = submit(api, namespace, burst(100));
  await untilStarted(api, namespace, 30);
  operator.signal('SIGKILL');
  await Promise.all([submitted, operator.exited]);
  await operatorForTest({});
  const ended = await untilEnded(api, namespace, 100);
  expect(notCompleteInRunOne(ended)).toEqual([]);
  expectOneJobPerName(ledger, namespace, jobsTold(ended));
});

it('K3: two operators that both believe to lead run 50 jobs without making a Job twice or losing an end', async () => {
  const namespace = await namespaceFor(api, 'two at once');
  await nodesFor(api, nodes(13, nvidiaCards.a10(8), namespace));
  const ledger = new JobLedger(api, namespace);
  const args = ['--leader-elect=false', `--watch-namespace=${namespace}`, '--bind-timeout=2s'];
  await Replicas.start(api, ['one', 'other'], { args });
  await submit(api, namespace, burst(50));
  const ended = await untilEnded(api, namespace, 50);
  expect(ended.filter((one) => !isTrue(one, 'Complete')).map(({ metadata }) => metadata.name)).toEqual([]);
  // Each run that was made is told of once, in order, and nothing else is.
  for (const { status } of ended) expect(status.attempts?.map(({ run }) => run)).toEqual(countTo(status.run ?? 0));
  say(`two operators without an election: ${undone(ended).length} runs undone: ${[...new Set(undone(ended))].join()}`);
  expectOneJobPerName(ledger, namespace, jobsTold(ended));
});

function countTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}
