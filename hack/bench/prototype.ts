// The second ceiling: the least an operator of this shape has to ask of the API server. A custom resource with no rules, its
// Job, two status writes; no decision, no queue, no safety. What a GPUJob costs beyond it is ours, what it costs beyond a
// bare Job is the price of a custom resource.
import { Api, type KubernetesObject } from '../api/client.ts';
import { follow } from '../api/follow.ts';
import { definitions, untilCRDsEstablished } from '../operator/install.ts';
import { type JobState, isComplete } from './bare-jobs.ts';
import { jobsOf } from './gpujobs.ts';

const group = 'bench.orquanta.io';
const names = { plural: 'prototypes', singular: 'prototype', kind: 'Prototype', listKind: 'PrototypeList' };
/** As many as the operator works on GPUJobs at a time by default (max-concurrent-reconciles). */
const connections = 16;

export const prototypesOf = (namespace: string): string => `/apis/${group}/v1/namespaces/${namespace}/${names.plural}`;

export function prototype(name: string): KubernetesObject {
  return { apiVersion: `${group}/v1`, kind: names.kind, metadata: { name }, spec: {} };
}

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${names.plural}.${group}` },
  spec: {
    group,
    names,
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object' },
              status: {
                type: 'object',
                properties: {
                  conditions: {
                    type: 'array',
                    items: {
                      type: 'object',
                      properties: { type: { type: 'string' }, status: { type: 'string' } },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};

/** Once in a cluster. */
export async function installPrototype(api: Api): Promise<void> {
  await api.create(definitions, definition);
  await untilCRDsEstablished(api);
}

export interface PrototypeOptions {
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly jobOf: (name: string) => KubernetesObject;
}

/** Plays the operator in one namespace until the signal fires. */
export async function runPrototype(
  { kubeconfig, namespace, jobOf }: PrototypeOptions,
  signal: AbortSignal,
): Promise<void> {
  const watches = Api.fromKubeconfig(kubeconfig, 'prototype');
  const writes = Api.fromKubeconfig(kubeconfig, 'prototype', connections);
  const started = new Map<string, Promise<void>>();
  const ended = new Set<string>();
  const work: Promise<void>[] = [];

  const say = async (name: string, condition: string): Promise<void> => {
    const status = { conditions: [{ type: condition, status: 'True' }] };
    await writes.patch(`${prototypesOf(namespace)}/${name}/status`, { status });
  };
  const start = async (name: string): Promise<void> => {
    await writes.create(jobsOf(namespace), jobOf(name));
    await say(name, 'Started');
  };
  const onPrototype = ({ metadata: { name } }: KubernetesObject): void => {
    if (!started.has(name)) started.set(name, start(name));
  };
  const onJob = (job: JobState): void => {
    const { name } = job.metadata;
    const begun = started.get(name);
    if (begun === undefined || ended.has(name) || !isComplete(job)) return;
    ended.add(name);
    work.push(begun.then(() => say(name, 'Complete')));
  };
  const each = <T extends KubernetesObject>(look: (object: T) => void) => ({
    onList: (items: T[]) => {
      items.forEach(look);
    },
    onChange: (type: string, object: T) => {
      if (type !== 'DELETED') look(object);
    },
  });
  await Promise.all([
    follow(watches, prototypesOf(namespace), each(onPrototype), signal),
    follow<JobState>(watches, jobsOf(namespace), each(onJob), signal),
  ]);
  await Promise.all([...started.values(), ...work]);
  await Promise.all([watches.close(), writes.close()]);
}
