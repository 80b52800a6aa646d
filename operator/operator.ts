// One operator process: what it watches, what it does while it leads, and how it stops. Wiring of the rooms; no rule of the
// product is written here.
import { collectDefaultMetrics, Registry } from 'prom-client';
import { type Configuration, identityOf } from './config.ts';
import { announce } from './gpujob/announce.ts';
import { type Collection, type Collections, collections as watchedCollections } from './gpujob/collections.ts';
import { GPUJobController } from './gpujob/controller.ts';
import { feedInventory } from './gpujob/feed-inventory.ts';
import { type GPUJobMetrics, gpujobMetrics } from './gpujob/metrics.ts';
import { defaultSettings } from './gpujob/observation.ts';
import { listen, type Listening } from './http/server.ts';
import { Inventory } from './placement/inventory.ts';
import { defaultPolicy } from './placement/model.ts';
import { ApiClient } from './runtime/client.ts';
import { type Clock, systemClock } from './runtime/clock.ts';
import { loadConnection } from './runtime/connection.ts';
import { Controller } from './runtime/controller.ts';
import { EventRecorder } from './runtime/events.ts';
import { HttpTransport } from './runtime/http-transport.ts';
import type { KubernetesObject } from './runtime/kubernetes.ts';
import { LeaderElector } from './runtime/lease.ts';
import type { Log } from './runtime/log.ts';
import { type RuntimeMetrics, runtimeMetrics } from './runtime/metrics.ts';
import { Reflector } from './runtime/reflector.ts';
import { WorkQueue } from './runtime/work-queue.ts';
import { version } from './version.ts';

const fieldManager = 'orquanta';
const controllerName = 'gpujob';
/** Below the second after which a kubelet gives up by default. */
const readyTimeoutMilliseconds = 900;

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly processID: number;
  readonly log: Log;
}

/** Released: told to stop and stopped. Lost: somebody else leads; this process has nothing more to do. */
export type Ending = 'released' | 'lost';

interface Parts {
  readonly configuration: Configuration;
  readonly identity: string;
  readonly namespace: string;
  readonly transport: HttpTransport;
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Registry;
  readonly metrics: RuntimeMetrics;
  readonly collections: Collections;
  readonly reflectors: readonly Reflector<KubernetesObject>[];
  readonly inventory: Inventory;
  readonly gpujobMetrics: GPUJobMetrics;
}

/** Until the signal is aborted, or the lease is lost. */
export async function runOperator(
  configuration: Configuration,
  around: Surroundings,
  signal: AbortSignal,
): Promise<Ending> {
  const parts = await assemble(configuration, around);
  const watching = new AbortController();
  const servers = await startServers(parts);
  parts.log.info(
    { version, identity: parts.identity, ports: servers.map((server) => server.port) },
    'CORE: Production Kernel Active.',
  );
  const watches = parts.reflectors.map((reflector) => reflector.run(watching.signal));
  try {
    return configuration.leaderElect ? await electAndLead(parts, signal) : await leadAlone(parts, signal);
  } finally {
    watching.abort();
    await Promise.all(watches);
    await Promise.all(servers.map((server) => server.close()));
    await parts.transport.close();
  }
}

async function assemble(configuration: Configuration, around: Surroundings): Promise<Parts> {
  const clock = systemClock;
  const { log, environment } = around;
  const identity = identityOf(configuration, around.processID);
  const kubeconfig = configuration.kubeconfig === '' ? {} : { kubeconfig: configuration.kubeconfig };
  const connection = await loadConnection({ environment, clock, ...kubeconfig });
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const metrics = runtimeMetrics(registry, clock);
  const transport = new HttpTransport({
    connection,
    clock,
    userAgent: `orquanta/${version} (${identity})`,
    onResponse: (labels) => {
      metrics.request(labels);
    },
  });
  const client = new ApiClient(transport, { fieldManager });
  const collections = watchedCollections();
  const inventory = new Inventory();
  feedInventory(collections, inventory);
  const reflectors = reflectorsOf(collections, client, configuration.watchNamespace, clock, log);
  const namespace = configuration.leaseNamespace === '' ? connection.namespace : configuration.leaseNamespace;
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
    reflectors,
    inventory,
    gpujobMetrics: gpujobMetrics(registry, inventory),
  };
}

