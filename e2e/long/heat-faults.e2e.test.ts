// The long form of e2e/heat/faults: twenty faults at random, with a seed, Redis frozen for 10 s each time.
import { expect, it } from 'vitest';
import { chosen } from '../heat/faults.ts';
import { playHeat } from '../heat/play.ts';
import { chance } from '../robustness/chance.ts';
import { say } from '../robustness/say.ts';

const rounds = Number(process.env['ROUNDS'] ?? 20);
const seed = Number(process.env['SEED'] ?? Date.now() % 100_000);

it(`${rounds} faults at random (SEED=${seed}) lose and double no observation`, async () => {
  const plans = await playHeat(chosen(rounds, chance(seed)), 10_000, say);
  say(`${plans} plans observed once`);
  expect(plans).toBeGreaterThan(rounds * 100);
});
