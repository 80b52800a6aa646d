// Cards that HAMi hands out, on a real control plane without HAMi. Played are what its device plugin writes on a node (the register,
// and the units, MiB and percent that are offered) and what its scheduler writes on a stranger's Pod. Pods are bound by
// kube-scheduler, which counts those amounts for the node as a whole: which card has how much left is known to the operator alone.
import { describe, expect } from 'vitest';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { hamiScenario, namedCards } from '../setup/hami.ts';
import { attemptsOf, messageOf, operatorForFile, type Pod, reasonOf } from '../setup/gpujobs.ts';

operatorForFile({ name: 'operator-hami' });

const { a100x80 } = nvidiaCards;
const forever = { 'run-seconds': 'forever' };
const gibibytes = (count: number): number => count * 1024;
const none = { application: 0, outOfMemory: 0, disruption: 0 };

function limitsOf(pod: Pod | undefined): Record<string, string> | undefined {
  return pod?.spec.containers[0]?.resources?.limits;
}

describe.concurrent('a share of 30Gi of a card that HAMi hands out', () => {
  hamiScenario('is asked for in MiB, of one named card', async ({ stage, hami }) => {
    await hami.nodes({ only: { cards: a100x80(2) } });
    await stage.submit('job', { vram: '30Gi', play: forever, spec: hami.shared });
    const [pod] = await stage.running('job');
    expect(limitsOf(pod)).toEqual({ 'nvidia.com/gpu': '1', 'nvidia.com/gpumem': '30720' });
    expect(pod?.metadata.annotations?.[namedCards]).toBe(hami.uuid('only', 0));
    const job = await stage.untilReason('job', 'Running');
    expect(job.status.placement).toMatchObject({ allocation: 'DevicePlugin', share: '30Gi', cardVRAM: '80Gi' });
    expect(job.status.conditions?.find(({ type }) => type === 'Placed')?.message).not.toMatch(/without a fence/);
  });

  hamiScenario('goes two to a card, and the next one waits until one of them ends', async ({ stage, hami }) => {
    await hami.nodes({ only: { cards: a100x80(2) } });
    const wish = { vram: '30Gi', play: forever, spec: hami.shared };
    const cards: string[] = [];
    for (const name of ['one', 'two', 'three', 'four']) {
      await stage.submit(name, wish);
      const [[card, mebibytes] = ['', 0], ...more] = await hami.runs(name);
      expect([mebibytes, more]).toEqual([gibibytes(30), []]);
      cards.push(card);
    }
    expect([...cards].sort()).toEqual(['only/0', 'only/0', 'only/1', 'only/1']);
    await stage.submit('five', wish);
    const waiting = await stage.untilReason('five', 'CardsBusy');
    expect(messageOf(waiting)).toMatch(/^0 of \d+ nodes fit now: 1 busy\b.*; the most free on one card is 20Gi$/);
    expect((await stage.list('jobs')).map(({ metadata }) => metadata.name)).not.toContain('five-1');
    await stage.delete('gpujobs', 'two');
    expect(await hami.runs('five')).toEqual([[cards[1], gibibytes(30)]]);
  });

  hamiScenario('is had of two different cards by a worker with two', async ({ stage, hami }) => {
    await hami.nodes({ only: { cards: a100x80(2) } });
    await stage.submit('pair', { vram: '30Gi', play: forever, spec: { ...hami.shared, gpus: 2 } });
    expect(await hami.runs('pair')).toEqual([
      ['only/0', gibibytes(30)],
      ['only/1', gibibytes(30)],
    ]);
    const [pod] = await stage.running('pair');
    expect(limitsOf(pod)).toEqual({ 'nvidia.com/gpu': '2', 'nvidia.com/gpumem': '30720' });
  });
});

