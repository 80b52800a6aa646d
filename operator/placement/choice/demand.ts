// What work was asked for lately, as kinds of work and how often each came: what free cards are worth depends on who may want
// them. It remembers the last thousand jobs and nothing of when they came.
import type { CardFilter, ResourceAmounts, Workload } from '../model.ts';

/** One kind of work: what one worker asks. */
export interface DemandShape extends CardFilter {
  readonly vramMebibytes: number;
  readonly gpus: number;
  readonly perWorker: ResourceAmounts;
  /** Of all workers asked for lately; all shapes together are 1. */
  readonly share: number;
}

/** As it stood at one moment. Two of the same version are the same, where they come from one RecentDemand. */
export interface Demand {
  readonly version: number;
  readonly shapes: readonly DemandShape[];
  /** By product, the share of all work that asks for it by name, in its share of all cards: 1 is as much as there is. */
  readonly contested: ReadonlyMap<string, number>;
}

export const noDemand: Demand = { version: 0, shapes: [], contested: new Map() };

/** Enough for the shares to settle; so few that last week's work doesn't speak for this week's. */
const remembered = 1_000;
/** The rest is too rare to keep cards for. */
const mostShapes = 128;
/** A new version makes all that was judged by the last one void, so it comes seldom: at 1, 2, 4 … 512 jobs, then every so many. */
const firstJobs = 512;
const renewedAfterJobs = 250;
/** A gang counts as its workers, but no gang drowns all other work. */
const mostWorkers = 32;

interface Kind {
  readonly workload: Workload;
  count: number;
}

export class RecentDemand {
  readonly #kinds = new Map<string, Kind>();
  #jobs: { readonly key: string; readonly count: number }[] = [];
  #noted = 0;
  #current: Demand = noDemand;
  #isDue = false;

  /** `cardsByProduct`: of the whole cluster, in use or not; asked only when a new version is due. */
  current(cardsByProduct: () => ReadonlyMap<string, number>): Demand {
    if (this.#isDue) this.#renew(cardsByProduct());
    this.#isDue = false;
    return this.#current;
  }

  /** Call it once for each job. */
  note(workload: Workload): void {
    const key = kindKey(workload);
    const count = Math.min(workload.workers, mostWorkers);
    const kind = this.#kinds.get(key) ?? { workload, count: 0 };
    kind.count += count;
    this.#kinds.set(key, kind);
    this.#jobs.push({ key, count });
    const gone = this.#jobs[this.#jobs.length - 1 - remembered];
    if (gone !== undefined) this.#forget(gone);
    if (this.#jobs.length >= 2 * remembered) this.#jobs = this.#jobs.slice(-remembered);
    this.#noted += 1;
    this.#isDue ||= isRenewedAt(this.#noted);
  }

  #forget({ key, count }: { key: string; count: number }): void {
    const kind = this.#kinds.get(key);
    if (kind === undefined) return;
    kind.count -= count;
    if (kind.count <= 0) this.#kinds.delete(key);
  }

  #renew(cardsByProduct: ReadonlyMap<string, number>): void {
    const kinds = [...this.#kinds.entries()]
      .sort(([one, a], [other, b]) => b.count - a.count || (one < other ? -1 : 1))
      .slice(0, mostShapes)
      .map(([, kind]) => kind);
    const total = kinds.reduce((sum, { count }) => sum + count, 0);
    const shapes = kinds.map(({ workload, count }) => shapeOf(workload, count / total));
    this.#current = { version: this.#current.version + 1, shapes, contested: contestedBy(shapes, cardsByProduct) };
  }
}

/** A job that names several products wants of each as much as there is of it; of what isn't there nobody has any. */
function contestedBy(
  shapes: readonly DemandShape[],
  cardsByProduct: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const cardsOf = (product: string): number => cardsByProduct.get(product) ?? 0;
  const allCards = [...cardsByProduct.values()].reduce((sum, count) => sum + count, 0);
  const allAsked = shapes.reduce((sum, shape) => sum + cardsAsked(shape), 0);
  const asked = new Map<string, number>();
  for (const shape of shapes) {
    const allow = shape.products.allow.filter((product) => cardsOf(product) > 0);
    const there = allow.reduce((sum, product) => sum + cardsOf(product), 0);
    for (const product of allow) {
      asked.set(product, (asked.get(product) ?? 0) + (cardsAsked(shape) * cardsOf(product)) / there);
    }
  }
  return new Map([...asked].map(([product, cards]) => [product, cards / allAsked / (cardsOf(product) / allCards)]));
}

function cardsAsked({ share, gpus }: DemandShape): number {
  return share * gpus;
}

function isRenewedAt(noted: number): boolean {
  return noted <= firstJobs ? (noted & (noted - 1)) === 0 : (noted - firstJobs) % renewedAfterJobs === 0;
}

/** Node selectors say where somebody wants to be, not what free cards are good for. */
function shapeOf(workload: Workload, share: number): DemandShape {
  const { isolation, allocation, products, constraints, vramMebibytes, gpus, perWorker } = workload;
  const { tolerations } = constraints;
  const anywhere = { nodeSelector: {}, nodeAffinity: [], tolerations };
  return { isolation, allocation, products, constraints: anywhere, vramMebibytes, gpus, perWorker, share };
}

function kindKey(workload: Workload): string {
  const { isolation, allocation, products, constraints, vramMebibytes, gpus, perWorker } = shapeOf(workload, 0);
  return JSON.stringify([isolation, allocation, products, constraints.tolerations, vramMebibytes, gpus, perWorker]);
}
