// Which changes of what is watched are news, through the stores as the operator really has them.
import { describe, expect, it } from 'vitest';
import type { Job, Node, Pod } from '../runtime/kubernetes.ts';
import type { Store } from '../runtime/store.ts';
import { collections } from './collections.ts';
import { isNews } from './news.ts';

const metadata = (resourceVersion: string) => ({ name: 'one', namespace: 'ml', uid: 'uid-1', resourceVersion });

function node(resourceVersion: string, heartbeat: string, status = 'True', labels = {}): Node {
  const condition = { type: 'Ready', status, lastHeartbeatTime: heartbeat, reason: 'KubeletReady' };
  return {
    metadata: { name: 'one', uid: 'uid-1', resourceVersion, labels },
    status: { conditions: [condition], allocatable: { cpu: '8' } },
  };
}

function job(resourceVersion: string, status: Job['status']): Job {
  return { metadata: metadata(resourceVersion), ...(status ? { status } : {}) };
}

function pod(resourceVersion: string, changes: { finalizers?: string[]; nodeName?: string; phase?: string }): Pod {
  const { finalizers = [], nodeName = '', phase = 'Pending' } = changes;
  return {
    metadata: { ...metadata(resourceVersion), finalizers },
    spec: { nodeName, containers: [{ name: 'main' }] },
    status: { phase },
  };
}

/** Whether the change from one to the other is news. */
function news<T extends Job | Node | Pod>(store: Store<T>, before: T, after: T): boolean {
  const seen: boolean[] = [];
  store.absorb(before);
  store.subscribe((change) => {
    seen.push(isNews(change));
  });
  store.absorb(after);
  expect(seen).toHaveLength(1);
  return seen[0] === true;
}

describe('news', () => {
  const { jobs, nodes, pods } = collections();

  it.each([
    { title: 'a heartbeat of a node is none', after: node('2', '10:05'), want: false },
    { title: 'a node that is not ready any more is', after: node('2', '10:05', 'Unknown'), want: true },
    { title: 'a new label on a node is', after: node('2', '10:00', 'True', { zone: 'a' }), want: true },
  ])('$title', ({ after, want }) => {
    expect(news(collections().nodes.store, node('1', '10:00'), after)).toBe(want);
  });

  it.each([
    { title: 'a count of Pods on a Job is none', status: { active: 1, ready: 1 }, want: false },
    {
      title: 'a condition on the way to the end of a Job is none',
      status: { conditions: [{ type: 'SuccessCriteriaMet', status: 'True' }] },
      want: false,
    },
    {
      title: 'the end of a Job is',
      status: { succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] },
      want: true,
    },
  ])('$title', ({ status, want }) => {
    expect(news(collections().jobs.store, job('1', { active: 1 }), job('2', status))).toBe(want);
  });

  it.each([
    { title: 'a finalizer of a Pod is none', after: pod('2', { finalizers: ['a/b'] }), want: false },
    { title: 'the binding of a Pod is', after: pod('2', { nodeName: 'node-1' }), want: true },
    { title: 'the end of a Pod is', after: pod('2', { phase: 'Failed' }), want: true },
  ])('$title', ({ after, want }) => {
    expect(news(collections().pods.store, pod('1', {}), after)).toBe(want);
  });

  it('keeps the newest version although it is no news: deletions are preconditioned on it', () => {
    for (const [store, before, after] of [
      [jobs.store, job('1', {}), job('2', { active: 1 })],
      [nodes.store, node('1', '10:00'), node('2', '10:05')],
      [pods.store, pod('1', {}), pod('2', {})],
    ] as unknown as [Store<Job>, Job, Job][]) {
      news(store, before, after);
      expect([...store.list()].map((object) => object.metadata.resourceVersion)).toEqual(['2']);
    }
  });
});
