// The figures that a bench prints must be right, or all the rest of it is in vain.
import { describe, expect, it } from 'vitest';
import { median, percentile, withSpread } from './figures.ts';

const oneToHundred = Array.from({ length: 100 }, (_, index) => 100 - index);

describe('figures', () => {
  it('takes the percentile by nearest rank, whatever the order', () => {
    expect(percentile(oneToHundred, 0.5)).toBe(50);
    expect(percentile(oneToHundred, 0.99)).toBe(99);
    expect(percentile(oneToHundred, 1)).toBe(100);
    expect(percentile([7], 0.99)).toBe(7);
  });

  it('takes the middle value, or the mean of the middle two', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  it('says the spread only where there is one', () => {
    expect(withSpread([57.25, 55.9, 58.44])).toBe('57.3 (55.9 to 58.4)');
    expect(withSpread([57.25], 2)).toBe('57.25');
  });

  it('has no figure for nothing', () => {
    expect(percentile([], 0.5)).toBeNaN();
    expect(median([])).toBeNaN();
  });
});
