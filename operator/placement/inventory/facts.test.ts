import { describe, expect, it } from 'vitest';
import { nodeFacts } from './node-facts.ts';
import { podFacts, podRequests } from './pod-facts.ts';
import type { PodSpecShape } from './pod-facts.ts';

const asks = (cpu: string, more: Record<string, string> = {}): { resources: { requests: Record<string, string> } } => ({
  resources: { requests: { cpu, ...more } },
});
const sidecar = (cpu: string) => ({ ...asks(cpu), restartPolicy: 'Always' });

describe('podRequests', () => {
  it.each<{ name: string; spec: PodSpecShape; want: Record<string, number> }>([
    { name: 'a Pod that asks for nothing still takes a place', spec: { containers: [{}] }, want: { pods: 1 } },
    {
      name: 'containers add up: cpu in millicores, memory in bytes, the rest in units',
      spec: {
        containers: [asks('500m', { memory: '1Gi' }), asks('2', { 'nvidia.com/gpu': '1', 'hugepages-2Mi': '4Mi' })],
      },
      want: { cpu: 2500, memory: 2 ** 30, 'nvidia.com/gpu': 1, 'hugepages-2Mi': 4 * 2 ** 20, pods: 1 },
    },
    {
      name: 'a large init container counts instead of the containers, not beside them',
      spec: { containers: [asks('1')], initContainers: [asks('3'), asks('2')] },
      want: { cpu: 3000, pods: 1 },
    },
    {
      name: 'sidecars run beside the containers',
      spec: { containers: [asks('1')], initContainers: [sidecar('500m'), sidecar('1')] },
      want: { cpu: 2500, pods: 1 },
    },
    {
      name: 'an init container runs beside the sidecars that started before it',
      spec: { containers: [asks('1')], initContainers: [sidecar('1'), asks('4'), sidecar('1')] },
      want: { cpu: 5000, pods: 1 },
    },
    {
      name: 'overhead comes on top',
      spec: { containers: [asks('1')], overhead: { cpu: '250m', memory: '120Mi' } },
      want: { cpu: 1250, memory: 120 * 2 ** 20, pods: 1 },
    },
    {
      name: 'a limit without a request is a request',
      spec: { containers: [{ resources: { limits: { cpu: '2', 'nvidia.com/gpu': '4' }, requests: { cpu: '1' } } }] },
      want: { cpu: 1000, 'nvidia.com/gpu': 4, pods: 1 },
    },
    {
      name: 'what is asked for the Pod as a whole counts for cpu and memory',
      spec: { containers: [asks('1', { 'nvidia.com/gpu': '1' })], resources: { requests: { cpu: '6' } } },
      want: { cpu: 6000, 'nvidia.com/gpu': 1, pods: 1 },
    },
    { name: 'what cannot be read counts as nothing', spec: { containers: [asks('lots')] }, want: { pods: 1 } },
  ])('$name', ({ spec, want }) => {
    expect(podRequests(spec)).toEqual(want);
  });
});

const runLabels = { gpujobUID: 'orquanta.io/gpujob-uid', run: 'orquanta.io/run' };

describe('podFacts', () => {
  it('knows a run by its labels, and a Pod that has ended', () => {
    const labels = { 'orquanta.io/gpujob-uid': 'u1', 'orquanta.io/run': '3' };
    const pod = {
      metadata: { uid: 'p', name: 'n', namespace: 'ml', labels },
      spec: { nodeName: 'a' },
      status: { phase: 'Failed' },
    };
    expect(podFacts(pod, runLabels)).toEqual({
      uid: 'p',
      namespace: 'ml',
      name: 'n',
      nodeName: 'a',
      requests: { pods: 1 },
      run: 'u1/3',
      terminal: true,
    });
  });

  it("is nobody's run without both labels, and bound to nothing without a node", () => {
    const facts = podFacts({ metadata: { uid: 'p', name: 'n' } }, runLabels);
    expect([facts.run, facts.nodeName, facts.terminal]).toEqual([undefined, '', false]);
  });
});

describe('nodeFacts', () => {
  it('is ready only when the condition says so', () => {
    const node = (status: string) => ({ metadata: { name: 'a' }, status: { conditions: [{ type: 'Ready', status }] } });
    expect(['True', 'False', 'Unknown'].map((status) => nodeFacts(node(status)).ready)).toEqual([true, false, false]);
    expect(nodeFacts({ metadata: { name: 'a' } }).ready).toBe(false);
  });

  it('reads cordon, taints, deletion and amounts', () => {
    const facts = nodeFacts({
      metadata: { name: 'a', labels: { zone: 'z' }, deletionTimestamp: '2026-01-01T00:00:00Z' },
      spec: { unschedulable: true, taints: [{ key: 'k', effect: 'NoSchedule' }] },
      status: { allocatable: { cpu: '1' }, capacity: { cpu: '2' } },
    });
    expect(facts).toEqual({
      name: 'a',
      labels: { zone: 'z' },
      taints: [{ key: 'k', effect: 'NoSchedule' }],
      unschedulable: true,
      ready: false,
      allocatable: { cpu: '1' },
      capacity: { cpu: '2' },
      deleting: true,
    });
  });
});
