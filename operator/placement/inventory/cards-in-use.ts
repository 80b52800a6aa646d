// Who holds how much of which card, where cards are published one by one: the allocated claims of everybody, and reservations
// for workers whose claims aren't allocated yet. What HAMi gives a Pod counts as a claim. It counts; what a job may use is not
// its business.
import type { CardDevice, ClaimFacts, HeldDevice, NodeDevices, PodFacts, Reservation } from '../model.ts';

/** One card as it stands. Only CardsInUse writes here. */
export interface CardState {
  readonly device: CardDevice;
  /** In MiB; may exceed the card where somebody has overdrawn it. */
  takenMebibytes: number;
  /** Claims and reserved workers on it. */
  takers: number;
  /** What is given away of the pool's `compute`. */
  takenCompute: number;
  /** Tainted by its driver; out of compute; or in use as part of another device: a slice of it, or the card it is a slice of. */
  blocked: boolean;
}

interface NodeState {
  readonly cards: readonly CardState[];
  /** Slices of one card may have its identity in common. */
  readonly byIdentity: ReadonlyMap<string, readonly CardState[]>;
  readonly counters: Map<string, { readonly total: number; used: number }>;
}

/** Something taken of a card, to be given back as it was. */
export interface Take {
  readonly card: CardState;
  readonly mebibytes: number;
  readonly compute?: number;
}

interface ReservedRun {
  reservation: Reservation | undefined;
  /** By Pod: the devices that its allocated claim holds. */
  readonly claimed: Map<string, readonly HeldDevice[]>;
  /** Finished Pods, which need no card any more, by the node they were on. */
  readonly finished: Map<string, string>;
  /** What is counted at this moment on behalf of the reservation, and for which of its cards. */
  held: readonly Take[];
  heldFor: string;
}

/** Of one node, the cards that a reservation still waits for, by identity; '' is whichever is free. */
interface Outstanding {
  readonly node: string;
  readonly identities: readonly string[];
}

const noNode: NodeState = { cards: [], byIdentity: new Map(), counters: new Map() };

/** Kept up to date with each change; `onChange` hears of every node whose cards moved. */
export class CardsInUse {
  readonly #onChange: (node: string) => void;
  readonly #nodes = new Map<string, NodeState>();
  readonly #cards = new Map<string, { readonly card: CardState; readonly node: string }>();
  readonly #claims = new Map<string, ClaimFacts>();
  /** By device, published or not: a claim may be seen before the slice. */
  readonly #claimsByDevice = new Map<string, Set<string>>();
  readonly #runs = new Map<string, ReservedRun>();
  readonly #runsByNode = new Map<string, Set<string>>();
  readonly #pods = new Map<string, PodFacts>();

  constructor(onChange: (node: string) => void) {
    this.#onChange = onChange;
  }

