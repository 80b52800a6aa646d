import { describe, expect, it } from 'vitest';
import type { Terms } from '../placement/scene/choose-again.ts';
import { compare, type OutOfMemory } from './compare.ts';
import type { Entry } from './entries.ts';
import { report } from './report.ts';
import { packings, decisionOn, endOf, sceneWith, siteOf } from './testing.ts';

const nothing = { Fit: 0, Packing: 0, Cost: 0, Reliability: 0, Heat: 0 };
/** The small card, which is the cheaper one. */
const thrifty: Terms = {
  weights: { ...nothing, Cost: 1_000_000 },
  headroomPartsPerMillion: 0,
  costByProduct: new Map([
    ['Small', 1000],
    ['Large', 333],
  ]),
};
/** The large card, as only it has the headroom. */
const roomy: Terms = { ...thrifty, headroomPartsPerMillion: 1_000_000 };

const outOfMemory = (entries: readonly Entry[], terms: Terms): OutOfMemory =>
  compare(entries, terms, 1_000).outOfMemory;

describe('placements decided again', () => {
  it('that come out as they were differ in nothing', () => {
    const entries = [decisionOn('small', 'a-1'), endOf('a-1', 'Complete'), decisionOn('small', 'b-1')];
    expect(compare(entries, thrifty, 1_000)).toEqual({
      decisions: 2,
      span: { from: '2026-11-20T10:00:00Z', until: '2026-11-20T10:00:00Z' },
      onOtherNodes: 0,
      onOtherProduct: 0,
      waits: 0,
      costs: [{ currency: 'USD', runs: 1, before: 1_000_000, after: 1_000_000 }],
      unpriced: 0,
      outOfMemory: { before: 0, after: 0, untold: 0 },
      examples: [],
    });
  });

  it('cost what their runs would have cost on the other card, for all cards and as long as they took', () => {
    const gang = sceneWith([siteOf('small'), siteOf('large')], { gpus: 2, workers: 3 });
    const nodes = [{ node: 'large-1', count: 3 }];
    const decision = decisionOn('large', 'a-1');
    const entries = [
      { ...decision, scene: gang, chosen: { ...decision.chosen, nodes } },
      endOf('a-1', 'Complete', { milliseconds: 1_800_000 }),
    ];
    const { costs, onOtherNodes, onOtherProduct } = compare(entries, thrifty, 1_000);
    expect(costs).toEqual([{ currency: 'USD', runs: 1, before: 9_000_000, after: 3_000_000 }]);
    expect([onOtherNodes, onOtherProduct]).toEqual([1, 1]);
  });

  it('on another node of the same product differ, and cost the same', () => {
    const nodes = [
      { name: 'small-1', packings: packings(8) },
      { name: 'small-2', packings: packings(2) },
    ];
    const entries = [decisionOn('small', 'a-1', { scene: sceneWith([siteOf('small', { nodes })]) })];
    const { onOtherNodes, onOtherProduct, examples } = compare(entries, thrifty, 1_000);
    expect([onOtherNodes, onOtherProduct]).toEqual([1, 0]);
    expect(examples[0]?.chosen?.nodes).toEqual(['small-2']);
  });

  it('that would wait for a busy card with headroom are counted as waiting, and cost nothing', () => {
    const busy = sceneWith([siteOf('small'), siteOf('large', { nodes: [] })]);
    const entries = [decisionOn('small', 'a-1', { scene: busy }), endOf('a-1', 'OutOfMemory')];
    const { waits, onOtherNodes, costs, outOfMemory } = compare(entries, roomy, 1_000);
    expect([waits, onOtherNodes, costs]).toEqual([1, 0, []]);
    expect(outOfMemory).toEqual({ before: 1, after: 0, untold: 1 });
  });

  it('without a price on one side are told apart', () => {
    const entries = [decisionOn('large', 'a-1', { prices: { Large: '3.00' } }), endOf('a-1', 'Complete')];
    expect(compare(entries, thrifty, 1_000)).toMatchObject({ costs: [], unpriced: 1 });
  });

  it('are as many of the newest as asked for, whether or not they are over', () => {
    const entries = ['a', 'b', 'c'].map((uid) => decisionOn('large', `${uid}-1`));
    const { decisions, examples } = compare(entries, thrifty, 2);
    expect([decisions, examples.map(({ decision }) => decision.decisionID)]).toEqual([2, ['c-1', 'b-1']]);
  });

  it('in two currencies are summed apart', () => {
    const entries = [
      ...[decisionOn('large', 'a-1'), endOf('a-1', 'Complete')],
      ...[decisionOn('large', 'b-1', { currency: 'EUR' }), endOf('b-1', 'Complete')],
    ];
    expect(compare(entries, thrifty, 1_000).costs.map(({ currency }) => currency)).toEqual(['USD', 'EUR']);
  });
});

