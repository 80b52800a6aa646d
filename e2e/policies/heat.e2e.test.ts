// What a policy says of the heat that its HeatObserver gives or doesn't give, on a real Redis; and that placement goes on all along.
import { expect, it } from 'vitest';
import { nodes } from '../../hack/nodes/inventory.ts';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { heatObserver, heatObserversOf } from '../heat/observed.ts';
import { redisForTest } from '../heat/stage.ts';
import { gpujob, submit, untilEnded } from '../robustness/jobs.ts';
import { operatorForTest } from '../robustness/replicas.ts';
import { adminApi, namespaceFor, nodesFor } from '../setup/surroundings.ts';
import { conditionOf, policiesPath, policyFor, type PolicyState, untilPolicy } from './stage.ts';

const api = adminApi();

const heatOf = ({ status }: PolicyState) => status.conditions?.find(({ type }) => type === 'HeatAvailable');

it('says that its observer is missing, gives heat, and has lost its Redis; its jobs run all the same', async () => {
  const server = await redisForTest();
  const namespace = await namespaceFor(api, 'heat of a policy');
  await nodesFor(api, nodes(1, nvidiaCards.a10(4), namespace));
  const policyName = await policyFor(api, 'heat', { heat: { namespace, name: 'one' }, learning: { mode: 'Off' } });
  await operatorForTest({ args: [`--watch-namespace=${namespace}`, '--heat-allow-local'] });
  const untilHeat = async (reason: string) => {
    const policy = await untilPolicy(api, policyName, `to say ${reason}`, (one) => heatOf(one)?.reason === reason);
    expect(conditionOf(policy, 'Ready')?.status).toBe('True');
    return heatOf(policy);
  };
  const runs = async (name: string, count: number): Promise<void> => {
    await submit(api, namespace, [gpujob({ name, play: { 'run-seconds': '0.2' }, spec: { policyName } })]);
    const ended = await untilEnded(api, namespace, count);
    expect(ended.find(({ metadata }) => metadata.name === name)?.status.attempts).toMatchObject([
      { run: 1, outcome: 'Complete' },
    ]);
  };

  expect(await untilHeat('ObserverNotFound')).toMatchObject({
    status: 'False',
    message: `there is no HeatObserver "one" in namespace "${namespace}": placement goes on without new heat; create it (kubectl get heat --namespace ${namespace} shows which there are), or unset spec.heat`,
  });
  await runs('without-observer', 1);

  await api.create(heatObserversOf(namespace), heatObserver('one', server.url));
  expect(await untilHeat('ObserverReady')).toMatchObject({ status: 'True', message: '' });

  server.signal('SIGKILL');
  expect(await untilHeat('ObserverNotReady')).toMatchObject({
    status: 'False',
    message: `HeatObserver "one" in namespace "${namespace}" is not ready (RedisUnreachable): placement goes on without new heat; see kubectl describe heat one --namespace ${namespace}, or unset spec.heat`,
  });
  await runs('without-redis', 2);

  await server.restart();
  expect(await untilHeat('ObserverReady')).toMatchObject({ status: 'True' });

  await api.patch(`${policiesPath}/${policyName}`, { spec: { heat: null } });
  await untilPolicy(api, policyName, 'to say nothing of heat', (policy) => heatOf(policy) === undefined);
});
