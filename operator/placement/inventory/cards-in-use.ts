// Who holds how much of which card, where cards are published one by one: the allocated claims of everybody, and reservations
// for workers whose claims aren't allocated yet. What HAMi gives a Pod counts as a claim. It counts; what a job may use is not
// its business.
import type { ClaimFacts, NodeDevices, PodFacts, Reservation } from '../model.ts';
import { blockCards, type CardState, countOn, type NodeState, nodeState, type Take, takeOf } from './card-state.ts';
import { byKeeping, cardsFor, type Kept, outstandingCards } from './kept-cards.ts';

export type { CardState, Take } from './card-state.ts';

interface Run {
  reservation: Reservation | undefined;
  /** By uid: the allocated claims of its Pods. */
  readonly claims: Map<string, ClaimFacts>;
  /** Finished Pods, which need no card any more, by the node they were on. */
  readonly finished: Map<string, string>;
}

const noNode = nodeState({ devices: [], counters: {} });
const nobody: ReadonlyMap<string, Kept> = new Map();
const nothing: readonly string[] = [];

/** Kept up to date with each change; `onChange` hears of every node whose cards moved, once all is counted. */
export class CardsInUse {
  readonly #onChange: (node: string) => void;
  readonly #nodes = new Map<string, NodeState>();
  readonly #cards = new Map<string, { readonly card: CardState; readonly node: string }>();
  readonly #claims = new Map<string, ClaimFacts>();
  /** By device, published or not: a claim may be seen before the slice. */
  readonly #claimsByDevice = new Map<string, Set<string>>();
  readonly #runs = new Map<string, Run>();
  /** What reservations keep, by node and run. */
  readonly #kept = new Map<string, Map<string, Kept>>();
  readonly #pods = new Map<string, PodFacts>();

  constructor(onChange: (node: string) => void) {
    this.#onChange = onChange;
  }

