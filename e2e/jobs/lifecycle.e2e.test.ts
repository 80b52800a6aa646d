// What a user does to a GPUJob in its life: suspend and resume it, edit it, delete it, give it a deadline and a time after
// which its Jobs and Pods go. The operator here has a short lease, because no finished Job is deleted sooner than that.
import { describe, expect } from 'vitest';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import {
  attemptsOf,
  isTrue,
  measured,
  messageOf,
  operatorForFile,
  outcomesOf,
  reasonOf,
  say,
  scenario,
  type Job,
  type Stage,
} from '../setup/gpujobs.ts';
import { waitFor } from '../setup/surroundings.ts';

const leaseSeconds = 5;
operatorForFile({
  name: 'operator-lifecycle',
  args: [
    `--leader-elect-lease-duration=${leaseSeconds}s`,
    '--leader-elect-renew-deadline=3500ms',
    '--leader-elect-retry-period=500ms',
  ],
});

const { a10, a100x80 } = nvidiaCards;
const forever = { play: { 'run-seconds': 'forever' } };
const none = { application: 0, outOfMemory: 0, disruption: 0 };

const nothingLeft = async (stage: Stage): Promise<void> => {
  for (const collection of ['jobs', 'pods', 'services'] as const) {
    await stage.seen(collection, `the ${collection} to go`, (objects) => objects.length === 0);
  }
};

describe.concurrent('suspending', () => {
  scenario('a job that runs gives its cards to others, and resuming it is a new run', async ({ stage }) => {
    await stage.nodes({ only: a10(1) });
    await stage.submit('held', { play: { 'run-seconds': '2' } });
    await stage.running('held');
    await stage.edit('held', { suspend: true });
    const suspended = await stage.untilReason('held', 'Suspended');
    expect(isTrue(suspended, 'Suspended')).toBe(true);
    expect(suspended.status.placement).toBeUndefined();
    await nothingLeft(stage);
    await stage.submit('other');
    expect(reasonOf(await stage.untilFinished('other'))).toBe('Complete');
    await stage.edit('held', { suspend: false });
    const job = await stage.untilFinished('held');
    expect(outcomesOf(job)).toEqual(['Suspended', 'Complete']);
    expect(job.status).toMatchObject({ run: 2, failures: none });
  });

  scenario('a job from the start makes nothing until it is resumed', async ({ stage }) => {
    await stage.nodes({ only: a10(1) });
    await stage.submit('later', { spec: { suspend: true } });
    const suspended = await stage.untilReason('later', 'Suspended');
    expect(isTrue(suspended, 'Reconciling')).toBe(false);
    expect(await stage.list('jobs')).toEqual([]);
    await stage.edit('later', { suspend: false });
    expect(outcomesOf(await stage.untilFinished('later'))).toEqual(['Complete']);
  });

  scenario('a job that waits takes it out of the queue', async ({ stage }) => {
    await stage.nodes({ only: a10(1) });
    await stage.submit('runs', forever);
    await stage.running('runs');
    await stage.submit('waits');
    await stage.untilReason('waits', 'CardsBusy');
    await stage.edit('waits', { suspend: true });
    await stage.untilReason('waits', 'Suspended');
    await stage.delete('gpujobs', 'runs');
    await nothingLeft(stage);
    await stage.edit('waits', { suspend: false });
    expect(outcomesOf(await stage.untilFinished('waits'))).toEqual(['Complete']);
  });
});

describe.concurrent('deleting a GPUJob', () => {
  scenario('that runs takes its Job, Pods and Service with it and frees its cards', async ({ stage }) => {
    await stage.nodes({ only: a10(2) });
    await stage.submit('gang', { ...forever, spec: { workers: 2 } });
    await stage.running('gang', 1, 2);
    await stage.submit('next', { spec: { gpus: 2 } });
    await stage.untilReason('next', 'CardsBusy');
    await stage.delete('gpujobs', 'gang');
    expect(reasonOf(await stage.untilFinished('next'))).toBe('Complete');
    await stage.delete('gpujobs', 'next');
    await nothingLeft(stage);
  });

  scenario('that waits leaves nothing behind, and its place to the next', async ({ stage }) => {
    await stage.nodes({ only: a10(1) });
    await stage.submit('runs', forever);
    await stage.running('runs');
    await stage.submit('waits', forever);
    await stage.untilReason('waits', 'CardsBusy');
    await stage.delete('gpujobs', 'waits');
    await stage.submit('next');
    await stage.untilReason('next', 'CardsBusy');
    await stage.delete('gpujobs', 'runs');
    const next = await stage.untilFinished('next');
    expect(outcomesOf(next)).toEqual(['Complete']);
    await stage.seen<Job>('jobs', 'the other Job to go', (jobs) => jobs.length === 1);
    expect((await stage.list<Job>('jobs')).map(({ metadata }) => metadata.name)).toEqual(['next-1']);
  });
});

