// Where the model of kube-scheduler binds a Pod, by hand-made nodes; the e2e replays hold it against the real one.
import { describe, expect, it } from 'vitest';
import type { Requests } from '../bench/placement/simulate.ts';
import type { TraceNode } from '../openb/trace.ts';
import { kubeScheduler } from './kube-scheduler.ts';

function node(name: string, cpuMillis: number, memoryMebibytes: number): TraceNode {
  return { name, cpuMillis, memoryMebibytes, cards: 2, model: 'T4' };
}

const pod: Requests = { cpuMillis: 4000, memoryMebibytes: 4096 };
const nothing: Requests = { cpuMillis: 0, memoryMebibytes: 0 };
const first = (): number => 0.5;

function bound(nodes: readonly TraceNode[], requested: Readonly<Record<string, Requests>> = {}): string | undefined {
  return kubeScheduler(nodes, first)(pod, (name) => requested[name] ?? nothing);
}

describe('a plain Pod is bound', () => {
  it('where most is left: it spreads', () => {
    const nodes = [node('a', 64_000, 65_536), node('b', 64_000, 65_536)];
    expect(bound(nodes, { a: { cpuMillis: 8000, memoryMebibytes: 8192 } })).toBe('b');
    expect(bound(nodes, { b: { cpuMillis: 8000, memoryMebibytes: 8192 } })).toBe('a');
  });

  it('on the node that it takes the smaller part of', () => {
    expect(bound([node('small', 16_000, 16_384), node('large', 128_000, 131_072)])).toBe('large');
  });

  it('where it makes CPU and memory more evenly used, of nodes with as much left', () => {
    const nodes = [node('a', 64_000, 65_536), node('b', 64_000, 65_536)];
    const even = { cpuMillis: 16_000, memoryMebibytes: 16_384 };
    const mostlyCPU = { cpuMillis: 32_000, memoryMebibytes: 0 };
    const requested: Readonly<Record<string, Requests>> = { a: even, b: mostlyCPU };
    const mostlyMemory = { cpuMillis: 1000, memoryMebibytes: 16_384 };
    expect(kubeScheduler(nodes, first)(mostlyMemory, (name) => requested[name] ?? nothing)).toBe('b');
  });

  it('nowhere, where no node has the room', () => {
    expect(bound([node('a', 3000, 65_536), node('b', 64_000, 4000)])).toBeUndefined();
  });

  it('of equal nodes on any', () => {
    const nodes = [node('a', 64_000, 65_536), node('b', 64_000, 65_536), node('c', 64_000, 65_536)];
    const draws = [0.1, 0.9, 0.3];
    expect(kubeScheduler(nodes, () => draws.shift() ?? 0)(pod, () => nothing)).toBe('b');
  });

  it('in a large cluster on one of the nodes looked at, and the next time others are', () => {
    const nodes = Array.from({ length: 250 }, (_, index) => node(`n-${index}`, 64_000 + index, 65_536));
    const bind = kubeScheduler(nodes, first);
    const places = [1, 2, 3].map(() => Number(bind(pod, () => nothing)?.slice(2)));
    expect(places.map((place) => Math.floor(place / 120))).toEqual([0, 1, expect.any(Number)]);
  });
});
