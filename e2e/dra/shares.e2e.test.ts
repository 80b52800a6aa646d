// Shares of a card, by VRAM: as many as fit go onto one card, whoever wants a card whole gets one that nobody uses, and what
// ends or is deleted gives back what it held.
import { describe, expect } from 'vitest';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { draScenario } from '../setup/dra.ts';
import { isTrue, messageOf, operatorForFile, outcomesOf, reasonOf } from '../setup/gpujobs.ts';
import { cardQuota } from './card-quota.ts';

operatorForFile({ name: 'operator-dra-shares' });

const { a10, a100x80 } = nvidiaCards;
const forever = { 'run-seconds': 'forever' };
const share = 30 * 1024;

describe.concurrent('shares of 30Gi on cards of 80Gi', () => {
  draScenario('go two onto a card, and the fifth on two cards waits until one ends', async ({ stage, dra }) => {
    await dra.nodes({ only: a100x80(2) });
    const wish = { vram: '30Gi', play: forever, spec: dra.shared };
    const cards = new Map<string, string>();
    for (const name of ['one', 'two', 'three', 'four']) {
      await stage.submit(name, wish);
      const [[card, mebibytes] = ['', 0], ...more] = await dra.runs(name);
      expect([mebibytes, more]).toEqual([share, []]);
      cards.set(name, card);
    }
    const both = ['only/gpu-0', 'only/gpu-0', 'only/gpu-1', 'only/gpu-1'];
    expect([...cards.values()].sort()).toEqual(both);
    await stage.submit('five', wish);
    const waiting = await stage.untilReason('five', 'CardsBusy');
    expect(messageOf(waiting)).toMatch(/^0 of \d+ nodes fit now: 1 busy\b.*; the most free on one card is 20Gi$/);
    expect((await stage.list('jobs')).map(({ metadata }) => metadata.name)).not.toContain('five-1');
    await stage.delete('gpujobs', 'two');
    expect(await dra.runs('five')).toEqual([[cards.get('two'), share]]);
  });

  draScenario('go onto one card and leave the next whole, where whole cards are asked for', async ({ stage, dra }) => {
    await dra.nodes({ only: a100x80(2) });
    const whole = { vram: '60Gi', spec: dra.exclusive };
    await stage.submit('before', whole);
    await stage.untilFinished('before');
    for (const name of ['one', 'two']) await stage.submit(name, { vram: '30Gi', play: forever, spec: dra.shared });
    const held = [...(await dra.runs('one')), ...(await dra.runs('two'))];
    expect(held[0]).toEqual(held[1]);
    await stage.submit('after', whole);
    expect(outcomesOf(await stage.untilFinished('after'))).toEqual(['Complete']);
  });

  draScenario('leave the rest of a card to a smaller one', async ({ stage, dra }) => {
    await dra.nodes({ only: a100x80(1) });
    for (const [name, vram] of [
      ['large', '50Gi'],
      ['small', '30Gi'],
    ] as const) {
      await stage.submit(name, { vram, play: forever, spec: dra.shared });
      expect(await dra.runs(name)).toEqual([['only/gpu-0', Number.parseInt(vram) * 1024]]);
    }
    await stage.submit('tiny', { vram: '64Mi', spec: dra.shared });
    await stage.untilReason('tiny', 'CardsBusy');
  });

  draScenario('are made larger by headroom, as far as the card goes', async ({ stage, dra }) => {
    await dra.nodes({ one: a100x80(1), other: a100x80(1) });
    await stage.submit('part', { vram: '30Gi', play: forever, spec: { isolation: 'Shared' } });
    expect((await dra.runs('part'))[0]?.[1]).toBe(share * 1.05);
    await stage.submit('all', { vram: '79Gi', play: forever, spec: { isolation: 'Shared' } });
    expect((await dra.runs('all'))[0]?.[1]).toBe(80 * 1024);
    await stage.submit('waits', { vram: '48Gi', spec: { isolation: 'Shared' } });
    const waiting = await stage.untilReason('waits', 'CardsBusy');
    expect(messageOf(waiting)).toMatch(
      /^0 of \d+ nodes fit now: 2 busy\b.*; asks 51610Mi with headroom; the most free on one card is 49664Mi$/,
    );
  });

  draScenario('that ended give their part back, although their Job is still there', async ({ stage, dra }) => {
    await dra.nodes({ only: a100x80(1) });
    for (const name of ['one', 'two', 'three', 'four']) await stage.submit(name, { vram: '60Gi', spec: dra.shared });
    for (const name of ['one', 'two', 'three', 'four']) {
      expect(outcomesOf(await stage.untilFinished(name))).toEqual(['Complete']);
    }
    expect(await stage.list('jobs')).toHaveLength(4);
    expect(dra.account.mostOnOneCard).toBe(1);
  });
});

