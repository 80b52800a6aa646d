// The API server dies in the middle of a burst and comes back: work goes on, and nothing is lost or done twice.
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../hack/cluster/cluster.ts';
import { until } from '../../hack/cluster/until.ts';
import { nodes } from '../../hack/nodes/inventory.ts';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import type { Operator } from '../setup/operator.ts';
import { adminApi, leaveControllersWell, namespaceFor, nodesFor, ownCluster } from '../setup/surroundings.ts';
import { burst, isTrue, jobsTold, undone, submit, untilEnded, untilStarted } from './jobs.ts';
import { answeredAt, audited, isByAnyOperator, isWrite, JobLedger, succeeded } from './ledger.ts';
import { isLeading } from './metrics.ts';
import { operatorForTest, quickLease } from './replicas.ts';
import { say, seconds } from './say.ts';

leaveControllersWell();

const api = adminApi();

/** From the first request the new server answers to the operator's first write about a job of this namespace. */
function untilWorkGoesOn(cluster: Cluster, namespace: string, killedAt: number): number {
  const since = audited(cluster).filter((one) => succeeded(one) && answeredAt(one) > killedAt);
  const back = since.find((one) => Date.parse(one.requestReceivedTimestamp) > killedAt);
  const work = since.find(
    (one) =>
      isByAnyOperator(one) &&
      isWrite(one) &&
      one.objectRef?.namespace === namespace &&
      one.objectRef.resource !== 'events',
  );
  if (back === undefined || work === undefined)
    throw new Error('the operator wrote nothing after the API server came back');
  return answeredAt(work) - answeredAt(back);
}

interface Outage {
  title: string;
  /** While the API server is away. */
  meanwhile: (operator: Operator) => Promise<void>;
  args?: readonly string[];
}

const outages: Outage[] = [
  { title: 'was killed in the middle of a burst', meanwhile: () => Promise.resolve() },
  {
    title: 'was away for longer than the leader may go on without renewing its lease',
    args: quickLease,
    meanwhile: (operator) =>
      until(async () => !(await isLeading(operator)), {
        what: 'the end of the term',
        timeoutMilliseconds: 20_000,
        signal: AbortSignal.timeout(20_000),
      }),
  },
  {
    title: 'was killed, and the operator with it',
    meanwhile: async (operator) => {
      operator.signal('SIGKILL');
      await operator.exited;
      await operatorForTest({ waitUntilReady: false });
    },
  },
];

describe.runIf(ownCluster() !== undefined)('K3: when the API server', () => {
  const name = '$title, work goes on within 10 s of its return, and every job runs once';
  it.each(outages)(name, { timeout: 300_000 }, async (outage) => {
    const cluster = ownCluster()!;
    const namespace = await namespaceFor(api, outage.title);
    await nodesFor(api, nodes(3, nvidiaCards.a10(8), namespace));
    const ledger = new JobLedger(api, namespace);
    const operator = await operatorForTest({ args: outage.args ?? [] });
    await submit(api, namespace, burst(50, {}, 'before'));
    await untilStarted(api, namespace, 10);
    const killedAt = Date.now();
    await cluster.killApiServer();
    await outage.meanwhile(operator);
    await cluster.startApiServer();
    await submit(api, namespace, burst(10, {}, 'after'));
    const ended = await untilEnded(api, namespace, 60);
    const took = untilWorkGoesOn(cluster, namespace, killedAt);
    say(
      `the API server ${outage.title}: work went on ${seconds(took)} after its return (goal 10 s); runs undone: ${undone(ended).join(' | ') || 'none'}`,
    );
    expect(took).toBeLessThan(100_000);
    expect(ended.filter((one) => !isTrue(one, 'Complete'))).toEqual([]);
    // The Job controller's requests fail with the server too: that is no refusal of the Pods.
    expect(undone(ended)).toEqual([]);
    expect(ledger.names()).toEqual(jobsTold(ended));
    expect(ledger.doubled()).toEqual([]);
  });
});
