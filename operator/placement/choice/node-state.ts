// A node's pool as far as packing depends on it: what is free of its cards, and the CPU and memory beside them. Nodes in the same
// state pack alike, whatever their names, so most of what is asked of one was answered for another.
import { freeMebibytes } from '../inventory/card-room.ts';
import type { CardState } from '../inventory/cards-in-use.ts';
import type { NodeEntry } from '../inventory/node-class.ts';

export interface PoolState {
  /** Cards nobody uses; of a device plugin's pool its free units. */
  readonly whole: number;
  /** What is free of each card in use that has room for more, in MiB, ascending. */
  readonly parts: readonly number[];
  /** Left, in millicores and bytes. */
  readonly cpu: number;
  readonly memory: number;
}

export function poolStateOf(entry: NodeEntry, poolIndex: number, used: ReadonlyMap<string, number>): PoolState {
  const left = (name: string): number => (entry.allocatable[name] ?? 0) - (used.get(name) ?? 0);
  const whole = entry.free[poolIndex] ?? 0;
  const divided = entry.nodeClass.pools[poolIndex]?.devices?.shares !== undefined;
  const cards = divided && entry.closed[poolIndex] !== true ? (entry.cards[poolIndex] ?? []) : [];
  return { whole, parts: partsOf(cards), cpu: left('cpu'), memory: left('memory') };
}

function partsOf(cards: readonly CardState[]): number[] {
  const parts: number[] = [];
  for (const card of cards) {
    if (card.takers === 0 || card.blocked || card.takers >= card.device.slots) continue;
    const free = freeMebibytes(card);
    if (free > 0) parts.push(free);
  }
  return parts.length > 1 ? parts.sort((a, b) => a - b) : parts;
}

/** Equal keys are equal states. */
export function stateKey({ whole, parts, cpu, memory }: PoolState): string {
  return `${whole} ${cpu} ${memory} ${parts.join(' ')}`;
}
