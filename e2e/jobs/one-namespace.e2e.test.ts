// WATCH_NAMESPACE: an operator that is given one namespace runs the GPUJobs there and touches none elsewhere, while it
// still counts everybody's Pods.
import { expect } from 'vitest';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { reasonOf, scenario } from '../setup/gpujobs.ts';
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
