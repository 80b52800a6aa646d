// Each fault once, while plans come: nothing is lost and nothing doubled. The long form plays twenty at random.
import { expect, it } from 'vitest';
import { say } from '../robustness/say.ts';
import { faults } from './faults.ts';
import { playHeat } from './play.ts';

it(
  'loses and doubles no observation, whatever dies, freezes, is full or goes silent',
  { timeout: 300_000 },
  async () => {
    const plans = await playHeat(Object.keys(faults), 4_000, say);
    say(`${plans} plans observed once`);
    expect(plans).toBeGreaterThan(500);
  },
);