  cardsOf(node: string): readonly CardState[] {
    return (this.#nodes.get(node) ?? noNode).cards;
  }

  setDevices(node: string, { devices, counters }: NodeDevices): void {
    const runs = [...(this.#runsByNode.get(node) ?? [])];
    for (const run of runs) this.#withdraw(run);
    // A machine may have joined again under another name, with the cards that it had.
    for (const { device } of this.cardsOf(node)) {
      if (this.#cards.get(device.id)?.node === node) this.#cards.delete(device.id);
    }
    const cards = devices.map((device): CardState => ({
      device,
      takenMebibytes: 0,
      takers: 0,
      takenCompute: 0,
      blocked: device.tainted,
    }));
    this.#nodes.set(node, {
      cards,
      byIdentity: Map.groupBy(cards, (card) => card.device.identity),
      counters: new Map(Object.entries(counters).map(([name, total]) => [name, { total, used: 0 }])),
    });
    if (cards.length === 0) this.#nodes.delete(node);
    for (const card of cards) {
      this.#cards.set(card.device.id, { card, node });
      for (const uid of this.#claimsByDevice.get(card.device.id) ?? []) this.#countClaimOn(card.device.id, uid, 1);
    }
    for (const run of runs) this.#settle(run);
    this.#changed(node);
  }

  setClaim(claim: ClaimFacts): void {
    const previous = this.#claims.get(claim.uid);
    if (previous !== undefined) this.#countClaim(previous, -1);
    this.#claims.set(claim.uid, claim);
    this.#countClaim(claim, 1);
    this.#noteClaimOfRun(claim, claim.holds);
  }

  removeClaim(uid: string): void {
    const claim = this.#claims.get(uid);
    if (claim === undefined) return;
    this.#countClaim(claim, -1);
    this.#claims.delete(uid);
    this.#noteClaimOfRun(claim, []);
  }

  /** Pods of our own runs only: a finished one needs no card, although its claim is gone. */
  setPod(pod: PodFacts): void {
    const previous = this.#pods.get(pod.uid);
    if (previous !== undefined && previous.run !== pod.run) this.removePod(pod.uid);
    if (pod.run === undefined) return;
    this.#pods.set(pod.uid, pod);
    const run = this.#runOf(pod.run);
    if (pod.terminal && pod.nodeName !== '') run.finished.set(pod.uid, pod.nodeName);
    else run.finished.delete(pod.uid);
    this.#settle(pod.run);
  }

  removePod(uid: string): void {
    const name = this.#pods.get(uid)?.run;
    this.#pods.delete(uid);
    if (name === undefined) return;
    this.#runs.get(name)?.finished.delete(uid);
    this.#settle(name);
  }

  setReservation(reservation: Reservation): void {
    this.removeReservation(reservation.run);
    if (reservation.placement.claim === undefined) return;
    this.#runOf(reservation.run).reservation = reservation;
    for (const { node } of reservation.placement.workers) {
      const runs = this.#runsByNode.get(node) ?? new Set();
      this.#runsByNode.set(node, runs.add(reservation.run));
    }
    this.#settle(reservation.run);
  }

  removeReservation(name: string): void {
    const run = this.#runs.get(name);
    if (run?.reservation === undefined) return;
    this.#withdraw(name);
    for (const { node } of run.reservation.placement.workers) {
      const runs = this.#runsByNode.get(node);
      runs?.delete(name);
      if (runs?.size === 0) this.#runsByNode.delete(node);
    }
    run.reservation = undefined;
    this.#settle(name);
  }

  /** What a run holds of a node's cards: by its allocated claims, and reserved for those that aren't. */
  heldBy(name: string, node: string): Take[] {
    const run = this.#runs.get(name);
    if (run === undefined) return [];
    const claimed = [...run.claimed.values()].flatMap((holds) =>
      holds.flatMap((held) => {
        const known = this.#cards.get(held.deviceID);
        return known?.node === node ? [takeOf(held, known.card)] : [];
      }),
    );
    return [...claimed, ...run.held.filter(({ card }) => this.#cards.get(card.device.id)?.node === node)];
  }

  /** Takes, or with -1 gives back. */
  count(takes: readonly Take[], sign: 1 | -1): void {
    const nodes = new Set<string>();
    for (const take of takes) {
      const known = this.#cards.get(take.card.device.id);
      if (known?.card !== take.card) continue;
      this.#countOn(known.node, take, sign);
      nodes.add(known.node);
    }
    for (const node of nodes) this.#changed(node);
  }

  #changed(node: string): void {
    const { cards, counters } = this.#nodes.get(node) ?? noNode;
    if (counters.size > 0) {
      for (const card of cards)
        card.blocked = card.device.tainted || (card.takers === 0 && lacksCounters(card, counters));
    }
    this.#onChange(node);
  }

  #countOn(node: string, { card, mebibytes, compute = 0 }: Take, sign: 1 | -1): void {
    const before = card.takers;
    card.takers += sign;
    card.takenMebibytes += sign * mebibytes;
    if (compute > 0) {
      card.takenCompute += sign * compute;
      card.blocked = card.device.tainted || lacksCompute(card);
    }
    if ((before === 0) === (card.takers === 0)) return;
    const counters = this.#nodes.get(node)?.counters;
    for (const name in card.device.counters) {
      const counter = counters?.get(name);
      if (counter !== undefined) counter.used += sign * (card.device.counters[name] ?? 0);
    }
  }

  #countClaim(claim: ClaimFacts, sign: 1 | -1): void {
    for (const { deviceID: id } of claim.holds) {
      const claims = this.#claimsByDevice.get(id) ?? new Set();
      if (sign === 1) claims.add(claim.uid);
      else claims.delete(claim.uid);
      if (claims.size === 0) this.#claimsByDevice.delete(id);
      else this.#claimsByDevice.set(id, claims);
    }
    for (const id of new Set(claim.holds.map((held) => held.deviceID))) {
      const node = this.#countClaimOn(id, claim.uid, sign);
      if (node !== undefined) this.#changed(node);
    }
  }

  /** A claim may hold several shares of one card. */
  #countClaimOn(id: string, uid: string, sign: 1 | -1): string | undefined {
    const known = this.#cards.get(id);
    if (known === undefined) return undefined;
    for (const held of this.#claims.get(uid)?.holds ?? []) {
      if (held.deviceID !== id) continue;
      this.#countOn(known.node, takeOf(held, known.card), sign);
    }
    return known.node;
  }

  #noteClaimOfRun(claim: ClaimFacts, holds: readonly HeldDevice[]): void {
    if (claim.run === undefined) return;
    const run = this.#runOf(claim.run);
    if (holds.length === 0) run.claimed.delete(claim.podUID);
    else run.claimed.set(claim.podUID, holds);
    this.#settle(claim.run);
  }

