// The heat observers' part of leading: their thread and their controller. Wiring only.
import { operatorHeatDefaults, type Configuration } from '../config.ts';
import type { SovereignPolicy } from '../resources/sovereignpolicy.ts';
import type { ApiClient } from '../runtime/client.ts';
import type { Clock } from '../runtime/clock.ts';
import { Controller } from '../runtime/controller.ts';
import type { Log } from '../runtime/log.ts';
import type { RuntimeMetrics } from '../runtime/metrics.ts';
import { WorkQueue } from '../runtime/work-queue.ts';
import type { HeatCollections } from './collections.ts';
import { HeatController } from './controller.ts';
import { HeatPlacements } from './placements.ts';
import type { HeatMetrics } from './metrics.ts';
import { Observers } from './worker/observers.ts';

export interface HeatLeadOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly runtimeMetrics: RuntimeMetrics;
  readonly metrics: HeatMetrics;
  readonly collections: HeatCollections;
  readonly configuration: Configuration;
  readonly policies: { get(name: string): SovereignPolicy | undefined };
}

export interface HeatLead {
  readonly placements: HeatPlacements;
  /** Call it when the store has caught up. */
  start(): void;
  run(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

const controllerName = 'heatobserver';
/** A few Secrets may be slow to read; the observers themselves work elsewhere. */
const workers = 4;

export function leadHeat(options: HeatLeadOptions): HeatLead {
  const { client, clock, log, runtimeMetrics, metrics, collections, configuration, policies } = options;
  const { store } = collections.heatObservers;
  const queue = new WorkQueue({ clock, random: Math.random, metrics: runtimeMetrics.queue(controllerName) });
  const observers = new Observers({
    ...{ clock, log, random: Math.random },
    onMessage: (message) => {
      if (message.kind === 'Figures' && message.skippedPlans.length > 0) {
        log.debug(
          { heatobserver: message.key, skipped: message.figures.skipped, plans: message.skippedPlans },
          'plans skipped',
        );
      }
      if (message.kind === 'Heat') placements.found(message.key, message.planID, message.heat);
      heat.hear(message);
    },
    onRestart: (keys) => {
      heat.forgetStandings(keys);
    },
  });
  const placements = new HeatPlacements({ policies, observers, clock });
  const heat = new HeatController({
    ...{ client, store, observers, clock, metrics },
    defaults: operatorHeatDefaults(configuration),
    lookupPrefix: configuration.heatLookupPrefix,
    hosts: { allowedHosts: configuration.heatAllowedHosts, allowLocal: configuration.heatAllowLocal },
    enqueue: (key) => {
      queue.add(key);
    },
  });
  const controller = new Controller({
    name: controllerName,
    reconcile: (key, context) => heat.reconcile(key, context.signal),
    workers,
    queue,
    log,
    metrics: runtimeMetrics.controller(controllerName),
  });
  let unsubscribe: (() => void) | undefined;
  return {
    placements,
    start() {
      unsubscribe = store.subscribe(({ key, object, previous }) => {
        // Its status is our own.
        const isOurs = previous !== undefined && sameButStatus(object, previous);
        if (!isOurs) queue.add(key);
      });
      for (const { metadata } of store.list()) queue.add(`${metadata.namespace}/${metadata.name}`);
    },
    run: (signal) => controller.run(signal),
    async stop() {
      unsubscribe?.();
      queue.close();
      await observers.end();
    },
  };
}

type Edited = {
  readonly metadata: {
    readonly generation?: number;
    readonly annotations?: unknown;
    readonly deletionTimestamp?: unknown;
  };
};

function sameButStatus(one: Edited, other: Edited): boolean {
  const edits = ({ metadata }: Edited) =>
    JSON.stringify([metadata.generation, metadata.annotations, metadata.deletionTimestamp]);
  return edits(one) === edits(other);
}
