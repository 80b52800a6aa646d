// What a task of the trace is in a cluster: a GPUJob where it asks for cards, whole ones or shares of them, and a plain Pod where
// it doesn't. Only objects.
import { defaultPolicySpec } from '../../operator/policy/default-policy.ts';
import type { KubernetesObject } from '../api/client.ts';
import { vramRequest } from '../openb/cards.ts';
import { shareRequest } from '../openb/shares.ts';
import type { TraceTask } from '../openb/trace.ts';

/** Life times are divided by it; 0: nobody leaves. */
export type Speed = number;

const plainPods = 'A task without cards is a plain Pod, bound by kube-scheduler alone.';

/** Said with every result: what the figures are figures of. */
export const meaningOfWholeCards: readonly string[] = [
  "A task with cards is a GPUJob: requiredVRAM is its share of a card's VRAM, gpus its number of cards, products.allow the models it names; cpu and memory are requested as they stand.",
  'Cards come from a device plugin, which hands out whole cards only: a task that asks a share of one holds all of it.',
  plainPods,
];

export const meaningOfShares: readonly string[] = [
  'A task that asks a share of a card is a GPUJob with isolation Shared, one that asks whole cards is Exclusive; products.allow has the models it names; cpu and memory are requested as they stand.',
  "Cards are published in ResourceSlices as divisible memory, and kube-scheduler holds the shares: what is allocated is the sum of the claims' consumedCapacity.",
  plainPods,
];

/** What KWOK plays as the container's life (hack/actor/play.ts). */
function runSeconds({ lifeSeconds }: TraceTask, speed: Speed): string {
  if (speed === 0 || lifeSeconds === undefined) return 'forever';
  return (lifeSeconds / speed).toFixed(3);
}

function podTemplate(task: TraceTask, speed: Speed) {
  return {
    metadata: { annotations: { 'play.orquanta.io/run-seconds': runSeconds(task, speed) } },
    spec: {
      containers: [
        {
          name: 'main',
          image: 'example.com/task',
          resources: { requests: { cpu: `${task.cpuMillis}m`, memory: `${task.memoryMebibytes}Mi` } },
        },
      ],
    },
  };
}

interface CardRequest {
  readonly requiredVRAMMebibytes: number;
  readonly gpus: number;
  readonly allow: readonly string[];
}

function gpuJob(name: string, { requiredVRAMMebibytes, gpus, allow }: CardRequest, rest: object): KubernetesObject {
  return {
    apiVersion: 'orquanta.io/v1alpha1',
    kind: 'GPUJob',
    metadata: { name },
    spec: {
      requiredVRAM: `${requiredVRAMMebibytes}Mi`,
      gpus,
      ...(allow.length > 0 ? { products: { allow } } : {}),
      // The trace's own cluster kept a task it had no room for.
      whenNeverFits: 'Wait',
      ...rest,
    },
  };
}

export function wholeCardsJobOf(task: TraceTask, speed: Speed): KubernetesObject {
  return gpuJob(task.name, vramRequest(task), { template: podTemplate(task, speed) });
}

/** It asks exactly what the task asks, by a policy that adds nothing: weightsAlone(). */
export function sharingJobOf(task: TraceTask, speed: Speed, policyName: string): KubernetesObject {
  const { isolation, ...request } = shareRequest(task);
  return gpuJob(task.name, request, { isolation, policyName, template: podTemplate(task, speed) });
}

export function podOf(task: TraceTask, speed: Speed): KubernetesObject {
  const { metadata, spec } = podTemplate(task, speed);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, name: task.name },
    spec: { ...spec, restartPolicy: 'Never' },
  };
}

/** The shipped weights and nothing else: no headroom, no learning, and no catalogue, because openb has no prices. */
export function weightsAlone(name: string): KubernetesObject {
  return {
    apiVersion: 'orquanta.io/v1alpha1',
    kind: 'SovereignPolicy',
    metadata: { name },
    spec: { weights: defaultPolicySpec.weights, headroomPermille: 0, learning: { mode: 'Off' } },
  };
}
