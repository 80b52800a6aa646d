// Who held which cards at every single moment: the changes of Pods and Jobs, put in the API server's own order by their
// resourceVersion (one sequence for all of etcd), and counted through from the start. It doesn't ask the operator. An API
// server that was restarted has forgotten what came between: nobody is accused on what might have been then.
import { onTestFinished } from 'vitest';
import type { Api, KubernetesObject } from '../../hack/api/client.ts';
import { follow } from '../../hack/api/follow.ts';
import { jobsOf } from './jobs.ts';

interface Pod extends KubernetesObject {
  spec: { nodeName?: string; containers: { resources?: { limits?: Record<string, string> } }[] };
  status: { phase?: string };
}

interface Job extends KubernetesObject {
  status: { conditions?: { type: string; status: string }[] };
}

interface Reservation {
  placement: { workers: { node: string; count: number }[]; resourceName: string };
  perWorker: Record<string, number>;
}

type Change = { version: number; uid: string } & ({ gone: true } | { gone: false; claims: (held: Moment) => Claim[] });

/** Cards of one node, in use by or promised to somebody. */
interface Claim {
  node: string;
  cards: number;
  whose: string;
  /** Of a Pod. */
  run?: string;
}

/** Workers of a run that were bound, ended ones too. */
interface Moment {
  bound: ReadonlyMap<string, number>;
}

const runOf = ({ metadata }: KubernetesObject): string =>
  `${metadata.labels?.['orquanta.io/gpujob-uid'] ?? ''}/${metadata.labels?.['orquanta.io/run'] ?? ''}`;

const cardsOf = (amounts: Record<string, string | number> = {}): number =>
  Object.entries(amounts).reduce((sum, [name, amount]) => sum + (name.includes('/') ? Number(amount) : 0), 0);

function podClaims(pod: Pod): Claim[] {
  const { nodeName: node = '', containers } = pod.spec;
  if (node === '' || pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') return [];
  const cards = containers.reduce((sum, { resources }) => sum + cardsOf(resources?.limits), 0);
  return [{ node, cards, whose: `Pod ${pod.metadata.name}`, run: runOf(pod) }];
}

/** A live Job holds its cards until its Pods are bound and count for themselves. */
function jobClaims(job: Job, { bound }: Moment): Claim[] {
  const text = job.metadata.annotations?.['orquanta.io/reservation'];
  const hasEnded = job.status.conditions?.some(
    ({ type, status }) => ['Complete', 'Failed'].includes(type) && status === 'True',
  );
  if (text === undefined || hasEnded === true) return [];
  const { placement, perWorker } = JSON.parse(text) as Reservation;
  const workers = placement.workers.reduce((sum, { count }) => sum + count, 0);
  // Whole until all are bound: these tests have no gangs that would be bound in part.
  if ((bound.get(runOf(job)) ?? 0) >= workers) return [];
  return placement.workers.map(({ node, count }) => ({
    node,
    cards: count * cardsOf(perWorker),
    whose: `Job ${job.metadata.name}`,
  }));
}

export class CardHistory {
  readonly #changes: Change[] = [];
  readonly #bindings: { version: number; run: string }[] = [];
  readonly #bound = new Set<string>();

  constructor(api: Api, namespace: string) {
    const stop = new AbortController();
    const pods = this.#watch<Pod>(api, `/api/v1/namespaces/${namespace}/pods`, stop.signal, (pod, since) => {
      this.#noteBinding(pod, since);
      return () => podClaims(pod);
    });
    const jobs = this.#watch<Job>(api, jobsOf(namespace), stop.signal, (job) => (moment) => jobClaims(job, moment));
    onTestFinished(async () => {
      stop.abort();
      await Promise.all([pods, jobs]);
    });
  }

  /** Every moment at which more cards of a node were claimed than it has. */
  overcommitments(cardsPerNode: number): string[] {
    const live = new Map<string, (moment: Moment) => Claim[]>();
    const bound = new Map<string, number>();
    const found: string[] = [];
    const bindings = [...this.#bindings].sort((a, b) => b.version - a.version);
    for (const change of [...this.#changes].sort((a, b) => a.version - b.version)) {
      while ((bindings.at(-1)?.version ?? Number.POSITIVE_INFINITY) <= change.version) {
        const run = bindings.pop()?.run ?? '';
        bound.set(run, (bound.get(run) ?? 0) + 1);
      }
      if (change.gone) live.delete(change.uid);
      else live.set(change.uid, change.claims);
      found.push(
        ...overcommitted(live, { bound }, cardsPerNode).map((what) => `at version ${change.version}: ${what}`),
      );
    }
    return found;
  }

  #noteBinding(pod: Pod, since: number): void {
    if (pod.spec.nodeName === undefined || this.#bound.has(pod.metadata.uid ?? '')) return;
    this.#bound.add(pod.metadata.uid ?? '');
    this.#bindings.push({ version: since, run: runOf(pod) });
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the path says which kind it is
  async #watch<T extends KubernetesObject>(
    api: Api,
    path: string,
    signal: AbortSignal,
    claimsOf: (object: T, since: number) => (moment: Moment) => Claim[],
  ): Promise<void> {
    const known = new Map<string, number>();
    let seenUpTo: number | undefined;
    const note = (object: T, gone: boolean, since?: number): void => {
      const { uid = '', resourceVersion } = object.metadata;
      const version = Number(resourceVersion);
      if (gone) known.delete(uid);
      else known.set(uid, version);
      seenUpTo = Math.max(seenUpTo ?? 0, version);
      const claims = claimsOf(object, since ?? version);
      this.#changes.push(gone ? { version, uid, gone } : { version, uid, gone, claims });
    };
    /** What differs in a list from what was known: since when it is so is not known, so in between it claims nothing. */
    const noteList = (items: readonly T[]): void => {
      const gap = seenUpTo === undefined ? undefined : seenUpTo + 0.5;
      const listed = new Map(items.map(({ metadata }) => [metadata.uid ?? '', Number(metadata.resourceVersion)]));
      for (const [uid, version] of known) {
        if (listed.get(uid) === version) continue;
        known.delete(uid);
        if (gap !== undefined) this.#changes.push({ version: gap, uid, gone: true });
      }
      for (const item of items) if (!known.has(item.metadata.uid ?? '')) note(item, false, gap);
    };
    const notes = {
      onList: noteList,
      onChange: (type: string, object: T) => {
        note(object, type === 'DELETED');
      },
    };
    await follow<T>(api, path, notes, signal);
  }
}

/**
 * The Job controller makes a second Pod when the answer to its first request was lost, and takes one of them away again. Its
 * own doing: kube-scheduler sees to it that both have cards.
 */
function oncePerRun(claims: readonly Claim[]): Claim[] {
  const runs = new Set<string>();
  return claims.filter(({ run }) => {
    if (run === undefined) return true;
    const isFirst = !runs.has(run);
    runs.add(run);
    return isFirst;
  });
}

function overcommitted(
  live: ReadonlyMap<string, (moment: Moment) => Claim[]>,
  moment: Moment,
  cardsPerNode: number,
): string[] {
  const claims = Map.groupBy(
    oncePerRun([...live.values()].flatMap((claimsOf) => claimsOf(moment))),
    ({ node }) => node,
  );
  return [...claims].flatMap(([node, all]) => {
    const cards = all.reduce((sum, claim) => sum + claim.cards, 0);
    return cards > cardsPerNode ? [`${cards} cards of ${node}: ${all.map(({ whose }) => whose).join(', ')}`] : [];
  });
}
