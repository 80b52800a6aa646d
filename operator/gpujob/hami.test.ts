// GPUJobs on nodes whose cards HAMi hands out, from what is watched to what is made: which changes of its annotations are news, what
// the stores keep of them, and what a run's Job asks for and leaves behind.
import { describe, expect, it } from 'vitest';
import { hamiAnnotations } from '../placement/cards/hami.ts';
import { Inventory } from '../placement/inventory/inventory.ts';
import { plan, reservationFor } from '../placement/queue/planner.ts';
import { emptyQueueMemory } from '../placement/model.ts';
import { plainPolicy } from '../placement/testing/builders.ts';
import { alike, hamiNodeObject, registerAsJSON, registerAsText } from '../placement/testing/hami.ts';
import { type GPUJob, gpujobDefaults } from '../resources/gpujob.ts';
import type { Job, Node, Pod } from '../runtime/kubernetes.ts';
import { collections } from './collections.ts';
import { decide } from './decide/decide.ts';
import { feedInventory } from './feed-inventory.ts';
import { buildClaims, buildJob } from './job.ts';
import { isNews } from './news.ts';
import { reservationOf } from './reservation.ts';
import { aGPUJob, anObservation, at } from './testing/builders.ts';
import { workloadOf } from './workload.ts';

const cards = alike('n', 2, { devmem: 81920 });

function node(resourceVersion: string, annotations: Record<string, string>, register = registerAsJSON(cards)): Node {
  const { metadata, status } = hamiNodeObject('n', cards, { register, annotations });
  return { metadata: { ...metadata, uid: 'n-uid', resourceVersion }, status } as Node;
}

const handshake = (time: string): Record<string, string> => ({
  'hami.io/node-handshake': `Requesting_2026-01-01 ${time}`,
  'hami.io/mutex.lock': time,
});

function pod(resourceVersion: string, annotations: Record<string, string>): Pod {
  return {
    metadata: { name: 'p', namespace: 'others', uid: 'p-uid', resourceVersion, annotations },
    spec: { containers: [{ name: 'main' }] },
    status: { phase: 'Pending' },
  };
}

const gives = (text: string): Record<string, string> => ({ [hamiAnnotations.allocated]: text });

describe('what HAMi writes on a node', () => {
  function news(after: Node): boolean {
    const { store } = collections().nodes;
    const seen: boolean[] = [];
    store.absorb(node('1', handshake('10:00:00')));
    store.subscribe((change) => {
      seen.push(isNews(change));
    });
    store.absorb(after);
    expect(seen).toHaveLength(1);
    return seen[0] === true;
  }

  it.each([
    { name: 'the handshake of every 30 s is none', after: node('2', handshake('10:00:30')), want: false },
    {
      name: 'the same cards in another order are none',
      after: node('2', handshake('10:00:30'), registerAsJSON([...cards].reverse())),
      want: false,
    },
    {
      name: 'a card of another size is',
      after: node('2', {}, registerAsJSON(alike('n', 2, { devmem: 40960 }))),
      want: true,
    },
    { name: 'a cordoned card is', after: node('2', { 'hami.io/device-cordon': 'GPU-n-1' }), want: true },
  ])('is news where it is: $name', ({ after, want }) => {
    expect(news(after)).toBe(want);
  });

  it('is all that is kept of its annotations, and of a form nobody knows not even that', () => {
    const { store } = collections().nodes;
    store.absorb(node('1', { ...handshake('10:00:00'), note: 'long' }, registerAsText(cards)));
    expect(Object.keys(store.get('n')?.metadata.annotations ?? {})).toEqual([hamiAnnotations.register]);
    store.absorb(node('2', {}, `v3 ${'x'.repeat(1000)}`));
    expect(store.get('n')?.metadata.annotations).toEqual({ [hamiAnnotations.register]: '' });
  });
});

describe('what HAMi writes on a Pod', () => {
  it('is kept where it says what the Pod was given, and nothing else', () => {
    const { store } = collections().pods;
    store.absorb(pod('1', { 'hami.io/vgpu-time': '1', ...gives('GPU-n-0,NVIDIA,3000,0:;') }));
    expect(store.get('others/p')?.metadata.annotations).toEqual(gives('GPU-n-0,NVIDIA,3000,0:;'));
    store.absorb(pod('2', { note: 'long' }));
    expect(store.get('others/p')?.metadata.annotations).toBeUndefined();
  });
});

function aCluster() {
  const watched = collections();
  const inventory = new Inventory();
  feedInventory(watched, inventory);
  watched.nodes.store.absorb(node('1', handshake('10:00:00')));
  return { watched, inventory };
}

const shared = (): GPUJob => aGPUJob({ isolation: 'Shared', requiredVRAM: '30Gi' });

/** The Job of the first run, as the planner places it there. */
function runOn(inventory: Inventory, gpujob: GPUJob) {
  const spec = gpujobDefaults(gpujob.spec);
  const workload = workloadOf(gpujob, { ...spec, requiredVRAM: spec.requiredVRAM ?? '0' }, 0);
  const policies = new Map([['default', plainPolicy]]);
  const { verdicts } = plan({ queue: [workload], inventory, policies, memory: emptyQueueMemory, nowMilliseconds: 0 });
  const verdict = verdicts.get(workload.uid);
  if (verdict?.kind !== 'Placed') throw new Error(verdict?.message ?? 'no verdict');
  const reservation = reservationFor(workload, verdict.placement);
  const manifest = buildJob(gpujob, spec, 1, reservation);
  const metadata = { ...manifest.metadata, uid: 'job-uid', resourceVersion: '1', creationTimestamp: at(0) };
  return { manifest, reservation, job: { metadata, status: {} } as Job };
}

describe('a run on such a node', () => {
  it('asks for its share by limits and names its card, without a claim', () => {
    const gpujob = shared();
    const { manifest, reservation } = runOn(aCluster().inventory, gpujob);
    const { metadata, spec } = manifest.spec?.template ?? {};
    expect(metadata?.annotations).toEqual({ 'nvidia.com/use-gpuuuid': 'GPU-n-0' });
    expect(spec?.containers[0]?.resources?.limits).toEqual({ 'nvidia.com/gpu': '1', 'nvidia.com/gpumem': '30720' });
    expect(spec).not.toHaveProperty('resourceClaims');
    expect(buildClaims(gpujob, 1, reservation)).toBeUndefined();
  });

  it('is known again by its Job after a restart, with its share of its card', () => {
    const gpujob = shared();
    const { job, reservation } = runOn(aCluster().inventory, gpujob);
    expect(reservationOf(job)).toEqual(reservation);
    const { watched, inventory } = aCluster();
    watched.gpujobs.store.absorb(gpujob);
    watched.jobs.store.absorb(job);
    expect(inventory.standings().map(({ free }) => free)).toEqual([1]);
    watched.pods.store.absorb(pod('1', gives('GPU-n-1,NVIDIA,3000,0:;')));
    expect(inventory.standings().map(({ free }) => free)).toEqual([0]);
  });

  it('leaves no claims behind that somebody would have to delete', () => {
    const gpujob: GPUJob = { ...shared(), status: { run: 2 } };
    const { job } = runOn(aCluster().inventory, shared());
    const { effects } = decide(anObservation({ gpujob, jobs: [job] }));
    expect(effects.map(({ kind }) => kind)).toContain('DeleteJob');
    expect(effects.map(({ kind }) => kind)).not.toContain('DeleteClaimTemplate');
  });
});
