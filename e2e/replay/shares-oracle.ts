// Judges a cluster at rest whose cards are held by claims, from the API server's objects alone: who could still be placed, and
// which card has promised more than it has. It shares no code with the operator or with the replay.
import type { KubernetesObject } from '../../hack/api/client.ts';
import { type Claim, mebibytes as sizeOf } from '../dra/claim-account.ts';
import {
  asked,
  type GPUJobObject,
  isEnough,
  isRightCard,
  mebibytes,
  minus,
  roomLeft,
  type State,
  waiting,
} from './oracle.ts';

export interface SliceObject extends KubernetesObject {
  spec: { nodeName: string; devices: { name: string; capacity: { memory: { value: string } } }[] };
}

export interface SharesState extends State {
  readonly slices: readonly SliceObject[];
  readonly claims: readonly Claim[];
}

interface Card {
  readonly name: string;
  readonly node: string;
  readonly size: number;
  /** Of its memory, in MiB; below 0: promised twice. */
  left: number;
}

function cardsOf({ slices, claims }: SharesState): Card[] {
  const cards = new Map<string, Card>();
  for (const { spec } of slices) {
    for (const { name: device, capacity } of spec.devices) {
      const name = `${spec.nodeName}/${device}`;
      const size = sizeOf(capacity.memory.value);
      cards.set(name, { name, node: spec.nodeName, size, left: size });
    }
  }
  for (const { pool, device, consumedCapacity } of claims.flatMap(
    ({ status }) => status?.allocation?.devices.results ?? [],
  )) {
    const card = cards.get(`${pool}/${device}`);
    if (card !== undefined) card.left -= sizeOf(consumedCapacity?.['memory'] ?? `${card.size}Mi`);
  }
  return [...cards.values()];
}

export function overdrawn(state: SharesState): string[] {
  return cardsOf(state).flatMap(({ name, left }) => (left < 0 ? [name] : []));
}

/** A share goes beside others on one card; who wants cards whole gets those that nobody holds anything of. */
function hasCards({ spec }: GPUJobObject, cards: readonly Card[]): boolean {
  const { isolation = 'Exclusive', gpus = 1, requiredVRAM } = spec;
  const need = mebibytes(requiredVRAM);
  const isUsable = ({ left, size }: Card): boolean => left >= need && (isolation === 'Shared' || left === size);
  return cards.filter(isUsable).length >= gpus;
}

export interface WaitsInVain {
  readonly gpujob: GPUJobObject;
  /** Each of them has room for it at this moment. */
  readonly nodes: readonly string[];
}

export function waitsInVain(state: SharesState): WaitsInVain[] {
  const left = roomLeft(state);
  const cards = Map.groupBy(cardsOf(state), ({ node }) => node);
  return waiting(state).flatMap((gpujob) => {
    const wanted = asked(gpujob.spec.template.spec.containers);
    const nodes = state.nodes.filter((node) => {
      const { name } = node.metadata;
      const room = left.get(name);
      const isRoom = room !== undefined && isEnough(minus(room, wanted));
      return isRoom && isRightCard(gpujob, node) && hasCards(gpujob, cards.get(name) ?? []);
    });
    return nodes.length === 0 ? [] : [{ gpujob, nodes: nodes.map(({ metadata }) => metadata.name) }];
  });
}
