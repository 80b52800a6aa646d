// Random things that an inventory is told of three nodes: what there is, who has what, and that it is gone. Not for the operator.
import fc from 'fast-check';
import type { Inventory } from '../inventory/inventory.ts';
import type { CardDevice, ClaimFacts, Placement, PodFacts, Reservation, Workload } from '../model.ts';
import { reservationFor } from '../queue/planner.ts';
import { cardJobArbitrary, cardJobFrom, cardNodeArbitrary, cardNodeFrom } from './arbitraries.ts';
import { podOn } from './builders.ts';

const small = fc.nat(2);
const runArbitrary = fc.option(small);
/** One of a node's devices; which there are depends on what the node publishes. */
const deviceArbitrary = fc.record({ node: small, card: fc.nat(3), slice: fc.constantFrom('', '', '-1g-0', '-2g-1') });

/** `gone` takes back what was told of the same. */
export const factArbitrary = fc.record({
  gone: fc.integer({ min: 0, max: 3 }).map((digit) => digit === 0),
  what: fc.oneof(
    fc.record({ kind: fc.constant('node' as const), index: small, sketch: cardNodeArbitrary }),
    fc.record({ kind: fc.constant('devices' as const), index: small, sketch: cardNodeArbitrary }),
    fc.record({
      kind: fc.constant('claim' as const),
      index: fc.nat(5),
      run: runArbitrary,
      pod: fc.nat(4),
      holds: fc.array(fc.record({ device: deviceArbitrary, gibibytes: fc.option(fc.nat(20)) }), { maxLength: 2 }),
    }),
    fc.record({
      kind: fc.constant('pod' as const),
      index: fc.nat(4),
      node: fc.option(small),
      run: runArbitrary,
      cards: fc.constantFrom(0, 0, 1),
      terminal: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant('reservation' as const),
      index: small,
      sketch: cardJobArbitrary,
      nodes: fc.uniqueArray(small, { minLength: 1 }),
      count: fc.integer({ min: 1, max: 3 }),
      like: cardNodeArbitrary,
      cards: fc.array(deviceArbitrary, { minLength: 6, maxLength: 6 }),
    }),
  ),
});
export type Fact = typeof factArbitrary extends fc.Arbitrary<infer T> ? T : never;
type FactOf<Kind> = Extract<Fact['what'], { readonly kind: Kind }>;

/** A fact in an inventory's terms. */
export interface Told {
  /** What it is about. */
  readonly key: string;
  readonly tell: (inventory: Inventory) => void;
  readonly takeBack: (inventory: Inventory) => void;
}

export function toldBy({ what }: Fact): Told {
  const { key, tell, takeBack } = toldOf(what);
  return { key: `${what.kind} ${key}`, tell, takeBack };
}

function toldOf(what: Fact['what']): Told {
  if (what.kind === 'node' || what.kind === 'devices') return nodeTold(what);
  if (what.kind === 'claim') {
    const claim = claimFrom(what);
    return told(
      claim.uid,
      (inventory) => {
        inventory.setClaim(claim);
      },
      (inventory) => {
        inventory.removeClaim(claim.uid);
      },
    );
  }
  if (what.kind === 'pod') {
    const pod = podFrom(what);
    return told(
      pod.uid,
      (inventory) => {
        inventory.setPod(pod);
      },
      (inventory) => {
        inventory.removePod(pod.uid);
      },
    );
  }
  const reservation = reservationFrom(what);
  return told(
    reservation.run,
    (inventory) => {
      inventory.setReservation(reservation);
    },
    (inventory) => {
      inventory.removeReservation(reservation.run);
    },
  );
}

function told(key: string, tell: Told['tell'], takeBack: Told['takeBack']): Told {
  return { key, tell, takeBack };
}

function nodeTold({ kind, sketch, index }: FactOf<'node'> | FactOf<'devices'>): Told {
  const { facts, devices } = cardNodeFrom(sketch, index);
  return told(
    facts.name,
    (inventory) => {
      if (kind === 'node') inventory.setNode(facts);
      else inventory.setDevices(facts.name, devices);
    },
    (inventory) => {
      if (kind === 'node') inventory.removeNode(facts.name);
      else inventory.setDevices(facts.name, { devices: [], counters: {} });
    },
  );
}

function claimFrom({ index, run, pod, holds }: FactOf<'claim'>): ClaimFacts {
  return {
    uid: `c${index}`,
    podUID: `w${pod}`,
    ...(run === null ? {} : { run: `u${run}/1` }),
    holds: holds.map(({ device: { node, card, slice }, gibibytes }) => ({
      deviceID: `gpu.nvidia.com/n${node}/gpu-${card}${slice}`,
      consumed: gibibytes === null ? {} : { memory: gibibytes * 2 ** 30 + 1 },
    })),
  };
}

function podFrom({ index, node, run, cards, terminal }: FactOf<'pod'>): PodFacts {
  const pod = podOn(node === null ? '' : `n${node}`, `w${index}`, cards, { terminal });
  return run === null ? pod : { ...pod, run: `u${run}/1` };
}

/** Named after devices that may be there or not, or without names. */
function reservationFrom({ index, sketch, nodes, count, like, cards }: FactOf<'reservation'>): Reservation {
  const workload = cardJobFrom(sketch, `u${index}`);
  const { devices } = cardNodeFrom(like, 0).devices;
  const device = devices[index % Math.max(1, devices.length)];
  const slice = /-\dg-\d$/.exec(device?.id ?? '')?.[0] ?? '';
  const named = (node: number): string[] =>
    cards
      .slice(0, count * workload.gpus)
      .map(({ card }) => `${slice === '' ? '' : 'MIG-'}GPU-n${node}-${card}${slice}`);
  const workers = nodes.map((node) => ({
    node: `n${node}`,
    count,
    ...(sketch.isAnonymous ? {} : { cards: named(node) }),
  }));
  return reservationFor(workload, {
    ...(device === undefined ? onUnits : onDevice(workload, device)),
    workers,
    policyVersion: 1,
    decisionID: '',
  });
}

type Way = Pick<Placement, 'resourceName' | 'product' | 'cardVRAMMebibytes' | 'backend' | 'claim'>;

const onUnits: Way = { resourceName: 'nvidia.com/gpu', product: '', cardVRAMMebibytes: 0, backend: 'DevicePlugin' };

function onDevice({ gpus, vramMebibytes }: Workload, { pool }: CardDevice): Way {
  const { resourceName, product, vram, devices } = pool;
  const whole = vram.known ? vram.mebibytes : 0;
  const { driver = '', identityAttribute = '', match = {}, shares } = devices ?? {};
  const mebibytes = shares === undefined ? whole : Math.min(whole, vramMebibytes);
  return {
    ...{ resourceName, product, cardVRAMMebibytes: whole, backend: 'DRA' },
    claim: { driver, gpus, identityAttribute, match, requests: {}, mebibytes },
  };
}
