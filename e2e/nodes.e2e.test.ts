// The played nodes themselves: a Pod there must live and end as it does under a kubelet, or every other e2e test proves
// nothing. Bare Jobs only, no operator.
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Api, KubernetesObject } from '../hack/api/client.ts';
import { bareJob } from '../hack/bench/bare-jobs.ts';
import { deleteNodes, silenceNode } from '../hack/nodes/create.ts';
import { gpuNode, nvidiaCards } from '../hack/nodes/node.ts';
import {
  adminApi,
  kubectl,
  leaveControllersWell,
  namespaceFor,
  nodesFor,
  ownCluster,
  waitFor,
  waitForObject,
} from './setup/surroundings.ts';

interface Pod extends KubernetesObject {
  spec: { nodeName?: string };
  status: {
    phase: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: { state: { terminated?: { exitCode: number; reason: string; message?: string } } }[];
  };
}

leaveControllersWell();

let api: Api;
beforeAll(() => {
  api = adminApi();
});

interface Wish {
  annotations: Record<string, string>;
  node: string;
  policy?: 'File' | 'FallbackToLogsOnError';
}

/** A bare Job whose Pod goes to this node; resolves to the path of the namespace's Pods. */
async function play(namespace: string, { annotations, node, policy = 'FallbackToLogsOnError' }: Wish): Promise<string> {
  const job = bareJob('played') as unknown as {
    spec: { template: { metadata: object; spec: { nodeSelector?: object; containers: object[] } } };
  };
  const { template } = job.spec;
  const own = Object.entries(annotations).map(([name, value]) => [`play.orquanta.io/${name}`, value]);
  template.metadata = { annotations: Object.fromEntries(own) as object };
  template.spec.nodeSelector = { 'kubernetes.io/hostname': node };
  Object.assign(template.spec.containers[0]!, { terminationMessagePolicy: policy });
  await api.create(`/apis/batch/v1/namespaces/${namespace}/jobs`, job);
  return `/api/v1/namespaces/${namespace}/pods`;
}

async function pod(pods: string, what: string, until: (pod: Pod) => boolean): Promise<Pod> {
  const [found] = await waitFor<Pod>(api, pods, {
    what: `a Pod that ${what}`,
    timeoutMilliseconds: 30_000,
    until: (seen) => seen.some(until),
    describe: (seen) => JSON.stringify(seen.map(({ status }) => status)),
  });
  return found!;
}

const terminated = ({ status }: Pod) => status.containerStatuses?.[0]?.state.terminated;
const hasEnded = ({ status }: Pod): boolean => status.phase === 'Succeeded' || status.phase === 'Failed';
const isRunning = ({ status }: Pod): boolean => status.phase === 'Running';
const hasCondition = (wanted: string) => (pod: Pod) =>
  pod.status.conditions?.some(({ type, status }) => type === wanted && status === 'True') ?? false;

describe('a container on a played node', () => {
  it.each([
    { title: 'ends well when nothing is said', annotations: {}, want: { phase: 'Succeeded', exitCode: 0 } },
    {
      title: 'ends with the exit code and message it is told',
      annotations: { 'exit-code': '3', message: 'two\n"lines"' },
      want: { phase: 'Failed', exitCode: 3, reason: 'Error', message: 'two\n"lines"' },
    },
    {
      title: 'ends with the reason it is told',
      annotations: { 'exit-code': '137', reason: 'OOMKilled' },
      want: { phase: 'Failed', exitCode: 137, reason: 'OOMKilled' },
    },
    {
      title: 'is refused when an annotation is unknown',
      annotations: { exitcode: '3' },
      want: {
        phase: 'Failed',
        exitCode: 125,
        reason: 'InvalidPlay',
        message: expect.stringContaining('there are: run-seconds') as string,
      },
    },
    {
      title: 'is refused when a value makes no sense',
      annotations: { 'run-seconds': 'soon' },
      want: {
        phase: 'Failed',
        exitCode: 125,
        reason: 'InvalidPlay',
        message: expect.stringContaining('"soon"') as string,
      },
    },
    {
      title: 'fits a card that has its peak VRAM',
      annotations: { 'peak-vram': '22Gi' },
      want: { phase: 'Succeeded', exitCode: 0 },
    },
    {
      title: 'dies of the true text on a card that has not',
      annotations: { 'peak-vram': '30Gi' },
      want: {
        phase: 'Failed',
        exitCode: 1,
        reason: 'Error',
        message: expect.stringContaining('GPU 0 has a total capacity of 22.49 GiB') as string,
      },
    },
    {
      title: 'fails also when it would run for ever',
      annotations: { 'peak-vram': '30Gi', 'run-seconds': 'forever' },
      want: { phase: 'Failed', exitCode: 1 },
    },
  ])('$title', async ({ title, annotations, want: { phase, ...want } }) => {
    const namespace = await namespaceFor(api, title);
    await nodesFor(api, [gpuNode({ name: namespace, cards: nvidiaCards.a10(1) })]);
    const pods = await play(namespace, { annotations, node: namespace });
    const ended = await pod(pods, 'has ended', hasEnded);
    expect(ended.status.phase).toBe(phase);
    expect(terminated(ended)).toMatchObject(want);
  });

  it('shows no log where the container does not ask for it', async () => {
    const namespace = await namespaceFor(api, 'no log');
    await nodesFor(api, [gpuNode({ name: namespace, cards: nvidiaCards.a10(1) })]);
    const pods = await play(namespace, { annotations: { 'peak-vram': '30Gi' }, node: namespace, policy: 'File' });
    expect(terminated(await pod(pods, 'has ended', hasEnded))).not.toHaveProperty('message');
  });
});

