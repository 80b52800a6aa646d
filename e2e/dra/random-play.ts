// One play of random GPUJobs among random strangers from the start to the end, with the promises that must hold whatever happens.
import { expect } from 'vitest';
import { until } from '../../hack/cluster/until.ts';
import { chance } from '../robustness/chance.ts';
import { cardsOf } from '../robustness/metrics.ts';
import type { DRAStage } from '../setup/dra.ts';
import { isTrue, say, type GPUJob } from '../setup/gpujobs.ts';
import type { Operator } from '../setup/operator.ts';
import {
  cardCount,
  countedTooMuch,
  endedOtherwise,
  outcomes,
  randomJob,
  randomNodes,
  randomStranger,
  submitAll,
} from './random.ts';

export interface RandomPlay {
  readonly seed: number;
  readonly jobs: number;
  readonly strangers: number;
  readonly submittedAtOnce: number;
  readonly timeoutMilliseconds: number;
}

/** The seed of this run, printed so that it can be played again. */
export function seedOfRun(): number {
  return Number(process.env['SEED'] ?? Date.now() % 1_000_000);
}

export async function playAtRandom(dra: DRAStage, operator: Operator, play: RandomPlay): Promise<void> {
  const { stage } = dra;
  const { seed, timeoutMilliseconds } = play;
  const start = performance.now();
  const dice = chance(seed);
  await dra.nodes(randomNodes);
  const jobs = Array.from({ length: play.jobs }, (_, index) => randomJob(index, dra, dice));
  const strangers = Array.from({ length: play.strangers }, () => randomStranger(dice));
  const stay = jobs.filter(({ end }) => end !== 'Deleted').length;
  const submitted = submitAll(dra, jobs, strangers, play.submittedAtOnce);
  const isOver = (gpujob: GPUJob): boolean => isTrue(gpujob, 'Finished');
  const [seen] = await Promise.all([
    stage.seen<GPUJob>(
      'gpujobs',
      `${stay} GPUJobs to end (SEED=${seed})`,
      (all) => all.length === stay && all.every(isOver),
      timeoutMilliseconds,
    ),
    submitted,
  ]);
  await dra.strangersEnded(timeoutMilliseconds);
  const { account } = dra;
  const seconds = Math.round((performance.now() - start) / 1_000);
  say(
    `SEED=${seed}: ${play.jobs} jobs (${play.jobs - stay} deleted) and ${play.strangers} strangers in ${seconds} s; ${outcomes(seen)}; ` +
      `${account.versions} versions of claims, ${account.allocated.size} allocated, at most ${account.mostOnOneCard} on one card`,
  );
  expect(endedOtherwise(jobs, seen)).toEqual([]);
  expect(countedTooMuch(seen)).toEqual([]);
  expect(account.mostOnOneCard).toBeGreaterThan(1);
  expect(account.overdrawn).toEqual([]);
  await nothingIsHeld(dra, operator);
}

/** Everything that could hold a card is gone, and the operator has forgotten all of it. */
async function nothingIsHeld(dra: DRAStage, operator: Operator): Promise<void> {
  await dra.stage.seen('jobs', 'the Jobs to go', (jobs) => jobs.length === 0, 120_000);
  await dra.untilLeft('resourceclaims', 0);
  await dra.untilLeft('resourceclaimtemplates', 0);
  expect(dra.account.holders()).toEqual([]);
  await until(async () => (await cardsOf(operator)).free === cardCount, {
    what: `the operator to count ${cardCount} free cards`,
    timeoutMilliseconds: 30_000,
    signal: AbortSignal.timeout(31_000),
  });
  expect(await cardsOf(operator)).toEqual({ allocated: 0, free: cardCount });
}
