// One replay with shares on the tests' control plane, beside its simulation: nodes that publish divisible cards, an account of every
// card at every version of any claim, and the cluster as the API server shows it when everything has come to rest.
import { expect, onTestFinished } from 'vitest';
import type { Api, KubernetesObject } from '../../hack/api/client.ts';
import { gpuJobsOf, jobsOf, podsOf } from '../../hack/bench/gpujobs.ts';
import { emptyNamespace } from '../../hack/bench/round.ts';
import { cardMebibytes, openbDRANode } from '../../hack/openb/shares.ts';
import type { Trace } from '../../hack/openb/trace.ts';
import { policies, replayShares, type SharesReplayed } from '../../hack/replay/shares.ts';
import { allocationLines } from '../../hack/replay/shares-report.ts';
import { type SharesScene, sharesScene } from '../../hack/replay/shares-scene.ts';
import { meanOf, type Simulations, simulations } from '../../hack/replay/simulated.ts';
import { progress } from '../../hack/terminal/progress.ts';
import { type Claim, ClaimAccount, claimsPath } from '../dra/claim-account.ts';
import { type Condition, say } from '../setup/gpujobs.ts';
import { adminApi, draNodesFor, namespaceFor, waitForObject } from '../setup/surroundings.ts';
import { type GPUJobObject, type NodeObject, onWrongCards, overbooked, type PodObject, waiting } from './oracle.ts';
import { overdrawn, type SharesState, type SliceObject, waitsInVain } from './shares-oracle.ts';

/** The paper's first. */
const seed = 42;

export interface SharesRest {
  readonly api: Api;
  readonly namespace: string;
  readonly scene: SharesScene;
  readonly live: SharesReplayed;
  readonly simulated: Simulations;
  readonly state: SharesState;
}

/** The first so many arrivals; at any moment no card has promised more than it has. */
export async function replaySharesToRest(trace: Trace, count: number, title: string): Promise<SharesRest> {
  const api = adminApi();
  const scene = sharesScene(trace, count, seed);
  const simulated = await simulations(scene);
  await draNodesFor(api, scene.nodes.map(openbDRANode));
  const namespace = await namespaceFor(api, title);
  onTestFinished(() => api.delete(`${policies}/${namespace}`).then(() => undefined));
  onTestFinished(() => emptyNamespace(api, namespace, [gpuJobsOf(namespace), jobsOf(namespace)]));
  const account = new ClaimAccount(api);
  for (const { name, cards } of scene.nodes) account.add(name, cards, cardMebibytes);
  const bar = progress(title);
  const live = await replayShares(scene, { api, namespace, bar, signal: AbortSignal.timeout(1_800_000) });
  bar.stop();
  await account.stop();
  expect(account.overdrawn).toEqual([]);
  const state = await stateOf(api, namespace, scene);
  for (const line of [title, ...allocationLines(scene, live, simulated)]) say(line);
  say(
    `${scene.tasks.length} tasks on ${scene.cards} cards in ${live.replayed.seconds.toFixed(0)} s; ${account.versions} versions of claims, ` +
      `${account.allocated.size} allocated, at most ${account.mostOnOneCard} on one card; ${waiting(state).length} GPUJobs wait`,
  );
  return { api, namespace, scene, live, simulated, state };
}

async function stateOf(api: Api, namespace: string, { nodes }: SharesScene): Promise<SharesState> {
  const list = async <T extends KubernetesObject>(path: string): Promise<T[]> =>
    (await api.get<{ items: T[] }>(path)).items;
  const names = new Set(nodes.map(({ name }) => name));
  return {
    nodes: (await list<NodeObject>('/api/v1/nodes')).filter(({ metadata }) => names.has(metadata.name)),
    slices: (await list<SliceObject>('/apis/resource.k8s.io/v1/resourceslices')).filter(({ spec }) =>
      names.has(spec.nodeName),
    ),
    claims: await list<Claim>(claimsPath),
    pods: await list<PodObject>(podsOf(namespace)),
    gpuJobs: await list<GPUJobObject>(gpuJobsOf(namespace)),
  };
}

/** What kube-scheduler has allocated, in points from what the simulation allocates on average. */
export function expectAsSimulated(
  { live: { whenFull, atEnd }, simulated: { live } }: SharesRest,
  points: number,
): void {
  expect(Math.abs(whenFull.percent - meanOf(live, 'whenFull')), 'all cards asked for').toBeLessThanOrEqual(points);
  expect(Math.abs(atEnd.percent - meanOf(live, 'atEnd')), 'at the end').toBeLessThanOrEqual(points);
}

/** Whoever waits has no room, but on nodes that the operator keeps for somebody who waited too long: as many as it says. */
export async function expectLastingWaits(rest: SharesRest): Promise<void> {
  const { state, live } = rest;
  expect(overdrawn(state)).toEqual([]);
  expect(overbooked(state)).toEqual([]);
  expect(onWrongCards(state)).toEqual([]);
  const said = [...live.replayed.gpuJobs].filter(([, { kind }]) => kind === 'Waiting').map(([name]) => name);
  expect(said.sort()).toEqual(namesOf(waiting(state)));
  const inVain = waitsInVain(state);
  const alike = Map.groupBy(inVain, ({ gpujob: { spec } }) => JSON.stringify(spec));
  for (const { gpujob, nodes } of [...alike.values()].flatMap(([first]) => first ?? [])) {
    const { kept, message } = await nodesKeptFrom(rest, gpujob);
    const what = `nodes with room for ${gpujob.metadata.name}, which waits (${nodes.join(', ')}); told: ${message}`;
    expect(nodes.length, what).toBeLessThanOrEqual(kept);
  }
  if (inVain.length === 0) return;
  const nodes = new Set(inVain.flatMap((each) => each.nodes));
  say(
    `${inVain.length} GPUJobs wait beside ${nodes.size} nodes that are kept for others (${[...nodes].sort().join(', ')})`,
  );
}

interface GPUJobState extends GPUJobObject {
  status?: { conditions?: Condition[] };
}

interface Kept {
  /** Nodes. */
  readonly kept: number;
  readonly message: string;
}

/** By the words to one that asks the same: what was said to those who wait already may be minutes old. */
async function nodesKeptFrom({ api, namespace }: SharesRest, { metadata, spec }: GPUJobObject): Promise<Kept> {
  const name = `probe-${metadata.name}`;
  const readyOf = ({ status }: GPUJobState): Condition | undefined =>
    status?.conditions?.find(({ type }) => type === 'Ready');
  await api.create(gpuJobsOf(namespace), {
    apiVersion: 'orquanta.io/v1alpha1',
    kind: 'GPUJob',
    metadata: { name },
    spec,
  });
  const probe = await waitForObject<GPUJobState>(api, gpuJobsOf(namespace), name, {
    what: 'to find no room',
    timeoutMilliseconds: 60_000,
    until: (gpujob) => readyOf(gpujob)?.reason === 'CardsBusy',
  });
  const { message = '' } = readyOf(probe) ?? {};
  return { kept: Number(/(\d+) kept for a job that waited too long/.exec(message)?.[1] ?? '0'), message };
}

function namesOf(objects: readonly KubernetesObject[]): string[] {
  return objects.map(({ metadata }) => metadata.name).sort();
}