describe('a Pod that is taken away', () => {
  async function running(
    title: string,
    annotations: Record<string, string>,
  ): Promise<{ pods: string; node: string; pod: Pod }> {
    const namespace = await namespaceFor(api, title);
    await nodesFor(api, [gpuNode({ name: namespace, cards: nvidiaCards.a10(1) })]);
    const pods = await play(namespace, { annotations, node: namespace });
    return { pods, node: namespace, pod: await pod(pods, 'runs', isRunning) };
  }

  it('is reported as terminated by SIGTERM before it goes', async () => {
    const { pods, pod: old } = await running('deleted', { 'run-seconds': 'forever' });
    const ended = pod(pods, 'was terminated', (one) => one.metadata.uid === old.metadata.uid && hasEnded(one));
    await api.delete(`${pods}/${old.metadata.name}`);
    expect(terminated(await ended)).toMatchObject({ exitCode: 143, reason: 'Error' });
  });

  it('is killed when it takes longer to stop than its grace period', async () => {
    const { pods, pod: old } = await running('killed', { 'run-seconds': 'forever', 'stop-seconds': '60' });
    const ended = pod(pods, 'was killed', (one) => one.metadata.uid === old.metadata.uid && hasEnded(one));
    await api.delete(`${pods}/${old.metadata.name}`, { gracePeriodSeconds: 1 });
    expect(terminated(await ended)).toMatchObject({ exitCode: 137 });
  });

  it('carries DisruptionTarget when its node is drained', async () => {
    const { pods, node } = await running('drained', { 'run-seconds': 'forever' });
    const ended = pod(pods, 'was terminated', hasEnded);
    await kubectl(['drain', node, '--force', '--ignore-daemonsets', '--timeout=30s']);
    const last = await ended;
    expect(terminated(last)).toMatchObject({ exitCode: 143 });
    expect(hasCondition('DisruptionTarget')(last)).toBe(true);
  });

  it.each([
    { title: 'its node is deleted', lose: (node: string) => deleteNodes(api, [node]) },
    { title: 'its node falls silent', lose: (node: string) => silenceNode(api, node) },
  ])('reports nothing any more once $title, not even that it ended', async ({ title, lose }) => {
    const { pods, node, pod: old } = await running(title, { 'run-seconds': '3' });
    await lose(node);
    const last = await pod(
      pods,
      'was cut off',
      ({ metadata }) => 'play.orquanta.io/node-gone' in (metadata.annotations ?? {}),
    );
    expect(last.status.phase).toBe('Running');
    const endsAt = Date.parse(String(old.metadata['creationTimestamp'])) + 6_000;
    // That nothing happens can only be seen by letting the time pass in which it would.
    await delay(endsAt - Date.now());
    expect((await api.get<Pod>(`${pods}/${old.metadata.name}`)).status.phase).toBe('Running');
  });
});

describe.runIf(ownCluster() !== undefined)('the control plane', () => {
  it('goes on with what runs after its API server was killed and came back', async () => {
    const cluster = ownCluster()!;
    const namespace = await namespaceFor(api, 'killed server');
    await nodesFor(api, [gpuNode({ name: namespace, cards: nvidiaCards.a10(1) })]);
    const pods = await play(namespace, { annotations: { 'run-seconds': '2' }, node: namespace });
    await pod(pods, 'runs', isRunning);
    await cluster.killApiServer();
    await cluster.startApiServer();
    const job = await waitForObject<KubernetesObject & { status: { succeeded?: number } }>(
      api,
      `/apis/batch/v1/namespaces/${namespace}/jobs`,
      'played',
      { what: 'to complete', timeoutMilliseconds: 60_000, until: ({ status }) => status.succeeded === 1 },
    );
    expect(job.status.succeeded).toBe(1);
  });
});
