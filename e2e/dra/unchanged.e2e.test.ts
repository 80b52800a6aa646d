// One manifest, whichever way a cluster offers its cards: what ran on device plugins runs on DRA as it is written, on a cluster of
// both, and on nodes that are on their way from one to the other.
import { describe, expect } from 'vitest';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { type DRAStage, draScenario, type Offer } from '../setup/dra.ts';
import { messageOf, operatorForFile, type Pod, reasonOf, type Stage, type Wish } from '../setup/gpujobs.ts';
import { WaysInUse } from './ways-in-use.ts';

operatorForFile({ name: 'operator-dra-unchanged' });

const { a100x80 } = nvidiaCards;
const forever = { 'run-seconds': 'forever' };

/** What people have in Git: no word of how the cards are to be held. */
const manifests: Readonly<Record<string, Wish>> = {
  'one-card': { vram: '60Gi' },
  'four-cards': { vram: '60Gi', spec: { gpus: 4 } },
  gang: { vram: '60Gi', spec: { workers: 2, gpus: 2 } },
};

const plugin = (count: number): Offer => ({ cards: a100x80(count), way: 'DevicePlugin' });
const claims = (count: number): Offer => ({ cards: a100x80(count), way: 'DRA' });
const both = (count: number): Offer => ({ cards: a100x80(count), way: 'Both' });

const clusters: Readonly<Record<string, Readonly<Record<string, Offer>>>> = {
  'of device plugins alone': { n0: plugin(4), n1: plugin(4) },
  'of DRA alone': { n0: claims(4), n1: claims(4) },
  'of both': { n0: plugin(4), n1: claims(4) },
  'on its way, where nodes offer their cards twice': { n0: both(4), n1: both(4) },
};

/** How a Pod got its cards, and how many. */
function cardsOf({ spec }: Pod): string[] {
  const [container] = spec.containers;
  const limit = container?.resources?.limits?.['nvidia.com/gpu'];
  const claimed = (container?.resources as { claims?: unknown[] } | undefined)?.claims ?? [];
  return [...(limit === undefined ? [] : [`DevicePlugin ${limit}`]), ...claimed.map(() => 'DRA')];
}

describe.concurrent('the same manifests', () => {
  for (const [title, nodes] of Object.entries(clusters)) {
    draScenario(`run unchanged on a cluster ${title}`, async ({ stage, dra }) => {
      await dra.nodes(nodes);
      for (const [name, wish] of Object.entries(manifests)) {
        await stage.submit(name, wish);
        const job = await stage.untilFinished(name);
        expect([name, reasonOf(job), job.status.run]).toEqual([name, 'Complete', 1]);
        expect(job.spec).toEqual(stage.manifest(name, wish).spec);
        expect(job.status.placement).toMatchObject({ product: 'NVIDIA-A100-SXM4-80GB', cardVRAM: '80Gi' });
      }
      const ways = new Set((await stage.list<Pod>('pods')).map((pod) => cardsOf(pod).length));
      expect(ways).toEqual(new Set([1]));
    });
  }

  draScenario('give a gang all its cards in one way, or none', async ({ stage, dra }) => {
    await dra.nodes({ n0: plugin(2), n1: claims(2) });
    await stage.submit('gang', { ...manifests['gang'], spec: { ...manifests['gang']?.spec, whenNeverFits: 'Wait' } });
    const job = await stage.untilReason('gang', 'NeverFits');
    expect(messageOf(job)).toBe(
      'needs 2 workers of 2 cards of one product; all nodes with such cards have room for 1 when empty',
    );
    await dra.nodes({ n2: claims(2) });
    expect(reasonOf(await stage.untilFinished('gang'))).toBe('Complete');
    const pods = await stage.list<Pod>('pods');
    expect(pods.map(cardsOf)).toEqual([['DRA'], ['DRA']]);
  });
});

