// What the server answers to each effect, and what becomes of it: done, outdated, refused, or thrown for another try.
import { describe, expect, it } from 'vitest';
import { type GPUJob, gpujobDefaults, gpujobs } from '../../resources/gpujob.ts';
import { ApiClient } from '../../runtime/client.ts';
import { ApiError } from '../../runtime/errors.ts';
import type { Job, ResourceClaim } from '../../runtime/kubernetes.ts';
import { jobs, resourceClaims, resourceClaimTemplates, services } from '../../runtime/resource.ts';
import { Store } from '../../runtime/store.ts';
import { FakeClock } from '../../runtime/testing/fake-clock.ts';
import { InMemoryApiServer, type Interceptor } from '../../runtime/testing/in-memory-api-server.ts';
import type { Placement } from '../../placement/model.ts';
import type { Lesson } from '../../policy/learner.ts';
import type { Effect, Fact } from '../effects.ts';
import { buildClaims, buildJob, buildService } from '../job.ts';
import { perform } from './perform.ts';
import { aGPUJob, aPlacement } from '../testing/builders.ts';

const signal = new AbortController().signal;

async function aServer() {
  const resources = [
    { resource: gpujobs, status: true },
    // Accepts every template: what a real server refuses is answered by the tests that need it.
    { resource: jobs, status: true, builtIn: true, validate: () => undefined },
    { resource: resourceClaims, status: true },
    { resource: resourceClaimTemplates, status: false },
  ];
  const server = new InMemoryApiServer({ clock: new FakeClock(), resources });
  const client = new ApiClient(server, { fieldManager: 'test' });
  const { metadata, spec } = aGPUJob();
  const gpujob = await client.create<GPUJob>(
    gpujobs,
    { metadata: { name: metadata.name, namespace: 'ml' }, spec },
    {},
    signal,
  );
  const stores = {
    gpujobs: new Store<GPUJob>(),
    jobs: new Store<Job>(),
    resourceClaims: new Store<ResourceClaim>(),
  };
  const told: Fact[] = [];
  const lessons: Lesson[] = [];
  const learn = (_gpujob: GPUJob, lesson: Lesson) => Promise.resolve(lessons.push(lesson) + 6);
  const settle = () => Promise.resolve('1.25');
  const run = (effects: readonly Effect[], seen = gpujob) =>
    perform(seen, effects, {
      client,
      ...stores,
      signal,
      announce: (_gpujob, fact) => void told.push(fact),
      learn,
      settle,
    });
  const effect: Effect = { kind: 'CreateJob', run: 1, job: jobOf(gpujob) };
  return { server, client, gpujob, stores, told, lessons, run, createJob: effect };
}

function jobOf(gpujob: GPUJob) {
  const reservation = { run: `${gpujob.metadata.uid}/1`, placement: aPlacement(), perWorker: { pods: 1 } };
  return buildJob(gpujob, gpujobDefaults(gpujob.spec), 1, reservation);
}

const answering =
  (method: string, error: ApiError): Interceptor =>
  (request, serve) => {
    if (request.method === method) throw error;
    return serve();
  };

const writeStatus: Effect = {
  kind: 'WriteStatus',
  status: { run: 1, vram: '20Gi' },
  facts: [{ kind: 'Waiting', reason: 'CardsBusy', message: 'busy' }],
};

