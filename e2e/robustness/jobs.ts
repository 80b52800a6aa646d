// GPUJobs by the dozen, and their ends. It knows a GPUJob's published shape only, so that a mistake in the operator's own
// types can't hide itself here.
import type { Api, KubernetesObject } from '../../hack/api/client.ts';
import { inParallel } from '../../hack/api/parallel.ts';
import { waitFor } from '../../hack/api/wait.ts';

export interface Attempt {
  run: number;
  outcome: string;
  message?: string;
  nodes?: string[];
  [field: string]: unknown;
}

export interface GPUJobState extends KubernetesObject {
  status: {
    run?: number;
    conditions?: { type: string; status: string; reason: string; message: string }[];
    attempts?: Attempt[];
    [field: string]: unknown;
  };
}

export interface Wish {
  name: string;
  requiredVRAM?: string;
  /** Without their prefix play.orquanta.io/. */
  play?: Record<string, string>;
  nodeSelector?: Record<string, string>;
  /** More of the GPUJob's spec. */
  spec?: Record<string, unknown>;
}

export function gpujob({ name, requiredVRAM = '10Gi', play = {}, nodeSelector, spec = {} }: Wish): KubernetesObject {
  const annotations = Object.fromEntries(
    Object.entries(play).map(([key, value]) => [`play.orquanta.io/${key}`, value]),
  );
  return {
    apiVersion: 'orquanta.io/v1alpha1',
    kind: 'GPUJob',
    metadata: { name },
    spec: {
      requiredVRAM,
      ...spec,
      template: {
        metadata: { annotations },
        spec: { containers: [{ name: 'main', image: 'example.com/train' }], ...(nodeSelector && { nodeSelector }) },
      },
    },
  };
}

/** job-0, job-1, …: alike but for their names. */
export function burst(count: number, wish: Omit<Wish, 'name'> = {}, prefix = 'job'): KubernetesObject[] {
  return Array.from({ length: count }, (_, index) => gpujob({ ...wish, name: `${prefix}-${index}` }));
}

export const gpujobsOf = (namespace: string): string => `/apis/orquanta.io/v1alpha1/namespaces/${namespace}/gpujobs`;
export const jobsOf = (namespace: string): string => `/apis/batch/v1/namespaces/${namespace}/jobs`;

export async function submit(api: Api, namespace: string, objects: readonly KubernetesObject[]): Promise<void> {
  await inParallel(objects, 8, async (object) => {
    await api.create(gpujobsOf(namespace), object);
  });
}

export function isTrue(object: { status?: GPUJobState['status'] }, type: string): boolean {
  return object.status?.conditions?.some((one) => one.type === type && one.status === 'True') ?? false;
}

const standing = ({ metadata, status }: GPUJobState): string =>
  `${metadata.name}: ${status.conditions?.find(({ type }) => type === 'Ready')?.reason ?? 'untouched'}`;

/** Waits until there are so many GPUJobs and each has ended, well or not. */
export function untilEnded(
  api: Api,
  namespace: string,
  count: number,
  timeoutMilliseconds = 120_000,
): Promise<GPUJobState[]> {
  const open = (seen: readonly GPUJobState[]) => seen.filter((one) => !isTrue(one, 'Finished'));
  return waitFor<GPUJobState>(api, gpujobsOf(namespace), {
    what: `${count} GPUJobs to end`,
    timeoutMilliseconds,
    until: (seen) => seen.length === count && open(seen).length === 0,
    describe: (seen) =>
      `${open(seen).length} of ${seen.length} go on: ${open(seen).slice(0, 10).map(standing).join(', ')}`,
  });
}

/** Waits until so many Jobs were made. */
export async function untilStarted(
  api: Api,
  namespace: string,
  count: number,
  timeoutMilliseconds = 60_000,
): Promise<void> {
  await waitFor(api, jobsOf(namespace), {
    what: `${count} Jobs to be there`,
    timeoutMilliseconds,
    until: (seen) => seen.length >= count,
  });
}

/** Names of those that didn't end well in their first and only run, with what they say instead. */
export function notCompleteInRunOne(gpujobs: readonly GPUJobState[]): string[] {
  return gpujobs
    .filter((one) => !isTrue(one, 'Complete') || one.status.run !== 1 || one.status.attempts?.length !== 1)
    .map((one) => `${standing(one)}, run ${one.status.run ?? 0}, attempts ${JSON.stringify(one.status.attempts)}`);
}

/** <name>-1 … <name>-<run>: the Job of every run that the statuses tell of. */
export function jobsTold(gpujobs: readonly GPUJobState[]): string[] {
  const of = ({ metadata, status }: GPUJobState) =>
    Array.from({ length: status.run ?? 0 }, (_, index) => `${metadata.name}-${index + 1}`);
  return gpujobs.flatMap(of).sort();
}

/** How the runs ended that didn't end well. */
/** What was said of the runs that didn't end well. */
export function undone(gpujobs: readonly GPUJobState[]): string[] {
  const attempts = gpujobs.flatMap(({ status }) => status.attempts ?? []);
  return attempts
    .filter(({ outcome }) => outcome !== 'Complete')
    .map(({ outcome, message = '' }) => `${outcome}: ${message}`);
}
