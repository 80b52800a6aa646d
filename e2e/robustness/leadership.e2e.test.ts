// Three replicas: how soon another one works when the leader goes, and that one which lost the lease changes nothing.
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { until } from '../../hack/cluster/until.ts';
import { nodes } from '../../hack/nodes/inventory.ts';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { adminApi, namespaceFor, nodesFor, ownCluster } from '../setup/surroundings.ts';
import { burst, jobsOf, notCompleteInRunOne, submit, untilEnded, untilStarted } from './jobs.ts';
import { handoverMilliseconds, writesOfFormerLeader } from './leadership.ts';
import { JobLedger } from './ledger.ts';
import { isLeading } from './metrics.ts';
import { operatorForTest, quickLease, Replicas } from './replicas.ts';
import { say, secondsOfAll } from './say.ts';
import { writeCutterForTest } from './write-cutter.ts';

const api = adminApi();
const cluster = ownCluster();
const names = ['replica-a', 'replica-b', 'replica-c'];
const options = { args: quickLease };

describe('K2: at lease times of 5, 3.5 and 0.5 s', () => {
  it('a standby starts a new job within 6 s of the death of the leader, and within 1 s of its orderly end', async () => {
    const namespace = await namespaceFor(api, 'handover');
    await nodesFor(api, nodes(2, nvidiaCards.a10(8), namespace));
    const replicas = await Replicas.start(api, names, options);
    const killed = await handoverMilliseconds(api, replicas, {
      end: (leader) => {
        leader.signal('SIGKILL');
      },
      rounds: 3,
      goalMilliseconds: 6_000,
      namespace,
      prefix: 'killed',
    });
    say(`standby works after the leader was killed: ${secondsOfAll(killed)} (goal 6 s)`);
    const stopped = await handoverMilliseconds(api, replicas, {
      end: (leader) => {
        leader.signal('SIGTERM');
      },
      rounds: 3,
      goalMilliseconds: 1_000,
      namespace,
      prefix: 'stopped',
    });
    say(`standby works after the leader stopped in an orderly way: ${secondsOfAll(stopped)} (goal 1 s)`);
    expect([killed.length, stopped.length]).toEqual([3, 3]);
  });

  it.runIf(cluster !== undefined)(
    'a leader frozen for 20 s in the middle of a burst has no write accepted after the first of the next leader',
    async () => {
      const namespace = await namespaceFor(api, 'frozen');
      await nodesFor(api, nodes(13, nvidiaCards.a10(8), namespace));
      const ledger = new JobLedger(api, namespace);
      const replicas = await Replicas.start(api, names, options);
      const frozen = await replicas.leader();
      const since = Date.now();
      const submitted = submit(api, namespace, burst(100));
      await untilStarted(api, namespace, 20);
      frozen.signal('SIGSTOP');
      const thawed = delay(20_000).then(() => {
        frozen.signal('SIGCONT');
      });
      await submitted;
      const next = await replicas.leader(frozen.name);
      await thawed;
      const { code } = await frozen.exited;
      const ended = await untilEnded(api, namespace, 100);
      const { late, lateAndSuccessful } = writesOfFormerLeader(cluster!, frozen.name, next.name, since);
      say(
        `writes of the frozen leader after the next one's first: ${late.length}, accepted: ${lateAndSuccessful.length}`,
      );
      expect(lateAndSuccessful).toEqual([]);
      // It ends, so that whoever supervises it starts it afresh.
      expect(code).toBe(1);
      expect(notCompleteInRunOne(ended)).toEqual([]);
      expect(ledger.names()).toHaveLength(100);
      expect(ledger.doubled()).toEqual([]);
    },
  );

  it('a leader frozen between two writes of one job sends none of the rest when it wakes up after its lease', async () => {
    const namespace = await namespaceFor(api, 'between two writes');
    await nodesFor(api, nodes(1, nvidiaCards.a10(8), namespace));
    const { cutter, kubeconfig } = await writeCutterForTest();
    const frozen = await operatorForTest({ ...options, name: 'replica-a', env: { KUBECONFIG: kubeconfig } });
    await until(() => isLeading(frozen), {
      what: 'the lead of the first replica',
      timeoutMilliseconds: 20_000,
      signal: AbortSignal.timeout(20_000),
    });
    await operatorForTest({ ...options, name: 'replica-b' });
    cutter.arm({
      cut: 'after the server has done it',
      atWrite: 1,
      answerAnyway: true,
      strike: () => {
        frozen.signal('SIGSTOP');
        return Promise.resolve();
      },
    });
    await submit(api, namespace, burst(1));
    // The other replica finds the Job made and brings it to its end; the status is still to be written by the frozen one.
    const ended = await untilEnded(api, namespace, 1);
    frozen.signal('SIGCONT');
    expect(await frozen.exited).toEqual({ code: 1, signal: null });
    expect(cutter.writes).toEqual([`POST ${jobsOf(namespace)}`]);
    expect(notCompleteInRunOne(ended)).toEqual([]);
  });
});