  #runOf(name: string): ReservedRun {
    let run = this.#runs.get(name);
    if (run === undefined) {
      run = { reservation: undefined, claimed: new Map(), finished: new Map(), held: [], heldFor: '' };
      this.#runs.set(name, run);
    }
    return run;
  }

  #withdraw(name: string): void {
    const run = this.#runs.get(name);
    if (run === undefined || run.held.length === 0) return;
    const { held } = run;
    run.held = [];
    run.heldFor = '';
    this.count(held, -1);
  }

  /** Brings what the reservation holds in line with the claims allocated by now; forgets a run nobody speaks of any more. */
  #settle(name: string): void {
    const run = this.#runs.get(name);
    if (run === undefined) return;
    const wanted = run.reservation === undefined ? [] : this.#outstanding(run, run.reservation);
    const heldFor = wanted.length === 0 ? '' : JSON.stringify(wanted);
    if (heldFor !== run.heldFor) {
      this.#withdraw(name);
      run.held = wanted.flatMap((outstanding) => this.#takesFor(run, outstanding));
      run.heldFor = heldFor;
      this.count(run.held, 1);
    }
    if (run.reservation === undefined && run.claimed.size === 0 && run.finished.size === 0) this.#runs.delete(name);
  }

  /** The cards of workers that hold none by a claim yet. */
  #outstanding(run: ReservedRun, { placement }: Reservation): Outstanding[] {
    const { workers, claim } = placement;
    const gpus = claim?.gpus ?? 1;
    const finished = [...run.finished].filter(([pod]) => !run.claimed.has(pod));
    const reserved = workers.reduce((sum, { count }) => sum + count, 0);
    if (run.claimed.size + finished.length >= reserved) return [];
    return workers.flatMap(({ node, count, cards }) => {
      const left = [...(cards ?? Array.from({ length: count * gpus }, () => ''))];
      for (const holds of run.claimed.values()) {
        const known = holds.map((held) => this.#cards.get(held.deviceID));
        if (!known.some((card) => card?.node === node)) continue;
        for (const card of known) remove(left, card?.card.device.identity);
      }
      for (const [, on] of finished) if (on === node) left.splice(Math.max(0, left.length - gpus));
      return left.length > 0 ? [{ node, identities: left }] : [];
    });
  }

  #takesFor({ reservation }: ReservedRun, { node, identities }: Outstanding): Take[] {
    const state = this.#nodes.get(node) ?? noNode;
    const mebibytes = reservation?.placement.claim?.mebibytes ?? 0;
    const { resourceName, product } = reservation?.placement ?? {};
    const chosen = new Set<CardState>();
    return identities.flatMap((identity) => {
      const alike = (identity === '' ? state.cards : (state.byIdentity.get(identity) ?? [])).filter(
        ({ device: { pool } }) => pool.resourceName === resourceName && pool.product === product,
      );
      const free = alike.find((card) => card.takers === 0 && !chosen.has(card));
      const card = free ?? (identity === '' ? undefined : alike[0]);
      if (card !== undefined) chosen.add(card);
      return card === undefined ? [] : [{ card, mebibytes }];
    });
  }
}

type Counters = NodeState['counters'];

function lacksCounters({ device }: CardState, counters: Counters): boolean {
  return Object.entries(device.counters).some(([name, needed]) => {
    const counter = counters.get(name);
    return counter !== undefined && counter.used + needed > counter.total;
  });
}

/** One entry; where that card isn't among them another one, as the worker has had its share. */
function remove(identities: string[], identity: string | undefined): void {
  const at = identity === undefined ? -1 : identities.indexOf(identity);
  if (identities.length > 0) identities.splice(at < 0 ? identities.length - 1 : at, 1);
}

function takeOf(held: HeldDevice, card: CardState): Take {
  const compute = held.consumed[card.device.pool.devices?.compute?.name ?? ''] ?? 0;
  return { card, mebibytes: heldMebibytes(held, card), ...(compute > 0 ? { compute } : {}) };
}

/** Cards that say so have no counters in common with others. */
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
