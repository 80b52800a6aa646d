// What the cluster refuses although the cards are there: quota, Pod Security, a scheduler that knows a rule we don't model.
// The job says so in their words, gives its cards to others, and tries again by and by instead of in a loop.
import { describe, expect } from 'vitest';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import {
  attemptsOf,
  type GPUJob,
  isTrue,
  messageOf,
  operatorForFile,
  outcomesOf,
  type Pod,
  reasonOf,
  say,
  scenario,
  type Stage,
} from '../setup/gpujobs.ts';
import { auditEvents, ownCluster } from '../setup/surroundings.ts';

operatorForFile({ name: 'operator-refusals' });

const { a10 } = nvidiaCards;

/** Every Job that was ever made in the namespace, by the API server's own account; undefined where there is none to ask. */
function jobsMade({ namespace }: Stage): number | undefined {
  const cluster = ownCluster();
  if (cluster === undefined) return undefined;
  return auditEvents(cluster).filter(
    ({ verb, objectRef, responseStatus }) =>
      verb === 'create' &&
      objectRef?.resource === 'jobs' &&
      objectRef.namespace === namespace &&
      responseStatus?.code === 201,
  ).length;
}

function expectJobsMade(stage: Stage, count: number): void {
  expect(jobsMade(stage) ?? count).toBe(count);
}

/** Whoever else wants the one card of this stage gets it while the refused job backs off. */
async function othersGetTheCard(stage: Stage): Promise<void> {
  const neighbour = await stage.neighbour();
  await neighbour.submit('other');
  const other = await neighbour.untilFinished('other', 10_000);
  expect(reasonOf(other)).toBe('Complete');
}

/** Milliseconds from the end of each attempt to the creation of the next run's Job, as status and Job say in whole seconds. */
function pauses(gpujob: GPUJob, made: ReadonlyMap<number, number>): number[] {
  return attemptsOf(gpujob).flatMap(({ run, endTime }) => {
    const next = made.get(run + 1);
    return next === undefined ? [] : [next - Date.parse(endTime!)];
  });
}

/** Notes when each run's Job was made until the job is as wanted. */
async function followRuns(stage: Stage, until: (jobs: ReadonlyMap<number, number>) => boolean) {
  const made = new Map<number, number>();
  await stage.seen('jobs', 'the next runs', (jobs) => {
    for (const { metadata } of jobs) {
      made.set(Number(metadata.labels?.['orquanta.io/run']), Date.parse(String(metadata['creationTimestamp'])));
    }
    return until(made);
  });
  return made;
}

interface Refusal {
  title: string;
  words: RegExp;
  impose: (stage: Stage) => Promise<unknown>;
  lift: (stage: Stage) => Promise<unknown>;
}

const quota = (hard: Record<string, string>) => (stage: Stage) =>
  stage.api.create(stage.path('resourcequotas'), { metadata: { name: 'quota' }, spec: { hard } });
const liftQuota = (stage: Stage) => stage.delete('resourcequotas', 'quota');
const podSecurity = (level: string | null) => (stage: Stage) =>
  stage.api.patch(`/api/v1/namespaces/${stage.namespace}`, {
    metadata: { labels: { 'pod-security.kubernetes.io/enforce': level } },
  });

const refusals: Refusal[] = [
  {
    title: 'a ResourceQuota on GPUs',
    words: /exceeded quota: quota, requested: requests\.nvidia\.com\/gpu=1, used: .*=0, limited: .*=0/,
    impose: quota({ 'requests.nvidia.com/gpu': '0' }),
    lift: liftQuota,
  },
  {
    title: 'Pod Security',
    words: /violates PodSecurity "restricted:latest"/,
    impose: podSecurity('restricted'),
    lift: podSecurity(null),
  },
];

