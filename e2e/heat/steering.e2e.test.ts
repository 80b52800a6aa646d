// GPUJobs and heat: a placement is a plan, an outside service answers it, and a hot node is avoided; without Redis placement goes on.
import { expect, it, onTestFinished } from 'vitest';
import { nodes } from '../../hack/nodes/inventory.ts';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { openHeatGate } from '../../hack/redis/heat-gate.ts';
import { policyFor } from '../policies/stage.ts';
import { gpujob, submit, untilEnded } from '../robustness/jobs.ts';
import { operatorForTest } from '../robustness/replicas.ts';
import { adminApi, namespaceFor, nodesFor } from '../setup/surroundings.ts';
import { heatObserver, heatObserversOf, untilReady } from './observed.ts';
import { prefix as lookupPrefix, redisForTest, streams, untilObserved } from './stage.ts';

const api = adminApi();

const weights = [
  { name: 'Heat', permille: 700 },
  { name: 'Packing', permille: 300 },
];

async function aStage(words: string) {
  const server = await redisForTest();
  const client = await server.client();
  const namespace = await namespaceFor(api, words);
  await nodesFor(api, nodes(2, nvidiaCards.a10(4), namespace));
  const heat = { namespace, name: 'one' };
  const policyName = await policyFor(api, 'heat', { weights, heat, learning: { mode: 'Off' } });
  await operatorForTest({ args: [`--watch-namespace=${namespace}`, '--heat-allow-local'] });
  await api.create(heatObserversOf(namespace), heatObserver('one', server.url));
  await untilReady(api, namespace, 'one', 'Observing');
  const nodeOf = async (name: string, count: number): Promise<string | undefined> => {
    await submit(api, namespace, [gpujob({ name, play: { 'run-seconds': '1' }, spec: { policyName } })]);
    const ended = await untilEnded(api, namespace, count);
    return ended.find(({ metadata }) => metadata.name === name)?.status.attempts?.[0]?.nodes?.[0];
  };
  return { server, client, nodeOf };
}

it('a node whose placement was found hot is avoided by the next job', async () => {
  const { server, client, nodeOf } = await aStage('steering');
  const gate = await openHeatGate(server, {
    ...{ plans: streams.plans, decisions: 'quantum:stream:harvest.heat.decision', lookupPrefix },
    answerMilliseconds: 300,
    heatOf: () => 1_000,
  });
  onTestFinished(() => gate.stop());
  const first = await nodeOf('first', 1);
  await untilObserved(client, 2);
  const plan = (await client.sendCommand(['XRANGE', streams.plans, '-', '+'])) as unknown as [string, string[]][];
  expect(plan[0]?.[1].slice(2)).toEqual(['symbol', expect.stringMatching(/\/first$/), 'nodes', first]);
  // What is known of nodes is looked at anew every ten seconds: until then jobs may still come to the same node.
  let count = 1;
  let next = first;
  while (next === first && count < 20) {
    count += 1;
    next = await nodeOf(`next-${count}`, count);
  }
  expect(next).not.toBe(first);
});

it('without Redis placement goes on', async () => {
  const { server, nodeOf } = await aStage('steering without');
  server.signal('SIGKILL');
  expect(await nodeOf('first', 1)).toBeDefined();
});
