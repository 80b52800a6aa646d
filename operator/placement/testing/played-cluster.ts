// A cluster that is played over several rounds: claims, Pods and slices come and go in any order, and what is promised of each card
// is kept in a book of its own, beside the inventory. Not for the operator.
import fc from 'fast-check';
import { Inventory } from '../inventory/inventory.ts';
import type { CardDevice, ClaimFacts, Placement, PodFacts, Workload } from '../model.ts';
import { reservationFor } from '../queue/planner.ts';
import { type CardNode, cardNodeFrom, type CardNodeSketch, publish } from './arbitraries.ts';
import { podOn } from './builders.ts';

const bytesPerMebibyte = 2 ** 20;

export interface Worker {
  readonly pod: string;
  readonly node: string;
  stage: 'Waiting' | 'Bound' | 'Finished';
  claim: ClaimFacts | undefined;
  hadClaim: boolean;
}

export interface Run {
  readonly name: string;
  readonly workload: Workload;
  readonly placement: Placement;
  readonly isAnonymous: boolean;
  readonly workers: readonly Worker[];
  hasEnded: boolean;
}

export interface Taker {
  readonly mebibytes: number;
  readonly run: Run | undefined;
}

/** What happens between two plans; `pick` chooses among those to whom it can happen. */
export const moveArbitrary = fc.record({
  does: fc.constantFrom(
    ...(['allocate', 'allocate', 'allocate', 'bind', 'bind', 'finish', 'forgetClaim', 'end'] as const),
    ...(['claim', 'claim', 'unclaim', 'startPod', 'stopPod', 'republish'] as const),
  ),
  pick: fc.nat(9_999),
});
export type Move = typeof moveArbitrary extends fc.Arbitrary<infer T> ? T : never;

/** A cluster with a scheduler that knows of claims and Pods, as the real one does, and of no reservation but a run's own. */
export class PlayedCluster {
  readonly inventory = new Inventory();
  readonly runs: Run[] = [];
  readonly #sketches: readonly CardNodeSketch[];
  readonly #nodes: ReadonlyMap<string, CardNode>;
  readonly #strangers = new Map<string, ClaimFacts>();
  readonly #pods = new Map<string, PodFacts>();
  #made = 0;

