import { describe, expect, it } from 'vitest';
import { NodeHeat } from './node-heat.ts';

const minute = 60_000;

describe('the heat of nodes', () => {
  it('is 0 for the hottest, 1000 for the coolest, and says nothing of the others', () => {
    const heat = new NodeHeat();
    heat.note(['hot'], 1_000, 0);
    heat.note(['cool', 'cool-too'], 0, 0);
    expect(heat.scores(0)).toEqual(
      new Map([
        ['hot', 0],
        ['cool', 1_000],
        ['cool-too', 1_000],
      ]),
    );
  });

  it('comes half way back to neutral in ten minutes, and is forgotten in the end', () => {
    const heat = new NodeHeat();
    heat.note(['hot'], 1_000, 0);
    expect(heat.scores(10 * minute).get('hot')).toBe(250);
    expect(heat.scores(20 * minute).get('hot')).toBe(375);
    expect(heat.scores(120 * minute)).toEqual(new Map());
  });

  it('is the average of what was found lately, the newest first', () => {
    const heat = new NodeHeat();
    heat.note(['n'], 1_000, 0);
    heat.note(['n'], 0, 10 * minute);
    expect(heat.scores(10 * minute).get('n')).toBe(667);
  });
});
