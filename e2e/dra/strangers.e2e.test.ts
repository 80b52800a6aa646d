// Other people's claims on the cards that the operator places on: what they hold is planned around, and what they take between
// the decision and the scheduler's undoes a run without spending a retry. Made certain by holding one side still meanwhile.
import { describe, expect } from 'vitest';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { type DRAStage, draScenario, type Stranger } from '../setup/dra.ts';
import {
  attemptsOf,
  type GPUJob,
  type Job,
  messageOf,
  operatorForFile,
  outcomesOf,
  reasonOf,
  type Stage,
} from '../setup/gpujobs.ts';
import { withoutJobController } from '../setup/control-plane.ts';
import { ownCluster } from '../setup/surroundings.ts';

const operator = operatorForFile({ name: 'operator-dra-strangers' });

const { a100x40, a100x80 } = nvidiaCards;
const forever = { 'run-seconds': 'forever' };
const none = { application: 0, outOfMemory: 0, disruption: 0 };
const allOf80 = 80 * 1024;

describe.concurrent("a stranger's claim", () => {
  draScenario('is planned around, card by card', async ({ stage, dra }) => {
    await dra.nodes({ only: a100x80(2) });
    await dra.stranger('stranger', { node: 'only', memory: '50Gi', card: 0 });
    await dra.strangerRuns('stranger');
    for (const [name, vram, card] of [
      ['large', '40Gi', 'only/gpu-1'],
      ['small', '30Gi', 'only/gpu-0'],
    ] as const) {
      await stage.submit(name, { vram, play: forever, spec: dra.shared });
      expect((await dra.runs(name))[0]?.[0]).toBe(card);
    }
    for (const name of ['large', 'small']) expect((await stage.get(name)).status.run).toBe(1);
  });

  draScenario('of no size is a whole card, and the job waits until the stranger leaves', async ({ stage, dra }) => {
    await dra.nodes({ only: a100x80(1) });
    await dra.stranger('stranger', { node: 'only' });
    await dra.strangerRuns('stranger');
    await stage.submit('tiny', { vram: '64Mi', spec: dra.shared });
    const waiting = await stage.untilReason('tiny', 'CardsBusy');
    expect(messageOf(waiting)).toMatch(/^0 of \d+ nodes fit now: 1 busy\b/);
    await dra.strangerLeaves('stranger');
    expect(outcomesOf(await stage.untilFinished('tiny'))).toEqual(['Complete']);
  });

  draScenario('of the smallest size keeps a job that wants a card alone off it', async ({ stage, dra }) => {
    await dra.nodes({ one: a100x80(1), other: a100x80(1) });
    await dra.stranger('stranger', { node: 'one', memory: '1Mi' });
    await dra.strangerRuns('stranger');
    await stage.submit('alone', { vram: '8Gi', play: forever, spec: dra.exclusive });
    expect(await dra.runs('alone')).toEqual([['other/gpu-0', allOf80]]);
    await stage.submit('second', { vram: '8Gi', spec: dra.exclusive });
    await stage.untilReason('second', 'CardsBusy');
    await dra.strangerLeaves('stranger');
    expect((await stage.untilFinished('second')).status.placement?.nodes).toEqual([stage.nodeName('one')]);
  });

  draScenario('that is allocated to nobody yet takes nothing', async ({ stage, dra }) => {
    await dra.nodes({ only: a100x80(1) });
    await dra.stranger('stranger', { node: 'nowhere' });
    await stage.submit('alone', { vram: '8Gi', spec: dra.exclusive });
    expect(outcomesOf(await stage.untilFinished('alone'))).toEqual(['Complete']);
  });
});

/** Submits, waits for the run's Job, and lets a stranger have its card before the Job has a Pod. */
async function takenUnder(stage: Stage, dra: DRAStage, spec: object, stranger: Stranger): Promise<void> {
  await withoutJobController(async () => {
    await stage.submit('job', { vram: '38Gi', play: { 'run-seconds': '1' }, spec });
    await stage.seen<Job>('jobs', 'the Job job-1', (jobs) => jobs.some(({ metadata }) => metadata.name === 'job-1'));
    await dra.stranger('stranger', stranger);
    await dra.strangerRuns('stranger');
    expect(await stage.list('pods')).toEqual([]);
  });
}

