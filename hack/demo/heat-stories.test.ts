// The two jobs about heat come true where Redis and the objects show it, and nowhere else; and they say what was seen.
import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../operator/resources/gpujob.ts';
import type { ObservedPlan } from './heat.ts';
import { heatStories, withHeat } from './heat-stories.ts';
import { History } from './history.ts';
import { stories, type Verdict } from './stories.ts';
import { finishedJob, runningJob } from './testing.ts';

const ran = (node: string): Attempt => ({
  ...{ run: 1, outcome: 'Complete', vram: '12Gi', cardVRAM: '15Gi', product: 'Tesla-T4' },
  nodes: [node],
});

const hotPlan: ObservedPlan = {
  ...{ nodes: ['t4-0'], heat: 900, foundEarly: false },
  late: { found: true, milliseconds: 310, at: 0 },
};

function judged(which: 'first' | 'next', ending: Attempt | undefined, plan: ObservedPlan | undefined): Verdict {
  const story = heatStories({})[which];
  const history = new History(story.name, 0);
  const running = runningJob(story.name, { nodes: ['t4-0'], product: 'Tesla-T4' });
  history.see(ending ? finishedJob(story.name, [ending]) : running, 100);
  const heat = new Map(plan ? [['rank-ads', plan]] : []);
  return story.judge({ history, cards: new Map(), workerStarts: [], heat });
}

describe('rank-ads', () => {
  it('comes true when its heat was not there early, and was found later', () => {
    expect(judged('first', ran('t4-0'), hotPlan)).toEqual({
      cameTrue: true,
      line: 'ran on t4-0: no heat when its plan was read, 900 of 1000 came 310 ms after it',
    });
  });

  it.each<[string, Attempt | undefined, ObservedPlan | undefined, string]>([
    ['its placement was no plan', ran('t4-0'), undefined, 'ran, and its placement was not observed as a plan'],
    [
      'no heat came in time',
      ran('t4-0'),
      { ...hotPlan, late: { found: false, milliseconds: 2_000, at: 0 } },
      'ran on t4-0: no heat when its plan was read, and none came in time',
    ],
    [
      'its heat was there at once',
      ran('t4-0'),
      { ...hotPlan, foundEarly: true },
      'ran on t4-0: its heat was there at once, 900 of 1000 came 310 ms after it',
    ],
    ['it still runs', undefined, hotPlan, 'Running: run 1'],
  ])('does not when %s', (_, ending, plan, line) => {
    expect(judged('first', ending, plan)).toEqual({ cameTrue: false, line });
  });
});

describe('rank-news', () => {
  it('comes true when it ran elsewhere', () => {
    expect(judged('next', ran('t4-1'), hotPlan)).toEqual({
      cameTrue: true,
      line: 'kept away from t4-0, where rank-ads is, and ran on Tesla-T4 (15Gi, node t4-1)',
    });
  });

  it.each<[string, Attempt | undefined, ObservedPlan | undefined, string]>([
    [
      'it ran on the hot node',
      ran('t4-0'),
      hotPlan,
      'did NOT keep away from t4-0, where rank-ads is, and ran on Tesla-T4 (15Gi, node t4-0)',
    ],
    [
      'no node was found hot',
      ran('t4-1'),
      { ...hotPlan, late: undefined },
      'ran on Tesla-T4 (15Gi, node t4-1), and no node was found hot',
    ],
    ['it still runs', undefined, hotPlan, 'Running: run 1'],
  ])('does not when %s', (_, ending, plan, line) => {
    expect(judged('next', ending, plan)).toEqual({ cameTrue: false, line });
  });
});

it('both say what they show in the 80 columns of a terminal, and stand far apart', () => {
  const all = withHeat(stories({}), heatStories({}));
  for (const { name, shows } of all) expect(`${name}: ${shows}`.length).toBeLessThan(80);
  const names = all.map(({ name }) => name);
  expect(names).toHaveLength(9);
  expect(names.indexOf('rank-news') - names.indexOf('rank-ads')).toBeGreaterThanOrEqual(7);
});
