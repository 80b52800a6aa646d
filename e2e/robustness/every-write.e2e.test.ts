// The operator is killed at every single write of a plain job, and of one with a claim. The other scenarios are in e2e/long.
import { describe, it } from 'vitest';
import { adminApi } from '../setup/surroundings.ts';
import { Bench, claimingJob, nodesForScenario, plainJob } from './every-write.ts';
import { expectTheSameEnd } from './same-end.ts';
import { say } from './say.ts';
import { cuts } from './write-cutter.ts';

const api = adminApi();

describe.each(cuts)('K3: an operator killed at any one of its writes, %s,', (cut) => {
  it.each([plainJob, claimingJob])('brings $title to the same end', async (scenario) => {
    await nodesForScenario(api, scenario, cut);
    const bench = await Bench.start(api);
    say(await expectTheSameEnd(bench, scenario, cut));
  });
});