describe.concurrent('Pods that are refused by', () => {
  for (const { title, words, impose, lift } of refusals) {
    scenario(`${title}: in its words, cards released, tried again after 10 s and 20 s, no loop`, async ({ stage }) => {
      await stage.nodes({ only: a10(1) });
      await impose(stage);
      await stage.submit('refused');
      const refused = await stage.untilReason('refused', 'PodsRefused', 10_000);
      expect(messageOf(refused)).toMatch(words);
      expect(isTrue(refused, 'Finished')).toBe(false);
      await othersGetTheCard(stage);
      const made = await followRuns(stage, (runs) => runs.has(2));
      await stage.until('refused', 'to be refused twice', (gpujob) => outcomesOf(gpujob).length === 2);
      await lift(stage);
      const job = await stage.untilFinished('refused');
      expect(outcomesOf(job)).toEqual(['PodsRefused', 'PodsRefused', 'Complete']);
      expect(job.status.failures).toEqual({ application: 0, outOfMemory: 0, disruption: 0 });
      expectJobsMade(stage, 3);
      const [first] = pauses(job, made);
      const second = Date.parse(attemptsOf(job)[2]!.startTime!) - Date.parse(attemptsOf(job)[1]!.endTime!);
      say(`${title}: tried again after ${first} ms and ${second} ms (10 s and 20 s, at least)`);
      expect(first).toBeGreaterThanOrEqual(10_000);
      expect(second).toBeGreaterThanOrEqual(20_000);
    });
  }

  scenario('a quota that takes half a gang: the other half gives its cards back', async ({ stage }) => {
    await stage.nodes({ only: a10(4) });
    await quota({ pods: '2' })(stage);
    await stage.submit('gang', { play: { 'run-seconds': 'forever' }, spec: { workers: 4 } });
    const refused = await stage.untilReason('gang', 'PodsRefused', 20_000);
    expect(messageOf(refused)).toMatch(/exceeded quota: quota/);
    const neighbour = await stage.neighbour();
    await neighbour.submit('other', { spec: { gpus: 4 } });
    expect(reasonOf(await neighbour.untilFinished('other', 10_000))).toBe('Complete');
    await liftQuota(stage);
    await stage.running('gang', refused.status.run! + 1, 4);
  });
});

describe.concurrent('a run whose Pods the scheduler refuses for', () => {
  const affinity = {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: { app: 'nowhere' } }, topologyKey: 'kubernetes.io/hostname' },
      ],
    },
  };
  for (const { title, pod, words } of [
    { title: 'a podAffinity', pod: { affinity }, words: /didn't match pod affinity rules/ },
    {
      title: 'a volume claim that is not there',
      pod: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'missing' } }] },
      words: /persistentvolumeclaim "missing" not found/,
    },
  ]) {
    scenario(`${title}: is undone after 10 s, in its words, and others get the card`, async ({ stage }) => {
      await stage.nodes({ only: a10(1) });
      await stage.submit('unbound', { pod });
      const neighbour = await stage.neighbour();
      await stage.seen('jobs', 'the first run', (jobs) => jobs.length === 1);
      await neighbour.submit('other');
      await neighbour.untilReason('other', 'CardsBusy');
      const unbound = await stage.untilReason('unbound', 'Unschedulable', 20_000);
      expect(messageOf(unbound)).toMatch(words);
      expect(isTrue(unbound, 'Placed')).toBe(false);
      expect(reasonOf(await neighbour.untilFinished('other', 10_000))).toBe('Complete');
      const made = await followRuns(stage, (runs) => runs.has(2));
      const again = await stage.until(
        'unbound',
        'to be undone twice',
        (gpujob) => outcomesOf(gpujob).length === 2,
        30_000,
      );
      expect(outcomesOf(again)).toEqual(['Unschedulable', 'Unschedulable']);
      expect(again.status.failures).toEqual({ application: 0, outOfMemory: 0, disruption: 0 });
      const [pause] = pauses(again, made);
      say(`${title}: tried again after ${pause} ms (at least 10000 ms)`);
      expect(pause).toBeGreaterThanOrEqual(10_000);
      // No loop: the third try is 20 s after the second's end, and may have begun by the time a busy machine looks.
      expect(jobsMade(stage) ?? 2).toBeLessThanOrEqual(3);
    });
  }

  scenario('a podAffinity on one node only goes to another one that will do', async ({ stage }) => {
    await stage.nodes({ one: a10(1), other: a10(1) });
    const pod = await stage.foreignPod('friend', 'other', 0);
    await stage.api.patch(`${stage.path('pods')}/${pod.metadata.name}`, { metadata: { labels: { app: 'nowhere' } } });
    await stage.seen<Pod>('pods', 'the friend to run', (pods) => pods.some(({ status }) => status.phase === 'Running'));
    const cordon = (unschedulable: boolean): Promise<unknown> =>
      stage.api.patch(`/api/v1/nodes/${stage.nodeName('other')}`, { spec: { unschedulable } });
    await cordon(true);
    await stage.submit('moves', { pod: { affinity } });
    await stage.untilReason('moves', 'Unschedulable', 20_000);
    await cordon(false);
    const job = await stage.untilFinished('moves');
    expect(attemptsOf(job).map(({ nodes }) => nodes)).toEqual([[stage.nodeName('one')], [stage.nodeName('other')]]);
    expect(outcomesOf(job)).toEqual(['Unschedulable', 'Complete']);
  });
});
