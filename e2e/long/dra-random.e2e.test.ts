// A thousand random GPUJobs on shares and whole cards, among strangers who claim as they like. SEED=<number> plays a run again.
import { playAtRandom, seedOfRun } from '../dra/random-play.ts';
import { quickLease } from '../robustness/replicas.ts';
import { draScenario } from '../setup/dra.ts';
import { operatorForFile } from '../setup/gpujobs.ts';

const operator = operatorForFile({ name: 'operator-dra-random', args: quickLease });
const seed = seedOfRun();

draScenario(
  `1,000 random jobs all end as they must, and no card is promised beyond what it has at any version (SEED=${seed})`,
  { timeout: 3_600_000 },
  async ({ dra }) => {
    await playAtRandom(dra, operator(), {
      ...{ seed, jobs: 1_000, strangers: 250 },
      ...{ submittedAtOnce: 8, timeoutMilliseconds: 3_000_000 },
    });
  },
);
