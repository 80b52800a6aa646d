// Who holds how much of which card, off the ResourceClaims as kube-scheduler allocated them. It asks the operator nothing.
import type { Api, KubernetesObject } from '../api/client.ts';
import { cardsOf } from '../openb/cut.ts';
import { cardMebibytes } from '../openb/shares.ts';
import type { TraceNode } from '../openb/trace.ts';

interface Claim extends KubernetesObject {
  status?: { allocation?: { devices: { results: Result[] } } };
}

interface Result {
  readonly pool: string;
  readonly device: string;
  readonly consumedCapacity?: Record<string, string>;
}

export interface Held {
  /** Of all cards, in %. */
  readonly percent: number;
  /** Of the card that has promised most, in %: more than 100 would be a promise twice. */
  readonly mostOfOneCardPercent: number;
}

const claims = '/apis/resource.k8s.io/v1/resourceclaims';

export async function heldOf(api: Api, nodes: readonly TraceNode[]): Promise<Held> {
  const { items } = await api.get<{ items: Claim[] }>(claims);
  const own = new Set(nodes.map(({ name }) => name));
  const byCard = new Map<string, number>();
  for (const { pool, device, consumedCapacity } of items.flatMap(resultsOf)) {
    if (!own.has(pool)) continue;
    const card = `${pool}/${device}`;
    byCard.set(card, (byCard.get(card) ?? 0) + mebibytes(consumedCapacity?.['memory']));
  }
  const sum = [...byCard.values()].reduce((all, held) => all + held, 0);
  return {
    percent: (100 * sum) / (cardsOf(nodes) * cardMebibytes),
    mostOfOneCardPercent: (100 * Math.max(0, ...byCard.values())) / cardMebibytes,
  };
}

function resultsOf({ status }: Claim): Result[] {
  return status?.allocation?.devices.results ?? [];
}

const units: Readonly<Record<string, number>> = { Ki: 1 / 1024, Mi: 1, Gi: 1024, Ti: 1_048_576, '': 1 / 1_048_576 };

/** Every card here is divided, so its claims say what they consume. */
function mebibytes(quantity = 'nothing'): number {
  const [, number, unit = ''] = /^(\d+)([KMGT]i)?$/.exec(quantity) ?? [];
  const size = units[unit];
  if (number === undefined || size === undefined) throw new Error(`a claim consumes ${quantity} of a card's memory`);
  return Number(number) * size;
}
