// The table of make bench-placement: it fits a terminal, and its figures are those of the runs.
import { describe, expect, it } from 'vitest';
import { policyNames } from './policies.ts';
import { placementReport } from './report.ts';
import { listNames, mostPercent, type Result } from './run.ts';

const resultOf = (own: Partial<Result> & { at100: number; at130: number }): Result => {
  const { at100, at130, ...rest } = own;
  const allocated = Array.from({ length: mostPercent + 1 }, (_, percent) => Math.min(percent, at100));
  allocated[mostPercent] = at130;
  return { list: 'default', policy: 'default', seed: 42, seconds: 13.84, ...rest, allocated };
};

const lineOf = (lines: readonly string[], label: string): string =>
  lines.find((line) => line.trimStart().startsWith(label)) ?? '';

const two = [
  resultOf({ seed: 42, at100: 95, at130: 96, seconds: 10 }),
  resultOf({ seed: 43, at100: 95.5, at130: 96.2, seconds: 12 }),
];

describe('placementReport', () => {
  it('fits 80 columns with every policy on every list', () => {
    const results = policyNames.flatMap((policy) =>
      listNames.flatMap((list) =>
        [42, 43].map((seed) => resultOf({ policy, list, seed, at100: seed, at130: 99.999, seconds: 123.4 })),
      ),
    );
    const lines = placementReport(results);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.filter((line) => /^\w+ alone +\d/.test(line))).toHaveLength(5);
  });

  it('has the six published policies as they are published', () => {
    const lines = placementReport(two);
    expect(lineOf(lines, 'Random')).toBe('Random             86.30       87.47       86.26       87.43');
    expect(lineOf(lines, 'FGD')).toBe('FGD                95.23       95.39       94.66       94.95');
    for (const name of ['DotProd', 'Clustering', 'Packing', 'BestFit']) expect(lineOf(lines, name)).not.toBe('');
  });

  it('has mean and deviation over the seeds, and the seconds of one', () => {
    const lines = placementReport(two);
    expect(lines[0]).toBe("Cards allocated, % of the cluster's; mean of 2 seeds ± standard deviation");
    expect(lineOf(lines, 'OrQuanta, default')).toBe(
      'OrQuanta, default  95.25 ±0.35 96.10 ±0.14     -           -         11.0   12.0',
    );
    expect(lineOf(lines, 'minus FGD')).toBe('  minus FGD        +0.02       +0.71           -           -');
  });

  it('has no deviation of a single seed', () => {
    const lines = placementReport(two.slice(0, 1));
    expect(lines[0]).toBe("Cards allocated, % of the cluster's; mean of one seed");
    expect(lineOf(lines, 'OrQuanta, default')).not.toContain('±');
    expect(lineOf(lines, 'minus FGD')).toContain('-0.23');
  });

  it('compares nothing with the published where the default policy was not played', () => {
    const lines = placementReport([resultOf({ policy: 'Fit', at100: 95, at130: 96 })]);
    expect(lineOf(lines, 'Fit alone')).toContain('96.00');
    expect(lineOf(lines, 'minus FGD')).toBe('');
  });

  it('says why policies do not differ where they do not', () => {
    const same = (['Fit', 'Cost'] as const).map((policy) => resultOf({ policy, at100: 95, at130: 96 }));
    expect(placementReport(same).join('\n')).toContain('All policies allocate the same here');
    const other = resultOf({ policy: 'Heat', at100: 95, at130: 96.1 });
    expect(placementReport([...same, other]).join('\n')).not.toContain('allocate the same');
    expect(placementReport(two).join('\n')).not.toContain('allocate the same');
  });
});