describe.concurrent('an edit', () => {
  scenario('of what a run is made from is refused once it has started, field by field', async ({ stage }) => {
    await stage.nodes({ only: a10(1) });
    await stage.submit('runs', forever);
    await stage.running('runs');
    await stage.until('runs', 'to say its run', ({ status }) => status.run === 1);
    const frozen: Record<string, object> = {
      requiredVRAM: { requiredVRAM: '9Gi' },
      gpus: { gpus: 2 },
      workers: { workers: 2 },
      isolation: { isolation: 'Shared' },
      products: { products: { deny: ['Tesla-T4'] } },
      policyName: { policyName: 'other' },
      intent: { intent: 'something else' },
      whenNeverFits: { whenNeverFits: 'Wait' },
      template: { template: { metadata: { annotations: { note: 'new' } } } },
    };
    for (const [field, change] of Object.entries(frozen)) {
      await expect(stage.edit('runs', change), field).rejects.toThrow(
        `can't change once a run has started: ${field}; set it back, or delete the GPUJob and create it anew`,
      );
    }
    await stage.edit('runs', { retry: { maxFailures: 5 }, activeDeadlineSeconds: 3_600, ttlSecondsAfterFinished: 60 });
    expect((await stage.get('runs')).status.run).toBe(1);
  });

  scenario('of a job that waits is a new question to the planner', async ({ stage }) => {
    await stage.nodes({ only: a10(1) });
    await stage.submit('too-large', { vram: '70Gi', spec: { whenNeverFits: 'Wait' } });
    await stage.untilReason('too-large', 'NeverFits');
    await stage.edit('too-large', { requiredVRAM: '20Gi' });
    const job = await stage.untilFinished('too-large');
    expect(reasonOf(job)).toBe('Complete');
    expect(job.status.vram).toBe('20Gi');
  });

  scenario('of a job that can never fit lets it run after all', async ({ stage }) => {
    await stage.nodes({ only: a100x80(1) });
    await stage.submit('too-large', { vram: '200Gi' });
    expect(reasonOf(await stage.untilFinished('too-large'))).toBe('NeverFits');
    await stage.edit('too-large', { requiredVRAM: '70Gi' });
    const job = await stage.untilReason('too-large', 'Complete');
    expect(job.status).toMatchObject({ run: 1, vram: '70Gi' });
    expect(isTrue(job, 'Failed')).toBe(false);
  });
});

describe.concurrent('activeDeadlineSeconds', () => {
  scenario('ends a run that lasts longer', async ({ stage }) => {
    await stage.nodes({ only: a10(1) });
    const job = await measured('a deadline of 3 s is kept', 5_000, async (limit) => {
      await stage.submit('slow', { ...forever, spec: { activeDeadlineSeconds: 3 } });
      return stage.untilFinished('slow', limit);
    });
    expect(reasonOf(job)).toBe('DeadlineExceeded');
    expect(messageOf(job)).toBe('the job was active for longer than its activeDeadlineSeconds of 3');
    await nothingLeft(stage);
  });

  scenario('counts from the first Pod over all runs', async ({ stage }) => {
    await stage.nodes({ only: a10(1) });
    const spec = { activeDeadlineSeconds: 20, retry: { maxFailures: 5 } };
    await stage.submit('fails', { play: { 'exit-code': '1', 'run-seconds': '1' }, spec });
    const job = await stage.untilFinished('fails');
    expect(reasonOf(job)).toBe('DeadlineExceeded');
    const active = Date.parse(job.status.completionTime!) - Date.parse(attemptsOf(job)[0]!.startTime!);
    say(`deadline of 20 s over ${job.status.run} runs: ended after ${active} ms`);
    expect(active).toBeGreaterThanOrEqual(19_000);
    expect(active).toBeLessThan(30_000);
    expect(job.status.run).toBe(2);
  });

  scenario('does not count while the job is suspended', async ({ stage }) => {
    await stage.nodes({ only: a10(1) });
    await stage.submit('pauses', { play: { 'run-seconds': '4' }, spec: { activeDeadlineSeconds: 9 } });
    await stage.running('pauses');
    await stage.edit('pauses', { suspend: true });
    await stage.untilReason('pauses', 'Suspended');
    // Longer than what is left of the deadline, told by another job's run time.
    await stage.submit('clock', { play: { 'run-seconds': '9' } });
    await stage.untilFinished('clock');
    await stage.edit('pauses', { suspend: false });
    expect(outcomesOf(await stage.untilFinished('pauses'))).toEqual(['Suspended', 'Complete']);
  });
});

describe.concurrent('ttlSecondsAfterFinished', () => {
  for (const { title, play, reason } of [
    { title: 'well', play: {}, reason: 'Complete' },
    { title: 'badly', play: { 'exit-code': '2' }, reason: 'ApplicationError' },
  ]) {
    scenario(
      `0 of a job that ended ${title} takes Jobs and Pods after the lease's time, never the GPUJob`,
      async ({ stage }) => {
        await stage.nodes({ only: a10(2) });
        const spec = { workers: 2, ttlSecondsAfterFinished: 0, retry: { maxFailures: 0 } };
        await stage.submit('short', { play, spec });
        const job = await stage.untilFinished('short');
        expect(reasonOf(job)).toBe(reason);
        await waitFor<Job>(stage.api, stage.path('jobs'), {
          what: 'the Job to be deleted',
          timeoutMilliseconds: 30_000,
          until: (jobs) => jobs.every(({ metadata }) => metadata.deletionTimestamp !== undefined),
        });
        const after = Date.now() - Date.parse(job.status.completionTime!);
        say(`ttl 0, lease ${leaseSeconds} s: Job deleted ${after} ms after the end`);
        expect(after).toBeGreaterThanOrEqual(leaseSeconds * 1_000);
        await nothingLeft(stage);
        const kept = await stage.get('short');
        expect(kept.status).toEqual(job.status);
      },
    );
  }

  scenario('of an hour keeps them', async ({ stage }) => {
    await stage.nodes({ only: a10(1) });
    await stage.submit('kept');
    await stage.untilFinished('kept');
    // As long as it takes another job to be cleaned up.
    await stage.submit('clock', { spec: { ttlSecondsAfterFinished: 0 } });
    await stage.untilFinished('clock');
    await stage.seen('jobs', 'the other Job to go', (jobs) => jobs.length === 1);
    expect((await stage.list<Job>('jobs')).map(({ metadata }) => metadata.name)).toEqual(['kept-1']);
    await stage.edit('kept', { ttlSecondsAfterFinished: 1 });
    await nothingLeft(stage);
  });
});
