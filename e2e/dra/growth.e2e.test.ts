// Out-of-memory on a share: its own use makes the share larger, a neighbour's moves the job to another card. Last words are
// written into the manifests, because a played container doesn't know what its share is.
import { describe, expect } from 'vitest';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { uuidOf } from '../../hack/nodes/slices.ts';
import { policyFor } from '../policies/stage.ts';
import { type DRAStage, draScenario } from '../setup/dra.ts';
import { attemptsOf, isTrue, operatorForFile, outcomesOf, reasonOf } from '../setup/gpujobs.ts';
import { adminApi } from '../setup/surroundings.ts';
import { requestOf } from './requests.ts';
import { neighboursUse, ownUse, withoutSizes } from './words.ts';

operatorForFile({ name: 'operator-dra-growth' });

const { a100x40, a100x80 } = nvidiaCards;
const forever = { 'run-seconds': 'forever' };
const gibibyte = 1024;

/** The first run dies with these words, the next ends well. */
const diesOnce = (log: string): Record<string, string> => ({ 'exit-code': '1,0', 'run-seconds': '3', log });

/** Holds a part of a card for as long as the test lasts. */
async function heldBeside(dra: DRAStage, vram: string): Promise<string> {
  await dra.stage.submit('beside', { vram, play: forever, spec: dra.shared });
  const [[card] = ['']] = await dra.runs('beside');
  return card;
}

describe.concurrent('an out-of-memory of its own on a share', () => {
  draScenario(
    'is tried again at once on a share as large as its words say, on the same card',
    async ({ stage, dra }) => {
      await dra.nodes({ only: a100x80(1) });
      await stage.submit('grows', { vram: '20Gi', play: diesOnce(ownUse(20, 24)), spec: dra.shared });
      expect(await dra.runs('grows')).toEqual([['only/gpu-0', 20 * gibibyte]]);
      expect(await requestOf(dra, 'grows-1')).toBe('20Gi');
      const grown = Math.ceil(24 * gibibyte * 1.1);
      expect(await dra.runs('grows', 2)).toEqual([['only/gpu-0', grown]]);
      expect(await requestOf(dra, 'grows-2')).toBe(`${grown}Mi`);
      const job = await stage.untilFinished('grows');
      expect(outcomesOf(job)).toEqual(['OutOfMemory', 'Complete']);
      expect(attemptsOf(job).map(({ vram }) => vram)).toEqual(['20Gi', `${grown}Mi`]);
      expect(attemptsOf(job)[0]?.evidence).toMatchObject({ signature: 'hami', blame: 'OwnUse', needed: '24Gi' });
      expect(job.status).toMatchObject({ run: 2, failures: { application: 0, outOfMemory: 1, disruption: 0 } });
    },
  );

  draScenario(
    'makes it half as large again where its words have no sizes, without headroom',
    async ({ stage, dra }) => {
      await dra.nodes({ only: a100x80(1) });
      await stage.submit('grows', { vram: '20Gi', play: diesOnce(withoutSizes), spec: { isolation: 'Shared' } });
      expect(await dra.runs('grows')).toEqual([['only/gpu-0', 21 * gibibyte]]);
      expect(await dra.runs('grows', 2)).toEqual([['only/gpu-0', 30 * gibibyte]]);
    },
  );

  draScenario('waits for room where the card is full, and never grows beyond maxVRAM', async ({ stage, dra }) => {
    await dra.nodes({ only: a100x80(1) });
    await heldBeside(dra, '55Gi');
    const play = diesOnce(ownUse(20, 24));
    await stage.submit('capped', { vram: '20Gi', play, spec: { ...dra.shared, retry: { maxVRAM: '25Gi' } } });
    const capped = await stage.untilFinished('capped');
    expect(reasonOf(capped)).toBe('VRAMLimitReached');
    await stage.submit('grows', { vram: '20Gi', play, spec: dra.shared });
    const waiting = await stage.untilReason('grows', 'CardsBusy');
    expect(outcomesOf(waiting)).toEqual(['OutOfMemory']);
    await stage.delete('gpujobs', 'beside');
    expect(outcomesOf(await stage.untilFinished('grows'))).toEqual(['OutOfMemory', 'Complete']);
  });

  draScenario('of one worker makes the share of all workers larger', async ({ stage, dra }) => {
    await dra.nodes({ one: a100x80(1), other: a100x80(1) });
    const play = { ...diesOnce(ownUse(50, 60)), 'only-index': '1' };
    await stage.submit('gang', { vram: '50Gi', play, spec: { ...dra.shared, workers: 2 } });
    const held = (mebibytes: number) => ['one/gpu-0', 'other/gpu-0'].map((card) => [card, mebibytes]);
    expect(await dra.runs('gang', 1, 2)).toEqual(held(50 * gibibyte));
    expect(await dra.runs('gang', 2, 2)).toEqual(held(Math.ceil(60 * gibibyte * 1.1)));
    expect(isTrue(await stage.untilFinished('gang'), 'Complete')).toBe(true);
  });
});

describe.concurrent("an out-of-memory by a neighbour's use", () => {
  for (const [title, nodes, cards] of [
    ['on another node', { one: a100x80(1), other: a100x80(1) }, ['one/gpu-0', { node: 'other' }]],
    ['of the same node', { only: a100x80(2) }, ['only/gpu-0', { node: 'only', card: 1 }]],
  ] as const) {
    draScenario(`moves the job to another card ${title} with the same VRAM`, async ({ stage, dra }) => {
      await dra.nodes(nodes);
      const [card, rest] = cards;
      await dra.stranger('stranger', rest);
      await dra.strangerRuns('stranger');
      // Together they fill the card: by its packing no other place is as good for the job.
      expect(await heldBeside(dra, '50Gi')).toBe(card);
      await stage.submit('moves', { vram: '30Gi', play: diesOnce(neighboursUse), spec: dra.shared });
      expect(await dra.runs('moves')).toEqual([[card, 30 * gibibyte]]);
      await dra.strangerLeaves('stranger');
      const [[next, mebibytes] = ['', 0]] = await dra.runs('moves', 2);
      expect(next).not.toBe(card);
      expect(mebibytes).toBe(30 * gibibyte);
      const job = await stage.untilFinished('moves');
      expect(outcomesOf(job)).toEqual(['NeighbourOutOfMemory', 'Complete']);
      const uuid = uuidOf(stage.nodeName(card.split('/')[0] ?? ''), 0);
      expect(attemptsOf(job)[0]?.evidence).toMatchObject({ signature: 'torch', blame: 'Neighbour', cards: [uuid] });
      expect(job.status).toMatchObject({ vram: '30Gi', failures: { application: 0, outOfMemory: 0, disruption: 1 } });
    });
  }
});

describe('the policy', () => {
  for (const [title, log, learns] of [
    ["learns from a share's own out-of-memory", ownUse(20, 24), true],
    ["never learns from a neighbour's", neighboursUse, false],
  ] as const) {
    draScenario(title, async ({ stage, dra }) => {
      await dra.nodes({ one: a100x40(1), other: a100x40(1) });
      const policyName = await policyFor(adminApi(), 'dra-learns');
      await stage.submit('job', { vram: '20Gi', play: diesOnce(log), spec: { isolation: 'Shared', policyName } });
      const job = await stage.untilFinished('job');
      expect(outcomesOf(job)).toEqual([learns ? 'OutOfMemory' : 'NeighbourOutOfMemory', 'Complete']);
      expect(attemptsOf(job)[0]?.policyVersion).toBe(learns ? 2 : undefined);
    });
  }
});
