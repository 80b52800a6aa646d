// The runtime's metrics under controller-runtime's and client-go's names and labels, because people's dashboards know
// them. Everything goes into the registry it is given; there is no state of its own.
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import type { Clock } from './clock.ts';

export type ReconcileResult = 'success' | 'requeue_after' | 'error' | 'terminal_error';

export interface ControllerMetrics {
  workers(maximum: number): void;
  /** A reconcile starts; call what it returns when it ends. */
  started(): (result: ReconcileResult) => void;
}

export interface QueueMetrics {
  depth(keys: number): void;
  added(): void;
  taken(waitedSeconds: number): void;
  done(workedSeconds: number): void;
  retried(): void;
}

export interface RequestLabels {
  /** The HTTP status, or '<error>' when no answer came. */
  code: string;
  host: string;
  method: string;
}

export interface RuntimeMetrics {
  controller(name: string): ControllerMetrics;
  queue(name: string): QueueMetrics;
  /** One request of the transport has ended. */
  request(labels: RequestLabels): void;
  /** For the elector; name is the lease's. */
  leading(name: string, leading: boolean): void;
}

/** controller-runtime's buckets for reconciles (pkg/internal/controller/metrics). */
const reconcileSeconds = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2,
  2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];

/** controller-runtime's buckets for the queue: from 10 ns in steps of ten (pkg/internal/metrics/workqueue.go). */
const queueSeconds = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000];

export function runtimeMetrics(registry: Registry, clock: Clock): RuntimeMetrics {
  return {
    controller: controllerMetrics(registry, clock),
    queue: queueMetrics(registry),
    request: requestMetrics(registry),
    leading: leaderMetrics(registry),
  };
}

function controllerMetrics(registry: Registry, clock: Clock): (name: string) => ControllerMetrics {
  const registers = [registry];
  const labelNames = ['controller'] as const;
  const total = new Counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Reconciles per controller and result.',
    labelNames: ['controller', 'result'] as const,
    registers,
  });
  const errors = new Counter({
    name: 'controller_runtime_reconcile_errors_total',
    help: 'Reconciles that ended in an error, per controller.',
    labelNames,
    registers,
  });
  const terminal = new Counter({
    name: 'controller_runtime_terminal_reconcile_errors_total',
    help: 'Reconciles that ended in an error that is not tried again, per controller.',
    labelNames,
    registers,
  });
  const time = new Histogram({
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'Length of a reconcile, per controller.',
    labelNames,
    buckets: reconcileSeconds,
    registers,
  });
  const active = new Gauge({
    name: 'controller_runtime_active_workers',
    help: 'Reconciles running now, per controller.',
    labelNames,
    registers,
  });
  const maximum = new Gauge({
    name: 'controller_runtime_max_concurrent_reconciles',
    help: 'How many reconciles may run at a time, per controller.',
    labelNames,
    registers,
  });
  return (controller) => ({
    workers(count) {
      maximum.set({ controller }, count);
      active.set({ controller }, 0);
    },
    started() {
      const start = clock.monotonic();
      active.inc({ controller });
      return (result) => {
        active.dec({ controller });
        time.observe({ controller }, (clock.monotonic() - start) / 1000);
        const failed = result === 'error' || result === 'terminal_error';
        total.inc({ controller, result: failed ? 'error' : result });
        if (failed) errors.inc({ controller });
        if (result === 'terminal_error') terminal.inc({ controller });
      };
    },
  });
}

function queueMetrics(registry: Registry): (name: string) => QueueMetrics {
  const registers = [registry];
  const labelNames = ['name'] as const;
  const depth = new Gauge({ name: 'workqueue_depth', help: 'Keys ready to be taken.', labelNames, registers });
  const adds = new Counter({ name: 'workqueue_adds_total', help: 'Keys added.', labelNames, registers });
  const retries = new Counter({
    name: 'workqueue_retries_total',
    help: 'Keys added again after a failure.',
    labelNames,
    registers,
  });
  const waited = new Histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'How long a key waits before it is taken.',
    labelNames,
    buckets: queueSeconds,
    registers,
  });
  const worked = new Histogram({
    name: 'workqueue_work_duration_seconds',
    help: 'How long the work on a key takes.',
    labelNames,
    buckets: queueSeconds,
    registers,
  });
  return (name) => ({
    depth: (keys) => {
      depth.set({ name }, keys);
    },
    added: () => {
      adds.inc({ name });
    },
    taken: (seconds) => {
      waited.observe({ name }, seconds);
    },
    done: (seconds) => {
      worked.observe({ name }, seconds);
    },
    retried: () => {
      retries.inc({ name });
    },
  });
}

function requestMetrics(registry: Registry): (labels: RequestLabels) => void {
  const requests = new Counter({
    name: 'rest_client_requests_total',
    help: 'HTTP requests to the API server, by status code, method and host.',
    labelNames: ['code', 'host', 'method'] as const,
    registers: [registry],
  });
  return ({ code, host, method }) => {
    requests.inc({ code, host, method });
  };
}

function leaderMetrics(registry: Registry): (name: string, leading: boolean) => void {
  const master = new Gauge({
    name: 'leader_election_master_status',
    help: 'Whether this process leads: 1, or stands by: 0.',
    labelNames: ['name'] as const,
    registers: [registry],
  });
  return (name, leading) => {
    master.set({ name }, leading ? 1 : 0);
  };
}

/** For tests and tools that show no metrics. */
export const noControllerMetrics: ControllerMetrics = {
  workers: () => undefined,
  started: () => () => undefined,
};

export const noQueueMetrics: QueueMetrics = {
  depth: () => undefined,
  added: () => undefined,
  taken: () => undefined,
  done: () => undefined,
  retried: () => undefined,
};
