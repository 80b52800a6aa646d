// The heat of the demo: a Redis of its own, a played heat gate that answers the plans there, a HeatObserver, and a policy that goes
// by it. It sets them up and reads what was observed; what that shows is the stories' business.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Api, KubernetesObject } from '../api/client.ts';
import { waitFor } from '../api/wait.ts';
import { runKubectl } from '../cluster/kubectl.ts';
import { until } from '../cluster/until.ts';
import type { Target } from '../operator/install.ts';
import { openHeatGate } from '../redis/heat-gate.ts';
import { NoRedisServer, redisServer } from '../redis/program.ts';
import { type RedisClient, startRedis } from '../redis/server.ts';

/** Named after the demo: policies have no namespace, and a cluster of the user's has its own. */
export const heatPolicy = 'demo-heat';
export const policiesPath = '/apis/orquanta.io/v1alpha1/sovereignpolicies';
const observerName = 'harvest';

const lookupPrefix = 'quantum:harvest:heat:by_plan:';
const streams = {
  plans: 'quantum:stream:apply.plan',
  observed: 'quantum:stream:apply.heat.observed',
  decisions: 'quantum:stream:harvest.heat.decision',
};
const answerMilliseconds = 300;
/** Of 1000: where the gate hears of a placement first, and everywhere else. */
const heats = { hot: 900, cool: 100 };
/** What the operator knows of nodes it looks at anew so often (operator/policy/policies.ts). */
const freshMilliseconds = 10_000;
const patienceMilliseconds = 10_000;

/** What became of one placement as a plan; undefined where it was not observed. */
export interface ObservedPlan {
  readonly nodes: readonly string[];
  /** From 0 to 1000, as the gate says. */
  readonly heat: number | undefined;
  readonly foundEarly: boolean | undefined;
  readonly late: { readonly found: boolean; readonly milliseconds: number; readonly at: number } | undefined;
}

/** By the name of the GPUJob; of one that was placed again the newest. */
export type ObservedPlans = ReadonlyMap<string, ObservedPlan>;

export interface HeatStage {
  /** Until placement goes by the heat that was found for this job; at most some seconds longer than that takes. */
  known(job: string, signal: AbortSignal): Promise<void>;
  observed(): Promise<ObservedPlans>;
  /** What kubectl says of the observer, once it has counted every plan; with the command. */
  table(signal: AbortSignal): Promise<string>;
  /** Ends what keeps this process alive; Redis itself ends with the cluster. */
  end(): Promise<void>;
}

/** Whether there is a Redis to be had: where it may, it installs one; where not, it says what is left out, and how to get it. */
export function hasRedis(environment: NodeJS.ProcessEnv, say: (line: string) => void): boolean {
  try {
    redisServer(environment, say);
    return true;
  } catch (error) {
    if (!(error instanceof NoRedisServer)) throw error;
    say(`Heat is left out: ${error.message}`);
    return false;
  }
}