  cardsOf(node: string): readonly CardState[] {
    return (this.#nodes.get(node) ?? noNode).cards;
  }

  setDevices(node: string, published: NodeDevices): void {
    // A machine may have joined again under another name, with the cards that it had.
    for (const { device } of this.cardsOf(node)) {
      if (this.#cards.get(device.id)?.node === node) this.#cards.delete(device.id);
    }
    const state = nodeState(published);
    this.#nodes.set(node, state);
    if (state.cards.length === 0) this.#nodes.delete(node);
    for (const card of state.cards) {
      this.#cards.set(card.device.id, { card, node });
      for (const uid of this.#claimsByDevice.get(card.device.id) ?? []) this.#countClaimOn(card.device.id, uid, 1);
    }
    const kept = this.#kept.get(node) ?? nobody;
    for (const each of kept.values()) each.takes = [];
    this.#layOut([node, ...[...kept.keys()].flatMap((run) => this.#settle(run))]);
  }

  setClaim(claim: ClaimFacts): void {
    const before = this.#dropClaim(claim.uid);
    this.#claims.set(claim.uid, claim);
    const nodes = this.#countClaim(claim, 1);
    const name = claim.run;
    if (name !== undefined && claim.holds.length > 0) this.#runOf(name).claims.set(claim.uid, claim);
    this.#layOut([...before.nodes, ...nodes, ...this.#settle(before.run), ...this.#settle(name)]);
  }

  removeClaim(uid: string): void {
    const { nodes, run } = this.#dropClaim(uid);
    this.#layOut([...nodes, ...this.#settle(run)]);
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
    this.#layOut(this.#settle(pod.run));
  }

  removePod(uid: string): void {
    const name = this.#pods.get(uid)?.run;
    this.#pods.delete(uid);
    if (name === undefined) return;
    this.#runs.get(name)?.finished.delete(uid);
    this.#layOut(this.#settle(name));
  }

  setReservation(reservation: Reservation): void {
    const { run: name, placement } = reservation;
    const before = this.#dropReservation(name);
    if (placement.claim !== undefined) {
      this.#runOf(name).reservation = reservation;
      for (const { node } of placement.workers) {
        const kept = this.#kept.get(node) ?? new Map<string, Kept>();
        this.#kept.set(node, kept.set(name, { placement, identities: nothing, takes: [] }));
      }
    }
    this.#layOut([...before, ...this.#settle(name)]);
  }

  removeReservation(name: string): void {
    this.#layOut([...this.#dropReservation(name), ...this.#settle(name)]);
  }

  /** What a run holds of a node's cards: by its allocated claims, and reserved for those that aren't. */
  heldBy(name: string, node: string): Take[] {
    const claimed = [...(this.#runs.get(name)?.claims.values() ?? [])].flatMap(({ holds }) =>
      holds.flatMap((held) => {
        const known = this.#cards.get(held.deviceID);
        return known?.node === node ? [takeOf(held, known.card)] : [];
      }),
    );
    return [...claimed, ...(this.#kept.get(node)?.get(name)?.takes ?? [])];
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
    blockCards(this.#nodes.get(node) ?? noNode);
    this.#onChange(node);
  }

  #countOn(node: string, take: Take, sign: 1 | -1): void {
    countOn(this.#nodes.get(node) ?? noNode, take, sign);
  }

  /** Returns the nodes of its cards. */
  #countClaim(claim: ClaimFacts, sign: 1 | -1): string[] {
    const ids = new Set(claim.holds.map((held) => held.deviceID));
    for (const id of ids) {
      const claims = this.#claimsByDevice.get(id) ?? new Set();
      if (sign === 1) claims.add(claim.uid);
      else claims.delete(claim.uid);
      if (claims.size === 0) this.#claimsByDevice.delete(id);
      else this.#claimsByDevice.set(id, claims);
    }
    return [...ids].flatMap((id) => this.#countClaimOn(id, claim.uid, sign) ?? []);
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

  #dropClaim(uid: string): { nodes: readonly string[]; run: string | undefined } {
    const claim = this.#claims.get(uid);
    if (claim === undefined) return { nodes: [], run: undefined };
    const nodes = this.#countClaim(claim, -1);
    this.#claims.delete(uid);
    const run = claim.run;
    if (run !== undefined) this.#runs.get(run)?.claims.delete(uid);
    return { nodes, run };
  }

  /** Returns its nodes. */
  #dropReservation(name: string): string[] {
    const run = this.#runs.get(name);
    const nodes = run?.reservation?.placement.workers.map(({ node }) => node) ?? [];
    if (run !== undefined) run.reservation = undefined;
    for (const node of nodes) {
      const kept = this.#kept.get(node);
      for (const take of kept?.get(name)?.takes ?? []) this.#countOn(node, take, -1);
      kept?.delete(name);
      if (kept?.size === 0) this.#kept.delete(node);
    }
    return nodes;
  }

  #runOf(name: string): Run {
    let run = this.#runs.get(name);
    if (run === undefined) {
      run = { reservation: undefined, claims: new Map(), finished: new Map() };
      this.#runs.set(name, run);
    }
    return run;
  }

  /**
   * Brings what a run's reservation waits for in line with the claims allocated by now, and returns the nodes where that is
   * something else than before; forgets a run nobody speaks of any more.
   */
  #settle(name: string | undefined): string[] {
    const run = name === undefined ? undefined : this.#runs.get(name);
    if (name === undefined || run === undefined) return [];
    const changed: string[] = [];
    for (const [node, identities] of this.#outstanding(run)) {
      const kept = this.#kept.get(node)?.get(name);
      if (kept === undefined || sameNames(kept.identities, identities)) continue;
      kept.identities = identities;
      changed.push(node);
    }
    if (run.reservation === undefined && run.claims.size === 0 && run.finished.size === 0) this.#runs.delete(name);
    return changed;
  }

  #outstanding({ reservation, claims, finished }: Run): ReadonlyMap<string, readonly string[]> {
    if (reservation === undefined) return new Map();
    return outstandingCards(reservation.placement, [...claims.values()], finished, (id) => {
      const known = this.#cards.get(id);
      return known === undefined ? undefined : { node: known.node, identity: known.card.device.identity };
    });
  }

  /** Counts anew what is kept on nodes, whatever was seen first. */
  #layOut(nodes: readonly string[]): void {
    for (const node of new Set(nodes)) {
      const state = this.#nodes.get(node) ?? noNode;
      const kept = [...(this.#kept.get(node) ?? nobody)].sort(byKeeping);
      for (const [, { takes }] of kept) for (const take of takes) this.#countOn(node, take, -1);
      for (const [, each] of kept) each.takes = this.#take(node, state, each);
      this.#changed(node);
    }
  }

  #take(node: string, state: NodeState, { placement, identities }: Kept): Take[] {
    const { gpus = 1, mebibytes = 0 } = placement.claim ?? {};
    const takes: Take[] = [];
    // Card by card where they are named, else worker by worker: his are different ones.
    const step = identities[0] === '' ? gpus : 1;
    for (let index = 0; index < identities.length; index += step) {
      blockCards(state);
      for (const card of cardsFor(placement, identities[index] ?? '', state)) {
        this.#countOn(node, { card, mebibytes }, 1);
        takes.push({ card, mebibytes });
      }
    }
    return takes;
  }
}

function sameNames(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, index) => name === other[index]);
}
