// The jobs about sharing come true where claims and attempts show it, and nowhere else; and they say what was seen.
import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../operator/resources/gpujob.ts';
import { heatStories, withHeat } from './heat-stories.ts';
import { History, type SeenGPUJob } from './history.ts';
import type { Holding } from './holdings.ts';
import { sharingStories, withSharing } from './sharing-stories.ts';
import { stories, type Verdict } from './stories.ts';
import { finishedJob, runningJob, waitingJob } from './testing.ts';

const complete = (run = 1): Attempt => ({
  ...{ run, outcome: 'Complete', vram: '30Gi', cardVRAM: '80Gi', product: 'NVIDIA-A100-SXM4-80GB' },
  nodes: ['dra-0'],
});

function holding(job: string, { run = 1, card = 'dra-0/gpu-1', memory = '31Gi', beside = [''] } = {}): Holding {
  return { job, run, card, memory, beside: new Set(beside.filter((one) => one !== '')) };
}

/** One state a second. */
function judged(name: string, states: SeenGPUJob[], holdings: Holding[]): Verdict {
  const story = sharingStories({}).find((one) => one.name === name);
  if (story === undefined) throw new Error(`there is no story ${name}`);
  const history = new History(name, 0);
  for (const [index, state] of states.entries()) history.see(state, index * 1_000 + 100);
  history.holdings.push(...holdings);
  return story.judge({ history, cards: new Map(), workerStarts: [], heat: new Map() });
}

describe('quantize', () => {
  const ended = [finishedJob('quantize', [complete()])];

  it.each(['81920Mi', '80Gi'])('comes true when its claim held all of a card alone, said as %s', (memory) => {
    expect(judged('quantize', ended, [holding('quantize', { memory })])).toEqual({
      cameTrue: true,
      line: 'held all of dra-0/gpu-1 (80Gi), alone',
    });
  });

  it.each<[string, Holding[], string]>([
    [
      'had company',
      [holding('quantize', { memory: '80Gi', beside: ['x'] })],
      'held all of dra-0/gpu-1 (80Gi), beside x',
    ],
    ['had a part', [holding('quantize')], 'held 31Gi of dra-0/gpu-1 (80Gi), alone'],
    ['had no claim', [], 'Complete: '],
  ])('does not when it %s', (_, holdings, line) => {
    expect(judged('quantize', ended, holdings)).toEqual({ cameTrue: false, line });
  });
});

describe.each([
  ['serve-chat', 'serve-code'],
  ['serve-code', 'serve-chat'],
])('%s', (name, other) => {
  const ended = [finishedJob(name, [complete()])];

  it('comes true when it had a part of a card beside the other', () => {
    expect(judged(name, ended, [holding(name, { beside: [other, 'a-third'] })])).toEqual({
      cameTrue: true,
      line: `held 31Gi of dra-0/gpu-1 (80Gi), beside a-third, ${other}`,
    });
  });

  it.each<[string, Partial<Parameters<typeof holding>[1]>]>([
    ['the other was on another card', { beside: ['a-third'] }],
    ['it had all of the card', { beside: [other], memory: '80Gi' }],
  ])('does not when %s', (_, held) => {
    expect(judged(name, ended, [holding(name, held)]).cameTrue).toBe(false);
  });

  it('does not while it runs', () => {
    const running = runningJob(name, { nodes: ['dra-0'], product: 'p' });
    expect(judged(name, [running], [holding(name, { beside: [other] })])).toEqual({
      cameTrue: false,
      line: 'Running: run 1',
    });
  });
});

describe('serve-docs', () => {
  const message = '0 of 15 nodes fit now: 1 busy; asks 31Gi with headroom; the most free on one card is 17Gi';
  const placed = runningJob('serve-docs', { nodes: ['dra-0'], product: 'p', reason: 'Starting' });
  const ended = finishedJob('serve-docs', [complete()]);

  it('comes true when it waited, was told how much is free, and then had its part', () => {
    const states = [waitingJob('serve-docs', { message }), placed, ended];
    expect(judged('serve-docs', states, [holding('serve-docs')])).toEqual({
      cameTrue: true,
      line: 'waited 1.0 s (CardsBusy: 17Gi was the most free on one card), then held 31Gi of dra-0/gpu-1',
    });
  });

  it.each<[string, SeenGPUJob[]]>([
    ['nobody said how much is free', [waitingJob('serve-docs', { message: '0 of 15 nodes fit' }), placed, ended]],
    ['it had nothing to wait for', [placed, ended]],
    ['it waits for ever', [waitingJob('serve-docs', { message })]],
  ])('does not when %s', (_, states) => {
    expect(judged('serve-docs', states, [holding('serve-docs')]).cameTrue).toBe(false);
  });
});

describe('serve-mail', () => {
  const neighbours: Attempt = {
    ...{ ...complete(), outcome: 'NeighbourOutOfMemory', vram: '10Gi' },
    evidence: { signature: 'torch', blame: 'Neighbour', usedByOthers: '73Gi' },
  };
  const moved: Attempt = { ...complete(2), vram: '10Gi' };
  const held = [holding('serve-mail'), holding('serve-mail', { run: 2, card: 'dra-0/gpu-0' })];

  it('comes true when it went from one card to another and asked the same', () => {
    expect(judged('serve-mail', [finishedJob('serve-mail', [neighbours, moved])], held)).toEqual({
      cameTrue: true,
      line: 'died on dra-0/gpu-1 (others held 73Gi of it); moved to dra-0/gpu-0 and still asked 10Gi',
    });
  });

  it.each<[string, Attempt[], Holding[], RegExp]>([
    ['it stayed', [neighbours, moved], [holding('a'), holding('a', { run: 2 })], /; NOT moved and still asked 10Gi$/],
    ['it grew', [neighbours, { ...moved, vram: '15Gi' }], held, /; moved to dra-0\/gpu-0 and GREW from 10Gi to 15Gi$/],
    ['it died of its own use', [{ ...neighbours, outcome: 'OutOfMemory' }, moved], held, /^Complete: $/],
    ['it never died', [complete()], held, /^Complete: $/],
  ])('does not when %s', (_, attempts, holdings, line) => {
    const verdict = judged('serve-mail', [finishedJob('serve-mail', attempts)], holdings);
    expect(verdict.cameTrue).toBe(false);
    expect(verdict.line).toMatch(line);
  });
});

describe('any of them', () => {
  it('fails where nothing was ever said of its job, and while it still runs', () => {
    for (const { name } of sharingStories({})) {
      const running = runningJob(name, { nodes: ['dra-0'], product: 'p' });
      expect(judged(name, [], []), name).toMatchObject({ cameTrue: false });
      expect(judged(name, [running], [holding(name)]), name).toMatchObject({ cameTrue: false });
    }
  });
});

describe('all of them', () => {
  const all = withHeat(withSharing(stories({}), sharingStories({})), heatStories({}));
  const names = all.map(({ name }) => name);

  it('are told once each, with heat as far apart as without them', () => {
    expect(new Set(names).size).toBe(14);
    expect(names.indexOf('rank-news') - names.indexOf('rank-ads')).toBe(7);
    expect(names.indexOf('fine-tune')).toBeLessThan(names.indexOf('quantize'));
  });

  it('say what they show in the 80 columns of a terminal', () => {
    for (const { name, shows } of all) expect(`${name}: ${shows}`.length).toBeLessThan(80);
  });
});
