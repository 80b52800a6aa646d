// Where kube-scheduler binds a plain Pod, for the simulation: its scores by default, as k8s.io/kubernetes 1.36.3 computes them, of
// NodeResourcesFit (LeastAllocated) and NodeResourcesBalancedAllocation. The other scores are the same for all nodes here.
import type { BindPod, Requests } from '../bench/placement/simulate.ts';
import type { TraceNode } from '../openb/trace.ts';

const most = 100;
/** In a small cluster it looks at every node; else at the first that have room, so many of a hundred (schedule_one.go). */
const fewNodes = 100;

export function kubeScheduler(nodes: readonly TraceNode[], random: () => number): BindPod {
  let start = 0;
  return (pod, requestedOn) => {
    let best: { readonly node: string; readonly score: number; readonly tieBreak: number } | undefined;
    let feasible = 0;
    let looked = 0;
    for (; looked < nodes.length && feasible < nodesToFind(nodes.length); looked += 1) {
      const node = nodes[(start + looked) % nodes.length] as TraceNode;
      const before = requestedOn(node.name);
      const after = sum(before, pod);
      if (after.cpuMillis > node.cpuMillis || after.memoryMebibytes > node.memoryMebibytes) continue;
      feasible += 1;
      const scored = { node: node.name, score: scoreOf(node, before, after), tieBreak: random() };
      if (best === undefined || isBetter(scored, best)) best = scored;
    }
    start = (start + looked) % nodes.length;
    return best?.node;
  };
}

interface Scored {
  readonly score: number;
  readonly tieBreak: number;
}

function isBetter(one: Scored, other: Scored): boolean {
  return one.score > other.score || (one.score === other.score && one.tieBreak > other.tieBreak);
}

function nodesToFind(all: number): number {
  if (all < fewNodes) return all;
  const percent = Math.max(5, 50 - Math.trunc(all / 125));
  return Math.max(fewNodes, Math.trunc((all * percent) / 100));
}

function sum(one: Requests, other: Requests): Requests {
  return {
    cpuMillis: one.cpuMillis + other.cpuMillis,
    memoryMebibytes: one.memoryMebibytes + other.memoryMebibytes,
  };
}

function scoreOf(node: Requests, before: Requests, after: Requests): number {
  return leastAllocated(node, after) + balanceGained(node, before, after);
}

function leastAllocated(node: Requests, after: Requests): number {
  const free = (there: number, requested: number): number => Math.trunc(((there - requested) * most) / there);
  const cpu = free(node.cpuMillis, after.cpuMillis);
  return Math.trunc((cpu + free(node.memoryMebibytes, after.memoryMebibytes)) / 2);
}

function balanceGained(node: Requests, before: Requests, after: Requests): number {
  return most / 2 + Math.trunc((most / 2 + balance(node, after) - balance(node, before)) / 2);
}

function balance(node: Requests, requested: Requests): number {
  const cpu = requested.cpuMillis / node.cpuMillis;
  const memory = requested.memoryMebibytes / node.memoryMebibytes;
  return Math.trunc((1 - Math.abs(cpu - memory) / 2) * most);
}
