// Everything a leader does: the GPUJobs, the policies, and the events about them. Wiring of the rooms; no rule of the product is
// written here.
import type { Configuration } from './config.ts';
import { announce } from './gpujob/announce.ts';
import { followBill } from './gpujob/follow-bill.ts';
import { GPUJobController } from './gpujob/controller.ts';
import { defaultSettings } from './gpujob/observation.ts';
import { leadHeat } from './heat/leading.ts';
import { note } from './journal/journal.ts';
import type { Parts } from './parts.ts';
import { leadPolicies } from './policy/leading.ts';
import { Controller } from './runtime/controller.ts';
import { EventRecorder } from './runtime/events.ts';
import { WorkQueue } from './runtime/work-queue.ts';

const controllerName = 'gpujob';

/** Until it is told to stop; returns when all of it has stopped. */
export async function lead(parts: Parts, signal: AbortSignal): Promise<void> {
  const { configuration, client, clock, log, metrics, collections, inventory, reflectors, identity, decisions } = parts;
  const queue = new WorkQueue({ clock, random: Math.random, metrics: metrics.queue(controllerName) });
  const recorder = new EventRecorder({
    client,
    reportingController: 'orquanta.io/operator',
    reportingInstance: identity,
    clock,
    log,
  });
  const audience = { events: recorder, log, metrics: parts.gpujobMetrics };
  const policies = leadPolicies({
    ...{ client, clock, log, events: recorder, runtimeMetrics: metrics, metrics: parts.policyMetrics },
    collections: parts.policyCollections,
    namespace: parts.namespace,
    gpujobs: collections.gpujobs.store,
    heatObservers: {
      store: parts.heatCollections.heatObservers.store,
      watchedNamespaces: configuration.watchNamespaces,
    },
    heatFor: (policy) => heat.placements.heatFor(policy),
    onChange: () => {
      gpujobs.planSoon();
    },
    onEdit: (policy) => {
      gpujobs.policyEdited(policy);
    },
  });
  const heat = leadHeat({
    ...{ client, clock, log, configuration, runtimeMetrics: metrics, metrics: parts.heatMetrics },
    collections: parts.heatCollections,
    policies: parts.policyCollections.policies.store,
  });
  const gpujobs = new GPUJobController({
    client,
    collections,
    inventory,
    policies: () => policies.forPlacement(),
    settings: settingsOf(configuration),
    withScenes: decisions !== undefined,
    clock,
    enqueue: (key) => {
      queue.add(key);
    },
    enqueueAfter: (key, milliseconds) => {
      queue.addAfter(key, milliseconds);
    },
    announce: (gpujob, fact) => {
      announce(gpujob, fact, audience);
      if (fact.kind === 'RunStarted') heat.placements.placed(gpujob, fact.placement);
      if (decisions) note(gpujob, fact, { file: decisions, clock, policies: parts.policyCollections.policies.store });
    },
    experience: policies.experience,
    settle: (gpujob, bill, until) => policies.billing.settle(gpujob, bill, until),
    learn: (gpujob, lesson, until) => policies.learn(gpujob, lesson, until),
    onPass: (report) => {
      parts.gpujobMetrics.pass(report);
    },
  });
  const controller = new Controller({
    name: controllerName,
    reconcile: (key, context) => gpujobs.reconcile(key, context.signal),
    workers: configuration.workers,
    queue,
    log,
    metrics: metrics.controller(controllerName),
  });
  let stopBill: (() => void) | undefined;
  try {
    await Promise.all(reflectors.map((reflector) => reflector.catchUp(signal)));
    log.info({ gpujobs: collections.gpujobs.store.size, nodes: collections.nodes.store.size }, 'leading');
    tellFoundCards(parts);
    await policies.start(signal);
    stopBill = followBill(collections, policies.billing);
    gpujobs.start();
    heat.start();
    await Promise.all([controller.run(signal), policies.run(signal), heat.run(signal), recorder.run(signal)]);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    gpujobs.stop();
    stopBill?.();
    policies.stop();
    await heat.stop();
    // A finished job's wait for its deletion lasts an hour: the process would live as long.
    queue.close();
    await decisions?.flush();
  }
}

/** Whether the server has the API of dynamic resource allocation at all, and what uses it: said once, and by a metric from then on. */
function tellFoundCards({ inventory, reflectors, log, gpujobMetrics }: Parts): void {
  const isServed = (): boolean => reflectors.every((reflector) => reflector.isServed !== false);
  gpujobMetrics.followClaims(isServed);
  const api = { 'resource.k8s.io/v1': isServed() ? 'served' : 'not served' };
  log.info({ ...api, ...inventory.nodesByBackend() }, 'GPU nodes by how their cards are held');
}

function settingsOf({
  leaderElect,
  leaseDurationMilliseconds,
  bindTimeoutMilliseconds,
}: Configuration): typeof defaultSettings {
  return {
    ...defaultSettings,
    bindTimeoutMilliseconds,
    // Without an election there is no former leader to wait for.
    leaseDurationMilliseconds: leaderElect ? leaseDurationMilliseconds : 0,
  };
}
