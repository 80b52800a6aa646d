// Who held how much of which card, and beside whom, as the allocated ResourceClaims said while they were there: a claim goes
// with its Pod. It asks neither the operator nor the scheduler.
import type { KubernetesObject } from '../api/client.ts';

/** What one worker of a run held of one card. */
export interface Holding {
  readonly job: string;
  readonly run: number;
  /** Node and device, as the claim has them: dra-0/gpu-1. */
  readonly card: string;
  /** A quantity; undefined where the driver doesn't divide its cards. */
  readonly memory: string | undefined;
  /** The other jobs that held a part of the card at the same time, so far. */
  readonly beside: ReadonlySet<string>;
}

/** The parts of a ResourceClaim that tell of it. */
export interface Claim extends KubernetesObject {
  status?: {
    allocation?: {
      devices: { results: { pool: string; device: string; consumedCapacity?: Record<string, string> }[] };
    };
  };
}

type Written = Holding & { readonly beside: Set<string> };

export class Holdings {
  /** By the claim's uid, of claims that are there. */
  readonly #held = new Map<string, readonly Written[]>();

  /** What the claim holds, where that is new. */
  see(claim: Claim): readonly Holding[] {
    const uid = claim.metadata.uid ?? '';
    const held = read(claim);
    if (held.length === 0) {
      this.#held.delete(uid);
      return [];
    }
    if (this.#held.has(uid)) return [];
    for (const holding of held) this.#meet(holding);
    this.#held.set(uid, held);
    return held;
  }

  gone({ metadata }: Claim): void {
    this.#held.delete(metadata.uid ?? '');
  }

  /** Of a fresh list: what isn't in it has gone. */
  keepOnly(claims: readonly Claim[]): void {
    const there = new Set(claims.map(({ metadata }) => metadata.uid));
    for (const uid of [...this.#held.keys()]) if (!there.has(uid)) this.#held.delete(uid);
  }

  #meet(newcomer: Written): void {
    for (const other of [...this.#held.values()].flat()) {
      if (other.card !== newcomer.card || other.job === newcomer.job) continue;
      other.beside.add(newcomer.job);
      newcomer.beside.add(other.job);
    }
  }
}

/** Nothing of a claim that is allocated to nobody, or is no GPUJob's. */
function read({ metadata: { labels }, status }: Claim): Written[] {
  const job = labels?.['orquanta.io/gpujob'];
  if (job === undefined) return [];
  const run = Number(labels?.['orquanta.io/run']);
  return (status?.allocation?.devices.results ?? []).map(({ pool, device, consumedCapacity }) => ({
    ...{ job, run, card: `${pool}/${device}`, memory: consumedCapacity?.['memory'] },
    beside: new Set<string>(),
  }));
}
