// Each story is judged by what the objects say: it comes true on a good ending, and on no other.
import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../operator/resources/gpujob.ts';
import { History, type SeenGPUJob } from './history.ts';
import { type Verdict, stories } from './stories.ts';
import { finishedJob, runningJob, waitingJob } from './testing.ts';

const cards = new Map([
  ['Tesla-T4', 15_360],
  ['NVIDIA-L4', 22_888],
  ['NVIDIA-A100-SXM4-40GB', 39_538],
]);

const complete = (cardVRAM: string, run = 1): Attempt => ({
  run,
  outcome: 'Complete',
  vram: '20Gi',
  cardVRAM,
  product: 'a card',
  nodes: ['a-node'],
});

const outOfMemory: Attempt = { ...complete('22888Mi'), outcome: 'OutOfMemory' };

/** One state a second. */
function judged(name: string, states: SeenGPUJob[], workerStarts: number[] = []): Verdict {
  const story = stories({}).find((one) => one.name === name);
  if (story === undefined) throw new Error(`there is no story ${name}`);
  const history = new History(name, 0);
  for (const [index, state] of states.entries()) {
    history.see({ ...state, spec: story.spec }, index * 1_000 + 100);
  }
  return story.judge({ history, cards, workerStarts, heat: new Map() });
}

const placed = (name: string): SeenGPUJob => runningJob(name, { nodes: ['n'], product: 'p', reason: 'Starting' });

describe('embed-docs', () => {
  it('comes true on the smallest card that has the VRAM, and on no larger one', () => {
    expect(judged('embed-docs', [finishedJob('embed-docs', [complete('22888Mi')])])).toEqual({
      cameTrue: true,
      line: 'asked 20Gi and ran on a card (22888Mi, node a-node): the smallest of the 2 kinds of card that have it',
    });
    expect(judged('embed-docs', [finishedJob('embed-docs', [complete('39538Mi')])]).cameTrue).toBe(false);
  });

  it('says how it really ended', () => {
    const failed = finishedJob('embed-docs', [], 'ApplicationError', 'exit code 3');
    expect(judged('embed-docs', [failed])).toEqual({ cameTrue: false, line: 'ApplicationError: exit code 3' });
  });
});

describe('fine-tune', () => {
  it('comes true when an out-of-memory is followed by a success on a larger card', () => {
    expect(judged('fine-tune', [finishedJob('fine-tune', [outOfMemory, complete('39538Mi', 2)])]).cameTrue).toBe(true);
  });

  it.each<[string, Attempt[]]>([
    ['it succeeds at once', [complete('39538Mi')]],
    ['the second card is as small', [outOfMemory, complete('22888Mi', 2)]],
    ['the first run died of something else', [{ ...outOfMemory, outcome: 'ApplicationError' }, complete('39538Mi', 2)]],
  ])('does not when %s', (_, attempts) => {
    expect(judged('fine-tune', [finishedJob('fine-tune', attempts)]).cameTrue).toBe(false);
  });
});

describe('too-large', () => {
  const refused = finishedJob('too-large', [], 'NeverFits', 'needs 200Gi');

  it('comes true when it is said within a second', () => {
    expect(judged('too-large', [refused])).toEqual({ cameTrue: true, line: 'NeverFits after 100 ms: needs 200Gi' });
  });

  it('does not when it is said later', () => {
    const late = [waitingJob('too-large', {}), waitingJob('too-large', { reason: 'BackingOff' }), refused];
    expect(judged('too-large', late).cameTrue).toBe(false);
  });
});

describe('eval-vision', () => {
  const ended = finishedJob('eval-vision', [complete('80Gi')]);

  it('comes true when it waited for busy cards first, and says why it did', () => {
    const busy = waitingJob('eval-vision', { reason: 'CardsBusy', message: '0 of 14 nodes fit now: 1 busy' });
    const { cameTrue, line } = judged('eval-vision', [busy, placed('eval-vision'), ended]);
    expect(line).toMatch(/^waited 1\.0 s \(CardsBusy: 0 of 14 nodes fit now\), then ran on/);
    expect(cameTrue).toBe(true);
  });

  it('does not when it had nothing to wait for', () => {
    expect(judged('eval-vision', [placed('eval-vision'), ended]).cameTrue).toBe(false);
  });
});

describe('pretrain', () => {
  const waited = waitingJob('pretrain', { reason: 'WaitingForGang', message: '3 of 4 workers would fit now: 1 busy' });
  const states = [waited, placed('pretrain'), finishedJob('pretrain', [complete('39538Mi')])];

  it('comes true when all four workers start together', () => {
    expect(judged('pretrain', states, [5_000, 5_000, 6_000, 5_000]).cameTrue).toBe(true);
  });

  it.each<[string, number[]]>([
    ['one starts much later', [5_000, 5_000, 5_000, 11_000]],
    ['one is missing', [5_000, 5_000, 5_000]],
  ])('does not when %s', (_, starts) => {
    expect(judged('pretrain', states, starts).cameTrue).toBe(false);
  });
});

describe('any story', () => {
  it('fails where nothing was ever said of its job', () => {
    for (const { name } of stories({})) expect(judged(name, []), name).toMatchObject({ cameTrue: false });
  });

  it('fails while its job still runs', () => {
    for (const { name } of stories({})) expect(judged(name, [placed(name)]), name).toMatchObject({ cameTrue: false });
  });
});
