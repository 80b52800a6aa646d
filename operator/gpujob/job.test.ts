import { describe, expect, it } from 'vitest';
import { gpujobDefaults, type GPUJobSpec } from '../resources/gpujob.ts';
import { buildJob, buildService, type JobManifest, runName } from './job.ts';
import { reservationOf } from './reservation.ts';
import { aGPUJob, aPlacement } from './testing/builders.ts';

function jobFor(spec: Partial<GPUJobSpec> = {}, nodes: readonly string[] = ['node-a']): JobManifest {
  const gpujob = aGPUJob(spec);
  const reservation = {
    run: 'gpujob-uid/3',
    placement: aPlacement(3, nodes),
    perWorker: { 'nvidia.com/gpu': 1, pods: 1 },
  };
  return buildJob(gpujob, gpujobDefaults(gpujob.spec), 3, reservation);
}

const twoContainers = {
  spec: {
    containers: [
      { name: 'main', image: 'train:1' },
      { name: 'side', image: 'side:1', terminationMessagePolicy: 'File' },
    ],
  },
} as unknown as GPUJobSpec['template'];

describe('the Job of a run', () => {
  it('is named after its owner and run, owned by it, and tried once', () => {
    const job = jobFor();
    expect(job.metadata.name).toBe(runName('train', 3));
    expect(job.metadata.ownerReferences).toEqual([
      { apiVersion: 'orquanta.io/v1alpha1', kind: 'GPUJob', name: 'train', uid: 'gpujob-uid', controller: true },
    ]);
    expect(job.spec).toMatchObject({ backoffLimit: 0, completions: 1, parallelism: 1 });
    expect(job.spec).not.toHaveProperty('ttlSecondsAfterFinished');
    expect(job.spec).not.toHaveProperty('podFailurePolicy');
  });

  it('carries what it holds, so that a restarted operator knows it', () => {
    const job = jobFor();
    expect(reservationOf({ ...job, metadata: { ...job.metadata, uid: 'u', resourceVersion: '1' } })).toEqual({
      run: 'gpujob-uid/3',
      placement: aPlacement(3),
      perWorker: { 'nvidia.com/gpu': 1, pods: 1 },
    });
  });

  it('gives the cards to the first container, or to the named one, and to no other', () => {
    const cardsOf = (job: JobManifest): unknown[] =>
      (job.spec?.template.spec?.containers ?? []).map((container) => container.resources?.limits?.['nvidia.com/gpu']);
    expect(cardsOf(jobFor({ template: twoContainers, gpus: 2 }))).toEqual(['2', undefined]);
    expect(cardsOf(jobFor({ template: twoContainers, container: 'side', gpus: 2 }))).toEqual([undefined, '2']);
  });

  it('asks for the last words of every container, but never overrules a user who chose otherwise', () => {
    const policies = (jobFor({ template: twoContainers }).spec?.template.spec?.containers ?? []).map(
      (container) => container.terminationMessagePolicy,
    );
    expect(policies).toEqual(['FallbackToLogsOnError', 'File']);
  });

  it('leaves the GPUJob it was built from as it was', () => {
    const gpujob = aGPUJob({ template: twoContainers });
    const before = structuredClone(gpujob);
    buildJob(gpujob, gpujobDefaults(gpujob.spec), 1, undefined);
    expect(gpujob).toEqual(before);
  });

  it('without a reservation asks for no cards and pins no node: good for a try', () => {
    const gpujob = aGPUJob();
    const job = buildJob(gpujob, gpujobDefaults(gpujob.spec), 1, undefined);
    expect(job.spec?.template.spec?.affinity).toBeUndefined();
    expect(job.metadata.annotations).toBeUndefined();
  });
});

describe('the Job of a gang', () => {
  it('is Indexed, with a name for each worker and the variables torchrun and torch.distributed read', () => {
    const job = jobFor({ workers: 2, gpus: 8 }, ['node-a', 'node-b']);
    const index = {
      valueFrom: { fieldRef: { fieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']" } },
    };
    expect(job.spec).toMatchObject({ completionMode: 'Indexed', completions: 2, parallelism: 2 });
    expect(job.spec?.template.spec?.subdomain).toBe('train-3');
    expect(job.spec?.template.spec?.containers[0]?.env).toEqual([
      { name: 'WORLD_SIZE', value: '2' },
      { name: 'RANK', ...index },
      { name: 'MASTER_ADDR', value: 'train-3-0.train-3' },
      { name: 'MASTER_PORT', value: '29500' },
      { name: 'PET_NNODES', value: '2' },
      { name: 'PET_NODE_RANK', ...index },
      { name: 'PET_NPROC_PER_NODE', value: '8' },
    ]);
  });

  it("keeps the user's own variable of the same name", () => {
    const template = {
      spec: { containers: [{ name: 'main', image: 'x', env: [{ name: 'MASTER_PORT', value: '1234' }] }] },
    };
    const env = jobFor({ workers: 2, template: template as unknown as GPUJobSpec['template'] }).spec?.template.spec
      ?.containers[0]?.env;
    expect(env?.filter(({ name }) => name === 'MASTER_PORT')).toEqual([{ name: 'MASTER_PORT', value: '1234' }]);
  });

  it('has a headless Service that names workers before they are ready', () => {
    expect(buildService(aGPUJob({ workers: 2 }), 3)).toMatchObject({
      metadata: { name: 'train-3', namespace: 'ml' },
      spec: {
        clusterIP: 'None',
        publishNotReadyAddresses: true,
        selector: { 'orquanta.io/gpujob-uid': 'gpujob-uid', 'orquanta.io/run': '3' },
      },
    });
  });
});