function reflectorsOf(
  collections: Collections,
  client: ApiClient,
  namespace: string,
  clock: Clock,
  log: Log,
): Reflector<KubernetesObject>[] {
  const watch = <T extends KubernetesObject>(collection: Collection<T>, scope: { namespace?: string }) =>
    new Reflector<T>({
      ...collection,
      ...scope,
      client,
      clock,
      log,
      random: Math.random,
    }) as unknown as Reflector<KubernetesObject>;
  const ours = namespace === '' ? {} : { namespace };
  return [
    watch(collections.gpujobs, ours),
    watch(collections.jobs, ours),
    watch(collections.podRefusals, ours),
    // Cards are taken by Pods of every namespace.
    watch(collections.pods, {}),
    watch(collections.nodes, {}),
    watch(collections.priorityClasses, {}),
  ];
}

async function startServers(parts: Parts): Promise<Listening[]> {
  const { configuration, registry } = parts;
  const { metricsBindAddress, probeBindAddress } = configuration;
  const metrics = async () => ({ status: 200, contentType: registry.contentType, body: await registry.metrics() });
  return [
    ...(probeBindAddress
      ? [await listen(probeBindAddress, { '/healthz': healthz, '/readyz': () => readyz(parts) })]
      : []),
    ...(metricsBindAddress ? [await listen(metricsBindAddress, { '/metrics': metrics })] : []),
  ];
}

/** The event loop turns: that is all a liveness probe may ask, or a slow API server would restart every replica. */
function healthz(): { status: number; body: string } {
  return { status: 200, body: 'ok\n' };
}

async function readyz({ collections, transport }: Parts): Promise<{ status: number; body: string }> {
  const unsynced = Object.values(collections)
    .filter(({ store }: { store: { synced: boolean } }) => !store.synced)
    .map(({ resource }: { resource: { plural: string } }) => resource.plural);
  if (unsynced.length > 0) return { status: 503, body: `not synced yet: ${unsynced.join(', ')}\n` };
  const signal = AbortSignal.timeout(readyTimeoutMilliseconds);
  const answer = await transport.request({ method: 'GET', path: '/version', lane: 'read', signal });
  return answer.status < 400
    ? { status: 200, body: 'ok\n' }
    : { status: 503, body: `the API server answers ${answer.status}\n` };
}

async function leadAlone(parts: Parts, signal: AbortSignal): Promise<Ending> {
  await lead(parts, signal);
  return 'released';
}

async function electAndLead(parts: Parts, signal: AbortSignal): Promise<Ending> {
  const { configuration, identity, namespace, transport, client, clock, log, metrics } = parts;
  const { leaseName, leaseDurationMilliseconds, renewDeadlineMilliseconds, retryPeriodMilliseconds } = configuration;
  const elector = new LeaderElector({
    client: client.with({ lane: 'lease' }),
    namespace,
    name: leaseName,
    identity,
    leaseDurationMilliseconds,
    renewDeadlineMilliseconds,
    retryPeriodMilliseconds,
    clock,
    log,
    onLeadingChanged: (leading) => {
      metrics.leading(leaseName, leading);
    },
  });
  transport.fenceWrites(elector);
  return elector.run(signal, { onStartedLeading: (leading) => lead(parts, leading) });
}

/** Everything a leader does, until it is told to stop; returns when all of it has stopped. */
async function lead(parts: Parts, signal: AbortSignal): Promise<void> {
  const { configuration, client, clock, log, metrics, collections, inventory, reflectors, identity } = parts;
  const queue = new WorkQueue({ clock, random: Math.random, metrics: metrics.queue(controllerName) });
  const recorder = new EventRecorder({
    client,
    reportingController: 'orquanta.io/operator',
    reportingInstance: identity,
    clock,
    log,
  });
  const audience = { events: recorder, log, metrics: parts.gpujobMetrics };
  const gpujobs = new GPUJobController({
    client,
    collections,
    inventory,
    policies: () => new Map([[defaultPolicy.name, defaultPolicy]]),
    settings: settingsOf(configuration),
    clock,
    enqueue: (key) => {
      queue.add(key);
    },
    announce: (gpujob, fact) => {
      announce(gpujob, fact, audience);
    },
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
  try {
    await Promise.all(reflectors.map((reflector) => reflector.catchUp(signal)));
    log.info({ gpujobs: collections.gpujobs.store.size, nodes: collections.nodes.store.size }, 'leading');
    gpujobs.start();
    await Promise.all([controller.run(signal), recorder.run(signal)]);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    gpujobs.stop();
    // A finished job's wait for its deletion lasts an hour: the process would live as long.
    queue.close();
  }
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