describe.concurrent('spec.allocation', () => {
  for (const [allocation, node] of [
    ['DevicePlugin', 'plugin'],
    ['DRA', 'claims'],
  ] as const) {
    draScenario(`${allocation} runs on the node that offers it, and waits for it`, async ({ stage, dra }) => {
      await dra.nodes({ plugin: plugin(1), claims: claims(1) });
      await stage.submit('first', { play: forever, spec: { allocation } });
      const [pod] = await stage.running('first');
      expect(pod?.spec.nodeName).toBe(stage.nodeName(node));
      expect(cardsOf(pod!)).toEqual([allocation === 'DRA' ? 'DRA' : 'DevicePlugin 1']);
      await stage.submit('second', { spec: { allocation } });
      await stage.untilReason('second', 'CardsBusy');
      await stage.delete('gpujobs', 'first');
      expect((await stage.untilFinished('second')).status.placement?.nodes).toEqual([stage.nodeName(node)]);
    });
  }

  for (const [allocation, offer, words] of [
    ['DevicePlugin', claims(1), 'offered by DRA only'],
    ['DRA', plugin(1), 'offered by device plugin only'],
  ] as const) {
    draScenario(`${allocation} says so where no node offers it, and starts when one does`, async ({ stage, dra }) => {
      await dra.nodes({ other: offer });
      await stage.submit('job', { spec: { allocation } });
      const waiting = await stage.untilReason('job', 'NoMatchingCards');
      expect(messageOf(waiting)).toMatch(
        new RegExp(`^0 of \\d+ nodes have cards of the right kind: (.*, )?1 ${words}(,|$)`),
      );
      await dra.nodes({ wanted: both(1) });
      expect(reasonOf(await stage.untilFinished('job'))).toBe('Complete');
    });
  }
});

describe.concurrent('a node that offers the same cards twice', () => {
  draScenario('never has them in use both ways at once', { timeout: 400_000 }, async ({ stage, dra }) => {
    await dra.nodes({ only: both(2) });
    const ways = new WaysInUse(stage.api, stage.nodeName('only'));
    const names = Array.from({ length: 12 }, (_, index) => `job-${index}`);
    const choices = ['DevicePlugin', 'DRA', 'Auto'] as const;
    await Promise.all(names.map((name, index) => stage.submit(name, { spec: { allocation: choices[index % 3]! } })));
    for (const name of names) expect(reasonOf(await stage.untilFinished(name, 300_000))).toBe('Complete');
    await ways.stop();
    expect(ways.atOnce()).toEqual([]);
    expect(new Set(ways.turns())).toEqual(new Set(['DRA', 'DevicePlugin']));
  });

  for (const [way, other] of [
    ['DRA', 'DevicePlugin'],
    ['DevicePlugin', 'DRA'],
  ] as const) {
    draScenario(`keeps to ${way} while somebody else holds one so`, async ({ stage, dra }) => {
      await dra.nodes({ only: both(2) });
      await holdOneCard(stage, dra, way);
      await stage.submit('waits', { spec: { allocation: other } });
      const waiting = await stage.untilReason('waits', 'CardsBusy');
      expect(messageOf(waiting)).toMatch(/^0 of \d+ nodes fit now: 1 busy\b/);
      await stage.submit('beside', { spec: { allocation: way } });
      expect(reasonOf(await stage.untilFinished('beside'))).toBe('Complete');
      await giveBack(stage, dra, way);
      expect(reasonOf(await stage.untilFinished('waits'))).toBe('Complete');
    });
  }
});

async function holdOneCard(stage: Stage, dra: DRAStage, way: 'DRA' | 'DevicePlugin'): Promise<void> {
  if (way === 'DRA') {
    await dra.stranger('foreign', { node: 'only' });
    await dra.strangerRuns('foreign');
    return;
  }
  await stage.foreignPod('foreign', 'only', 1);
  await stage.seen<Pod>('pods', 'the foreign Pod to run', (pods) =>
    pods.some(({ status }) => status.phase === 'Running'),
  );
}

function giveBack(stage: Stage, dra: DRAStage, way: 'DRA' | 'DevicePlugin'): Promise<unknown> {
  return way === 'DRA' ? dra.strangerLeaves('foreign') : stage.delete('pods', 'foreign');
}