describe('creating a Job', () => {
  it('is in the store at once: nothing older than our own write is ever acted on', async () => {
    const { run, stores, createJob } = await aServer();
    expect(await run([createJob])).toEqual({ kind: 'Done', statusWritten: false });
    expect(stores.jobs.get('ml/train-1')?.metadata.uid).toBeDefined();
  });

  it('that is there already, and ours, is our own earlier success', async () => {
    const { run, stores, createJob, client } = await aServer();
    await run([createJob]);
    const fresh = new Store<Job>();
    Object.assign(stores, { jobs: fresh });
    expect((await run([createJob])).kind).toBe('Done');
    expect((await client.list(jobs, {}, signal)).items).toHaveLength(1);
  });

  it('whose answer got lost, and whose second try is refused, is no refusal: its cards stay its own', async () => {
    const { server, run, stores, createJob } = await aServer();
    let posts = 0;
    server.intercept(async (request, serve) => {
      if (request.method !== 'POST') return serve();
      posts += 1;
      if (posts > 1) throw new ApiError('Forbidden', 'clusterrole "orquanta" not found');
      await serve();
      throw new ApiError('Unreachable', 'the API server died with the answer');
    });
    await expect(run([createJob])).rejects.toThrow('died with the answer');
    expect(await run([createJob])).toEqual({ kind: 'Outdated' });
    expect(stores.jobs.get('ml/train-1')?.metadata.uid).toBeDefined();
  });

  it('that is refused while nobody can say whether it exists is tried again, and gives no cards back', async () => {
    const { server, run, createJob } = await aServer();
    server.intercept(() => {
      throw new ApiError('Forbidden', 'clusterrole "orquanta" not found');
    });
    await expect(run([createJob])).rejects.toThrow('not found');
  });

  it('whose answer got lost is found by the next try, not made twice', async () => {
    const { server, run, createJob, client } = await aServer();
    const stop = server.intercept(async (request, serve) => {
      const answer = await serve();
      if (request.method === 'POST') throw new ApiError('Timeout', 'the answer got lost');
      return answer;
    });
    await expect(run([createJob])).rejects.toMatchObject({ kind: 'Timeout' });
    stop();
    expect((await run([createJob])).kind).toBe('Done');
    expect((await client.list(jobs, {}, signal)).items).toHaveLength(1);
  });

  it("under a name that is somebody else's is refused, and says whose it is", async () => {
    const { client, run, createJob } = await aServer();
    await client.create(jobs, { metadata: { name: 'train-1', namespace: 'ml' } }, {}, signal);
    expect(await run([createJob, writeStatus])).toEqual({
      kind: 'Refused',
      refusal: {
        kind: 'NameTaken',
        run: 1,
        message:
          "Job ml/train-1 already exists and isn't this GPUJob's: nobody owns it; delete it, or give the GPUJob another name",
      },
    });
  });

  it.each([
    { kind: 'Invalid', want: 'InvalidTemplate' },
    { kind: 'BadRequest', want: 'InvalidTemplate' },
    { kind: 'Forbidden', want: 'PodsRefused' },
  ] as const)('that the server calls $kind becomes $want, in its own words', async ({ kind, want }) => {
    const { server, run, createJob } = await aServer();
    server.intercept(answering('POST', new ApiError(kind, 'no, because')));
    expect(await run([createJob, writeStatus])).toEqual({
      kind: 'Refused',
      refusal: { kind: want, run: 1, message: 'no, because' },
    });
  });

  it.each(['TooManyRequests', 'Unavailable', 'Unreachable', 'Timeout', 'FencedOff'] as const)(
    'that meets %s is thrown for another try, and nothing behind it is done',
    async (kind) => {
      const { server, run, createJob, told } = await aServer();
      server.intercept(answering('POST', new ApiError(kind, 'later')));
      await expect(run([createJob, writeStatus])).rejects.toMatchObject({ kind });
      expect(told).toEqual([]);
    },
  );
});

describe('trying a Job', () => {
  it('stores nothing', async () => {
    const { run, client, gpujob } = await aServer();
    expect((await run([{ kind: 'TryJob', run: 1, job: jobOf(gpujob) }])).kind).toBe('Done');
    expect((await client.list(jobs, {}, signal)).items).toEqual([]);
  });

  it('leaves to the real try what may be different by then', async () => {
    const { server, run, gpujob } = await aServer();
    server.intercept(answering('POST', new ApiError('Forbidden', 'exceeded quota')));
    expect((await run([{ kind: 'TryJob', run: 1, job: jobOf(gpujob) }])).kind).toBe('Done');
  });
});