export interface HeatSetUp {
  readonly target: Target;
  readonly api: Api;
  readonly namespace: string;
  /** On what is not in the namespace. */
  readonly labels: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Returns when the policy says that there is heat. */
export async function setUpHeat(setUp: HeatSetUp): Promise<HeatStage> {
  const { target, api, namespace } = setUp;
  const server = await startRedis({ directory: target.directory, name: 'redis' });
  try {
    await createObjects(setUp, server.url);
    await untilHeatIsAvailable(api);
    const client = await server.client();
    const gate = await openHeatGate(server, { ...streams, lookupPrefix, answerMilliseconds, heatOf: firstIsHot() });
    return {
      known: (job, signal) => untilKnown(client, job, signal),
      observed: () => observedPlans(client),
      table: (signal) => observerTable({ client, target, api, namespace, signal }),
      async end() {
        await gate.stop();
        if (client.isOpen) client.destroy();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function createObjects({ api, namespace, labels, signal }: HeatSetUp, url: string): Promise<void> {
  signal.throwIfAborted();
  const apiVersion = 'orquanta.io/v1alpha1';
  await api.create(`/apis/${apiVersion}/namespaces/${namespace}/heatobservers`, {
    ...{ apiVersion, kind: 'HeatObserver', metadata: { name: observerName } },
    spec: { redis: { url }, lookupPrefix, streams },
  });
  const weights = [
    { name: 'Fit', permille: 350 },
    { name: 'Packing', permille: 250 },
    { name: 'Heat', permille: 400 },
  ];
  await api.create(policiesPath, {
    ...{ apiVersion, kind: 'SovereignPolicy', metadata: { name: heatPolicy, labels } },
    spec: { weights, heat: { namespace, name: observerName }, learning: { mode: 'Off' } },
  });
  signal.throwIfAborted();
}

interface Conditioned extends KubernetesObject {
  status: { conditions?: { type: string; status: string; message: string }[] };
}

const heatAvailable = ({ status }: Conditioned) => status.conditions?.find(({ type }) => type === 'HeatAvailable');

async function untilHeatIsAvailable(api: Api): Promise<void> {
  await waitFor<Conditioned>(api, `${policiesPath}?fieldSelector=metadata.name=${heatPolicy}`, {
    what: `policy ${heatPolicy} to have heat`,
    timeoutMilliseconds: 30_000,
    until: (seen) => seen.some((policy) => heatAvailable(policy)?.status === 'True'),
    describe: (seen) => seen.map((policy) => heatAvailable(policy)?.message ?? 'nothing is said of it yet').join(),
  });
}

/** The first node that it hears of is hot. */
function firstIsHot(): (plan: { nodes: readonly string[] }) => number {
  let hot: string | undefined;
  return ({ nodes }) => {
    hot ??= nodes[0];
    return hot !== undefined && nodes.includes(hot) ? heats.hot : heats.cool;
  };
}

type Fields = ReadonlyMap<string, string>;

async function entriesOf(client: RedisClient, stream: string): Promise<Fields[]> {
  const entries = (await client.sendCommand(['XRANGE', stream, '-', '+'])) as unknown as [string, string[]][];
  return entries.map(
    ([, fields]) =>
      new Map(fields.flatMap((name, index) => (index % 2 === 0 ? [[name, fields[index + 1] ?? ''] as const] : []))),
  );
}

async function observedPlans(client: RedisClient): Promise<ObservedPlans> {
  const observations = await entriesOf(client, streams.observed);
  const byJob = new Map<string, ObservedPlan>();
  for (const plan of await entriesOf(client, streams.plans)) {
    const planID = plan.get('plan_id') ?? '';
    const at = (point: string): Fields | undefined =>
      observations.find((one) => one.get('plan_id') === planID && one.get('obs_point') === point);
    const value = (await client.sendCommand(['GET', lookupPrefix + planID])) as unknown as string | null;
    const job = (plan.get('symbol') ?? '').split('/').at(-1) ?? '';
    byJob.set(job, {
      nodes: (plan.get('nodes') ?? '').split(','),
      heat: value === null ? undefined : (JSON.parse(value) as { heat: number }).heat,
      foundEarly: foundIn(at('create_apply_plan')),
      late: lateIn(at('publish_plan_post')),
    });
  }
  return byJob;
}

function foundIn(observation: Fields | undefined): boolean | undefined {
  return observation && observation.get('heat_found') === '1';
}

function lateIn(observation: Fields | undefined): ObservedPlan['late'] {
  if (!observation) return undefined;
  const milliseconds = Number(observation.get('waited_exact_ms'));
  return { found: observation.get('heat_found') === '1', milliseconds, at: Number(observation.get('ts')) };
}

/** A job whose heat is never found is the stories' business: it holds nothing up for longer than this. */
async function untilKnown(client: RedisClient, job: string, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + patienceMilliseconds;
  for (;;) {
    const late = (await observedPlans(client)).get(job)?.late;
    if (late || performance.now() > deadline) {
      await delay(Math.max(0, (late?.at ?? 0) + freshMilliseconds - Date.now()), undefined, { signal });
      return;
    }
    await delay(100, undefined, { signal });
  }
}

interface TableWish {
  readonly client: RedisClient;
  readonly target: Target;
  readonly api: Api;
  readonly namespace: string;
  readonly signal: AbortSignal;
}

interface ObserverSeen extends KubernetesObject {
  status: { observed?: number; lastHandledVerify?: string };
}

/** The numbers of its status are written once a minute, and with the answer to a verification that somebody asks for. */
async function observerTable({ client, target, api, namespace, signal }: TableWish): Promise<string> {
  const collection = `/apis/orquanta.io/v1alpha1/namespaces/${namespace}/heatobservers`;
  const plans = Number(await client.sendCommand(['XLEN', streams.plans]));
  const isCounted = async (): Promise<boolean> => {
    const token = new Date().toISOString();
    await api.patch(join(collection, observerName), { metadata: { annotations: { 'orquanta.io/verify': token } } });
    const [observer] = await waitFor<ObserverSeen>(api, collection, {
      what: 'a verification of the HeatObserver',
      timeoutMilliseconds: patienceMilliseconds,
      until: (seen) => seen.some(({ status }) => status.lastHandledVerify === token),
    });
    return (observer?.status.observed ?? 0) >= plans;
  };
  const what = `the count of ${plans} plans in the status of HeatObserver ${observerName}`;
  await until(isCounted, { what, timeoutMilliseconds: patienceMilliseconds, signal });
  const command = ['-n', namespace, 'get', 'heat', '-o', 'wide'];
  return `$ kubectl ${command.join(' ')}\n${await runKubectl(target.programs, target.kubeconfig, command)}`;
}
