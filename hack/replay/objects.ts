// What a task of the trace is in a cluster: a GPUJob where it asks for cards, a plain Pod where it doesn't. Only objects.
import type { KubernetesObject } from '../api/client.ts';
import { vramRequest } from '../openb/cards.ts';
import type { TraceTask } from '../openb/trace.ts';

/** Life times are divided by it; 0: nobody leaves. */
export type Speed = number;

/** Said with every result: what the figures are figures of. */
export const meaning: readonly string[] = [
  "A task with cards is a GPUJob: requiredVRAM is its share of a card's VRAM, gpus its number of cards, products.allow the models it names; cpu and memory are requested as they stand.",
  'Cards come from a device plugin, which hands out whole cards only: a task that asks a share of one holds all of it.',
  'A task without cards is a plain Pod, bound by kube-scheduler alone.',
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

export function gpuJobOf(task: TraceTask, speed: Speed): KubernetesObject {
  const { requiredVRAMMebibytes, gpus, allow } = vramRequest(task);
  return {
    apiVersion: 'orquanta.io/v1alpha1',
    kind: 'GPUJob',
    metadata: { name: task.name },
    spec: {
      requiredVRAM: `${requiredVRAMMebibytes}Mi`,
      gpus,
      ...(allow.length > 0 ? { products: { allow } } : {}),
      // The trace's own cluster kept a task it had no room for.
      whenNeverFits: 'Wait',
      template: podTemplate(task, speed),
    },
  };
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
