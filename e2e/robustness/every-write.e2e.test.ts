// The operator is killed at every single write of a plain job. The other scenarios are in e2e/long.
import { it } from 'vitest';
import { adminApi, nodesFor } from '../setup/surroundings.ts';
import { Bench, plainJob, scenarioNodes } from './every-write.ts';
import { expectTheSameEnd } from './same-end.ts';
import { say } from './say.ts';
import { cuts } from './write-cutter.ts';

const api = adminApi();

it.each(cuts)(
  'K3: an operator killed at any one of its writes, %s, brings a plain job to the same end',
  async (cut) => {
    await nodesFor(api, scenarioNodes(`plain-${cut.split(' ', 1).join()}`));
    const bench = await Bench.start(api);
    say(await expectTheSameEnd(bench, plainJob, cut));
  },
);