describe('a gang’s Service', () => {
  it('that is there already, and ours, is our own earlier success', async () => {
    const { run, gpujob, client } = await aServer();
    const effect: Effect = { kind: 'CreateService', run: 1, service: buildService(gpujob, 1) };
    expect([(await run([effect])).kind, (await run([effect])).kind]).toEqual(['Done', 'Done']);
    expect((await client.list(services, {}, signal)).items).toHaveLength(1);
  });

  it("is never deleted where it is somebody else's", async () => {
    const { run, client } = await aServer();
    await client.create(services, { metadata: { name: 'train-1', namespace: 'ml' } }, {}, signal);
    expect((await run([{ kind: 'DeleteService', name: 'train-1' }])).kind).toBe('Done');
    expect((await client.list(services, {}, signal)).items).toHaveLength(1);
  });
});

/** What a run of so many workers claims. */
function claimsOf(
  gpujob: GPUJob,
  identities: readonly string[],
  workers = 1,
): Extract<Effect, { kind: 'CreateClaims' }> {
  const claim = {
    ...{ driver: 'gpu.nvidia.com', gpus: 1, identityAttribute: 'uuid', mebibytes: 20_480 },
    ...{ match: {}, requests: { memory: '20Gi' } },
  };
  const placed = { node: 'node-a', count: workers, cards: identities };
  const placement: Placement = { ...aPlacement(), backend: 'DRA', workers: [placed], claim };
  const manifest = buildClaims(gpujob, 1, { run: `${gpujob.metadata.uid}/1`, placement, perWorker: {} });
  if (manifest === undefined) throw new Error('no claims');
  return { kind: 'CreateClaims', run: 1, claims: manifest };
}

