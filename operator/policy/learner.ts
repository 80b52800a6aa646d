// The GPUJobs' side of learning: turns a job's failure into the cause that the ledger keeps.
import type { GPUJob } from '../resources/gpujob.ts';
import { type LearningCause } from '../resources/sovereignpolicy.ts';
import type { Keeper } from './keeper.ts';
import { ForeignRevisionError } from './ledger/ledger.ts';
import { workloadSignature } from './signature.ts';

export interface Lesson {
  readonly cause: LearningCause;
  readonly run: number;
  readonly policyName: string;
}

export class Learner {
  readonly #keeper: Keeper;

  constructor(keeper: Keeper) {
    this.#keeper = keeper;
  }

  /** The version it made, once for each job and run; undefined where the policy doesn't learn, or can't. */
  async learn(gpujob: GPUJob, lesson: Lesson, signal: AbortSignal): Promise<number | undefined> {
    const { namespace, name, uid } = gpujob.metadata;
    const { cause: kind, run, policyName } = lesson;
    const failure = { kind, namespace, name, uid, run, ...workloadSignature(gpujob) };
    try {
      return (await this.#keeper.learn(policyName, failure, signal))?.version;
    } catch (error) {
      // As with a broken chain: the policy says what is wrong with it, and the job doesn't wait for whoever mends that.
      if (error instanceof ForeignRevisionError) return undefined;
      throw error;
    }
  }
}
