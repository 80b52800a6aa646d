// Gangs whose cards are held by claims: one template for all workers, cards of one size, and all of them or none.
import { describe, expect } from 'vitest';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { draScenario } from '../setup/dra.ts';
import { messageOf, operatorForFile, type Pod, reasonOf } from '../setup/gpujobs.ts';

operatorForFile({ name: 'operator-dra-gang' });

const { a100x40, a100x80 } = nvidiaCards;
const forever = { 'run-seconds': 'forever' };

function templatesOf(pods: readonly Pod[]): Set<string | undefined> {
  const ofPod = ({ spec }: Pod) =>
    (spec as { resourceClaims?: { resourceClaimTemplateName?: string }[] }).resourceClaims ?? [];
  return new Set(pods.flatMap(ofPod).map(({ resourceClaimTemplateName }) => resourceClaimTemplateName));
}

describe.concurrent('a gang of 2 x 2 cards', () => {
  for (const isolation of ['exclusive', 'shared'] as const) {
    draScenario(`${isolation} has one template, and four cards of one size`, async ({ stage, dra }) => {
      await dra.nodes({ a: a100x40(2), b: a100x80(2), c: a100x40(2) });
      const spec = { ...dra[isolation], workers: 2, gpus: 2 };
      await stage.submit('gang', { vram: '30Gi', play: forever, spec });
      const each = isolation === 'shared' ? 30 * 1024 : 39_538;
      const cards = ['a/gpu-0', 'a/gpu-1', 'c/gpu-0', 'c/gpu-1'];
      expect(await dra.runs('gang', 1, 2)).toEqual(cards.map((card) => [card, each]));
      expect(templatesOf(await stage.list<Pod>('pods'))).toEqual(new Set(['gang-1']));
      expect(await dra.list('resourceclaimtemplates')).toHaveLength(1);
      expect(await dra.list('resourceclaims')).toHaveLength(2);
      expect((await stage.get('gang')).status.placement).toMatchObject({
        product: 'NVIDIA-A100-SXM4-40GB',
        nodes: [stage.nodeName('a'), stage.nodeName('c')],
      });
    });
  }

  draScenario('waits whole for a card that somebody has a part of', async ({ stage, dra }) => {
    await dra.nodes({ a: a100x40(2), b: a100x40(2) });
    await dra.stranger('stranger', { node: 'b', memory: '1Mi' });
    await dra.strangerRuns('stranger');
    await stage.submit('gang', { vram: '30Gi', spec: { ...dra.exclusive, workers: 2, gpus: 2 } });
    const waiting = await stage.untilReason('gang', 'WaitingForGang');
    expect(messageOf(waiting)).toMatch(/^1 of 2 workers would fit now, and a gang starts whole: /);
    expect(await dra.list('resourceclaims')).toEqual([]);
    await dra.strangerLeaves('stranger');
    expect(reasonOf(await stage.untilFinished('gang'))).toBe('Complete');
  });
});

describe.concurrent('a gang of workers that share cards', () => {
  draScenario('may have several of them on one card, each with its own claim', async ({ stage, dra }) => {
    await dra.nodes({ large: a100x80(2), small: a100x40(1) });
    await stage.submit('gang', { vram: '30Gi', play: forever, spec: { ...dra.shared, workers: 4 } });
    expect(await dra.runs('gang', 1, 4)).toEqual(
      ['gpu-0', 'gpu-0', 'gpu-1', 'gpu-1'].map((card) => [`large/${card}`, 30 * 1024]),
    );
    expect(templatesOf(await stage.list<Pod>('pods'))).toEqual(new Set(['gang-1']));
    await stage.submit('beside', { vram: '21Gi', spec: dra.shared });
    expect((await stage.untilFinished('beside')).status.placement?.nodes).toEqual([stage.nodeName('small')]);
  });

  draScenario('of five does not fit where four shares do, and says so', async ({ stage, dra }) => {
    await dra.nodes({ only: a100x80(2) });
    await stage.submit('gang', { vram: '30Gi', spec: { ...dra.shared, workers: 5 } });
    expect(messageOf(await stage.untilFinished('gang'))).toBe(
      'needs 5 workers of 1 card of one product; all nodes with such cards have room for 4 when empty',
    );
  });
});
