// A verification in words: tables that fit 80 columns, a line for each check that did not pass, and the one sentence.
import { observationPoints } from './observation.ts';
import type { Check, Verification } from './verification.ts';

type Row = readonly string[];

export function verificationReport({ namespace, name, redis, spec, tally, checks }: Verification): string {
  const { streams, lookupPrefix } = spec;
  const inForce = [
    ['redis', redis],
    ['plans', streams.plans],
    ['observed', streams.observed],
    ['decisions', streams.decisions],
    ['prefix', lookupPrefix],
  ];
  const open = checks.filter(({ result }) => result !== 'passed').map(({ name, words }) => `${name}: ${words}`);
  return [
    ...table(inForce, 2),
    '',
    ...table([['observation point', 'heat found', 'not found', 'share'], ...countRows(tally)], 1),
    '',
    ...table(
      checks.map(({ name, result }) => [name, result]),
      2,
    ),
    '',
    ...open.flatMap((line) => [line, '']),
    sentence(`${namespace}/${name}`, checks),
    '',
  ].join('\n');
}

export function hasPassed(checks: readonly Check[]): boolean {
  return checks.every(({ result }) => result !== 'failed');
}

function countRows({ counts, others }: Verification['tally']): Row[] {
  const rows = Object.values(observationPoints).map((point): Row => {
    const { found, missed } = counts[point];
    const share = found + missed === 0 ? '' : `${Math.round((100 * found) / (found + missed))} %`;
    return [point, String(found), String(missed), share];
  });
  return others === 0 ? rows : [...rows, ['no observations', '', String(others), '']];
}

/** So many columns to the left, the others to the right. */
function table(rows: readonly Row[], left: number): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column < left ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('   ')
      .trimEnd(),
  );
}

function sentence(name: string, checks: readonly Check[]): string {
  const failed = checks.filter(({ result }) => result === 'failed').map(({ name }) => name);
  if (failed.length === 0) return `HeatObserver ${name} observes as its spec says: no check failed`;
  return `HeatObserver ${name}: ${failed.length} of ${checks.length} checks failed: ${failed.join(', ')}`;
}
