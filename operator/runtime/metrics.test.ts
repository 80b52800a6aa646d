import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { runtimeMetrics } from './metrics.ts';
import { FakeClock } from './testing/fake-clock.ts';

describe('the metrics of the runtime', () => {
  it('have the names and labels that dashboards know', async () => {
    const registry = new Registry();
    const metrics = runtimeMetrics(registry, new FakeClock());
    metrics.request({ code: '200', host: 'example.com:6443', method: 'GET' });
    metrics.leading('operator', true);
    metrics.controller('things').workers(4);
    metrics.queue('things').added();
    const text = await registry.metrics();
    expect(text).toContain('rest_client_requests_total{code="200",host="example.com:6443",method="GET"} 1');
    expect(text).toContain('leader_election_master_status{name="operator"} 1');
    expect([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name).sort()).toEqual([
      'controller_runtime_active_workers',
      'controller_runtime_max_concurrent_reconciles',
      'controller_runtime_reconcile_errors_total',
      'controller_runtime_reconcile_time_seconds',
      'controller_runtime_reconcile_total',
      'controller_runtime_terminal_reconcile_errors_total',
      'leader_election_master_status',
      'rest_client_requests_total',
      'workqueue_adds_total',
      'workqueue_depth',
      'workqueue_queue_duration_seconds',
      'workqueue_retries_total',
      'workqueue_work_duration_seconds',
    ]);
  });

  it('of two registries have nothing to do with each other', async () => {
    const [a, b] = [new Registry(), new Registry()];
    runtimeMetrics(a, new FakeClock()).leading('operator', true);
    runtimeMetrics(b, new FakeClock()).leading('operator', false);
    expect(await a.metrics()).toContain('leader_election_master_status{name="operator"} 1');
    expect(await b.metrics()).toContain('leader_election_master_status{name="operator"} 0');
  });
});