  constructor(sketches: readonly CardNodeSketch[]) {
    this.#sketches = sketches;
    this.#nodes = new Map(sketches.map((sketch, index) => [`n${index}`, cardNodeFrom(sketch, index)]));
    for (const node of this.#nodes.values()) publish(this.inventory, node);
  }

  get nodeNames(): string[] {
    return [...this.#nodes.keys()];
  }

  devicesOf(node: string): readonly CardDevice[] {
    return this.#nodes.get(node)?.devices.devices ?? [];
  }

  unitsOf(node: string): number {
    return Number(this.#nodes.get(node)?.facts.allocatable['nvidia.com/gpu'] ?? 0);
  }

  start(workload: Workload, placement: Placement, isAnonymous: boolean): Run {
    const name = `${workload.uid}/1`;
    const workers = placement.workers.flatMap(({ node, count }) =>
      Array.from({ length: count }, (): Worker => {
        this.#made += 1;
        return { pod: `w${this.#made}`, node, stage: 'Waiting', claim: undefined, hadClaim: false };
      }),
    );
    const run = { name, workload, placement, isAnonymous, workers, hasEnded: false };
    this.runs.push(run);
    return run;
  }

  reserve({ workload, placement, isAnonymous }: Run): void {
    const workers = isAnonymous ? placement.workers.map(({ node, count }) => ({ node, count })) : placement.workers;
    this.inventory.setReservation(reservationFor(workload, { ...placement, workers }));
  }

  play({ does, pick }: Move): void {
    this.#moves[does](pick);
  }

  readonly #moves: Readonly<Record<Move['does'], (pick: number) => void>> = {
    allocate: (pick) => {
      const chosen = pickOf(
        this.#workersWhere(
          ({ stage, hadClaim }, run) => isByClaim(run) && !run.hasEnded && !hadClaim && stage !== 'Finished',
        ),
        pick,
      );
      if (chosen !== undefined) this.#allocate(chosen.run, chosen.worker, pick);
    },
    bind: (pick) => {
      const chosen = pickOf(
        this.#workersWhere(({ stage }, run) => !run.hasEnded && stage === 'Waiting'),
        pick,
      );
      if (chosen !== undefined) this.#setStage(chosen.run, chosen.worker, 'Bound');
    },
    finish: (pick) => {
      const chosen = pickOf(
        this.#workersWhere(({ stage }, run) => !run.hasEnded && stage === 'Bound'),
        pick,
      );
      if (chosen !== undefined) this.#setStage(chosen.run, chosen.worker, 'Finished');
    },
    forgetClaim: (pick) => {
      const chosen = pickOf(
        this.#workersWhere(({ stage, claim }, run) => claim !== undefined && (run.hasEnded || stage === 'Finished')),
        pick,
      );
      if (chosen?.worker.claim === undefined) return;
      this.inventory.removeClaim(chosen.worker.claim.uid);
      chosen.worker.claim = undefined;
    },
    end: (pick) => {
      const run = pickOf(
        this.runs.filter(({ hasEnded }) => !hasEnded),
        pick,
      );
      if (run === undefined) return;
      run.hasEnded = true;
      this.inventory.removeReservation(run.name);
      for (const { pod } of run.workers) this.inventory.removePod(pod);
    },
    claim: (pick) => {
      this.#claim(pick);
    },
    unclaim: (pick) => {
      const uid = pickOf([...this.#strangers.keys()], pick);
      if (uid === undefined) return;
      this.#strangers.delete(uid);
      this.inventory.removeClaim(uid);
    },
    startPod: (pick) => {
      const node = pickOf(
        this.nodeNames.filter((name) => this.#podsOn(name) < this.unitsOf(name)),
        pick,
      );
      if (node === undefined) return;
      this.#made += 1;
      const pod = podOn(node, `p${this.#made}`, 1);
      this.#pods.set(pod.uid, pod);
      this.inventory.setPod(pod);
    },
    stopPod: (pick) => {
      const uid = pickOf([...this.#pods.keys()], pick);
      if (uid === undefined) return;
      this.#pods.delete(uid);
      this.inventory.removePod(uid);
    },
    republish: (pick) => {
      const index = pick % this.#sketches.length;
      const sketch = this.#sketches[index];
      if (sketch === undefined) return;
      const node = cardNodeFrom(sketch, index);
      // A driver that starts again takes its slices away, and brings them back one by one.
      const { devices, counters } = node.devices;
      this.inventory.setDevices(node.facts.name, { devices: pick % 2 === 0 ? [] : devices.slice(1), counters });
      publish(this.inventory, node);
    },
  };

  #workersWhere(holds: (worker: Worker, run: Run) => boolean): { worker: Worker; run: Run }[] {
    return this.runs.flatMap((run) =>
      run.workers.filter((worker) => holds(worker, run)).map((worker) => ({ worker, run })),
    );
  }

  #setStage(run: Run, worker: Worker, stage: Worker['stage']): void {
    worker.stage = stage;
    const { requests, ...pod } = podOn(worker.node, worker.pod, isByClaim(run) ? 0 : run.workload.gpus, {
      run: run.name,
      terminal: stage === 'Finished',
    });
    this.inventory.setPod({ ...pod, requests: { ...run.workload.perWorker, ...requests } });
  }

  /** Any of the run's cards that have room, and not only those that were meant for this worker. */
  #allocate(run: Run, worker: Worker, pick: number): void {
    const { placement, workload } = run;
    const named = placement.workers.find(({ node }) => node === worker.node)?.cards ?? [];
    const fitting = rotated(this.devicesOf(worker.node), pick).filter((device) => {
      if (!isOfKind(device, placement) || device.tainted) return false;
      if (!run.isAnonymous && !named.includes(device.identity)) return false;
      const others = this.takersOf(device).filter((taker) => taker.run !== run || run.isAnonymous);
      const own = run.isAnonymous ? [] : this.#claimsOn(device).filter((taker) => taker.run === run);
      const taken = sum([...others, ...own].map(({ mebibytes }) => mebibytes)) + (placement.claim?.mebibytes ?? 0);
      return taken <= sizeOf(device) && others.length + own.length < device.slots && this.#hasCounters(device);
    });
    const chosen = fitting.slice(0, workload.gpus);
    if (chosen.length < workload.gpus) return;
    const isShare = (device: CardDevice): boolean => device.pool.devices?.shares !== undefined;
    const memory = (placement.claim?.mebibytes ?? 0) * bytesPerMebibyte;
    const holds = chosen.map((device) => ({ deviceID: device.id, consumed: isShare(device) ? { memory } : {} }));
    worker.claim = { uid: `claim-${worker.pod}`, run: run.name, podUID: worker.pod, holds };
    worker.hadClaim = true;
    this.inventory.setClaim(worker.claim);
  }

  /** By a stranger, who keeps away only from where somebody may have any card. */
  #claim(pick: number): void {
    const devices = this.nodeNames
      .filter((node) => this.anonymousOn(node) === 0)
      .flatMap((node) => this.devicesOf(node));
    const device = pickOf(devices, pick);
    if (device === undefined || device.tainted || !this.#hasCounters(device)) return;
    const claims = this.#claimsOn(device);
    const free = sizeOf(device) - sum(claims.map(({ mebibytes }) => mebibytes));
    if (claims.length >= device.slots || free <= 0) return;
    const isWhole = device.pool.devices?.shares === undefined || (pick % 5 === 0 && claims.length === 0);
    const memory = Math.min(free, (1 + (pick % 4)) * 6_000) * bytesPerMebibyte - (pick % 3);
    this.#made += 1;
    const holds = [{ deviceID: device.id, consumed: isWhole ? {} : { memory } }];
    const claim = { uid: `s${this.#made}`, podUID: '', holds };
    this.#strangers.set(claim.uid, claim);
    this.inventory.setClaim(claim);
  }

  /** Of what devices share, with all that claims and promises have of it. */
  #hasCounters(device: CardDevice): boolean {
    if (this.takersOf(device).length > 0) return true;
    return Object.entries(device.counters).every(
      ([name, needed]) => this.counted(device, name) + needed <= this.#totalOf(device, name),
    );
  }

  #totalOf(device: CardDevice, counter: string): number {
    return this.#nodes.get(this.#nodeOf(device))?.devices.counters[counter] ?? 0;
  }

  #nodeOf({ id }: CardDevice): string {
    return this.nodeNames.find((node) => id.includes(`/${node}/`)) ?? '';
  }

