// Submits the demo's jobs one after the other, follows them to their end and has each story judged. It changes nothing in
// the cluster but that.
import { setTimeout as delay } from 'node:timers/promises';
import { cardMebibytes } from '../actor/card.ts';
import type { Api, KubernetesObject } from '../api/client.ts';
import { follow } from '../api/follow.ts';
import type { NodeObject } from '../nodes/node.ts';
import { heatStories, withHeat } from './heat-stories.ts';
import { History, type SeenGPUJob } from './history.ts';
import type { Holding } from './holdings.ts';
import { openScreen } from './screen.ts';
import { followHoldings } from './sharing.ts';
import { sharingStories, withSharing } from './sharing-stories.ts';
import { type Stage, namespace, stageLabel } from './stage.ts';
import { type Story, type Verdict, stories } from './stories.ts';

export const collection = `/apis/orquanta.io/v1alpha1/namespaces/${namespace}/gpujobs`;

/** Between two submissions: time to see what became of the one before. */
const pauseMilliseconds = 2_000;
/** From the last submission on. The stories take about 20 s of it. */
const patienceMilliseconds = 90_000;

export interface Told {
  readonly story: Story;
  readonly verdict: Verdict;
}

export async function perform(stage: Stage, out: NodeJS.WriteStream, signal: AbortSignal): Promise<Told[]> {
  const all = storiesOf(stage);
  const histories: History[] = [];
  const screen = openScreen(out, histories, footer(all.length, histories));
  const following = new AbortController();
  const finished = Promise.withResolvers<undefined>();
  const see = (gpujob: SeenGPUJob): void => {
    const history = histories.find(({ name }) => name === gpujob.metadata.name);
    const moment = history?.see(gpujob, performance.now());
    if (history !== undefined && moment !== undefined) screen.changed(history, moment);
    if (histories.length === all.length && histories.every((one) => one.is('Finished'))) finished.resolve(undefined);
  };
  const hold = (holding: Holding): void => {
    histories.find(({ name }) => name === holding.job)?.holdings.push(holding);
  };
  const followed = Promise.all([
    followGPUJobs(stage.api, see, following.signal),
    ...(stage.sharingLeftOut === undefined ? [followHoldings(stage.api, namespace, hold, following.signal)] : []),
  ]);
  try {
    for (const story of all) {
      if (story.afterHeatOf !== undefined) await stage.heat?.known(story.afterHeatOf, signal);
      screen.say(`${story.name}: ${story.shows}`);
      histories.push(new History(story.name, performance.now()));
      await submit(stage.api, story);
      await delay(pauseMilliseconds, undefined, { signal });
    }
    await Promise.race([finished.promise, delay(patienceMilliseconds, undefined, { signal, ref: false })]);
    return await judgeAll(stage, all, histories);
  } finally {
    screen.end();
    following.abort();
    await followed;
  }
}

/** What the stage has no room for is left out. */
function storiesOf({ heat, sharingLeftOut }: Stage): Story[] {
  const alone = stories(stageLabel);
  const all = sharingLeftOut === undefined ? withSharing(alone, sharingStories(stageLabel)) : alone;
  return heat ? withHeat(all, heatStories(stageLabel)) : all;
}

function footer(total: number, histories: readonly History[]): () => string {
  const started = performance.now();
  return () => {
    const finished = histories.filter((history) => history.is('Finished')).length;
    const elapsed = Math.round((performance.now() - started) / 1_000);
    return `${elapsed} s, ${finished} of ${total} jobs finished. Ctrl-C ends the demo and cleans up.`;
  };
}

function followGPUJobs(api: Api, see: (gpujob: SeenGPUJob) => void, signal: AbortSignal): Promise<void> {
  const onList = (items: SeenGPUJob[]): void => {
    items.forEach(see);
  };
  const onChange = (type: string, gpujob: SeenGPUJob): void => {
    if (type !== 'DELETED') see(gpujob);
  };
  return follow<SeenGPUJob>(api, collection, { onList, onChange }, signal);
}

function submit(api: Api, { name, spec }: Story): Promise<KubernetesObject> {
  return api.create(collection, { apiVersion: 'orquanta.io/v1alpha1', kind: 'GPUJob', metadata: { name }, spec });
}

async function judgeAll(stage: Stage, all: readonly Story[], histories: readonly History[]): Promise<Told[]> {
  const cards = cardKinds(stage.nodes);
  const heat = (await stage.heat?.observed()) ?? new Map<string, never>();
  const told: Told[] = [];
  for (const [index, story] of all.entries()) {
    const history = histories[index];
    if (history === undefined) continue;
    const workerStarts = await startsOfWorkers(stage.api, history);
    const verdict = story.judge({ history, cards, workerStarts, heat });
    told.push({ story, verdict });
  }
  return told;
}

/** By the actor's reading of the labels, which is not the operator's. */
function cardKinds(nodes: readonly NodeObject[]): Map<string, number> {
  const kinds = new Map<string, number>();
  for (const { metadata, status } of nodes) {
    for (const resourceName of Object.keys(status.allocatable).filter((name) => name.includes('/'))) {
      const { labels } = metadata;
      const size = cardMebibytes(metadata, resourceName);
      const product = labels['nvidia.com/gpu.product'] ?? labels['amd.com/gpu.product-name'] ?? resourceName;
      if (size !== undefined) kinds.set(product, size);
    }
  }
  return kinds;
}

interface PodSeen extends KubernetesObject {
  status: { containerStatuses?: { state: Record<string, { startedAt?: string }> }[] };
}

async function startsOfWorkers(api: Api, { name, gpujob }: History): Promise<number[]> {
  const selector = `orquanta.io/gpujob=${name},orquanta.io/run=${gpujob?.status?.run ?? 0}`;
  const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(selector)}`;
  const { items } = await api.get<{ items: PodSeen[] }>(path);
  const starts = items.map(({ status }) => Object.values(status.containerStatuses?.[0]?.state ?? {})[0]?.startedAt);
  return starts.filter((start) => start !== undefined).map((start) => Date.parse(start));
}
