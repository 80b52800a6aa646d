// One replay on the tests' control plane: nodes and namespace of its own, the trace's tasks, and the cluster as the API
// server shows it when everything has come to rest.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { KubernetesObject } from '../../hack/api/client.ts';
import { gpuJobsOf, jobsOf, podsOf } from '../../hack/bench/gpujobs.ts';
import { emptyNamespace } from '../../hack/bench/round.ts';
import { openbNode } from '../../hack/openb/cards.ts';
import { type Trace, readTrace } from '../../hack/openb/trace.ts';
import { type Replayed, replay } from '../../hack/replay/replay.ts';
import { progress } from '../../hack/terminal/progress.ts';
import { adminApi, namespaceFor, nodesFor } from '../setup/surroundings.ts';
import type { GPUJobObject, NodeObject, PodObject, State } from './oracle.ts';

const folder = process.env['TRACE'] ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'openb');

export const traceIsThere = existsSync(folder);
/** Ends the title of a suite that can't run. */
export const skipped = traceIsThere ? '' : ` (skipped: there is no folder ${folder}; name it with TRACE)`;

export const openb = (): Trace => readTrace(folder);

export interface Rest {
  replayed: Replayed;
  state: State;
}

export async function replayToRest({ nodes, tasks }: Trace, title: string): Promise<Rest> {
  const api = adminApi();
  const list = async <T extends KubernetesObject>(path: string): Promise<T[]> =>
    (await api.get<{ items: T[] }>(path)).items;
  const own = nodes.map(openbNode);
  await nodesFor(api, own);
  const namespace = await namespaceFor(api, title);
  // Before their nodes: nobody would be left to report the end of a Pod there.
  onTestFinished(() => emptyNamespace(api, namespace, [gpuJobsOf(namespace), jobsOf(namespace)]));
  const bar = progress(title);
  const signal = AbortSignal.timeout(1_800_000);
  const replayed = await replay({ api, namespace, tasks, speed: 0, bar, signal });
  bar.stop();
  const names = new Set(own.map(({ metadata }) => metadata.name));
  const state = {
    nodes: (await list<NodeObject>('/api/v1/nodes')).filter(({ metadata }) => names.has(metadata.name)),
    pods: await list<PodObject>(podsOf(namespace)),
    gpuJobs: await list<GPUJobObject>(gpuJobsOf(namespace)),
  };
  return { replayed, state };
}