  /** Of one counter, what all devices in use take of it. */
  counted(device: CardDevice, counter: string): number {
    const inUse = this.devicesOf(this.#nodeOf(device)).filter((other) => this.takersOf(other).length > 0);
    return sum(inUse.map(({ counters }) => counters[counter] ?? 0));
  }

  lacksCounters(device: CardDevice): boolean {
    return Object.keys(device.counters).some((name) => this.counted(device, name) > this.#totalOf(device, name));
  }

  #claimsOn({ id, pool }: CardDevice): Taker[] {
    const own = this.runs.flatMap((run) => run.workers.map(({ claim }) => ({ claim, run })));
    const claims = [...own, ...[...this.#strangers.values()].map((claim) => ({ claim, run: undefined }))];
    return claims.flatMap(({ claim, run }) =>
      (claim?.holds ?? [])
        .filter(({ deviceID }) => deviceID === id)
        .map(({ consumed }) => {
          const bytes = consumed[pool.devices?.memory ?? ''];
          const whole = pool.vram.known ? pool.vram.mebibytes : 0;
          return { mebibytes: bytes === undefined ? whole : Math.ceil(bytes / bytesPerMebibyte), run };
        }),
    );
  }

  /** Everybody's claims on a card, and the promises that name it. */
  takersOf(device: CardDevice): Taker[] {
    const node = this.#nodeOf(device);
    const promises = this.runs.flatMap((run) =>
      !run.isAnonymous && isOfKind(device, run.placement)
        ? this.#promisedOn(run, node)
            .filter((identity) => identity === device.identity)
            .map(() => ({ mebibytes: run.placement.claim?.mebibytes ?? 0, run }))
        : [],
    );
    return [...this.#claimsOn(device), ...promises];
  }

  /** The first of a run's cards that no claim of it holds, for as many workers as still wait for one. */
  #promisedOn(run: Run, node: string): string[] {
    const left = [...(run.placement.workers.find((placed) => placed.node === node)?.cards ?? [])];
    for (const worker of run.workers) {
      for (const { deviceID } of worker.node === node ? (worker.claim?.holds ?? []) : []) {
        const identity = this.devicesOf(node).find(({ id }) => id === deviceID)?.identity ?? '';
        if (left.includes(identity)) left.splice(left.indexOf(identity), 1);
      }
    }
    return left.slice(0, this.#waitingOn(run, node) * run.workload.gpus);
  }

  #waitingOn(run: Run, node: string): number {
    if (run.hasEnded || !isByClaim(run)) return 0;
    return run.workers.filter(
      (worker) => worker.node === node && worker.claim === undefined && worker.stage !== 'Finished',
    ).length;
  }

  /** Cards promised there without a name. */
  anonymousOn(node: string): number {
    return sum(this.runs.filter((run) => run.isAnonymous).map((run) => this.#waitingOn(run, node) * run.workload.gpus));
  }

  #podsOn(node: string): number {
    return [...this.#pods.values()].filter(({ nodeName }) => nodeName === node).length;
  }

  /** Units of the device plugin promised or in use. */
  unitsTakenOn(node: string): number {
    const runs = this.runs.filter((run) => !isByClaim(run) && !run.hasEnded);
    const own = runs.map(
      ({ workers, workload }) =>
        workers.filter((worker) => worker.node === node && worker.stage !== 'Finished').length * workload.gpus,
    );
    return this.#podsOn(node) + sum(own);
  }
}

export const isByClaim = ({ placement }: Run): boolean => placement.backend === 'DRA';
export const sizeOf = ({ pool }: CardDevice): number => (pool.vram.known ? pool.vram.mebibytes : 0);
export const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
const pickOf = <T>(all: readonly T[], pick: number): T | undefined => all[pick % Math.max(1, all.length)];
const rotated = <T>(all: readonly T[], by: number): T[] => {
  const at = by % Math.max(1, all.length);
  return [...all.slice(at), ...all.slice(0, at)];
};
export const isOfKind = ({ pool }: CardDevice, { resourceName, product }: Placement): boolean =>
  pool.resourceName === resourceName && pool.product === product;
