// The stage on which faults are played: a Redis behind a relay, a HeatObserver on it, and two operators, one of which leads.
import { onTestFinished } from 'vitest';
import { quickLease, Replicas } from '../robustness/replicas.ts';
import { adminApi, namespaceFor } from '../setup/surroundings.ts';
import { expectAllOnce, playFaults, publishing } from './faults.ts';
import { heatObserver, heatObserversOf, untilReady } from './observed.ts';
import { relayTo } from './relay.ts';
import { redisForTest } from './stage.ts';

/** Returns how many plans were observed. Expects that none of them was lost or doubled. */
export async function playHeat(
  names: readonly string[],
  freezeMilliseconds: number,
  say: (line: string) => void,
): Promise<number> {
  const api = adminApi();
  const server = await redisForTest();
  const client = await server.client();
  const relay = await relayTo(server.port);
  onTestFinished(() => {
    relay.close();
  });
  const namespace = await namespaceFor(api, 'heat faults');
  const args = [...quickLease, `--watch-namespace=${namespace}`, '--heat-allow-local'];
  const replicas = await Replicas.start(api, ['a', 'b'], { args });
  const late = { maxInFlight: 20_000 };
  await api.create(heatObserversOf(namespace), heatObserver('one', `redis://127.0.0.1:${relay.port}`, { late }));
  await untilReady(api, namespace, 'one', 'Observing');
  const stop = publishing(client);
  const endLeader = async (by: 'SIGKILL' | 'SIGTERM') => {
    const leader = await replicas.leader();
    leader.signal(by);
    await leader.exited;
    return () => replicas.restart(leader.name);
  };
  await playFaults(
    {
      server,
      client,
      silence: () => {
        relay.silence();
      },
      endLeader,
      freezeMilliseconds,
    },
    names,
    say,
  );
  await stop();
  return expectAllOnce(client, `orquanta:${namespace}/one`);
}