describe('an out-of-memory', () => {
  const failedSmall = [decisionOn('small', 'a-1'), endOf('a-1', 'OutOfMemory')];

  it('stays one on the same card', () => {
    expect(outOfMemory(failedSmall, thrifty)).toEqual({ before: 1, after: 1, untold: 0 });
  });

  it('is avoided by a card with which the same job ended well later', () => {
    const later = [decisionOn('large', 'a-2'), endOf('a-2', 'Complete')];
    expect(outOfMemory([...failedSmall, ...later], roomy)).toEqual({ before: 1, after: 0, untold: 0 });
  });

  it('is avoided, or not, by what its evidence says that it needed', () => {
    const saying = (neededMebibytes: number) => [
      decisionOn('small', 'a-1'),
      endOf('a-1', 'OutOfMemory', { neededMebibytes }),
    ];
    expect(outOfMemory(saying(60_000), roomy).after).toBe(0);
    expect(outOfMemory(saying(90_000), roomy).after).toBe(1);
  });

  it("can't be told where nothing says what the job needs", () => {
    expect(outOfMemory(failedSmall, roomy)).toEqual({ before: 1, after: 0, untold: 1 });
  });

  it('would be a new one on a card with which the same job failed', () => {
    const entries = [...failedSmall, decisionOn('large', 'a-2'), endOf('a-2', 'Complete')];
    expect(outOfMemory(entries, thrifty)).toEqual({ before: 1, after: 2, untold: 0 });
  });

  it('of another job says nothing', () => {
    const entries = [...failedSmall, decisionOn('large', 'b-1'), endOf('b-1', 'Complete')];
    expect(outOfMemory(entries, thrifty)).toEqual({ before: 1, after: 1, untold: 1 });
  });
});

describe('the report', () => {
  it('fits 80 columns, and ends with the one sentence that sums it up', () => {
    const entries = [
      ...[decisionOn('large', 'a-1'), endOf('a-1', 'Complete')],
      ...[
        decisionOn('small', 'b-1'),
        endOf('b-1', 'OutOfMemory'),
        decisionOn('large', 'b-2'),
        endOf('b-2', 'Complete'),
      ],
      ...[decisionOn('small', 'c-1'), endOf('c-1', 'Complete')],
    ];
    const text = report(compare(entries, thrifty, 1_000), 'thrifty');
    expect(text).toBe(`The last 4 placements, 2026-11-20T10:00:00Z to 2026-11-20T10:00:00Z

                           as decided    by thrifty
placements                          4             4
  on other nodes                           2 (50 %)
  on another product                       2 (50 %)
  that would have waited                          0
cost of 4 ended runs, USD        8.00  4.00 (-50 %)
out-of-memory failures              1    2 (+100 %)
  that can't be told                              1

The newest that differ:
  ml/train run 2: Large on large-1 -> Small on small-1
  ml/train run 1: Large on large-1 -> Small on small-1

Of the last 4 placements 2 would differ, cost -50 %, out-of-memory retries +100 %
`);
    const table = text.slice(0, text.indexOf('Of the last'));
    expect(Math.max(...table.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('of nothing says so', () => {
    expect(report(compare([], thrifty, 1_000), 'thrifty')).toBe('No decisions are recorded yet.\n');
  });
});
