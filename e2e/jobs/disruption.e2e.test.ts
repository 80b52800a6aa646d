// What comes from outside ends a run without spending a retry: a drained node, a deleted Pod or Job, a node that is gone.
// The job runs again elsewhere, and never while the old Pod may still be running.
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { deleteNodes, silenceNode } from '../../hack/nodes/create.ts';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import {
  attemptsOf,
  measured,
  operatorForFile,
  reasonOf,
  scenario,
  type GPUJob,
  type Stage,
} from '../setup/gpujobs.ts';
import { kubectl } from '../setup/surroundings.ts';

operatorForFile({ name: 'operator-disruption' });

const { a10 } = nvidiaCards;
const forever = { play: { 'run-seconds': 'forever' } };
const oneDisruption = { application: 0, outOfMemory: 0, disruption: 1 };

/** Two nodes and a job that runs on one of them; resolves to that node. */
async function runningSomewhere(stage: Stage, wish: object = forever): Promise<string> {
  await stage.nodes({ one: a10(1), other: a10(1) });
  await stage.submit('job', wish);
  const [pod] = await stage.running('job');
  return pod!.spec.nodeName!;
}

function nodeOf(gpujob: GPUJob): string {
  return gpujob.status.placement?.nodes[0] ?? '';
}

/** The second run is on its way on the other node, and nothing but a disruption was counted. */
async function runsAgainElsewhere(stage: Stage, lost: string, limit?: number): Promise<GPUJob> {
  const again = await stage.until('job', 'to run again', ({ status }) => status.run === 2, limit);
  expect(nodeOf(again)).not.toBe(lost);
  expect(again.status.failures).toEqual(oneDisruption);
  expect(attemptsOf(again)).toMatchObject([{ run: 1, outcome: 'Disrupted', vram: '8Gi', nodes: [lost] }]);
  const [pod] = await stage.running('job', 2);
  expect(pod!.spec.nodeName).not.toBe(lost);
  return again;
}

describe.concurrent('a job runs again elsewhere and spends no retry when', () => {
  scenario('its node is drained', async ({ stage }) => {
    const node = await runningSomewhere(stage);
    await kubectl(['drain', node, '--force', '--ignore-daemonsets', '--timeout=30s']);
    await measured('drained: placed again (10 s are back-off)', 13_000, (limit) =>
      runsAgainElsewhere(stage, node, limit),
    );
  });

  scenario('its Pod is deleted', async ({ stage }) => {
    const node = await runningSomewhere(stage);
    await stage.kubectl('delete', 'pods', '--all');
    await runsAgainElsewhere(stage, node);
  });

  scenario('its Pod is deleted by force', async ({ stage }) => {
    const node = await runningSomewhere(stage);
    await stage.kubectl('delete', 'pods', '--all', '--force', '--grace-period=0');
    await runsAgainElsewhere(stage, node);
  });

  scenario("its run's Job is deleted", async ({ stage }) => {
    const node = await runningSomewhere(stage);
    await stage.kubectl('delete', 'job', 'job-1');
    await runsAgainElsewhere(stage, node);
  });

  scenario('its node vanishes, as soon as Kubernetes gives its Pod up', { timeout: 240_000 }, async ({ stage }) => {
    const node = await runningSomewhere(stage);
    await deleteNodes(stage.api, [node]);
    await measured("vanished node: placed again (40 to 60 s are Kubernetes' own garbage collection)", 73_000, () =>
      runsAgainElsewhere(stage, node, 180_000),
    );
  });

  scenario('its node falls silent, but not before its Pod is gone', async ({ stage }) => {
    const tolerations = ['not-ready', 'unreachable'].map((condition) => ({
      key: `node.kubernetes.io/${condition}`,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 1,
    }));
    const node = await runningSomewhere(stage, { ...forever, pod: { tolerations } });
    await silenceNode(stage.api, node);
    await stage.seen('pods', 'the Pod to be evicted', ([pod]) => pod?.metadata.deletionTimestamp !== undefined);
    // That nothing happens can only be seen by letting the time pass in which it would: the back-off and some.
    await delay(13_000);
    expect((await stage.get('job')).status.run).toBe(1);
    expect(await stage.list('jobs')).toHaveLength(1);
    await stage.kubectl('delete', 'pods', '--all', '--force', '--grace-period=0');
    await runsAgainElsewhere(stage, node);
  });

  scenario('one worker of its gang is deleted: the whole gang runs again', async ({ stage }) => {
    await stage.nodes({ one: a10(2), other: a10(2) });
    await stage.submit('job', { ...forever, spec: { workers: 3 } });
    const [worker] = await stage.running('job', 1, 3);
    await stage.delete('pods', worker!.metadata.name);
    const again = await stage.until('job', 'to run again', ({ status }) => status.run === 2);
    expect(again.status.failures).toEqual(oneDisruption);
    await stage.running('job', 2, 3);
  });
});

describe.concurrent('a disruption', () => {
  scenario('is no failure even where none is survived', async ({ stage }) => {
    await stage.nodes({ only: a10(1) });
    await stage.submit('job', { play: { 'run-seconds': '3' }, spec: { retry: { maxFailures: 0 } } });
    await stage.running('job');
    await stage.kubectl('delete', 'pods', '--all');
    const job = await stage.untilFinished('job');
    expect(reasonOf(job)).toBe('Complete');
    expect(job.status).toMatchObject({ run: 2, failures: oneDisruption });
    expect(nodeOf(job)).toBe(stage.nodeName('only'));
  });
});
