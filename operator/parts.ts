// What an operator process is made of, leading or not: connection, watches, inventory, metrics. Wiring only.
import { collectDefaultMetrics, Registry } from 'prom-client';
import { type Configuration, identityOf } from './config.ts';
import { connect } from './connect.ts';
import { type Collections, collections as watchedCollections } from './gpujob/collections.ts';
import { feedInventory } from './gpujob/feed-inventory.ts';
import { type GPUJobMetrics, gpujobMetrics } from './gpujob/metrics.ts';
import { type HeatCollections, heatCollections } from './heat/collections.ts';
import { type HeatMetrics, heatMetrics } from './heat/metrics.ts';
import { DecisionFile } from './journal/decision-file.ts';
import { Inventory } from './placement/inventory/inventory.ts';
import { feedCatalogue } from './policy/card-catalogue.ts';
import { type PolicyCollections, policyCollections } from './policy/collections.ts';
import { type PolicyMetrics, policyMetrics } from './policy/metrics.ts';
import type { ApiClient } from './runtime/client.ts';
import { type Clock, systemClock } from './runtime/clock.ts';
import type { Collection } from './runtime/collection.ts';
import type { HttpTransport } from './runtime/http-transport.ts';
import type { KubernetesObject } from './runtime/kubernetes.ts';
import type { Log } from './runtime/log.ts';
import { type RuntimeMetrics, runtimeMetrics } from './runtime/metrics.ts';
import { Reflector } from './runtime/reflector.ts';

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly processID: number;
  readonly log: Log;
}

export interface Parts {
  readonly configuration: Configuration;
  readonly identity: string;
  /** The operator's own: its lease and the ledger of its policies are there. */
  readonly namespace: string;
  readonly transport: HttpTransport;
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Registry;
  readonly metrics: RuntimeMetrics;
  readonly collections: Collections;
  readonly policyCollections: PolicyCollections;
  readonly heatCollections: HeatCollections;
  readonly reflectors: readonly Reflector<KubernetesObject>[];
  readonly inventory: Inventory;
  readonly gpujobMetrics: GPUJobMetrics;
  readonly policyMetrics: PolicyMetrics;
  readonly heatMetrics: HeatMetrics;
  /** Undefined where nobody wants it. */
  readonly decisions: DecisionFile | undefined;
}

export async function assemble(configuration: Configuration, around: Surroundings): Promise<Parts> {
  const clock = systemClock;
  const { log, environment } = around;
  const identity = identityOf(configuration, around.processID);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const metrics = runtimeMetrics(registry, clock);
  const { connection, transport, client } = await connect({
    ...{ environment, clock, identity, kubeconfig: configuration.kubeconfig },
    onResponse: (labels) => {
      metrics.request(labels);
    },
  });
  const collections = watchedCollections();
  const inventory = new Inventory();
  feedInventory(collections, inventory);
  const namespace = configuration.leaseNamespace === '' ? connection.namespace : configuration.leaseNamespace;
  const policies = policyCollections();
  const heat = heatCollections();
  feedCatalogue(policies.policies.store, inventory);
  const ofGPUJobs = gpujobMetrics(registry, inventory);
  const scopes = { jobs: configuration.watchNamespaces, ledger: configuration.observeOnly ? undefined : namespace };
  return {
    configuration,
    identity,
    namespace,
    transport,
    client,
    clock,
    log,
    registry,
    metrics,
    collections,
    policyCollections: policies,
    heatCollections: heat,
    reflectors: reflectorsOf(collections, policies, heat, { client, clock, log, random: Math.random }, scopes),
    inventory,
    gpujobMetrics: ofGPUJobs,
    decisions: decisionFile(configuration, log, ofGPUJobs),
    policyMetrics: policyMetrics(registry),
    heatMetrics: heatMetrics(registry),
  };
}

function decisionFile(
  { decisionsFile: path }: Configuration,
  log: Log,
  metrics: GPUJobMetrics,
): DecisionFile | undefined {
  const onLost = (entries: number): void => {
    metrics.decisionsLost(entries);
  };
  return path === '' ? undefined : new DecisionFile({ path, log, onLost });
}

type Watching = Pick<ConstructorParameters<typeof Reflector>[0], 'client' | 'clock' | 'log' | 'random'>;

function reflectorsOf(
  collections: Collections,
  policies: PolicyCollections,
  heat: HeatCollections,
  watching: Watching,
  scopes: { jobs: readonly string[]; ledger: string | undefined },
): Reflector<KubernetesObject>[] {
  const watch = <T extends KubernetesObject>(collection: Collection<T>, scope: { namespace?: string }) =>
    new Reflector<T>({ ...collection, ...scope, ...watching }) as unknown as Reflector<KubernetesObject>;
  const inOurs = <T extends KubernetesObject>(collection: Collection<T>) =>
    scopes.jobs.length === 0
      ? [watch(collection, {})]
      : scopes.jobs.map((namespace) => watch(collection, { namespace }));
  return [
    ...inOurs(collections.gpujobs),
    ...inOurs(collections.jobs),
    ...inOurs(collections.podRefusals),
    // Cards are taken by Pods of every namespace.
    watch(collections.pods, {}),
    watch(collections.nodes, {}),
    watch(collections.priorityClasses, {}),
    // Claims of every namespace hold cards.
    watch(collections.resourceSlices, {}),
    watch(collections.resourceClaims, {}),
    watch(collections.deviceClasses, {}),
    watch(policies.policies, {}),
    watch(policies.namespaces, {}),
    // Who only observes keeps no policy and looks at no heat.
    ...(scopes.ledger === undefined
      ? []
      : [watch(policies.ledger, { namespace: scopes.ledger }), ...inOurs(heat.heatObservers)]),
  ];
}
