// Sixty random GPUJobs on shares and whole cards, among strangers who claim as they like. SEED=<number> plays a run again.
import { quickLease } from '../robustness/replicas.ts';
import { draScenario } from '../setup/dra.ts';
import { operatorForFile } from '../setup/gpujobs.ts';
import { playAtRandom, seedOfRun } from './random-play.ts';

const operator = operatorForFile({ name: 'operator-dra-random', args: quickLease });
const seed = seedOfRun();

draScenario(
  `60 random jobs all end as they must, and no card is promised beyond what it has at any version (SEED=${seed})`,
  { timeout: 1_500_000 },
  async ({ dra }) => {
    await playAtRandom(dra, operator(), {
      ...{ seed, jobs: 60, strangers: 20 },
      ...{ submittedAtOnce: 8, timeoutMilliseconds: 1_200_000 },
    });
  },
);
