// A GPUJob reaches nothing outside its namespace, and what others write in theirs, however it is labelled, reaches neither
// a GPUJob nor its cards.
import { describe, expect } from 'vitest';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import {
  type Job,
  messageOf,
  operatorForFile,
  outcomesOf,
  type Pod,
  reasonOf,
  scenario,
  type Stage,
} from '../setup/gpujobs.ts';

operatorForFile({ name: 'operator-boundaries' });

const { a10 } = nvidiaCards;
const forever = { play: { 'run-seconds': 'forever' } };

/** A suspended Job with labels and annotations that only the operator should write. */
function forgedJob(stage: Stage, name: string, metadata: object): Promise<Job> {
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'example.com/forged:1' }] } };
  return stage.api.create<Job>(stage.path('jobs'), {
    metadata: { name, ...metadata },
    spec: { suspend: true, template },
  });
}

const labelsOf = (uid: string, run = 1) => ({
  'orquanta.io/gpujob': 'victim',
  'orquanta.io/gpujob-uid': uid,
  'orquanta.io/run': String(run),
});

describe.concurrent('a GPUJob', () => {
  scenario('gets no service account of another namespace, though it knows its name', async ({ stage }) => {
    const neighbour = await stage.neighbour();
    await stage.api.create(`/api/v1/namespaces/${neighbour.namespace}/serviceaccounts`, {
      metadata: { name: 'powerful' },
    });
    await stage.nodes({ only: a10(1) });
    await stage.submit('borrows', { pod: { serviceAccountName: 'powerful' } });
    const job = await stage.untilReason('borrows', 'PodsRefused');
    expect(messageOf(job)).toContain(`${stage.namespace}/powerful: serviceaccount "powerful" not found`);
  });

  scenario('runs in its own namespace, whatever its template says', async ({ stage }) => {
    const neighbour = await stage.neighbour();
    await stage.nodes({ only: a10(1) });
    const metadata = {
      annotations: { 'play.orquanta.io/run-seconds': 'forever' },
      namespace: neighbour.namespace,
      name: 'chosen',
      ownerReferences: [{ apiVersion: 'v1', kind: 'Namespace', name: 'default', uid: '0', controller: true }],
    };
    const { spec } = stage.manifest('strays').spec.template;
    await stage.submit('strays', { spec: { template: { metadata, spec } } });
    const [pod] = await stage.running('strays');
    expect(pod!.metadata.namespace).toBe(stage.namespace);
    expect(pod!.metadata['ownerReferences']).toMatchObject([{ kind: 'Job', name: 'strays-1' }]);
    expect(await neighbour.list('pods')).toEqual([]);
    expect(await neighbour.list('jobs')).toEqual([]);
  });

  scenario('of one name in two namespaces is two GPUJobs', async ({ stage }) => {
    const neighbour = await stage.neighbour();
    await stage.nodes({ only: a10(2) });
    await stage.submit('same', forever);
    await stage.running('same');
    await neighbour.submit('same');
    expect(outcomesOf(await neighbour.untilFinished('same'))).toEqual(['Complete']);
    await neighbour.delete('gpujobs', 'same');
    await neighbour.seen('jobs', 'its own Job to go', (jobs) => jobs.length === 0);
    expect((await stage.running('same')).length).toBe(1);
    expect((await stage.get('same')).status.run).toBe(1);
  });
});

describe.concurrent("another namespace's forged", () => {
  scenario('Job does not end a run, nor is it deleted', async ({ stage }) => {
    const attacker = await stage.neighbour();
    await stage.nodes({ only: a10(1) });
    const { metadata } = await stage.submit('victim', { play: { 'run-seconds': '3' } });
    await stage.running('victim');
    const owner = {
      apiVersion: 'orquanta.io/v1alpha1',
      kind: 'GPUJob',
      name: 'victim',
      uid: metadata.uid,
      controller: true,
    };
    await forgedJob(attacker, 'victim-7', { labels: labelsOf(metadata.uid, 7) });
    await forgedJob(attacker, 'victim-1', { labels: labelsOf(metadata.uid), ownerReferences: [owner] });
    expect(outcomesOf(await stage.untilFinished('victim'))).toEqual(['Complete']);
    expect((await attacker.list<Job>('jobs')).map(({ metadata: { name } }) => name)).toContain('victim-7');
  });

  // Fails: any Job with these labels is taken for a reservation of cards, whoever made it and wherever.
  scenario('reservation keeps no card from anybody', async ({ stage }) => {
    const attacker = await stage.neighbour();
    await stage.nodes({ only: a10(1) });
    const placement = {
      workers: [{ node: stage.nodeName('only'), count: 1 }],
      resourceName: 'nvidia.com/gpu',
      product: 'NVIDIA-A10',
      cardVRAMMebibytes: 23028,
      policyVersion: 0,
      decisionID: 'forged',
      backend: 'DevicePlugin',
    };
    const reservation = { run: 'forged/1', placement, perWorker: { 'nvidia.com/gpu': 1 } };
    const annotations = { 'orquanta.io/reservation': JSON.stringify(reservation) };
    await forgedJob(attacker, 'forged-1', { labels: labelsOf('forged'), annotations });
    await stage.submit('honest');
    expect(reasonOf(await stage.untilFinished('honest', 15_000))).toBe('Complete');
  });

  scenario('reservation that makes no sense stops nothing', async ({ stage }) => {
    const attacker = await stage.neighbour();
    await stage.nodes({ only: a10(1) });
    for (const [index, text] of ['{}', '[]', 'null', '{"placement":{"workers":7}}', 'no JSON'].entries()) {
      const annotations = { 'orquanta.io/reservation': text };
      await forgedJob(attacker, `forged-${index}`, { labels: labelsOf(`forged-${index}`), annotations });
    }
    await stage.submit('honest');
    expect(reasonOf(await stage.untilFinished('honest', 15_000))).toBe('Complete');
  });

  scenario('Pod labels free no card that a run still holds', async ({ stage }) => {
    const attacker = await stage.neighbour();
    await stage.nodes({ only: a10(1) });
    const { metadata } = await stage.submit('victim', forever);
    await stage.running('victim');
    const pod = await attacker.foreignPod('forged', 'only', 0);
    await stage.api.patch(`${attacker.path('pods')}/${pod.metadata.name}`, {
      metadata: { labels: labelsOf(metadata.uid) },
    });
    await attacker.seen<Pod>('pods', 'the forged Pod to run', ([forged]) => forged?.status.phase === 'Running');
    await stage.submit('next');
    expect(reasonOf(await stage.untilReason('next', 'CardsBusy'))).toBe('CardsBusy');
    await attacker.delete('pods', 'forged');
    expect((await stage.get('victim')).status).toMatchObject({ run: 1 });
    expect(await stage.running('victim')).toHaveLength(1);
  });
});
