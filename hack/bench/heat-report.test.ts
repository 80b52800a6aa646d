// The table of make bench-heat: it fits a terminal, and says nothing where there is nothing to say.
import { describe, expect, it } from 'vitest';
import { type HeatFigures, heatReport, sentLine } from './heat-report.ts';

const ours: HeatFigures = {
  name: '20000/s',
  offered: 20_000.4,
  read: 19_999.6,
  observedEarly: 20_001,
  observedLate: 19_998,
  skippedShare: 0,
  coverage: 0.968,
  lost: 0,
  doubled: 0,
  missed: 0,
  errors: 0,
  waiting: [40_000, 41_000, 42_000],
  sentPerPlan: 0.0421,
  scriptedPerPlan: 10.004,
  looksPerPlan: 2,
  detectionMilliseconds: [3, 4, 9],
  latenessMilliseconds: [],
  timersLateMilliseconds: [0.1],
  cpu: { observer: 0.612, redis: 0.701, generator: 0.2, others: 0.05 },
  residentMebibytes: { start: 80, end: 171.5, most: 190 },
  sent: { EVALSHA: 0.03 },
};

const lineOf = (lines: readonly string[], label: string): string =>
  lines.find((line) => line.trimStart().startsWith(label)) ?? '';

describe('heatReport', () => {
  it('fits 80 columns with four ways beside the goals', () => {
    const lines = heatReport([ours, ours, ours, ours]);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('puts a goal behind its figures', () => {
    const lines = heatReport([ours]);
    expect(lineOf(lines, 'waiting, median')).toBe('waiting, median                  41000  40000');
    expect(lineOf(lines, 'detection p99')).toBe('detection p99, ms                  9.0  at most 10');
    expect(lineOf(lines, 'commands a plan')).toBe('commands a plan, sent            0.042  at most 2.5');
  });

  it('starts another table after four ways', () => {
    const lines = heatReport([ours, ours, ours, ours, { ...ours, name: 'fifth' }]);
    expect(lines.filter((line) => line.startsWith('detection p99'))).toHaveLength(2);
  });

  it('has no figure where nothing was measured', () => {
    expect(lineOf(heatReport([{ ...ours, lost: undefined }]), 'observations lost')).toMatch(/ - {2}0$/);
    expect(lineOf(heatReport([ours]), 'deadline late by')).toMatch(/ - {2}at most 20$/);
  });
});

describe('sentLine', () => {
  it('says the most frequent command first', () => {
    expect(sentLine({ XREADGROUP: 0.01, EVALSHA: 0.0312, TIME: 0.000_01 })).toBe('EVALSHA 0.031, XREADGROUP 0.010');
  });
});
