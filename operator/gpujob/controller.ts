// The GPUJob controller: wires stores, dispatcher, decide and perform. It holds what is remembered between two decisions
// about one job, and nothing that could not be lost.
import type { Inventory } from '../placement/inventory/inventory.ts';
import { namesCatalogued } from '../policy/catalogue.ts';
import type { Experience } from '../policy/experience.ts';
import type { Policy, Workload } from '../placement/model.ts';
import { labels } from '../resources/labels.ts';
import { type GPUJob, gpujobs } from '../resources/gpujob.ts';
import type { ApiClient } from '../runtime/client.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Outcome } from '../runtime/controller.ts';
import type { KubernetesObject, Pod, ResourceClaim } from '../runtime/kubernetes.ts';
import { keyOf, parseKey } from '../runtime/resource.ts';
import type { Change } from '../runtime/store.ts';
import { Advisor } from './advisor.ts';
import { type Collections, indexes } from './collections.ts';
import { conditionIsTrue } from './decide/conditions.ts';
import { decide } from './decide/decide.ts';
import { endFromOutside } from './decide/ending.ts';
import { controllerOf, endOf, hasEnded, isDeleting, runOf } from './decide/run.ts';
import { Dispatcher, type PassReport } from './dispatcher.ts';
import type { Decision, Fact } from './effects.ts';
import { movableRuns } from './movable.ts';
import { isNews } from './news.ts';
import type { Settings } from './observation.ts';
import { type Memo, observe } from './observe.ts';
import type { Performance } from './perform/child.ts';
import { perform } from './perform/perform.ts';

export interface GPUJobControllerOptions {
  readonly client: ApiClient;
  readonly collections: Collections;
  readonly inventory: Inventory;
  readonly policies: () => ReadonlyMap<string, Policy>;
  readonly settings: Settings;
  /** Whether facts tell what a placement was chosen from. */
  readonly withScenes: boolean;
  readonly clock: Clock;
  readonly enqueue: (key: string) => void;
  readonly enqueueAfter: (key: string, milliseconds: number) => void;
  readonly announce: (gpujob: GPUJob, fact: Fact) => void;
  readonly experience: Experience;
  readonly learn: Parameters<typeof perform>[2]['learn'];
  readonly settle: Parameters<typeof perform>[2]['settle'];
  readonly onPass?: (report: PassReport) => void;
}

const done: Outcome = { kind: 'done' };

/**
 * A Pod changes five times on its way through a short run, and none of it is urgent: what ends a run is its Job's end, and what
 * waits for a Pod waits for seconds. One look at all of it will do.
 */
const podNewsMilliseconds = 500;

/** A decision that has nothing to write and wants to be asked again at once would let nobody else have a turn. */
const soonestMilliseconds = 100;

export class GPUJobController {
  readonly #options: GPUJobControllerOptions;
  readonly #dispatcher: Dispatcher;
  readonly #advisor: Advisor;
  readonly #memos = new Map<string, Memo>();
  /** By key, so that a GPUJob that is gone can be taken out of the queue. */
  readonly #uids = new Map<string, string>();
  readonly #unsubscribe: (() => void)[] = [];

