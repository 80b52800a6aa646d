// The assertion behind "crash at every single write": whatever write the operator dies at, nothing is lost, nothing is
// doubled, and the end is the undisturbed one.
import { expect } from 'vitest';
import type { Bench, Scenario } from './every-write.ts';
import type { Cut } from './write-cutter.ts';

/** Far above what any scenario writes: a scenario that never ends undisturbed is a bug, not a long test. */
const mostWrites = 60;

/** Returns the figures in a line. */
export async function expectTheSameEnd(bench: Bench, scenario: Scenario, cut: Cut): Promise<string> {
  const undisturbed = await bench.try(scenario);
  expect(undisturbed.made).toEqual(scenario.jobsMade);
  for (let atWrite = 1; atWrite <= mostWrites; atWrite += 1) {
    const trial = await bench.try(scenario, { cut, atWrite });
    const where = `killed at write ${atWrite} (${trial.writes[atWrite - 1] ?? 'none'}), ${cut}; all writes: ${trial.writes.join(', ')}`;
    expect(trial.end, where).toEqual(undisturbed.end);
    expect(trial.made, where).toEqual(scenario.jobsMade);
    expect(trial.doubled, where).toEqual([]);
    if (trial.killed) continue;
    return `${scenario.title}, killed ${cut}: ${atWrite - 1} crashes, 0 lost, 0 doubled; undisturbed it writes ${undisturbed.writes.length} times`;
  }
  throw new Error(`${scenario.title} makes more than ${mostWrites} writes`);
}
