// Names: a run's Job is named after its GPUJob, so what stands under that name may be somebody else's, or that of a
// GPUJob which was there before. It is never taken for one's own and never touched.
import { describe, expect } from 'vitest';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import {
  isTrue,
  type Job,
  messageOf,
  operatorForFile,
  outcomesOf,
  type Pod,
  reasonOf,
  scenario,
  type Stage,
} from '../setup/gpujobs.ts';

operatorForFile({ name: 'operator-names' });

const { a10 } = nvidiaCards;
const forever = { play: { 'run-seconds': 'forever' } };

/** Somebody's Job with nothing to do. */
function foreignJob(stage: Stage, name: string, metadata: object = {}): Promise<Job> {
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'example.com/other:1' }] } };
  return stage.api.create<Job>(stage.path('jobs'), {
    metadata: { name, ...metadata },
    spec: { suspend: true, template },
  });
}

describe.concurrent('a GPUJob that is deleted and made again at once under the same name', () => {
  for (const { cascade, title } of [
    { cascade: 'background', title: 'while its children are still going' },
    { cascade: 'orphan', title: 'when the Job that was left behind (orphaned) is deleted' },
  ]) {
    scenario(`runs anew, ${title}`, async ({ stage }) => {
      await stage.nodes({ only: a10(1) });
      await stage.submit('again', { play: { 'run-seconds': 'forever', 'stop-seconds': '2' } });
      const [pod] = await stage.running('again');
      const [old] = await stage.list<Job>('jobs');
      await stage.kubectl('delete', 'gpuj', 'again', `--cascade=${cascade}`);
      await stage.submit('again');
      if (cascade === 'orphan') {
        const taken = await stage.untilReason('again', 'NameTaken');
        expect(isTrue(taken, 'Finished')).toBe(false);
        expect((await stage.list<Pod>('pods')).map(({ metadata }) => metadata.uid)).toEqual([pod!.metadata.uid]);
        await stage.delete('jobs', 'again-1', { propagationPolicy: 'Background' });
      }
      const job = await stage.untilFinished('again');
      expect(outcomesOf(job)).toEqual(['Complete']);
      const jobs = await stage.list<Job>('jobs');
      expect(jobs.map(({ metadata }) => metadata.name)).toEqual(['again-1']);
      expect(jobs[0]!.metadata.uid).not.toBe(old!.metadata.uid);
      expect(jobs[0]!.metadata['ownerReferences']).toMatchObject([{ uid: job.metadata.uid, controller: true }]);
    });
  }
});

describe.concurrent("what isn't ours under a run's name", () => {
  scenario('a foreign Job is named, left alone, and the run starts when it is gone', async ({ stage }) => {
    await stage.nodes({ only: a10(1) });
    const foreign = await foreignJob(stage, 'taken-1');
    await stage.submit('taken');
    const waiting = await stage.untilReason('taken', 'NameTaken');
    expect(messageOf(waiting)).toContain(
      `Job ${stage.namespace}/taken-1 already exists and isn't this GPUJob's: nobody owns it; delete it, or give the GPUJob another name`,
    );
    expect(isTrue(waiting, 'Stalled')).toBe(true);
    const neighbour = await stage.neighbour();
    await neighbour.submit('other');
    await neighbour.untilFinished('other', 10_000);
    expect((await stage.list<Job>('jobs')).map(({ metadata }) => metadata.uid)).toEqual([foreign.metadata.uid]);
    await stage.delete('jobs', 'taken-1', { propagationPolicy: 'Background' });
    const job = await stage.untilFinished('taken');
    expect([outcomesOf(job), job.status.run]).toEqual([['Complete'], 1]);
  });

  scenario("a foreign Service under a gang's name is named and left alone", async ({ stage }) => {
    await stage.nodes({ only: a10(2) });
    const service = { metadata: { name: 'gang-1' }, spec: { ports: [{ port: 80 }] } };
    const foreign = await stage.api.create(stage.path('services'), service);
    await stage.submit('gang', { spec: { workers: 2 } });
    expect(messageOf(await stage.untilReason('gang', 'NameTaken'))).toContain(
      `Service ${stage.namespace}/gang-1 already exists`,
    );
    expect((await stage.list('services')).map(({ metadata }) => metadata.uid)).toEqual([foreign.metadata.uid]);
    await stage.delete('services', 'gang-1');
    expect(reasonOf(await stage.untilFinished('gang'))).toBe('Complete');
  });

  scenario('a Job that another GPUJob owns by its name is not taken over', async ({ stage }) => {
    await stage.nodes({ only: a10(2) });
    // The first run of "a-1" and the eleventh would-be namesake of "a": names that meet without being equal.
    await stage.submit('a-1', forever);
    await stage.running('a-1');
    await stage.submit('a');
    expect(outcomesOf(await stage.untilFinished('a'))).toEqual(['Complete']);
    expect((await stage.list<Job>('jobs')).map(({ metadata }) => metadata.name).sort()).toEqual(['a-1', 'a-1-1']);
    expect((await stage.get('a-1')).status.run).toBe(1);
  });
});

describe.concurrent('two GPUJobs', () => {
  scenario('with names of 50 characters that differ in the last one run side by side', async ({ stage }) => {
    await stage.nodes({ only: a10(4) });
    const prefix = `long-${'x'.repeat(44)}`;
    const names = [`${prefix}a`, `${prefix}b`];
    expect(names[0]).toHaveLength(50);
    for (const name of names) await stage.submit(name, { spec: { workers: 2 }, play: { 'run-seconds': '2' } });
    await Promise.all(names.map((name) => stage.running(name, 1, 2)));
    const services = await stage.list('services');
    expect(services.map(({ metadata }) => metadata.name).sort()).toEqual(names.map((name) => `${name}-1`));
    for (const name of names) expect(outcomesOf(await stage.untilFinished(name))).toEqual(['Complete']);
    expect(await stage.list('jobs')).toHaveLength(2);
  });
});
