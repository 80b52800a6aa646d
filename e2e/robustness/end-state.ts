// What is left when a scenario is over, without anything that differs from one undisturbed try to the next: times, uids,
// random ends of names. Two tries that ended alike give equal values.
import type { Api, KubernetesObject } from '../../hack/api/client.ts';
import { gpujobsOf, jobsOf } from './jobs.ts';

export interface EndState {
  gpujob: unknown;
  /** By name: the end, the run and the reservation of each Job there is. */
  jobs: unknown[];
  services: string[];
}

interface JobState extends KubernetesObject {
  status: { conditions?: { type: string; status: string }[]; succeeded?: number; failed?: number };
}

const uid = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
/** Pods of a Job: <job>-<random>, of an indexed one <job>-<index>-<random>. */
const podSuffix = /-[bcdfghjklmnpqrstvwxz2456789]{5}(?=")/g;

function withoutChance(object: unknown, namespace: string): unknown {
  const text = JSON.stringify(object)
    .replaceAll(namespace, 'NAMESPACE')
    .replace(uid, 'UID')
    .replace(time, 'TIME')
    .replace(podSuffix, '-RANDOM')
    .replace(/"activeSecondsBeforeSuspension":\d+/g, '"activeSecondsBeforeSuspension":0')
    .replace(/"cost":"[0-9.]+"/g, '"cost":"TIME"');
  return JSON.parse(text);
}

async function list<T extends KubernetesObject>(api: Api, path: string): Promise<T[]> {
  const { items } = await api.get<{ items: T[] }>(path);
  return items.sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));
}

function whatCounts({ metadata, status }: JobState): unknown {
  const { conditions = [], succeeded = 0, failed = 0 } = status;
  return {
    name: metadata.name,
    labels: metadata.labels,
    annotations: metadata.annotations,
    end: conditions.filter((one) => one.status === 'True').map(({ type }) => type),
    succeeded,
    failed,
  };
}

export async function endStateOf(api: Api, namespace: string): Promise<EndState> {
  const gpujobs = await list<KubernetesObject>(api, gpujobsOf(namespace));
  const jobs = await list<JobState>(api, jobsOf(namespace));
  const services = await list<KubernetesObject>(api, `/api/v1/namespaces/${namespace}/services`);
  const state = {
    gpujob: gpujobs.map(({ metadata, spec, status }) => ({ name: metadata.name, spec, status })),
    jobs: jobs.map(whatCounts),
    services: services.map(({ metadata }) => metadata.name),
  };
  return withoutChance(state, namespace) as EndState;
}