describe('what a run claims', () => {
  it('is a claim for one worker, and for several a template', async () => {
    const { run, gpujob, client } = await aServer();
    await run([claimsOf(gpujob, ['a'])]);
    await run([claimsOf(gpujob, ['a', 'b'], 2)]);
    expect((await client.list(resourceClaims, {}, signal)).items.map(({ metadata }) => metadata.name)).toEqual([
      'train-1',
    ]);
    expect((await client.list(resourceClaimTemplates, {}, signal)).items).toHaveLength(1);
  });

  it('that is there already, and ours, is our own earlier success', async () => {
    const { run, gpujob } = await aServer();
    expect([(await run([claimsOf(gpujob, ['a'])])).kind, (await run([claimsOf(gpujob, ['a'])])).kind]).toEqual([
      'Done',
      'Done',
    ]);
  });

  it('is made anew where an earlier try named other cards', async () => {
    const { run, gpujob, client } = await aServer();
    await run([claimsOf(gpujob, ['a'])]);
    expect((await run([claimsOf(gpujob, ['b'])])).kind).toBe('Outdated');
    expect((await client.list(resourceClaims, {}, signal)).items).toEqual([]);
    expect((await run([claimsOf(gpujob, ['b'])])).kind).toBe('Done');
  });

  it('is waited for while it is being deleted: a Pod that names it would never start', async () => {
    const { run, gpujob, client, stores } = await aServer();
    const { claims } = claimsOf(gpujob, ['a']);
    const metadata = { ...claims.metadata, finalizers: ['resource.kubernetes.io/delete-protection'] };
    const claim = await client.create(resourceClaims, { ...claims, metadata } as ResourceClaim, {}, signal);
    await run([{ kind: 'DeleteClaim', claim }]);
    expect(stores.resourceClaims.get('ml/train-1')?.metadata.deletionTimestamp).toBeDefined();
    expect((await run([claimsOf(gpujob, ['a'])])).kind).toBe('Outdated');
  });

  it("is refused under a name that is somebody else's", async () => {
    const { run, gpujob, client } = await aServer();
    await client.create(resourceClaims, { metadata: { name: 'train-1', namespace: 'ml' }, spec: {} }, {}, signal);
    expect(await run([claimsOf(gpujob, ['a'])])).toMatchObject({ kind: 'Refused', refusal: { kind: 'NameTaken' } });
    expect((await client.list(resourceClaims, {}, signal)).items).toHaveLength(1);
  });

  it('is refused by a quota in its words', async () => {
    const { server, run, gpujob } = await aServer();
    server.intercept(answering('POST', new ApiError('Forbidden', 'exceeded quota')));
    expect(await run([claimsOf(gpujob, ['a'])])).toEqual({
      kind: 'Refused',
      refusal: { kind: 'PodsRefused', run: 1, message: 'exceeded quota' },
    });
  });

  it('that an earlier try made is not refused by the quota that it has used up itself', async () => {
    const { server, run, gpujob, stores } = await aServer();
    await run([claimsOf(gpujob, ['a'])]);
    Object.assign(stores, { resourceClaims: new Store<ResourceClaim>() });
    server.intercept(answering('POST', new ApiError('Forbidden', 'exceeded quota')));
    expect((await run([claimsOf(gpujob, ['a'])])).kind).toBe('Done');
    expect(stores.resourceClaims.get('ml/train-1')).toBeDefined();
  });

  it('is never taken from a Job that was made, although its answer got lost and other cards are chosen now', async () => {
    const { run, gpujob, client, stores, createJob } = await aServer();
    await run([claimsOf(gpujob, ['a']), createJob]);
    Object.assign(stores, { jobs: new Store<Job>() });
    expect((await run([claimsOf(gpujob, ['b']), createJob])).kind).toBe('Outdated');
    expect((await client.list(resourceClaims, {}, signal)).items).toHaveLength(1);
    expect(stores.jobs.get('ml/train-1')).toBeDefined();
  });

  it('is in the store as soon as it is made, and out of it as soon as it is deleted', async () => {
    const { run, gpujob, client, stores } = await aServer();
    await run([claimsOf(gpujob, ['a'])]);
    const claim = stores.resourceClaims.get('ml/train-1');
    expect(claim?.metadata.ownerReferences?.[0]?.uid).toBe(gpujob.metadata.uid);
    const deleteClaim: Effect = { kind: 'DeleteClaim', claim: claim! };
    expect((await run([deleteClaim])).kind).toBe('Done');
    expect(stores.resourceClaims.get('ml/train-1')).toBeUndefined();
    expect((await client.list(resourceClaims, {}, signal)).items).toEqual([]);
    expect((await run([deleteClaim])).kind).toBe('Done');
  });

  it('stays where a webhook forbids to delete it, and nothing else of the job waits for that', async () => {
    const { server, run, gpujob, stores } = await aServer();
    await run([claimsOf(gpujob, ['a'])]);
    const claim = stores.resourceClaims.get('ml/train-1')!;
    server.intercept(answering('DELETE', new ApiError('Forbidden', 'no')));
    expect((await run([{ kind: 'DeleteClaim', claim }])).kind).toBe('Done');
    expect(stores.resourceClaims.get('ml/train-1')).toBeDefined();
  });

  it('is left alone where it is another one by now', async () => {
    const { run, gpujob, client, stores } = await aServer();
    await run([claimsOf(gpujob, ['a'])]);
    const claim = stores.resourceClaims.get('ml/train-1')!;
    const former = { ...claim, metadata: { ...claim.metadata, uid: 'former' } };
    expect((await run([{ kind: 'DeleteClaim', claim: former }])).kind).toBe('Done');
    expect((await client.list(resourceClaims, {}, signal)).items).toHaveLength(1);
  });
});

