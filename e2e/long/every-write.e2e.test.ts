// The operator is killed at every single write of every scenario: both halves of each write, one crash at a time.
import { describe, it } from 'vitest';
import { Bench, allScenarios, nodesForScenario } from '../robustness/every-write.ts';
import { expectTheSameEnd } from '../robustness/same-end.ts';
import { say } from '../robustness/say.ts';
import { cuts } from '../robustness/write-cutter.ts';
import { adminApi } from '../setup/surroundings.ts';

const api = adminApi();

describe.each(cuts)('K3: an operator killed at any one of its writes, %s,', (cut) => {
  it.each(allScenarios)('brings $title to the same end', async (scenario) => {
    await nodesForScenario(api, scenario, cut);
    const bench = await Bench.start(api);
    say(await expectTheSameEnd(bench, scenario, cut));
  });
});
