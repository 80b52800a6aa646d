// The long form of e2e/heat/minute: 1,000 plans a second for a minute.
import { expect, it } from 'vitest';
import { playMinute } from '../heat/minute.ts';
import { say } from '../robustness/say.ts';

const seconds = Number(process.env['SECONDS'] ?? 60);
/** In MiB, of the operator as a whole. */
const mostGrowth = 50;

it.each([200, 20_000])('H9: a minute of 1,000 plans a second, with maxInFlight %i', async (maxInFlight) => {
  const { plans, late, skipped, resident } = await playMinute({ seconds, maxInFlight });
  const growth = resident.most - resident.warm;
  say(`${plans} plans once: ${late} observed late, ${skipped} skipped and counted`);
  say(
    `operator ${resident.warm.toFixed(0)} MiB after ${seconds / 3} s, ${growth.toFixed(0)} MiB more at most (goal 50)`,
  );
  expect(growth).toBeLessThan(mostGrowth);
});