function expectUndone(job: GPUJob): void {
  const [first] = attemptsOf(job);
  expect(first?.outcome).toBe('Unschedulable');
  expect(first?.message).toMatch(
    /^the scheduler can't bind it: 0\/\d+ nodes are available: .*cannot allocate all claims/,
  );
  expect(job.status.failures).toEqual(none);
}

describe.runIf(ownCluster() !== undefined).concurrent('room that a stranger takes between decision and binding', () => {
  draScenario('undoes the run, which starts on another node', async ({ stage, dra }) => {
    await dra.nodes({ small: a100x40(1), large: a100x80(1) });
    await takenUnder(stage, dra, dra.shared, { node: 'small', memory: '10Gi' });
    const job = await stage.untilFinished('job');
    expectUndone(job);
    expect(outcomesOf(job)).toEqual(['Unschedulable', 'Complete']);
    expect(attemptsOf(job).map(({ nodes }) => nodes)).toEqual([[stage.nodeName('small')], [stage.nodeName('large')]]);
  });

  draScenario('undoes the run, which starts on another card of the same node', async ({ stage, dra }) => {
    await dra.nodes({ only: a100x80(2) });
    // Which card the operator took, it has not said yet: the stranger leaves room on one of them only.
    await dra.stranger('first', { node: 'only', memory: '20Gi', card: 0 });
    await dra.strangerRuns('first');
    await takenUnder(stage, dra, dra.shared, { node: 'only', memory: '50Gi', card: 0 });
    const job = await stage.untilFinished('job');
    expectUndone(job);
    expect(outcomesOf(job)).toEqual(['Unschedulable', 'Complete']);
  });

  draScenario('is waited for where there is no other, also by a job for a card alone', async ({ stage, dra }) => {
    await dra.nodes({ only: a100x80(1) });
    await takenUnder(stage, dra, dra.exclusive, { node: 'only', memory: '1Gi' });
    const waiting = await stage.untilReason('job', 'CardsBusy');
    expectUndone(waiting);
    expect(messageOf(waiting)).toMatch(/^0 of \d+ nodes fit now: 1 busy\b/);
    await dra.untilLeft('resourceclaims', 0);
    await dra.strangerLeaves('stranger');
    const job = await stage.untilFinished('job');
    expect(reasonOf(job)).toBe('Complete');
    expect(job.status).toMatchObject({ run: 2, failures: none });
  });
});

describe('claims of strangers and of GPUJobs', () => {
  draScenario('that come while the operator is away are seen when it is back', async ({ stage, dra }) => {
    await dra.nodes({ only: a100x80(2) });
    operator().signal('SIGSTOP');
    try {
      await stage.submit('job', { vram: '40Gi', play: forever, spec: dra.shared });
      await dra.stranger('stranger', { node: 'only', memory: '50Gi', card: 0 });
      await dra.strangerRuns('stranger');
    } finally {
      operator().signal('SIGCONT');
    }
    const { status } = await stage.untilReason('job', 'Running');
    expect(await dra.held('job', status.run)).toEqual([['only/gpu-1', 40 * 1024]]);
    expect(status.failures ?? none).toEqual(none);
  });

  draScenario('that come all at once each get their card, and no job spends a retry', async ({ stage, dra }) => {
    await dra.nodes({ one: a100x80(2), other: a100x80(2) });
    const jobs = Array.from({ length: 8 }, (_, index) => `job-${index}`);
    const strangers = Array.from({ length: 8 }, (_, index) => `stranger-${index}`);
    await Promise.all([
      ...jobs.map((name) => stage.submit(name, { vram: '45Gi', spec: dra.shared })),
      ...strangers.map((name, index) =>
        dra.stranger(name, { node: index % 2 === 0 ? 'one' : 'other', memory: '45Gi', seconds: '2' }),
      ),
    ]);
    for (const name of jobs) {
      const job = await stage.untilFinished(name, 300_000);
      expect([name, reasonOf(job), job.status.failures ?? none]).toEqual([name, 'Complete', none]);
    }
    expect(dra.account.mostOnOneCard).toBe(1);
  });
});
