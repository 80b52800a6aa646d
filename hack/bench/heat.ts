// make bench-heat: the observer of operator/heat on a real Redis, beside what this Redis can do at most and the way that the
// document describes. SECONDS=, RATES=, WAIT=, FSYNC= (off, everysec, always) change it; PROFILE=<folder> keeps a CPU profile.
// It asserts nothing.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildParties } from './heat-build.ts';
import { fsyncs, playCeiling, playRound, type Place } from './heat-round.ts';
import { type HeatFigures, heatReport, sentLine } from './heat-report.ts';
import type { CeilingFigures } from './heat-scene.ts';
import { oneOf, positive, print, say } from './stage.ts';

const seconds = positive('SECONDS', 20);
/** Keys come evenly up to so long after their plan: at 20,000 plans a second 40,000 wait. */
const maxWaitMilliseconds = positive('WAIT', 4_000);
const rates = (process.env['RATES'] || '20000').split(',').map(Number);
if (!rates.every((rate) => Number.isInteger(rate) && rate > 0)) throw new Error('RATES: write 5000,10000,20000');
const fsync = oneOf('FSYNC', fsyncs);
const profile = process.env['PROFILE'] ? resolve(process.env['PROFILE']) : undefined;
const neverShare = 0.03;
const ceilingPlans = 100_000;
/** It observes four plans a second, whatever it is offered; this is requirement H9. */
const naive = { plansPerSecond: 1_000, maxWaitMilliseconds: 2_000, maxInFlight: 200, mostSeconds: 10 };
/** A third of what operator/heat/worker/observers.ts gives to the young generation. */
const asTheThread = ['--max-semi-space-size=8'];
const ours = { maxInFlight: 60_000, maxWorkers: 4 };

async function measure(place: Place): Promise<void> {
  say('The ceiling');
  const ceiling = await playCeiling(place, { plans: ceilingPlans });
  const figures: HeatFigures[] = [
    await playRound(place, {
      name: 'naive',
      way: 'heat-naive',
      nodeArguments: [],
      party: { maxWaitMilliseconds: naive.maxWaitMilliseconds, maxInFlight: naive.maxInFlight, maxWorkers: 4 },
      plansPerSecond: naive.plansPerSecond,
      seconds: Math.min(seconds, naive.mostSeconds),
      neverShare,
      awaitsEnd: false,
    }),
  ];
  for (const plansPerSecond of rates) {
    figures.push(
      await playRound(place, {
        name: `${plansPerSecond}/s`,
        way: 'heat-observer',
        nodeArguments: [...asTheThread, ...(profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`])],
        party: { maxWaitMilliseconds, ...ours },
        plansPerSecond,
        seconds,
        neverShare,
        awaitsEnd: true,
      }),
    );
  }
  print(linesOf(ceiling, figures));
}

function linesOf(ceiling: CeilingFigures, figures: readonly HeatFigures[]): string[] {
  const { plansPerSecond, commandsPerPlan } = ceiling;
  return [
    `Redis tells of new keys; ${fsync === 'off' ? 'no append-only file' : `appendfsync ${fsync}`}. Each party is a process.`,
    `Keys come 0 to ${maxWaitMilliseconds} ms after their plan (naive: ${naive.maxWaitMilliseconds}), ${100 * neverShare} % never; in flight`,
    `at most ${ours.maxInFlight} (naive: ${naive.maxInFlight}). Measured for ${seconds} s, after a warm-up.`,
    '',
    `The ceiling: one client, its pipeline never empty, ${commandsPerPlan.toFixed(1)} commands a plan, answers`,
    `not even read: ${plansPerSecond.toFixed(0)} plans a second.`,
    '',
    ...heatReport(figures),
    ...figures.slice(-1).map(({ name, sent }) => `Sent at ${name}, a plan: ${sentLine(sent)}.`),
  ];
}

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(name, () => {
    say(`\n${name}: cleaning up`);
    stop.abort(new Error(`stopped by ${name}`));
  });
}
const directory = mkdtempSync(join(tmpdir(), 'orquanta-bench-heat-'));
for (const folder of ['logs', 'pids']) mkdirSync(join(directory, folder));
try {
  await measure({ directory, program: await buildParties(directory), fsync, signal: stop.signal });
} catch (error) {
  say(stop.signal.aborted || !(error instanceof Error) ? String(stop.signal.reason) : (error.stack ?? error.message));
  process.exitCode = stop.signal.aborted ? 130 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.exit();
