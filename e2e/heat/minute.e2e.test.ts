// Ten seconds of 1,000 plans a second through the operator. The long form plays a minute and looks at its memory.
import { expect, it } from 'vitest';
import { sumOf } from '../robustness/metrics.ts';
import { playMinute } from './minute.ts';

it('H6, H9: after 10,000 plan ids all are counted in the 14 series, and none is a label', async () => {
  const { plans, metrics } = await playMinute({ seconds: 10, maxInFlight: 20_000 });
  const series = metrics.split('\n').filter((line) => line.startsWith('p28_'));
  const points = ['create_apply_plan', 'publish_plan_post'];
  const reasons = ['ok', 'missing', 'timeout', 'redis_error', 'parse_error'];
  const wanted = points.flatMap((point) => [
    ...['0', '1'].map((found) => `p28_observed_total{obs_point="${point}",heat_found="${found}"}`),
    ...reasons.map((reason) => `p28_heat_reason_total{obs_point="${point}",reason="${reason}"}`),
  ]);
  expect(series.map((line) => line.replace(/ \d+$/, '')).sort()).toEqual(wanted.sort());
  expect(sumOf(metrics, 'p28_observed_total')).toBe(2 * plans);
  expect(sumOf(metrics, 'p28_heat_reason_total')).toBe(2 * plans);
  expect(metrics).not.toMatch(/[="]p\d+"/);
});
