// The long form of the storm in e2e/policies/learning: 1,000 jobs of one bad image.
import { it } from 'vitest';
import { expectToWeather } from '../policies/storm.ts';

const jobs = Number(process.env['JOBS'] ?? 1_000);

it(`a storm of ${jobs} jobs of one bad image moves no weight by more than its namespace's bound`, async () => {
  await expectToWeather(jobs, 50);
});
