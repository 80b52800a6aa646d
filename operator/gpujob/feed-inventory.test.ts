// What holds cards: real runs and bound Pods, whatever order their objects arrive in, and nothing that only looks like one.
import { describe, expect, it } from 'vitest';
import { Inventory } from '../placement/inventory/inventory.ts';
import type { Reservation } from '../placement/model.ts';
import { annotations, labels } from '../resources/labels.ts';
import type { Job, Node } from '../runtime/kubernetes.ts';
import { collections } from './collections.ts';
import { feedInventory } from './feed-inventory.ts';
import { reservationAnnotation, reservationOf } from './reservation.ts';
import { aGPUJob, aJob, aPod } from './testing/builders.ts';

const node: Node = {
  metadata: {
    name: 'node-a',
    uid: 'node-uid',
    resourceVersion: '1',
    labels: { 'nvidia.com/gpu.product': 'NVIDIA-L4', 'nvidia.com/gpu.memory': '22888', 'nvidia.com/gpu.count': '4' },
  },
  status: {
    allocatable: { cpu: '8', memory: '64Gi', pods: '110', 'nvidia.com/gpu': '4' },
    conditions: [{ type: 'Ready', status: 'True' }],
  },
};

function aCluster() {
  const watched = collections();
  const inventory = new Inventory();
  feedInventory(watched, inventory);
  watched.nodes.store.absorb(structuredClone(node));
  const held = (resource = 'nvidia.com/gpu'): number => inventory.used('node-a', resource);
  const jobs = watched.jobs.store;
  return { gpujobs: watched.gpujobs.store, jobs, pods: watched.pods.store, held };
}

const run = (change: (job: Job) => void = () => undefined): Job => {
  const job = structuredClone(aJob());
  change(job);
  return job;
};

function withReservation(job: Job, change: (reservation: Reservation) => Partial<Reservation>): void {
  const reservation = reservationOf(job);
  if (reservation) job.metadata.annotations = reservationAnnotation({ ...reservation, ...change(reservation) });
}

describe('a run’s Job', () => {
  it('holds its cards until its end', () => {
    const { gpujobs, jobs, held } = aCluster();
    gpujobs.absorb(aGPUJob());
    jobs.absorb(run());
    expect(held()).toBe(1);
    jobs.absorb({ ...aJob(1, 'Complete'), metadata: { ...aJob().metadata, resourceVersion: '11' } });
    expect(held()).toBe(0);
  });

  it('holds its cards too where it is seen before its GPUJob', () => {
    const { gpujobs, jobs, held } = aCluster();
    jobs.absorb(run());
    expect(held()).toBe(0);
    gpujobs.absorb(aGPUJob());
    expect(held()).toBe(1);
  });

  it('gives its reservation up with its GPUJob: from then on its bound Pods speak for themselves', () => {
    const { gpujobs, jobs, held } = aCluster();
    const gpujob = aGPUJob();
    gpujobs.absorb(gpujob);
    jobs.absorb(run());
    gpujobs.absorbDelete(gpujob.metadata);
    expect(held()).toBe(0);
  });
});

describe('a bound Pod', () => {
  it('holds what it asks for as a whole, which counts in place of what its containers ask for', () => {
    const { pods, held } = aCluster();
    const containers = [{ name: 'main', resources: { requests: { cpu: '1', 'example.com/fpga': '1' } } }];
    const spec = { nodeName: 'node-a', containers, resources: { requests: { cpu: '3' } }, overhead: { cpu: '500m' } };
    pods.absorb({ ...aPod(), spec });
    expect(held('cpu')).toBe(3_500);
    expect(held('example.com/fpga')).toBe(1);
  });
});

describe('a Job that is orphaned', () => {
  const orphan = (): Job =>
    run((job) => {
      delete job.metadata.ownerReferences;
      job.metadata.resourceVersion = '11';
    });

  it.each([
    ['before its GPUJob is seen to go', ['orphaned', 'gone']],
    ['after it', ['gone', 'orphaned']],
  ])('%s gives its reservation up, so that its node is free when its Pod is gone', (_, order) => {
    const { gpujobs, jobs, pods, held } = aCluster();
    const gpujob = aGPUJob();
    gpujobs.absorb(gpujob);
    jobs.absorb(run());
    const pod = aPod(1, { phase: 'Running', node: 'node-a' });
    pods.absorb(pod);
    const events = {
      orphaned: () => {
        jobs.absorb(orphan());
      },
      gone: () => {
        gpujobs.absorbDelete(gpujob.metadata);
      },
    };
    for (const event of order) events[event as keyof typeof events]();
    pods.absorbDelete(pod.metadata);
    expect(held()).toBe(0);
  });
});

describe('a Job that only looks like a run', () => {
  it.each([
    {
      name: 'without an owner',
      forge: (job: Job) => {
        delete job.metadata.ownerReferences;
      },
    },
    { name: 'under another name than its run has', forge: (job: Job) => void (job.metadata.name = 'train-1x') },
    { name: 'in another namespace', forge: (job: Job) => void (job.metadata.namespace = 'other') },
    {
      name: 'with more workers than its GPUJob',
      forge: (job: Job) => {
        withReservation(job, ({ placement }) => ({
          placement: { ...placement, workers: [{ node: 'node-a', count: 3 }] },
        }));
      },
    },
    {
      name: 'with more cards than its GPUJob',
      forge: (job: Job) => {
        withReservation(job, () => ({ perWorker: { 'nvidia.com/gpu': 4 } }));
      },
    },
    {
      name: 'with a reservation of another form',
      forge: (job: Job) => {
        job.metadata.annotations = { [annotations.reservation]: '{"placement":{"workers":7}}' };
      },
    },
    {
      name: 'with a reservation that is no JSON',
      forge: (job: Job) => {
        job.metadata.annotations = { [annotations.reservation]: '{' };
      },
    },
  ])('$name holds nothing', ({ forge }) => {
    const { gpujobs, jobs, held } = aCluster();
    gpujobs.absorb(aGPUJob());
    jobs.absorb(run(forge));
    expect(held()).toBe(0);
  });

  it('takes nothing from the run whose labels it carries', () => {
    const { gpujobs, jobs, held } = aCluster();
    gpujobs.absorb(aGPUJob());
    jobs.absorb(run());
    const forged = run((job) => {
      Object.assign(job.metadata, { name: 'forged', uid: 'forged', resourceVersion: '12' });
    });
    jobs.absorb(forged);
    jobs.absorbDelete(forged.metadata);
    expect(forged.metadata.labels?.[labels.gpujobUID]).toBe('gpujob-uid');
    expect(held()).toBe(1);
  });
});
