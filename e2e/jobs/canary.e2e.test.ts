// P11: a second operator that only observes decides beside the one that manages and writes nothing; a second one that would
// manage refuses to start.
import { readFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { metricsOf } from '../robustness/metrics.ts';
import { operatorForFile, reasonOf, scenario } from '../setup/gpujobs.ts';
import { startOperator, untilObserving } from '../setup/operator.ts';
import { auditEvents, ownCluster } from '../setup/surroundings.ts';

operatorForFile({ name: 'operator-managing' });

const jobs = 6;

/** By the canary's count. */
function runsBy(text: string, agreement: string): number {
  return Number(new RegExp(`^orquanta_canary_runs_total\\{agreement="${agreement}"\\} (\\d+)$`, 'm').exec(text)?.[1]);
}

describe('P11: beside the operator that manages, another one', () => {
  scenario('that only observes decides the same, counts it, and writes nothing', async ({ stage }) => {
    await stage.nodes({ one: nvidiaCards.a10(2), other: nvidiaCards.a10(2) });
    const name = 'operator-canary';
    const elsewhere = { POD_NAMESPACE: stage.namespace };
    const args = ['--observe-only', `--watch-namespace=${stage.namespace}`];
    const canary = await startOperator({ name, env: elsewhere, args });
    try {
      await untilObserving(canary);
      for (let index = 0; index < jobs; index += 1) {
        await stage.submit(`job-${index}`);
        expect(reasonOf(await stage.untilFinished(`job-${index}`))).toBe('Complete');
      }
      const text = await metricsOf(canary);
      const counts = ['Same', 'OtherNodes', 'OtherProduct', 'WouldWait', 'Undecided'].map((each) => runsBy(text, each));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(jobs);
      // It may be late for one, on a busy machine; where it had an answer, it was the same.
      expect(counts.slice(1, 4)).toEqual([0, 0, 0]);
      expect(counts[0]).toBeGreaterThan(0);
    } finally {
      await canary.stop();
    }
    const cluster = ownCluster();
    const itsOwn = cluster ? auditEvents(cluster).filter(({ userAgent }) => userAgent?.includes(name) === true) : [];
    expect(itsOwn.length).toBeGreaterThan(cluster ? 0 : -1);
    expect(
      [...new Set(itsOwn.map(({ verb }) => verb))].filter((verb) => !['get', 'list', 'watch'].includes(verb)),
    ).toEqual([]);
  });

  scenario(
    'that would manage from another namespace refuses to start, and says what can be done',
    async ({ stage }) => {
      const lease = [
        '--leader-elect-lease-duration=3s',
        '--leader-elect-renew-deadline=2s',
        '--leader-elect-retry-period=500ms',
      ];
      const second = await startOperator({
        name: 'operator-second',
        env: { POD_NAMESPACE: stage.namespace },
        args: lease,
        waitUntilReady: false,
      });
      expect(await second.exited).toEqual({ code: 2, signal: null });
      expect(readFileSync(second.logFile, 'utf8')).toMatch(
        /^orquanta: policy "\S+" is kept by the operator operator-managing in namespace "orquanta-system", and policies have one keeper: remove one of the two, or let this one look on with --observe-only \(chart: policies.manage=false\)$/m,
      );
    },
  );
});
