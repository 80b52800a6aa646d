// A second operator beside the one that manages: it puts to its own planner what it sees waiting, holds the answer against the
// run that really begins, and writes nothing to the cluster. It decides with what the policies' statuses say is in force.
import { conditionIsTrue } from '../gpujob/decide/conditions.ts';
import { hasEnded, isDeleting, isRunOf, runOf } from '../gpujob/decide/run.ts';
import { Dispatcher, type PassReport } from '../gpujob/dispatcher.ts';
import type { Fact } from '../gpujob/effects.ts';
import { type Collections, indexes } from '../gpujob/collections.ts';
import { isNews } from '../gpujob/news.ts';
import { asked, type Asking } from '../gpujob/observe.ts';
import { reservationOf } from '../gpujob/reservation.ts';
import type { Placement, Policy, Verdict, Workload } from '../placement/model.ts';
import { labels } from '../resources/labels.ts';
import type { Attempt, GPUJob } from '../resources/gpujob.ts';
import { reasons } from '../resources/gpujob/conditions.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Job, KubernetesObject } from '../runtime/kubernetes.ts';
import { keyOf } from '../runtime/resource.ts';
import type { Change } from '../runtime/store.ts';
import { type Agreement, agreementOf } from './agreement.ts';

export interface CanaryOptions extends Asking {
  readonly collections: Collections;
  readonly policies: () => ReadonlyMap<string, Policy>;
  readonly clock: Clock;
  /** Whether facts tell what a placement was chosen from. */
  readonly withScenes: boolean;
  readonly onPass: (report: PassReport) => void;
  /** What it would have done, and what became of runs: for the journal. */
  readonly onFact: (gpujob: GPUJob, fact: Extract<Fact, { kind: 'RunStarted' | 'RunEnded' }>) => void;
  /** A run began; `own` is undefined where there was no answer to the same question. */
  readonly onRun: (gpujob: GPUJob, run: RunBegun) => void;
}

export interface RunBegun {
  readonly run: number;
  readonly agreement: Agreement;
  readonly own: Verdict | undefined;
  readonly done: Placement;
}

/** Whoever waits for one of these waits for cards; any other reason is the manager's to find, and holds nothing here. */
const waitsForCards: ReadonlySet<string> = new Set([
  reasons.CardsBusy,
  reasons.NoMatchingCards,
  reasons.NeverFits,
  reasons.WaitingForGang,
]);

export class Canary {
  readonly #options: CanaryOptions;
  readonly #dispatcher: Dispatcher;
  /** By uid: what the planner was asked last. */
  readonly #questions = new Map<string, Workload>();
  readonly #unsubscribe: (() => void)[] = [];

