// Where each task of a replay stands, read off GPUJobs and Pods as they change. It asks nothing and decides nothing.
import { performance } from 'node:perf_hooks';
import type { KubernetesObject } from '../api/client.ts';

export type Standing =
  | { readonly kind: 'Unheard' }
  /** Its Pod is bound; cards it holds until it ends. */
  | { readonly kind: 'Bound'; readonly cards: number }
  | { readonly kind: 'Waiting'; readonly reason: string }
  | { readonly kind: 'Ended' };

interface Condition {
  type: string;
  status: string;
  reason?: string;
}

export interface GPUJobState extends KubernetesObject {
  status?: { conditions?: Condition[] };
}

export interface PodState extends KubernetesObject {
  spec: { nodeName?: string; containers: { resources?: { limits?: Record<string, string> } }[] };
  status: { phase?: string; conditions?: Condition[] };
}

/** Reasons that stay until a card or a node comes free; any other passes by itself. */
const lasting: ReadonlySet<string> = new Set([
  'CardsBusy',
  'NeverFits',
  'NoMatchingCards',
  'WaitingForGang',
  'NoNodeHasRoom',
]);

export function isLasting(standing: Standing): boolean {
  return standing.kind !== 'Unheard' && (standing.kind !== 'Waiting' || lasting.has(standing.reason));
}

function holds(conditions: readonly Condition[] | undefined, type: string): boolean {
  return conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
}

function cardsOf(pod: PodState): number {
  return pod.spec.containers.reduce(
    (sum, { resources }) => sum + Number(resources?.limits?.['nvidia.com/gpu'] ?? 0),
    0,
  );
}

/** By the words of the GPUJob itself, where no Pod of it is bound. */
function standingOfGPUJob({ status }: GPUJobState): Standing {
  if (holds(status?.conditions, 'Finished')) return { kind: 'Ended' };
  const placed = status?.conditions?.find(({ type }) => type === 'Placed');
  if (placed === undefined) return { kind: 'Unheard' };
  return { kind: 'Waiting', reason: placed.reason ?? 'Unknown' };
}

function standingOfPod(pod: PodState): Standing {
  const { phase, conditions } = pod.status;
  if (phase === 'Succeeded' || phase === 'Failed') return { kind: 'Ended' };
  if (pod.spec.nodeName !== undefined) return { kind: 'Bound', cards: cardsOf(pod) };
  const scheduled = conditions?.find(({ type }) => type === 'PodScheduled');
  return scheduled?.status === 'False' ? { kind: 'Waiting', reason: 'NoNodeHasRoom' } : { kind: 'Unheard' };
}

/** The tasks of one replay, by name. */
export class Standings {
  readonly #gpuJobs = new Map<string, Standing>();
  /** Bound Pods of GPUJobs, by the GPUJob's name. */
  readonly #bound = new Map<string, Standing>();
  readonly #pods = new Map<string, Standing>();
  readonly #submittedAt = new Map<string, number>();
  readonly #waitedMilliseconds = new Map<string, number>();
  /** Who waits for a task to settle, by its name. */
  readonly #settled = new Map<string, () => void>();
  /** When anything was last heard that changed a standing. */
  changedAt = performance.now();

  /** Just before its request is sent. */
  submitting(name: string): void {
    this.#submittedAt.set(name, performance.now());
  }

  /** Resolves when the task is bound, or waits for a reason that stays. Ask once for each task. */
  untilSettled(name: string): Promise<void> {
    return new Promise((resolve) => {
      this.#settled.set(name, resolve);
      this.#tellIfSettled(name);
    });
  }

  gpuJob(gpujob: GPUJobState): void {
    this.#set(this.#gpuJobs, gpujob.metadata.name, standingOfGPUJob(gpujob));
  }

  pod(pod: PodState): void {
    const owner = pod.metadata.labels?.['orquanta.io/gpujob'];
    const standing = standingOfPod(pod);
    if (owner === undefined) this.#set(this.#pods, pod.metadata.name, standing);
    else if (standing.kind === 'Bound') this.#bind(owner, standing);
    else this.#bound.delete(owner);
  }

  podIsGone(pod: PodState): void {
    this.#bound.delete(pod.metadata.labels?.['orquanta.io/gpujob'] ?? '');
  }

  ofGPUJob(name: string): Standing {
    return this.#bound.get(name) ?? this.#gpuJobs.get(name) ?? { kind: 'Unheard' };
  }

  ofPod(name: string): Standing {
    return this.#pods.get(name) ?? { kind: 'Unheard' };
  }

  /** Of every GPUJob that was ever bound: from its request to hearing of the first binding. */
  get waitedMilliseconds(): readonly number[] {
    return [...this.#waitedMilliseconds.values()];
  }

  #bind(owner: string, standing: Standing): void {
    const submittedAt = this.#submittedAt.get(owner);
    if (submittedAt !== undefined && !this.#waitedMilliseconds.has(owner)) {
      this.#waitedMilliseconds.set(owner, performance.now() - submittedAt);
    }
    this.#set(this.#bound, owner, standing);
  }

  #set(of: Map<string, Standing>, name: string, standing: Standing): void {
    const before = of.get(name);
    if (JSON.stringify(before) !== JSON.stringify(standing)) this.changedAt = performance.now();
    of.set(name, standing);
    this.#tellIfSettled(name);
  }

  #tellIfSettled(name: string): void {
    const standing = this.#bound.get(name) ?? this.#gpuJobs.get(name) ?? this.#pods.get(name);
    if (standing === undefined || !isLasting(standing)) return;
    this.#settled.get(name)?.();
    this.#settled.delete(name);
  }
}