describe('deleting a Job', () => {
  it('only deletes the version that was seen', async () => {
    const { run, stores, createJob, client } = await aServer();
    await run([createJob]);
    const { name, uid, resourceVersion } = stores.jobs.get('ml/train-1')?.metadata ?? {
      name: '',
      uid: '',
      resourceVersion: '',
    };
    expect((await run([{ kind: 'DeleteJob', name, uid, resourceVersion: '1' }])).kind).toBe('Outdated');
    expect((await run([{ kind: 'DeleteJob', name, uid: 'another', resourceVersion }])).kind).toBe('Outdated');
    expect((await client.list(jobs, {}, signal)).items).toHaveLength(1);
    expect((await run([{ kind: 'DeleteJob', name, uid, resourceVersion }])).kind).toBe('Done');
    expect(stores.jobs.get('ml/train-1')).toBeUndefined();
    expect((await run([{ kind: 'DeleteJob', name, uid, resourceVersion }])).kind).toBe('Done');
  });
});

describe('writing the status', () => {
  it('is in the store at once, tells what happened, and leaves the spec alone', async () => {
    const { run, stores, told, gpujob } = await aServer();
    expect(await run([writeStatus])).toEqual({ kind: 'Done', statusWritten: true });
    expect(stores.gpujobs.get('ml/train')).toMatchObject({
      status: { run: 1 },
      spec: gpujob.spec,
      metadata: { generation: 1 },
    });
    expect(told).toHaveLength(1);
  });

  it('K3: from an outdated view changes nothing and tells nothing', async () => {
    const { run, told } = await aServer();
    await run([writeStatus]);
    expect((await run([{ ...writeStatus, status: { run: 7 } }])).kind).toBe('Outdated');
    expect(told).toHaveLength(1);
  });

  it('takes away what is no longer true', async () => {
    const { run, stores, gpujob } = await aServer();
    await run([writeStatus]);
    const seen = stores.gpujobs.get('ml/train') ?? gpujob;
    await run([{ kind: 'WriteStatus', status: { run: 1 }, facts: [] }], seen);
    expect(stores.gpujobs.get('ml/train')?.status).toEqual({ run: 1 });
  });
});

describe('S3: a failure that teaches', () => {
  const lesson: Lesson = { cause: 'OutOfMemory', run: 2, policyName: 'default' };
  const attempt = (run: number) => ({ run, outcome: 'OutOfMemory' as const, vram: '20Gi' });
  const learn: Effect = { kind: 'Learn', lesson };

  it('is learned before status speaks of it, and status says which version it made', async () => {
    const { run, stores, lessons } = await aServer();
    const status = { run: 2, attempts: [attempt(1), attempt(2)] };
    expect(await run([learn, { kind: 'WriteStatus', status, facts: [] }])).toMatchObject({ statusWritten: true });
    expect(lessons).toEqual([lesson]);
    expect(stores.gpujobs.get('ml/train')?.status?.attempts).toEqual([attempt(1), { ...attempt(2), policyVersion: 7 }]);
  });

  it('by capacity has no attempt, and a place of its own', async () => {
    const { run, stores } = await aServer();
    const never: Effect = { kind: 'Learn', lesson: { ...lesson, cause: 'NeverFits', run: 1 } };
    await run([never, { kind: 'WriteStatus', status: { neverFits: { run: 1 } }, facts: [] }]);
    expect(stores.gpujobs.get('ml/train')?.status?.neverFits).toEqual({ run: 1, policyVersion: 7 });
  });

  it('and what the run cost, stand in the same status', async () => {
    const { run, stores } = await aServer();
    const bill = { run: 2, policyName: 'default', product: 'NVIDIA-L4', cards: 1, since: 0 };
    const status = { run: 2, attempts: [attempt(2)] };
    await run([learn, { kind: 'Settle', bill, until: 1000 }, { kind: 'WriteStatus', status, facts: [] }]);
    expect(stores.gpujobs.get('ml/train')?.status?.attempts).toEqual([
      { ...attempt(2), policyVersion: 7, cost: '1.25' },
    ]);
  });
});
