// The account of every card that claims can hold: all ResourceClaims of the cluster, followed from the start, and after every
// single version of any of them the sum of what each card has promised. It asks neither the operator nor the scheduler.
import type { Api, KubernetesObject } from '../../hack/api/client.ts';
import { follow } from '../../hack/api/follow.ts';

export interface Claim extends KubernetesObject {
  spec: {
    devices: { requests: { exactly: { count: number; capacity?: { requests: Record<string, string> } } }[] };
  };
  status?: { allocation?: { devices: { results: Result[] } } };
}

interface Result {
  pool: string;
  device: string;
  consumedCapacity?: Record<string, string>;
}

/** Part of a card, by node and device: `node-a/gpu-0`. */
export interface Holding {
  readonly card: string;
  readonly mebibytes: number;
}

export const claimsPath = '/apis/resource.k8s.io/v1/resourceclaims';

const units: Readonly<Record<string, number>> = { Ki: 1 / 1024, Mi: 1, Gi: 1024, Ti: 1024 * 1024, '': 1 / 1_048_576 };

export function mebibytes(quantity: string): number {
  const [, number, unit = ''] = /^(\d+)([KMGT]i)?$/.exec(quantity) ?? [];
  const size = units[unit];
  if (number === undefined || size === undefined) throw new Error(`${quantity} is no size that this test can read`);
  return Number(number) * size;
}

export class ClaimAccount {
  /** Versions of claims that were looked at. */
  versions = 0;
  /** Claims that held a card at some time, ever. */
  readonly allocated = new Set<string>();
  /** The most claims that held one card at the same time. */
  mostOnOneCard = 0;
  /** In words; empty where no card was ever promised beyond what it has. */
  readonly overdrawn: string[] = [];
  readonly #cards = new Map<string, number>();
  readonly #claims = new Map<string, Claim>();

  readonly #stop = new AbortController();
  readonly #following: Promise<void>;

  constructor(api: Api) {
    this.#following = follow<Claim>(
      api,
      claimsPath,
      {
        onList: (claims) => {
          this.#claims.clear();
          for (const claim of claims) this.#take(claim);
        },
        onChange: (type, claim) => {
          if (type === 'DELETED') this.#claims.delete(claim.metadata.uid ?? '');
          else this.#take(claim);
        },
      },
      this.#stop.signal,
    );
  }

  /** From now on this node's cards are looked at. */
  add(node: string, count: number, size: number): void {
    for (let index = 0; index < count; index += 1) this.#cards.set(`${node}/gpu-${index}`, size);
  }

  /** What a claim holds; of a device that isn't divided, all of it. */
  holdingsOf({ status }: Claim): Holding[] {
    return (status?.allocation?.devices.results ?? []).map(({ pool, device, consumedCapacity }) => {
      const card = `${pool}/${device}`;
      const consumed = consumedCapacity?.['memory'];
      return { card, mebibytes: consumed === undefined ? (this.#cards.get(card) ?? 0) : mebibytes(consumed) };
    });
  }

  /** Of all watched cards, as last seen. */
  holders(): string[] {
    return [...this.#claims.values()].flatMap((claim) =>
      this.holdingsOf(claim)
        .filter(({ card }) => this.#cards.has(card))
        .map(({ card }) => `${card}: ${nameOf(claim)}`),
    );
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#following;
  }

  #take(claim: Claim): void {
    this.versions += 1;
    this.#claims.set(claim.metadata.uid ?? '', claim);
    for (const card of new Set(this.holdingsOf(claim).map((held) => held.card))) {
      const size = this.#cards.get(card);
      if (size !== undefined) this.#add(card, size, claim);
    }
  }

  #add(card: string, size: number, { metadata }: Claim): void {
    this.allocated.add(metadata.uid ?? '');
    const holders = [...this.#claims.values()].flatMap((claim) =>
      this.holdingsOf(claim)
        .filter((held) => held.card === card)
        .map((held) => ({ ...held, whose: nameOf(claim) })),
    );
    this.mostOnOneCard = Math.max(this.mostOnOneCard, holders.length);
    const sum = holders.reduce((total, held) => total + held.mebibytes, 0);
    if (sum <= size) return;
    const whose = holders.map((held) => `${held.whose} (${held.mebibytes}Mi)`).join(', ');
    this.overdrawn.push(`at version ${metadata.resourceVersion}: ${sum} of ${size}Mi of ${card} held by ${whose}`);
  }
}

const nameOf = ({ metadata }: Claim): string => `${metadata.namespace ?? ''}/${metadata.name}`;