describe.concurrent('a card for one alone', () => {
  draScenario('is claimed whole, and is never one with a share on it', async ({ stage, dra }) => {
    await dra.nodes({ only: a100x80(2) });
    await stage.submit('share', { vram: '10Gi', play: forever, spec: dra.shared });
    const [[shared] = ['']] = await dra.runs('share');
    const other = shared === 'only/gpu-0' ? 'only/gpu-1' : 'only/gpu-0';
    await stage.submit('whole', { vram: '10Gi', play: forever, spec: dra.exclusive });
    expect(await dra.runs('whole')).toEqual([[other, 80 * 1024]]);
    await stage.submit('next', { vram: '10Gi', play: forever, spec: dra.exclusive });
    await stage.untilReason('next', 'CardsBusy');
    await stage.submit('beside', { vram: '60Gi', play: forever, spec: dra.shared });
    expect(await dra.runs('beside')).toEqual([[shared, 60 * 1024]]);
    await stage.delete('gpujobs', 'beside');
    await stage.untilReason('next', 'CardsBusy');
    await stage.delete('gpujobs', 'share');
    expect(await dra.runs('next')).toEqual([[shared, 80 * 1024]]);
  });

  draScenario('is had where the driver does not divide, and a share is not', async ({ stage, dra }) => {
    await dra.nodes({ only: { cards: a10(1), shares: false } });
    await stage.submit('share', { vram: '10Gi', spec: dra.shared });
    const waiting = await stage.untilReason('share', 'NoMatchingCards');
    expect(messageOf(waiting)).toContain('1 without Shared cards (Exclusive here)');
    await stage.submit('whole', { vram: '10Gi', spec: dra.exclusive });
    expect(reasonOf(await stage.untilFinished('whole'))).toBe('Complete');
  });
});

describe.concurrent('several cards for one worker', () => {
  draScenario('are different ones, also where one card had room for two shares', async ({ stage, dra }) => {
    await dra.nodes({ only: a100x80(2) });
    const wish = { vram: '30Gi', play: forever, spec: { ...dra.shared, gpus: 2 } };
    const both = [
      ['only/gpu-0', share],
      ['only/gpu-1', share],
    ];
    for (const name of ['one', 'two']) {
      await stage.submit(name, wish);
      expect(await dra.runs(name)).toEqual(both);
    }
    await stage.submit('three', wish);
    await stage.untilReason('three', 'CardsBusy');
  });

  draScenario('never fit where each node has one', async ({ stage, dra }) => {
    await dra.nodes({ one: a100x80(1), other: a100x80(1) });
    await stage.submit('pair', { vram: '30Gi', spec: { ...dra.shared, gpus: 2 } });
    const job = await stage.untilFinished('pair');
    expect(messageOf(job)).toBe('needs 2 cards on one node; the largest node with such cards has 1 (2 nodes)');
  });
});

describe.concurrent('a quota of cards', () => {
  draScenario('counts what runs, and not what has ended', async ({ stage, dra }) => {
    await dra.nodes({ only: a100x80(2) });
    await cardQuota(stage.api, stage.namespace, 1);
    await stage.submit('first', { vram: '30Gi', play: forever, spec: dra.shared });
    await dra.runs('first');
    await stage.submit('second', { vram: '30Gi', spec: dra.shared });
    expect(messageOf(await stage.untilReason('second', 'PodsRefused'))).toMatch(/exceeded quota: quota, .*devices=1/);
    await stage.delete('gpujobs', 'first');
    await stage.untilFinished('second');
    await dra.untilLeft('resourceclaims', 0);
    await stage.submit('third', { vram: '30Gi', spec: dra.shared });
    expect(reasonOf(await stage.untilFinished('third'))).toBe('Complete');
  });
});

describe.concurrent('a GPUJob that is deleted', () => {
  draScenario('takes its claim along, and frees the card', async ({ stage, dra }) => {
    await dra.nodes({ only: a100x80(1) });
    await stage.submit('gone', { vram: '50Gi', play: forever, spec: dra.shared });
    await dra.runs('gone');
    expect((await dra.list('resourceclaims')).map(({ metadata }) => metadata.name)).toEqual(['gone-1']);
    expect(await dra.list('resourceclaimtemplates')).toEqual([]);
    await stage.submit('next', { vram: '50Gi', spec: dra.shared });
    await stage.untilReason('next', 'CardsBusy');
    await stage.delete('gpujobs', 'gone');
    expect(reasonOf(await stage.untilFinished('next'))).toBe('Complete');
    await stage.delete('gpujobs', 'next');
    await dra.untilLeft('resourceclaims', 0);
  });

  draScenario('and made again waits until its claim is gone, and is not called stalled', async ({ stage, dra }) => {
    await dra.nodes({ only: a100x80(1) });
    const holding = (finalizers: string[]) =>
      stage.api.patch(`${dra.path('resourceclaims')}/again-1`, { metadata: { finalizers } });
    await stage.submit('again', { vram: '50Gi', play: forever, spec: dra.shared });
    await dra.runs('again');
    await holding(['resource.kubernetes.io/delete-protection', 'example.com/slow']);
    await stage.delete('gpujobs', 'again');
    await stage.submit('again', { vram: '50Gi', spec: dra.shared });
    const words = 'the ResourceClaim again-1 of an earlier GPUJob with this name is being deleted';
    const waiting = await stage.until('again', 'to wait for the claim', (gpujob) => messageOf(gpujob) === words);
    expect([reasonOf(waiting), isTrue(waiting, 'Stalled')]).toEqual(['NameTaken', false]);
    await holding([]);
    expect(reasonOf(await stage.untilFinished('again'))).toBe('Complete');
  });

  draScenario('while it is suspended holds nothing, and resumed it claims anew', async ({ stage, dra }) => {
    await dra.nodes({ only: a100x80(1) });
    await stage.submit('held', { vram: '50Gi', play: forever, spec: dra.shared });
    const before = await dra.runs('held');
    await stage.edit('held', { suspend: true });
    await stage.untilReason('held', 'Suspended');
    await dra.untilLeft('resourceclaims', 0);
    await stage.edit('held', { suspend: false });
    expect(await dra.runs('held', 2)).toEqual(before);
    expect(outcomesOf(await stage.get('held'))).toEqual(['Suspended']);
  });
});