  constructor(options: GPUJobControllerOptions) {
    this.#options = options;
    this.#dispatcher = new Dispatcher({
      inventory: options.inventory,
      policies: options.policies,
      clock: options.clock,
      withScenes: options.withScenes,
      onVerdict: (workload: Workload) => {
        options.enqueue(keyOf(workload));
      },
      ...(options.onPass ? { onPass: options.onPass } : {}),
    });
    this.#advisor = new Advisor({
      inventory: options.inventory,
      policies: options.policies,
      clock: options.clock,
      demand: () => this.#dispatcher.demand(),
      isKeptFrom: (uid, node) => this.#dispatcher.isKeptFrom(uid, node),
      movable: () => movableRuns(options.collections),
    });
  }

  /** Begins with everything there is: call it when the stores have caught up. */
  start(): void {
    const { collections, enqueue } = this.#options;
    this.#follow(collections.gpujobs.store, (change) => {
      enqueue(change.key);
    });
    this.#follow(collections.jobs.store, (change) => {
      this.#enqueueOwner(change.object);
    });
    this.#follow(collections.pods.store, (change) => {
      this.#noteDisruption(change.object);
      // Only its end may be waited for.
      this.#enqueueOwner(change.object, change.type === 'deleted' ? 0 : podNewsMilliseconds);
      this.#dispatcher.planSoon();
    });
    this.#follow(collections.nodes.store, (change) => {
      this.#dispatcher.planSoon();
      if (change.type === 'deleted') this.#enqueueRunsOn(change.object.metadata.name);
    });
    const planSoon = (): void => {
      this.#dispatcher.planSoon();
    };
    this.#follow(collections.resourceSlices.store, planSoon);
    this.#follow(collections.resourceClaims.store, (change) => {
      this.#dispatcher.planSoon();
      if (change.type === 'deleted') this.#claimGone(change.object);
    });
    this.#follow(collections.deviceClasses.store, planSoon);
    this.#follow(collections.podRefusals.store, (change) => {
      this.#enqueueRefused(change.object.involvedObject);
    });
    for (const pod of collections.pods.store.list()) this.#noteDisruption(pod);
    for (const gpujob of byAge(collections.gpujobs.store.list())) enqueue(keyOf(gpujob.metadata));
  }

  /** A policy's spec has changed: its catalogue may have another word for what a job names, or the model it waits for. */
  policyEdited(name: string): void {
    for (const { metadata, spec, status } of this.#options.collections.gpujobs.store.list()) {
      const isJudged = namesCatalogued(spec) && !conditionIsTrue(status?.conditions, 'Finished');
      if (isJudged && (spec.policyName ?? 'default') === name) this.#options.enqueue(keyOf(metadata));
    }
  }

  /** Something outside the stores that a placement depends on has changed: a policy. */
  planSoon(): void {
    this.#dispatcher.planSoon();
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    this.#dispatcher.stop((workload) => this.#hasLiveJob(workload));
  }

  async reconcile(key: string, signal: AbortSignal): Promise<Outcome> {
    const { collections, settings, clock, inventory, experience } = this.#options;
    const gpujob = collections.gpujobs.store.get(key);
    const known = this.#uids.get(key);
    if (known !== undefined && known !== gpujob?.metadata.uid) this.#forget(key, known);
    if (!gpujob) return done;
    this.#uids.set(key, gpujob.metadata.uid);
    const memo = this.#memos.get(gpujob.metadata.uid) ?? {};
    const around = {
      ...{ collections, inventory, settings, experience },
      ...{ dispatcher: this.#dispatcher, advisor: this.#advisor },
    };
    const observation = observe(gpujob, memo, around, clock.now());
    if (known !== gpujob.metadata.uid && observation.modelNotFound === undefined)
      this.#dispatcher.note(observation.workload);
    const decision = decide(observation);
    if (decision.queued) this.#dispatcher.submit(observation.workload);
    const performance = await perform(gpujob, decision.effects, this.#performContext(signal));
    return this.#settle(gpujob, decision, performance);
  }

  #performContext(signal: AbortSignal): Parameters<typeof perform>[2] {
    const { client, collections, announce, learn, settle } = this.#options;
    const { gpujobs, jobs, resourceClaims } = collections;
    const stores = { gpujobs: gpujobs.store, jobs: jobs.store, resourceClaims: resourceClaims.store };
    return { client, ...stores, signal, announce, learn, settle };
  }

  #settle(gpujob: GPUJob, decision: Decision, performance: Performance): Outcome {
    const uid = gpujob.metadata.uid;
    if (!decision.queued) this.#dispatcher.withdraw(uid, this.#hasLiveJob(gpujob.metadata));
    switch (performance.kind) {
      case 'Outdated':
        // What is newer comes by watch and enqueues the key; should it never come, look again.
        return { kind: 'requeueAfter', milliseconds: 1_000 };
      case 'Refused':
        this.#remember(gpujob, performance);
        return { kind: 'requeueAfter', milliseconds: 0 };
      case 'Done':
        if (performance.statusWritten) this.#noteStatusWrite(uid);
        return decision.againInMilliseconds === undefined
          ? done
          : { kind: 'requeueAfter', milliseconds: Math.max(decision.againInMilliseconds, soonestMilliseconds) };
    }
  }

  #remember(gpujob: GPUJob, { refusal }: Extract<Performance, { kind: 'Refused' }>): void {
    const uid = gpujob.metadata.uid;
    const memo = this.#memos.get(uid) ?? {};
    const before = memo.refusal;
    const again = before?.kind === refusal.kind && before.run === refusal.run;
    this.#memos.set(uid, {
      ...memo,
      refusal: {
        ...refusal,
        generation: gpujob.metadata.generation ?? 0,
        lastHandledRetry: gpujob.status?.lastHandledRetry,
        atMilliseconds: this.#options.clock.now(),
        count: again ? before.count + 1 : 1,
      },
    });
    // The cards are free for others until the next try.
    this.#dispatcher.withdraw(uid, false);
  }

  /** At once: an evicted Pod may be gone by the time that anybody looks at its GPUJob. Of a run the first words stay. */
  #noteDisruption(pod: Pod): void {
    const { gpujobs } = this.#options.collections;
    const uid = pod.metadata.labels?.[labels.gpujobUID];
    const end = endFromOutside([pod]);
    if (uid === undefined || end === undefined || gpujobs.store.byIndex(indexes.uid, uid).length === 0) return;
    const memo = this.#memos.get(uid);
    const run = runOf(pod);
    const before = memo?.disruption;
    if (before && (before.run > run || (before.run === run && (before.isMarked || !end.isMarked)))) return;
    this.#memos.set(uid, { ...memo, disruption: { run, ...end } });
  }

  #noteStatusWrite(uid: string): void {
    this.#memos.set(uid, { ...this.#memos.get(uid), statusWrittenAtMilliseconds: this.#options.clock.now() });
  }

  #hasLiveJob(gpujob: { namespace: string; name: string; uid: string }): boolean {
    const { store } = this.#options.collections.jobs;
    const jobs = store.byIndex(indexes.gpujob, keyOf(gpujob));
    return jobs.some((job) => controllerOf(job)?.uid === gpujob.uid && !isDeleting(job) && endOf(job) === undefined);
  }

  #forget(key: string, uid: string): void {
    const { namespace = '', name } = parseKey(key);
    this.#dispatcher.withdraw(uid, this.#hasLiveJob({ namespace, name, uid }));
    this.#memos.delete(uid);
    this.#uids.delete(key);
  }

  #follow<T extends KubernetesObject>(
    store: { subscribe: (listener: (change: Change<T>) => void) => () => void },
    listener: (change: Change<T>) => void,
  ): void {
    const unsubscribe = store.subscribe((change) => {
      if (isNews(change)) listener(change);
    });
    this.#unsubscribe.push(unsubscribe);
  }

  #enqueueOwner(object: KubernetesObject, afterMilliseconds = 0): void {
    const name = object.metadata.labels?.[labels.gpujob];
    if (name === undefined) return;
    this.#options.enqueueAfter(keyOf({ namespace: object.metadata.namespace ?? '', name }), afterMilliseconds);
  }

  #enqueueRunsOn(node: string): void {
    for (const { metadata, status } of this.#options.collections.gpujobs.store.list()) {
      if (status?.placement?.nodes.includes(node)) this.#options.enqueue(keyOf(metadata));
    }
  }

  /** One that a namesake has left is waited for, and one of an open run is missed; that of a run that has ended is neither. */
  #claimGone(claim: ResourceClaim): void {
    const owner = controllerOf(claim);
    const name = claim.metadata.labels?.[labels.gpujob];
    if (owner?.kind !== gpujobs.kind || name === undefined) return;
    const gpujob = this.#options.collections.gpujobs.store.get(keyOf({ ...claim.metadata, name }));
    const isExpected = gpujob?.metadata.uid === owner.uid && hasEnded(gpujob.status ?? {}, runOf(claim));
    if (!isExpected) this.#enqueueOwner(claim);
  }

  #enqueueRefused(regarding: { namespace?: string; name?: string }): void {
    const { store } = this.#options.collections.jobs;
    const job = store.get(keyOf({ namespace: regarding.namespace ?? '', name: regarding.name ?? '' }));
    if (job) this.#enqueueOwner(job);
  }
}

/** Oldest first: what was asked for last is remembered longest. */
function byAge(gpujobs: Iterable<GPUJob>): GPUJob[] {
  const time = ({ metadata }: GPUJob): string => metadata.creationTimestamp ?? '';
  return [...gpujobs].sort((one, other) => (time(one) < time(other) ? -1 : 1));
}
