// A person asks for a retry by kubectl, or Argo CD by its action: the annotation orquanta.io/retry opens a job again that failed for
// good, and ends a back-off, once for each token, whatever becomes of the operator.
import { expect } from 'vitest';
import type { KubernetesObject } from '../../hack/api/client.ts';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { operatorForTest, quickLease } from '../robustness/replicas.ts';
import {
  attemptsOf,
  conditionOf,
  isTrue,
  messageOf,
  operatorForFile,
  outcomesOf,
  reasonOf,
  scenario,
  type Stage,
} from '../setup/gpujobs.ts';

const operator = operatorForFile({ name: 'operator-retry', args: [...quickLease] });
const { a10 } = nvidiaCards;

const retry = (stage: Stage, name: string, token: string): Promise<string> =>
  stage.kubectl('annotate', 'gpuj', name, `orquanta.io/retry=${token}`, '--overwrite');

interface EventState extends KubernetesObject {
  reason: string;
  note: string;
  series?: { count: number };
}

/** Every reason that was told of the job, each as often as it was told. */
async function toldOf(stage: Stage, name: string): Promise<string[]> {
  const events = await stage.list<EventState & { regarding: { name: string } }>('events');
  return events
    .filter(({ regarding }) => regarding.name === name)
    .flatMap(({ reason, series }) => Array.from({ length: series?.count ?? 1 }, () => reason));
}

scenario('a job that failed for good runs again and completes; the same token does nothing more', async ({ stage }) => {
  await stage.nodes({ only: a10(1) });
  await stage.submit('again', { play: { 'exit-code': '3,0' }, spec: { retry: { maxFailures: 0 } } });
  const failed = await stage.untilFinished('again');
  expect(reasonOf(failed)).toBe('ApplicationError');
  await retry(stage, 'again', 'first');
  const done = await stage.untilReason('again', 'Complete');
  expect(outcomesOf(done)).toEqual(['ApplicationError', 'Complete']);
  expect(done.status).toMatchObject({
    run: 2,
    lastHandledRetry: 'first',
    retriedAfterRun: 1,
    failures: { application: 0, outOfMemory: 0, disruption: 0 },
  });
  expect(done.metadata.generation).toBe(1);
  expect(isTrue(done, 'Failed')).toBe(false);
  await retry(stage, 'again', 'first');
  await retry(stage, 'again', 'second');
  const noted = await stage.until(
    'again',
    'to note the second token',
    ({ status }) => status.lastHandledRetry === 'second',
  );
  expect(noted.status).toEqual({ ...done.status, lastHandledRetry: 'second' });
  const about = (seen: readonly EventState[]) => seen.find(({ reason }) => reason === 'RetryIgnored');
  const events = await stage.seen<EventState>('events', 'the event', (seen) => about(seen) !== undefined);
  expect(about(events)?.note).toBe(
    'orquanta.io/retry is ignored: the job is complete; to run it again, create another GPUJob',
  );
  expect((await toldOf(stage, 'again')).filter((reason) => reason === 'Retrying')).toHaveLength(1);
});

scenario('a job that backs off is tried now, and its failures stay counted', async ({ stage }) => {
  await stage.nodes({ only: a10(1) });
  await stage.submit('soon', { play: { 'exit-code': '1,0', 'run-seconds': '0.2' } });
  await stage.untilReason('soon', 'BackingOff');
  await retry(stage, 'soon', 'now');
  const done = await stage.untilFinished('soon');
  expect(outcomesOf(done)).toEqual(['ApplicationError', 'Complete']);
  expect(done.status.failures).toMatchObject({ application: 1 });
  const [first, second] = attemptsOf(done).map(({ startTime, endTime }) => ({ startTime, endTime }));
  const waited = Date.parse(second?.startTime ?? '') - Date.parse(first?.endTime ?? '');
  expect(waited).toBeLessThan(8_000);
});

scenario('a job that waits or runs goes on as it was, and the token is used up', async ({ stage }) => {
  await stage.nodes({ only: a10(1) });
  await stage.submit('runs', { play: { 'run-seconds': 'forever' } });
  await stage.running('runs');
  await stage.submit('waits', { play: { 'exit-code': '1' }, spec: { retry: { maxFailures: 0 } } });
  await stage.untilReason('waits', 'CardsBusy');
  for (const name of ['runs', 'waits']) {
    await retry(stage, name, 'early');
    await stage.until(name, 'to note the token', ({ status }) => status.lastHandledRetry === 'early');
  }
  expect(reasonOf(await stage.get('waits'))).toBe('CardsBusy');
  await stage.delete('gpujobs', 'runs');
  const failed = await stage.untilFinished('waits');
  expect(failed.status).toMatchObject({ run: 1, lastHandledRetry: 'early' });
  expect(await toldOf(stage, 'waits')).not.toContain('RetryIgnored');
});

scenario('a job that could never fit is looked at again, and a token that is too long is not', async ({ stage }) => {
  await stage.nodes({ only: a10(1) });
  await stage.submit('large', { vram: '70Gi' });
  await stage.untilReason('large', 'NeverFits');
  await retry(stage, 'large', 'x'.repeat(257));
  const noted = await stage.until('large', 'to note the token', ({ status }) => status.lastHandledRetry !== undefined);
  expect(reasonOf(noted)).toBe('NeverFits');
  const told = await stage.seen<EventState>('events', 'the event', (seen) =>
    seen.some(({ reason }) => reason === 'RetryIgnored'),
  );
  expect(told.find(({ reason }) => reason === 'RetryIgnored')?.note).toContain('longer than 256 characters');
  await stage.nodes({ larger: nvidiaCards.a100x80(1) });
  await retry(stage, 'large', 'there-is-one-now');
  expect(reasonOf(await stage.until('large', 'to complete', (job) => isTrue(job, 'Complete')))).toBe('Complete');
});

scenario(
  'an operator that is killed, or was away when somebody asked, carries each token out once',
  async ({ stage }) => {
    await stage.nodes({ only: a10(1) });
    await stage.submit('fails', {
      play: { 'exit-code': '1', 'run-seconds': '0.2' },
      spec: { retry: { maxFailures: 0 } },
    });
    await stage.untilFinished('fails');
    await retry(stage, 'fails', 'first');
    await stage.until('fails', 'to fail again', (job) => job.status.run === 2 && isTrue(job, 'Failed'));
    operator().signal('SIGKILL');
    await operator().exited;
    await stage.submit('witness');
    const second = await operatorForTest({ name: 'operator-retry-2', args: [...quickLease] });
    await stage.untilFinished('witness');
    expect((await stage.get('fails')).status).toMatchObject({ run: 2, lastHandledRetry: 'first' });
    second.signal('SIGKILL');
    await second.exited;
    await retry(stage, 'fails', 'second');
    await operatorForTest({ name: 'operator-retry-3', args: [...quickLease] });
    const last = await stage.until(
      'fails',
      'to fail a third time',
      (job) => job.status.run === 3 && isTrue(job, 'Failed'),
    );
    expect(outcomesOf(last)).toEqual(['ApplicationError', 'ApplicationError', 'ApplicationError']);
    expect(last.status.lastHandledRetry).toBe('second');
    expect(messageOf(last)).toBe(conditionOf(last, 'Stalled')?.message);
  },
);
