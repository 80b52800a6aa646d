// The policies' part of leading: the keeper, its controller, and what GPUJobs and placement need of them. Wiring only.
import type { Policy } from '../placement/model.ts';
import type { GPUJob } from '../resources/gpujob.ts';
import type { HeatObserver } from '../resources/heatobserver.ts';
import type { SovereignPolicy } from '../resources/sovereignpolicy.ts';
import type { ApiClient } from '../runtime/client.ts';
import type { Clock } from '../runtime/clock.ts';
import { Controller } from '../runtime/controller.ts';
import type { Log } from '../runtime/log.ts';
import type { RuntimeMetrics } from '../runtime/metrics.ts';
import type { Store } from '../runtime/store.ts';
import { WorkQueue } from '../runtime/work-queue.ts';
import {
  announceBroken,
  announceBudget,
  announceForeign,
  announceVersion,
  type PolicyAudience,
  type PolicyEvents,
} from './announce.ts';
import type { PolicyCollections } from './collections.ts';
import { PolicyController } from './controller.ts';
import { createDefaultPolicy, defaultPolicyName } from './default-policy.ts';
import { isEdit } from './edits.ts';
import { type Experience, experienceOf } from './experience.ts';
import { followObservers } from './heat-availability.ts';
import { Keeper } from './keeper.ts';
import { Learner, type Lesson } from './learner.ts';
import { Ledger } from './ledger/ledger.ts';
import { labels } from '../resources/labels.ts';
import { Accounts } from './bill/accounts.ts';
import { Billing, isTold } from './bill/billing.ts';
import { keepBooks } from './bill/keep-books.ts';
import { inForceByLedger, Policies } from './policies.ts';
import { RunHistory } from './run-history.ts';
import { mayForget } from './retention.ts';
import type { PolicyMetrics } from './metrics.ts';

export interface PolicyLeadOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: PolicyEvents;
  readonly runtimeMetrics: RuntimeMetrics;
  readonly metrics: PolicyMetrics;
  readonly collections: PolicyCollections;
  /** Where the ledger is. */
  readonly namespace: string;
  readonly gpujobs: Store<GPUJob>;
  readonly heatObservers: { readonly store: Store<HeatObserver>; readonly watchedNamespaces: readonly string[] };
  /** By node, 0 to 1000: what the observer that a policy names found there. */
  readonly heatFor: (policy: SovereignPolicy) => ReadonlyMap<string, number>;
  readonly onChange: () => void;
  /** The spec of a policy changed, or it is new. */
  readonly onEdit: (policy: string) => void;
}

export interface PolicyLead {
  forPlacement(): ReadonlyMap<string, Policy>;
  readonly experience: Experience;
  readonly billing: Billing;
  learn(gpujob: GPUJob, lesson: Lesson, signal: AbortSignal): Promise<number | undefined>;
  /** Call it when the stores have caught up. */
  start(signal: AbortSignal): Promise<void>;
  run(signal: AbortSignal): Promise<void>;
  stop(): void;
}

const controllerName = 'sovereignpolicy';
/** What begins and ends within it is written together. */
const gatherMilliseconds = 100;

export function leadPolicies(options: PolicyLeadOptions): PolicyLead {
  const {
    client,
    clock,
    log,
    events,
    runtimeMetrics,
    metrics,
    collections,
    namespace,
    gpujobs,
    heatObservers,
    heatFor,
    onChange,
    onEdit,
  } = options;
  const audience: PolicyAudience = { events, log, metrics };
  const queue = new WorkQueue({ clock, random: Math.random, metrics: runtimeMetrics.queue(controllerName) });
  const policies = collections.policies.store;
  const history = new RunHistory();
  const succeededAt = (signature: string) => history.succeededAt(signature);
  const keeper = new Keeper({
    ledger: new Ledger({ client, namespace, store: collections.ledger.store }),
    clock,
    policies,
    succeededAt,
    mayForget: (version) => mayForget(version, gpujobs),
    onVersion: (policy, version) => {
      announceVersion(policy, version, audience);
    },
  });
  const gpujobOf = (uid: string) => gpujobs.byIndex('uid', uid)[0];
  const accounts = new Accounts({
    ...{ client, namespace, clock, log, random: Math.random, gatherMilliseconds },
    mayForget: (key) => isTold(key, gpujobOf),
  });
  const billing = new Billing({ accounts, policies, clock, log });
  const view = new Policies({
    ...{ collections, history, heatFor, clock, onChange },
    inForce: inForceByLedger(keeper),
    refusalOf: (policy, of) => billing.refusalOf(policy, of),
  });
  const learner = new Learner(keeper);
  const policyController = new PolicyController({
    ...{ client, policies, keeper, billing, heatObservers, succeededAt, clock, ledgerNamespace: namespace },
    onStanding: (policy, standing) => {
      metrics.standing(policy.metadata.name, standing);
    },
    onGone: (policy) => {
      metrics.gone(policy);
    },
    onBroken: (policy, words) => {
      announceBroken(policy, words, audience);
    },
    onForeign: (policy, foreign) => {
      announceForeign(policy, foreign, audience);
    },
    onBudget: (policy, notice, signal) => announceBudget(policy, notice, audience, signal),
  });
  const controller = new Controller({
    name: controllerName,
    reconcile: (key, context) => policyController.reconcile(key, context.signal),
    workers: 1,
    queue,
    log,
    metrics: runtimeMetrics.controller(controllerName),
  });
  const unsubscribe: (() => void)[] = [];
  return {
    forPlacement: () => view.forPlacement(),
    learn: (gpujob, lesson, signal) => learner.learn(gpujob, lesson, signal),
    experience: experienceOf({ history, keeper, policies, clock }),
    billing,
    async start(signal) {
      await accounts.start(signal);
      for (const object of gpujobs.list()) history.follow({ type: 'added', key: '', object });
      unsubscribe.push(
        gpujobs.subscribe((change) => {
          history.follow(change);
        }),
      );
      const made = policies.get(defaultPolicyName) ? undefined : await createDefaultPolicy(client, signal);
      if (made) policies.absorb(made);
      // The first placement should be by the spec as it is, and name its version; what can't be made yet the queue tries again.
      const settled = [...policies.list()].map(async (policy) => {
        await keeper.begin(policy, signal);
        await keeper.followSpec(policy, signal);
      });
      await Promise.allSettled(settled);
      unsubscribe.push(
        policies.subscribe((change) => {
          queue.add(change.key);
          if (isEdit(change)) onEdit(change.key);
        }),
        collections.ledger.store.subscribe(({ object }) => {
          const policy = object.metadata.labels?.[labels.policy];
          if (policy !== undefined) queue.add(policy);
        }),
        followObservers(heatObservers.store, policies, (policy) => {
          queue.add(policy);
        }),
      );
      for (const policy of policies.list()) queue.add(policy.metadata.name);
    },
    async run(signal) {
      await Promise.all([controller.run(signal), keepBooks({ accounts, clock, log }, signal)]);
    },
    stop() {
      for (const end of unsubscribe.splice(0)) end();
      view.stop();
      queue.close();
    },
  };
}