describe.concurrent('a card for one alone that HAMi hands out', () => {
  hamiScenario(
    'is asked for with all its memory and compute, and is never one with a share on it',
    async ({ stage, hami }) => {
      await hami.nodes({ only: { cards: a100x80(2) } });
      await stage.submit('share', { vram: '10Gi', play: forever, spec: hami.shared });
      expect(await hami.runs('share')).toEqual([['only/0', gibibytes(10)]]);
      await stage.submit('whole', { vram: '10Gi', play: forever, spec: hami.exclusive });
      expect(await hami.runs('whole')).toEqual([['only/1', gibibytes(80)]]);
      const [pod] = await stage.running('whole');
      expect(limitsOf(pod)).toEqual({
        'nvidia.com/gpu': '1',
        'nvidia.com/gpumem': '81920',
        'nvidia.com/gpucores': '100',
      });
      await stage.submit('next', { vram: '10Gi', play: forever, spec: hami.exclusive });
      await stage.untilReason('next', 'CardsBusy');
      await stage.delete('gpujobs', 'share');
      expect(await hami.runs('next')).toEqual([['only/0', gibibytes(80)]]);
    },
  );
});

describe.concurrent("a stranger's Pod to which HAMi gave a part of a card", () => {
  hamiScenario('is planned around, card by card, and gives it back when it leaves', async ({ stage, hami }) => {
    await hami.nodes({ only: { cards: a100x80(2) } });
    await hami.stranger('stranger', 'only', 0, gibibytes(50));
    for (const [name, vram, card] of [
      ['large', 40, 'only/1'],
      ['small', 30, 'only/0'],
    ] as const) {
      await stage.submit(name, { vram: `${vram}Gi`, play: forever, spec: hami.shared });
      expect(await hami.runs(name)).toEqual([[card, gibibytes(vram)]]);
    }
    await stage.submit('next', { vram: '50Gi', play: forever, spec: hami.shared });
    const waiting = await stage.untilReason('next', 'CardsBusy');
    expect(messageOf(waiting)).toMatch(/; the most free on one card is 40Gi$/);
    await hami.strangerLeaves('stranger');
    expect(await hami.runs('next')).toEqual([['only/0', gibibytes(50)]]);
  });

  hamiScenario('is planned around before it is bound', async ({ stage, hami }) => {
    await hami.nodes({ only: { cards: a100x80(1) } });
    await hami.stranger('stranger', 'only', 0, gibibytes(1), false);
    await stage.submit('alone', { vram: '8Gi', spec: hami.exclusive });
    await stage.untilReason('alone', 'CardsBusy');
    await hami.strangerLeaves('stranger');
    expect(reasonOf(await stage.untilFinished('alone'))).toBe('Complete');
  });
});

describe.concurrent('a template that names the card itself', () => {
  hamiScenario('is left as it is, and what HAMi gives it is what counts', async ({ stage, hami }) => {
    await hami.nodes({ only: { cards: a100x80(2) } });
    const wish = { vram: '10Gi', play: forever, spec: hami.shared };
    const { template } = stage.manifest('own', wish).spec;
    const annotations = { ...template.metadata?.annotations, [namedCards]: hami.uuid('only', 1) };
    const spec = { ...hami.shared, template: { ...template, metadata: { annotations } } };
    await stage.submit('own', { ...wish, spec });
    expect(await hami.runs('own')).toEqual([['only/1', gibibytes(10)]]);
    const [pod] = await stage.running('own');
    await hami.give(pod!, 'only', 1, gibibytes(10));
    await stage.submit('alone', { vram: '8Gi', play: forever, spec: hami.exclusive });
    expect(await hami.runs('alone')).toEqual([['only/0', gibibytes(80)]]);
  });
});

describe.concurrent("a Pod that HAMi's scheduler never gets to see", () => {
  hamiScenario('is bound by nobody, and its run is undone without a retry spent', async ({ stage, hami }) => {
    await hami.nodes({ only: { cards: a100x80(1), listsMemory: false } });
    await stage.submit('job', { vram: '8Gi', spec: hami.shared });
    const job = await stage.until('job', 'to be undone', (gpujob) => attemptsOf(gpujob).length > 0);
    const [first] = attemptsOf(job);
    expect(first?.outcome).toBe('Unschedulable');
    expect(first?.message).toMatch(/^the scheduler can't bind it: .*Insufficient nvidia\.com\/gpumem/);
    expect(job.status.failures).toEqual(none);
  });
});
