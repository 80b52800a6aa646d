// How long a single GPUJob takes from being created to its Pod being bound, on a cluster where nothing else happens: one
// after the other, each gone before the next.
import { performance } from 'node:perf_hooks';
import type { Api, KubernetesObject } from '../api/client.ts';
import { follow } from '../api/follow.ts';
import { progress } from '../terminal/progress.ts';
import { gpuJobsOf, jobsOf, podsOf } from './gpujobs.ts';
import type { Offer } from './offer.ts';
import { createNamespace, emptyNamespace } from './round.ts';

interface Pod extends KubernetesObject {
  spec: { nodeName?: string };
}

const namespace = 'bench-idle';
const patienceMilliseconds = 30_000;

/** Calls who waits for a GPUJob when its Pod is bound. */
class BoundPods {
  readonly #waiting = new Map<string, () => void>();

  readonly follower = {
    onList: (pods: Pod[]): void => {
      for (const pod of pods) this.#look(pod);
    },
    onChange: (_type: string, pod: Pod): void => {
      this.#look(pod);
    },
  };

  next(gpujob: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(gpujob, resolve);
      signal.addEventListener('abort', () => {
        reject(new Error(`no Pod of ${gpujob} was bound`));
      });
    });
  }

  #look({ metadata, spec }: Pod): void {
    if (spec.nodeName === undefined) return;
    this.#waiting.get(metadata.labels?.['orquanta.io/gpujob'] ?? '')?.();
  }
}

export interface IdleOptions {
  readonly api: Api;
  readonly offer: Offer;
  readonly count: number;
  readonly signal: AbortSignal;
}

/** Milliseconds from sending the request to hearing of the binding, for each job. */
export async function idleLatencies({ api, offer, count, signal }: IdleOptions): Promise<number[]> {
  await createNamespace(api, namespace);
  const stop = new AbortController();
  const bound = new BoundPods();
  const following = follow<Pod>(api, podsOf(namespace), bound.follower, AbortSignal.any([signal, stop.signal]));
  const bar = progress('Idle cluster, one GPUJob at a time');
  const milliseconds: number[] = [];
  try {
    for (let index = 0; index < count; index += 1) {
      signal.throwIfAborted();
      const name = `idle-${index}`;
      const pod = bound.next(name, AbortSignal.any([signal, AbortSignal.timeout(patienceMilliseconds)]));
      const started = performance.now();
      await api.create(gpuJobsOf(namespace), offer.gpuJob(name, { runSeconds: '0.1' }));
      await pod;
      milliseconds.push(performance.now() - started);
      bar.update(index + 1, count, 'bound');
    }
  } finally {
    stop.abort();
    bar.stop();
    await following;
  }
  await emptyNamespace(api, namespace, [gpuJobsOf(namespace), jobsOf(namespace)]);
  return milliseconds;
}
