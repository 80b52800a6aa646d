// Other people's Pods that take the card between the decision and the binding. Made certain by holding the Job controller
// still: the operator has decided and made its Job, and the foreign Pod is bound before the run's own Pod exists.
import { describe, expect } from 'vitest';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import {
  attemptsOf,
  type Job,
  operatorForFile,
  outcomesOf,
  type Pod,
  reasonOf,
  scenario,
  type Stage,
} from '../setup/gpujobs.ts';
import { withoutJobController } from '../setup/control-plane.ts';
import { ownCluster } from '../setup/surroundings.ts';

operatorForFile({ name: 'operator-cards-taken' });

const { a10, a100x40 } = nvidiaCards;
const none = { application: 0, outOfMemory: 0, disruption: 0 };

/** Submits, waits for the run's Job, and lets a foreign Pod have cards of its node before the Job has a Pod. */
async function cardsTakenUnder(stage: Stage, name: string, node: string, cards: number): Promise<void> {
  await withoutJobController(async () => {
    await stage.submit(name, { play: { 'run-seconds': '1' }, spec: { gpus: cards } });
    await stage.seen<Job>('jobs', `the Job ${name}-1`, (jobs) =>
      jobs.some(({ metadata }) => metadata.name === `${name}-1`),
    );
    await stage.foreignPod('foreign', node, cards);
    await stage.seen<Pod>('pods', 'the foreign Pod to be bound', (pods) =>
      pods.some(({ spec }) => spec.nodeName !== undefined),
    );
    expect((await stage.list('pods')).map(({ metadata }) => metadata.name)).toEqual(['foreign']);
  });
}

describe
  .runIf(ownCluster() !== undefined)
  .concurrent('cards that a foreign Pod takes between decision and binding', () => {
    scenario('are planned again elsewhere, without a retry spent', async ({ stage }) => {
      await stage.nodes({ small: a10(1), large: a100x40(1) });
      await cardsTakenUnder(stage, 'job', 'small', 1);
      const job = await stage.untilFinished('job');
      expect(outcomesOf(job)).toEqual(['Unschedulable', 'Complete']);
      expect(attemptsOf(job).map(({ nodes }) => nodes)).toEqual([[stage.nodeName('small')], [stage.nodeName('large')]]);
      expect(attemptsOf(job)[0]?.message).toMatch(/Insufficient nvidia\.com\/gpu/);
      expect(job.status.failures).toEqual(none);
    });

    scenario('are waited for where there are no others, and never given twice', async ({ stage }) => {
      await stage.nodes({ only: a10(4) });
      await cardsTakenUnder(stage, 'job', 'only', 4);
      const waiting = await stage.untilReason('job', 'CardsBusy');
      expect(outcomesOf(waiting)).toEqual(['Unschedulable']);
      await stage.delete('pods', 'foreign');
      const job = await stage.untilFinished('job');
      expect(reasonOf(job)).toBe('Complete');
      expect(job.status).toMatchObject({ run: 2, failures: none });
    });
  });
