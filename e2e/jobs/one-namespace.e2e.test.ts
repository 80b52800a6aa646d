// WATCH_NAMESPACE: an operator that is given one namespace, or several, runs the GPUJobs there and touches none elsewhere, while
// it still counts everybody's Pods.
import { expect } from 'vitest';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { reasonOf, scenario, Stage } from '../setup/gpujobs.ts';
import { startOperator } from '../setup/operator.ts';

scenario(
  'WATCH_NAMESPACE limits an operator to one namespace, and lifting it lets the others run',
  async ({ stage }) => {
    const elsewhere = await stage.neighbour();
    await stage.nodes({ only: nvidiaCards.a10(1), full: nvidiaCards.a10(1) });
    await elsewhere.foreignPod('foreign', 'full', 1);
    const limited = await startOperator({ name: 'operator-limited', env: { WATCH_NAMESPACE: stage.namespace } });
    try {
      await elsewhere.submit('job');
      for (const name of ['first', 'second']) {
        await stage.submit(name);
        const job = await stage.untilFinished(name);
        expect([reasonOf(job), job.status.placement?.nodes]).toEqual(['Complete', [stage.nodeName('only')]]);
      }
      expect((await elsewhere.get('job')).status).toEqual({ observedGeneration: -1 });
      expect(await elsewhere.list('jobs')).toEqual([]);
    } finally {
      await limited.stop();
    }
    const unlimited = await startOperator({ name: 'operator-unlimited' });
    try {
      expect(reasonOf(await elsewhere.untilFinished('job'))).toBe('Complete');
    } finally {
      await unlimited.stop();
    }
  },
);

scenario(
  'WATCH_NAMESPACE names two namespaces, with a comma: both share the cards, and no third one is touched',
  async ({ stage }) => {
    const other = await stage.neighbour();
    const elsewhere = await Stage.open('a third namespace');
    await stage.nodes({ only: nvidiaCards.a10(1) });
    const operator = await startOperator({
      name: 'operator-two-namespaces',
      env: { WATCH_NAMESPACE: `${stage.namespace}, ${other.namespace}` },
    });
    try {
      await elsewhere.submit('job');
      // One card for both: what runs in one namespace is waited for in the other.
      await stage.submit('job', { play: { 'run-seconds': '4' } });
      await stage.running('job');
      await other.submit('job');
      await other.untilReason('job', 'CardsBusy');
      expect([reasonOf(await stage.untilFinished('job')), reasonOf(await other.untilFinished('job'))]).toEqual([
        'Complete',
        'Complete',
      ]);
      expect((await elsewhere.get('job')).status).toEqual({ observedGeneration: -1 });
      expect(await elsewhere.list('jobs')).toEqual([]);
    } finally {
      await operator.stop();
      await elsewhere.close();
    }
  },
);