  constructor(options: CanaryOptions) {
    this.#options = options;
    const { inventory, policies, clock, withScenes, onPass } = options;
    this.#dispatcher = new Dispatcher({
      ...{ inventory, policies, clock, withScenes, onPass },
      onVerdict: (workload) => {
        this.#decided(workload);
      },
    });
  }

  /** Begins with everything there is: call it when the stores have caught up. */
  start(): void {
    const { gpujobs, jobs, pods, nodes, resourceSlices, resourceClaims, deviceClasses } = this.#options.collections;
    const planSoon = (change: Change<KubernetesObject>): void => {
      if (isNews(change)) this.#dispatcher.planSoon();
    };
    this.#unsubscribe.push(
      gpujobs.store.subscribe((change) => {
        this.#follow(change);
      }),
      jobs.store.subscribe((change) => {
        this.#followJob(change);
      }),
      ...[pods, nodes, resourceSlices, resourceClaims, deviceClasses].map(({ store }) => store.subscribe(planSoon)),
    );
    for (const gpujob of gpujobs.store.list()) this.#look(gpujob);
  }

  planSoon(): void {
    this.#dispatcher.planSoon();
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    this.#dispatcher.stop((workload) => {
      const gpujob = this.#options.collections.gpujobs.store.get(keyOf(workload));
      return gpujob?.metadata.uid === workload.uid && this.#hasBegun(gpujob, workload.run);
    });
  }

  #follow({ type, object, previous }: Change<GPUJob>): void {
    if (type === 'deleted') {
      this.#withdraw(object.metadata.uid, false);
      return;
    }
    if (type === 'added') this.#compareBegun(object);
    for (const attempt of endedSince(previous, object)) {
      this.#options.onFact(object, { kind: 'RunEnded', attempt, message: '' });
    }
    this.#look(object);
  }

  /** Two watches: a run's Job may be told before the GPUJob that it is of. */
  #compareBegun(gpujob: GPUJob): void {
    const { jobs } = this.#options.collections;
    for (const job of jobs.store.byIndex(indexes.gpujob, keyOf(gpujob.metadata))) {
      const reservation = isRunOf(gpujob, job) ? reservationOf(job) : undefined;
      if (reservation !== undefined) this.#compare(gpujob, runOf(job), reservation.placement);
    }
  }

  /** Its Job holds the cards from now on: the inventory has read so itself. */
  #followJob({ type, object: job }: Change<Job>): void {
    const owner = this.#ownerOf(job);
    const reservation = type === 'added' ? reservationOf(job) : undefined;
    if (owner === undefined) return;
    if (reservation !== undefined) this.#compare(owner, runOf(job), reservation.placement);
    this.#look(owner);
  }

  #compare(gpujob: GPUJob, run: number, done: Placement): void {
    const question = this.#questions.get(gpujob.metadata.uid);
    const own = question?.run === run ? this.#dispatcher.verdictOn(question) : undefined;
    this.#withdraw(gpujob.metadata.uid, true);
    this.#options.onRun(gpujob, { run, agreement: agreementOf(own, done), own, done });
  }

  #look(gpujob: GPUJob): void {
    const { uid } = gpujob.metadata;
    const { modelNotFound, workload } = asked(gpujob, this.#options);
    const begun = this.#hasBegun(gpujob, workload.run);
    if (begun || modelNotFound !== undefined || !isWaitingForCards(gpujob)) {
      this.#withdraw(uid, begun);
      return;
    }
    if (!this.#questions.has(uid)) this.#dispatcher.note(workload);
    this.#questions.set(uid, workload);
    this.#dispatcher.submit(workload);
  }

  #withdraw(uid: string, carriedOut: boolean): void {
    this.#questions.delete(uid);
    this.#dispatcher.withdraw(uid, carriedOut);
  }

  #decided(workload: Workload): void {
    const verdict = this.#dispatcher.verdictOn(workload);
    const gpujob = this.#options.collections.gpujobs.store.get(keyOf(workload));
    if (verdict?.kind !== 'Placed' || gpujob === undefined) return;
    const { placement, scene } = verdict;
    const waitedMilliseconds = Math.max(0, this.#options.clock.now() - workload.createdAtMilliseconds);
    const fact = { kind: 'RunStarted', run: workload.run, placement, scene, waitedMilliseconds, message: '' } as const;
    this.#options.onFact(gpujob, fact);
  }

  #hasBegun(gpujob: GPUJob, run: number): boolean {
    const jobs = this.#options.collections.jobs.store.byIndex(indexes.gpujob, keyOf(gpujob.metadata));
    return jobs.some((job) => runOf(job) === run && isRunOf(gpujob, job) && !isDeleting(job));
  }

  #ownerOf(job: Job): GPUJob | undefined {
    const name = job.metadata.labels?.[labels.gpujob] ?? '';
    const gpujob = this.#options.collections.gpujobs.store.get(
      keyOf({ namespace: job.metadata.namespace ?? '', name }),
    );
    return gpujob !== undefined && isRunOf(gpujob, job) ? gpujob : undefined;
  }
}

function isWaitingForCards({ metadata, spec, status }: GPUJob): boolean {
  if (metadata.deletionTimestamp !== undefined || spec.suspend === true) return false;
  if (conditionIsTrue(status?.conditions, 'Finished')) return false;
  const run = status?.run ?? 0;
  if (run > 0 && status !== undefined && !hasEnded(status, run)) return false;
  const reason = status?.conditions?.find(({ type }) => type === 'Placed')?.reason;
  return reason === undefined || waitsForCards.has(reason);
}

function endedSince(before: GPUJob | undefined, now: GPUJob): readonly Attempt[] {
  const known = new Set(before?.status?.attempts?.map(({ run }) => run));
  // Of one that is seen for the first time nobody knows when they ended.
  return before === undefined ? [] : (now.status?.attempts ?? []).filter(({ run }) => !known.has(run));
}
