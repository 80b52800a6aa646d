import { describe, expect, it } from 'vitest';
import { publishedAt, readHeat, readPlan } from './plan.ts';

describe('a plan', () => {
  it('is read by the names of its fields, whatever else it carries', () => {
    const fields = ['plan_id', 'p1', 'symbol', 'BTC/USDT', 'nodes', 'a,b'];
    expect(readPlan('17-0', fields)).toEqual({
      kind: 'Plan',
      plan: { entryID: '17-0', planID: 'p1', symbol: 'BTC/USDT' },
    });
    expect(publishedAt('17-3')).toBe(17);
  });

  it.each([
    ['no plan id', ['symbol', 's'], undefined],
    ['an empty plan id', ['plan_id', '', 'symbol', 's'], undefined],
    ['a line break in the plan id', ['plan_id', 'a\nb', 'symbol', 's'], undefined],
    ['a space in the plan id', ['plan_id', 'a b', 'symbol', 's'], undefined],
    ['a plan id of 257 characters', ['plan_id', 'p'.repeat(257), 'symbol', 's'], undefined],
    ['no symbol', ['plan_id', 'p1'], 'p1'],
    ['a control character in the symbol', ['plan_id', 'p1', 'symbol', 's\u0000'], 'p1'],
    ['a right-to-left mark in the symbol', ['plan_id', 'p1', 'symbol', '\u200Fs'], 'p1'],
  ])('with %s is malformed, and says why', (_, fields, planID) => {
    expect(readPlan('17-0', fields)).toMatchObject({
      kind: 'Malformed',
      entryID: '17-0',
      planID,
      why: expect.stringMatching(/^it/) as string,
    });
  });
});

describe('the heat of a plan', () => {
  it.each([
    ['{"heat": 0}', 0],
    ['{"heat": 1000, "more": true}', 1_000],
    ['{"heat": 1001}', undefined],
    ['{"heat": "500"}', undefined],
    ['500', undefined],
    ['no JSON', undefined],
    [null, undefined],
  ])('%j is %j', (value, heat) => {
    expect(readHeat(value)).toBe(heat);
  });
});
