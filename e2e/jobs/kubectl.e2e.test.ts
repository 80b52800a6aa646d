// What a user sees and waits for with kubectl, on GPUJobs in every state they can be in.
import { describe, expect } from 'vitest';
import type { KubernetesObject } from '../../hack/api/client.ts';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { operatorForFile, say, scenario, type Stage } from '../setup/gpujobs.ts';

operatorForFile({ name: 'operator-kubectl' });

const { rtx4090, a100x40 } = nvidiaCards;

/** One job in each state that a list can show. */
async function manyStates(stage: Stage): Promise<void> {
  await stage.nodes({ gb24: rtx4090(1), gb40: a100x40(2) });
  await stage.submit('complete');
  await stage.untilReason('complete', 'Complete');
  await stage.submit('grown', { vram: '20Gi', play: { 'peak-vram': '30Gi' } });
  await stage.untilReason('grown', 'Complete');
  await stage.submit('gang-running', { vram: '36Gi', play: { 'run-seconds': 'forever' }, spec: { workers: 2 } });
  await stage.untilReason('gang-running', 'Running');
  await stage.submit('waits-for-cards', { vram: '30Gi' });
  await stage.untilReason('waits-for-cards', 'CardsBusy');
  await stage.submit('too-large', { vram: '200Gi' });
  await stage.untilReason('too-large', 'NeverFits');
  await stage.submit('limit-reached', {
    vram: '20Gi',
    play: { 'peak-vram': '30Gi' },
    spec: { retry: { maxVRAM: '25Gi' } },
  });
  await stage.untilReason('limit-reached', 'VRAMLimitReached');
  await stage.submit('suspended', { spec: { suspend: true } });
  await stage.untilReason('suspended', 'Suspended');
}

describe.concurrent('kubectl', () => {
  scenario(
    'get gpuj fits into 80 columns and shows status, VRAM, cards and run; -o wide also where and why',
    async ({ stage }) => {
      await manyStates(stage);
      const table = await stage.kubectl('get', 'gpuj');
      say(table);
      const widths = table.split('\n').map((line) => line.trimEnd().length);
      expect(Math.max(...widths)).toBeLessThanOrEqual(80);
      const row = (name: string) =>
        table
          .split('\n')
          .find((line) => line.startsWith(`${name} `))
          ?.split(/ {2,}/);
      expect(table.split('\n')[0]?.trim().split(/ +/)).toEqual(['NAME', 'STATUS', 'VRAM', 'GPUS', 'RUN', 'AGE']);
      expect(row('grown')?.slice(0, 2)).toEqual(['grown', 'Complete']);
      expect(row('gang-running')).toEqual(['gang-running', 'Running', '36Gi', '2', '1', expect.any(String)]);
      expect(row('too-large')?.slice(1, 4)).toEqual(['NeverFits', '200Gi', '1']);
      expect(await stage.kubectl('get', 'all')).toContain('gpujob.orquanta.io/grown');
      const wide = await stage.kubectl('get', 'gpuj', '-o', 'wide');
      expect(wide).toContain('needs 200Gi on one GPU');
      expect(wide).toContain(stage.nodeName('gb40'));
    },
  );

  scenario('describe tells the story of a job that grew, with its events in order', async ({ stage }) => {
    await stage.nodes({ gb24: rtx4090(1), gb40: a100x40(1) });
    await stage.submit('grows', { vram: '20Gi', play: { 'peak-vram': '30Gi' } });
    await stage.untilReason('grows', 'Complete');
    const ofJob = (objects: readonly KubernetesObject[]) =>
      objects
        .filter((event) => (event['regarding'] as { kind: string }).kind === 'GPUJob')
        .map((event) => event['reason'] as string);
    const want = ['Placed', 'OutOfMemory', 'VRAMGrown', 'Placed', 'Finished'];
    const events = await stage.seen('events', want.join(), (objects) => ofJob(objects).length === want.length);
    expect(ofJob(events).sort()).toEqual(want.toSorted());
    const text = await stage.kubectl('describe', 'gpuj', 'grows');
    const told = text.slice(text.indexOf('Events:'));
    const places = ['run 1 on', 'ran out of GPU memory', 'asks for', 'run 2 on', 'run 2 is complete'].map((words) =>
      told.indexOf(words),
    );
    expect(places).not.toContain(-1);
    expect(text).toMatch(/Signature: +torch\n/);
  });

  scenario('explain --recursive names every field that a user may write', async ({ stage }) => {
    // explain trusts kubectl's cache of kinds, which may be older than the CRDs; get looks again.
    await stage.kubectl('get', 'gpuj');
    const text = await stage.kubectl('explain', 'gpuj', '--recursive');
    for (const field of Object.keys(stage.manifest('any', { spec: { gpus: 1, retry: {} } }).spec)) {
      expect(text).toContain(`${field}\t`);
    }
  });

  for (const { title, vram, reason } of [
    { title: 'succeeds', vram: '8Gi', reason: 'Complete' },
    { title: 'fails', vram: '200Gi', reason: 'NeverFits' },
  ]) {
    scenario(`wait --for=condition=Finished returns when a job ${title}`, async ({ stage }) => {
      await stage.nodes({ gb24: rtx4090(1) });
      await stage.submit('job', { vram });
      const said = await stage.kubectl('wait', '--for=condition=Finished', '--timeout=30s', 'gpuj/job');
      expect(said.trim()).toBe('gpujob.orquanta.io/job condition met');
      expect(await stage.kubectl('get', 'gpuj', 'job', '--no-headers')).toMatch(new RegExp(`^job +${reason} `));
    });
  }
});
