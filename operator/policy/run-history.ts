// What past runs say: which workload ran out of memory and with how much VRAM it ended well, which nodes and card products had
// failures lately. Read from the GPUJobs' own statuses, so a restart loses nothing; a GPUJob that is deleted takes what it
// said of its workload along.
import type { Attempt, GPUJob } from '../resources/gpujob.ts';
import { parseMebibytes } from '../resources/quantity.ts';
import type { Change } from '../runtime/store.ts';
import { Fading } from './fading.ts';
import { workloadSignature } from './signature.ts';

/** What one GPUJob says of its workload: nothing before its first own out-of-memory. */
interface Lesson {
  readonly workload: string;
  /** With so much it ended well afterwards. */
  readonly neededMebibytes: number | undefined;
}

/** Ends that speak against the place where they happened; an application's own error says little of it. */
const nodeIncidents: Readonly<Partial<Record<Attempt['outcome'], number>>> = {
  Disrupted: 1,
  Unschedulable: 1,
  NeighbourOutOfMemory: 1,
  ApplicationError: 0.25,
};

/** A drain or a flaky link is forgotten soon, the size of a card is not. */
const nodeHalfLifeMilliseconds = 3_600_000;
const productHalfLifeMilliseconds = 7 * 86_400_000;

/** Runs on a product before its share of failures weighs fully. */
const productPrior = 10;
const best = 1000;
const neutral = 500;

export class RunHistory {
  /** By uid. */
  readonly #lessons = new Map<string, Lesson>();
  /** By workload: uids of the GPUJobs that know something about it. */
  readonly #known = new Map<string, Set<string>>();
  /** By signature: when a run last ended well, in epoch milliseconds; only of workloads that once ran out of memory. */
  readonly #succeededAt = new Map<string, number>();
  readonly #nodes = new Fading(nodeHalfLifeMilliseconds);
  readonly #outOfMemory = new Fading(productHalfLifeMilliseconds);
  readonly #runs = new Fading(productHalfLifeMilliseconds);

  /** For the subscription to the store of GPUJobs. */
  follow({ type, object, previous }: Change<GPUJob>): void {
    if (type === 'deleted') {
      this.#forget(object.metadata.uid);
      return;
    }
    const attempts = object.status?.attempts ?? [];
    const seen = previous?.status?.attempts?.at(-1)?.run ?? 0;
    for (const attempt of attempts) if (attempt.run > seen) this.#note(attempt);
    if (attempts.some(({ outcome }) => outcome === 'OutOfMemory')) this.#learn(object, attempts);
    else if (attempts.at(-1)?.outcome === 'Complete') this.#noteSuccess(object, attempts);
  }

  /** Epoch milliseconds; undefined where the workload never ran out of memory, or never ended well. */
  succeededAt(signature: string): number | undefined {
    return this.#succeededAt.get(signature);
  }

  /**
   * What the same workload needed that had asked for the same and run out of memory with it; undefined where that isn't known.
   * Another request of the same image is another question: what differs may stand in its environment.
   */
  neededMebibytes(gpujob: GPUJob): number | undefined {
    const uids = this.#known.get(workloadOf(gpujob)) ?? [];
    const needs = [...uids].flatMap((uid) => this.#lessons.get(uid)?.neededMebibytes ?? []);
    return needs.length === 0 ? undefined : Math.max(...needs);
  }

  /** 0 to 500 for nodes with failures lately; those that aren't named had none. */
  reliabilityByNode(nowMilliseconds: number): ReadonlyMap<string, number> {
    const incidents = [...this.#nodes.values(nowMilliseconds)].filter(([, count]) => count >= 0.1);
    return new Map(incidents.map(([node, count]) => [node, Math.round(neutral * 2 ** -count)]));
  }

  /** 0 to 1000: how seldom work on this product ran out of memory; those that aren't named never did. */
  reliabilityByProduct(nowMilliseconds: number): ReadonlyMap<string, number> {
    const runs = new Map(this.#runs.values(nowMilliseconds));
    return new Map(
      [...this.#outOfMemory.values(nowMilliseconds)].map(([product, failures]) => {
        const share = failures / ((runs.get(product) ?? 0) + productPrior);
        return [product, Math.round(best * (1 - Math.min(1, share)))];
      }),
    );
  }

  #note({ outcome, nodes = [], product, endTime }: Attempt): void {
    const at = Date.parse(endTime ?? '');
    if (Number.isNaN(at)) return;
    const weight = nodeIncidents[outcome];
    if (weight !== undefined) for (const node of nodes) this.#nodes.add(node, weight, at);
    if (product === undefined || (outcome !== 'Complete' && outcome !== 'OutOfMemory')) return;
    this.#runs.add(product, 1, at);
    if (outcome === 'OutOfMemory') this.#outOfMemory.add(product, 1, at);
  }

  #learn(gpujob: GPUJob, attempts: readonly Attempt[]): void {
    const { uid } = gpujob.metadata;
    const workload = workloadOf(gpujob);
    const last = attempts.at(-1);
    const neededMebibytes = last?.outcome === 'Complete' ? parseMebibytes(last.vram) : undefined;
    this.#lessons.set(uid, { workload, neededMebibytes });
    const known = this.#known.get(workload) ?? new Set();
    this.#known.set(workload, known.add(uid));
    const { signature } = workloadSignature(gpujob);
    if (!this.#succeededAt.has(signature)) this.#succeededAt.set(signature, 0);
    this.#noteSuccess(gpujob, attempts);
  }

  #noteSuccess(gpujob: GPUJob, attempts: readonly Attempt[]): void {
    const last = attempts.at(-1);
    if (this.#succeededAt.size === 0 || last?.outcome !== 'Complete') return;
    const { signature } = workloadSignature(gpujob);
    const before = this.#succeededAt.get(signature);
    if (before !== undefined) this.#succeededAt.set(signature, Math.max(before, Date.parse(last.endTime ?? '')));
  }

  #forget(uid: string): void {
    const lesson = this.#lessons.get(uid);
    if (!lesson) return;
    this.#lessons.delete(uid);
    const known = this.#known.get(lesson.workload);
    known?.delete(uid);
    if (known?.size === 0) this.#known.delete(lesson.workload);
  }
}

/** The signature and what was asked for. */
function workloadOf(gpujob: GPUJob): string {
  return `${workloadSignature(gpujob).signature} ${gpujob.spec.requiredVRAM}`;
}
