// One card as it stands, alone and beside those with which it shares something: what is taken of it, by how many, and whether it
// can be had at all. It counts; who takes is not its business.
import type { CardDevice, CardPool, HeldDevice, NodeDevices } from '../model.ts';

/** Only CardsInUse writes here. */
export interface CardState {
  readonly device: CardDevice;
  /** In MiB; may exceed the card where somebody has overdrawn it. */
  takenMebibytes: number;
  /** Claims and reserved workers on it. */
  takers: number;
  /** What is given away of the pool's `compute`. */
  takenCompute: number;
  /**
   * Tainted by its driver; out of compute; or of no use as part of another device: while that is in use, or beside all free ones before it that
   * are like it. So any free cards of a pool that aren't blocked can be had together.
   */
  blocked: boolean;
}

/** The cards of a node, and what they share. */
export interface NodeState {
  readonly cards: readonly CardState[];
  /** Slices of one card may have its identity in common. */
  readonly byIdentity: ReadonlyMap<string, readonly CardState[]>;
  readonly counters: ReadonlyMap<string, { readonly total: number; used: number }>;
}

/** Something taken of a card, to be given back as it was. */
export interface Take {
  readonly card: CardState;
  readonly mebibytes: number;
  readonly compute?: number;
}

/** With nobody on them. */
export function nodeState({ devices, counters }: NodeDevices): NodeState {
  const cards = devices.map((device): CardState => ({
    device,
    takenMebibytes: 0,
    takers: 0,
    takenCompute: 0,
    blocked: device.tainted,
  }));
  return {
    cards,
    byIdentity: Map.groupBy(cards, (card) => card.device.identity),
    counters: new Map(Object.entries(counters).map(([name, total]) => [name, { total, used: 0 }])),
  };
}

/** Takes, or with -1 gives back; `blockCards` then says what that does to other cards. */
export function countOn({ counters }: NodeState, { card, mebibytes, compute = 0 }: Take, sign: 1 | -1): void {
  const before = card.takers;
  card.takers += sign;
  card.takenMebibytes += sign * mebibytes;
  if (compute > 0) {
    card.takenCompute += sign * compute;
    card.blocked = card.device.tainted || lacksCompute(card);
  }
  if ((before === 0) === (card.takers === 0)) return;
  for (const name in card.device.counters) {
    const counter = counters.get(name);
    if (counter !== undefined) counter.used += sign * (card.device.counters[name] ?? 0);
  }
}

/** Says which cards are of no use although nobody is on them. */
export function blockCards({ cards, counters }: NodeState): void {
  if (counters.size === 0) return;
  const before = new Map<CardPool, Map<string, number>>();
  for (const card of cards) {
    const { pool, tainted } = card.device;
    const alike = before.get(pool) ?? new Map<string, number>();
    before.set(pool, alike);
    card.blocked = tainted || lacksCompute(card) || (card.takers === 0 && lacksCounters(card, counters, alike));
    if (card.takers === 0 && !card.blocked) addCounters(alike, card);
  }
}

function lacksCounters(
  { device }: CardState,
  counters: NodeState['counters'],
  beside: ReadonlyMap<string, number>,
): boolean {
  return Object.entries(device.counters).some(([name, needed]) => {
    const counter = counters.get(name);
    return counter !== undefined && counter.used + (beside.get(name) ?? 0) + needed > counter.total;
  });
}

function addCounters(sums: Map<string, number>, { device }: CardState): void {
  for (const [name, needed] of Object.entries(device.counters)) sums.set(name, (sums.get(name) ?? 0) + needed);
}

export function takeOf(held: HeldDevice, card: CardState): Take {
  const compute = held.consumed[card.device.pool.devices?.compute?.name ?? ''] ?? 0;
  return { card, mebibytes: heldMebibytes(held, card), ...(compute > 0 ? { compute } : {}) };
}

function lacksCompute({ takenCompute, device }: CardState): boolean {
  const { compute } = device.pool.devices ?? {};
  return compute !== undefined && takenCompute >= compute.units;
}

/** Rounded up: a part of a MiB can't be given to anybody else. A device without shares is held as a whole. */
function heldMebibytes({ consumed }: HeldDevice, { device }: CardState): number {
  const { devices, vram } = device.pool;
  const whole = vram.known ? vram.mebibytes : 0;
  const bytes = devices === undefined ? undefined : consumed[devices.memory];
  return bytes === undefined ? whole : Math.ceil(bytes / 1_048_576);
}
