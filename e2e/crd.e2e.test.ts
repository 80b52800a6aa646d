// The CRDs on the real API server: they install, the table of good and bad objects means there what it means to zod, and
// kubectl shows what a user expects. Rules that live only in TypeScript, or only in CEL, are found here.
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, type KubernetesObject } from '../hack/api/client.ts';
import { refusal } from './setup/refusal.ts';
import { runKubectl } from '../hack/cluster/kubectl.ts';
import type { PlainObject } from '../operator/resources/testing/builders.ts';
import { ownSurroundings } from './setup/surroundings.ts';
import { badGPUJobs, goodGPUJobs } from '../operator/resources/testing/objects.ts';
import { type Update, updates } from '../operator/resources/testing/updates.ts';

const root = join(import.meta.dirname, '..');
const { kubeconfig, programs } = ownSurroundings();
const namespace = `crd-${randomBytes(4).toString('hex')}`;
const gpujobs = `/apis/orquanta.io/v1alpha1/namespaces/${namespace}/gpujobs`;
const { object } = goodGPUJobs[0]!;

const api = Api.fromKubeconfig(kubeconfig, 'crd-e2e');
const kubectl = (...args: string[]) => runKubectl(programs, kubeconfig, [`--namespace=${namespace}`, ...args]);

beforeAll(() => api.create('/api/v1/namespaces', { metadata: { name: namespace } }));

afterAll(async () => {
  await api.delete(`/api/v1/namespaces/${namespace}`);
  await api.close();
});

const called = (object: PlainObject, name: string): PlainObject => ({
  ...object,
  metadata: { ...(object['metadata'] as PlainObject), name },
});

describe('the API server accepts', () => {
  it.each(goodGPUJobs)('$name', async ({ object }) => {
    expect(await refusal(api.create(`${gpujobs}?dryRun=All`, object))).toBeUndefined();
  });

  it('each sample, under strict field validation', async () => {
    const samples = await readdir(join(root, 'config/samples'));
    expect(samples).not.toEqual([]);
    await kubectl('create', '--dry-run=server', '--validate=strict', '-f', join(root, 'config/samples'));
  });
});

describe('the API server refuses', () => {
  it.each(badGPUJobs)('$name, in a dry run and in earnest', async ({ object, says }) => {
    expect(await refusal(api.create(`${gpujobs}?dryRun=All`, object))).toContain(says);
    expect(await refusal(api.create(gpujobs, object))).toContain(says);
  });

  it('and has created none of them', async () => {
    const { items } = await api.get<{ items: KubernetesObject[] }>(gpujobs);
    expect(items.map(({ metadata }) => metadata.name)).toEqual([]);
  });

  it('a field that is mistyped, by name', async () => {
    const mistyped = { ...object, spec: { ...(object['spec'] as PlainObject), gpu: 1 } };
    expect(await refusal(api.create(`${gpujobs}?dryRun=All&fieldValidation=Strict`, mistyped))).toContain(
      'unknown field "spec.gpu"',
    );
  });
});

describe('an update', () => {
  it.each(updates.map((update, index) => ({ ...update, job: `update-${index}` })))(
    '$name',
    async ({ job, ...update }) => {
      const { metadata } = await storedWithRun(job, update);
      const after = { ...update.after, metadata: { name: job, resourceVersion: metadata.resourceVersion } };
      const words = await refusal(api.call('PUT', `${gpujobs}/${job}`, { body: after }));
      if (update.says === undefined) expect(words).toBeUndefined();
      else expect(words).toContain(update.says);
    },
  );

  async function storedWithRun(job: string, { before, run }: Update): Promise<KubernetesObject> {
    const created = await api.create(gpujobs, called(before, job));
    return run === undefined ? created : api.patch(`${gpujobs}/${job}/status`, { status: { run } });
  }
});

describe('the status', () => {
  it('begins at observedGeneration -1, whatever the user writes, and the spec stays as written', async () => {
    const stored = await api.create(gpujobs, { ...called(object, 'fresh'), status: { run: 7 } });
    expect(stored['status']).toEqual({ observedGeneration: -1 });
    expect(stored['spec']).toEqual(object['spec']);
  });

  it('never counts runs back', async () => {
    await api.create(gpujobs, called(object, 'counted'));
    await api.patch(`${gpujobs}/counted/status`, { status: { run: 2 } });
    const back = await refusal(api.patch(`${gpujobs}/counted/status`, { status: { run: 1 } }));
    expect(back).toContain('status.run never goes back');
    const forgotten = await refusal(api.patch(`${gpujobs}/counted/status`, { status: { run: null } }));
    expect(forgotten).toContain('status.run never goes back');
  });

  it('can be written to its bounds: 512 nodes, ten attempts with full evidence', async () => {
    await api.create(gpujobs, called(object, 'full'));
    expect(await refusal(api.patch(`${gpujobs}/full/status`, { status: fullStatus() }))).toBeUndefined();
  });
});

function fullStatus() {
  const now = '2026-01-02T03:04:05.678Z';
  const nodes = (count: number) => Array.from({ length: count }, (_, index) => `node-${index}`.padEnd(63, 'x'));
  const evidence = {
    signature: 'torch-cuda',
    blame: 'OwnUse',
    requested: '2048Mi',
    used: '22Gi',
    usedByOthers: '0Mi',
    capacity: '24Gi',
    needed: '26Gi',
    line: 'x'.repeat(256),
    pod: 'p',
    node: 'n',
    exitCode: 1,
  };
  const attempt = {
    vram: '20Gi',
    outcome: 'OutOfMemory',
    nodes: nodes(64),
    product: 'NVIDIA-A10',
    cardVRAM: '22888Mi',
    startTime: now,
    endTime: now,
    message: 'x'.repeat(1024),
    evidence,
    policyVersion: 8,
  };
  const condition = { status: 'True', reason: 'Running', message: '', lastTransitionTime: now, observedGeneration: 1 };
  return {
    observedGeneration: 1,
    run: 11,
    vram: '26Gi',
    gpus: 4096,
    placement: { nodes: nodes(512), product: 'NVIDIA-A10', cardVRAM: '44Gi', policyVersion: 0, decisionID: 'a-11' },
    failures: { application: 0, outOfMemory: 10, disruption: 0 },
    attempts: Array.from({ length: 10 }, (_, index) => ({ ...attempt, run: index + 1 })),
    conditions: ['Ready', 'Placed'].map((type) => ({ ...condition, type })),
    queue: { since: now },
    startTime: now,
    activeSecondsBeforeSuspension: 1,
    completionTime: now,
  };
}

describe('kubectl', () => {
  it('get shows a line of at most 80 characters, by short name and by category', async () => {
    await api.create(gpujobs, called(object, 'a-name-of-thirty-characters-30'));
    await api.patch(`${gpujobs}/a-name-of-thirty-characters-30/status`, { status: shownStatus });
    const table = await kubectl('get', 'gpuj', 'a-name-of-thirty-characters-30');
    const [header, row] = table.split('\n') as [string, string];
    expect(header.trim().split(/ {2,}/)).toEqual('NAME STATUS VRAM GPUS RUN AGE'.split(' '));
    expect(row).toMatch(/^a-name-of-thirty-characters-30 {3}VRAMLimitReached {3}39538Mi {3}1 +2 +\d+m?s$/);
    expect(Math.max(header.trimEnd().length, row.length)).toBeLessThanOrEqual(80);
    expect(await kubectl('get', 'orquanta')).toContain('a-name-of-thirty-characters-30');
    expect(await kubectl('get', 'all')).toContain('gpujob.orquanta.io/a-name-of-thirty-characters-30');
  });

  const shownStatus = {
    run: 2,
    vram: '39538Mi',
    gpus: 1,
    placement: { nodes: ['gpu-a100-012'], product: 'A100', cardVRAM: '80Gi', policyVersion: 0, decisionID: 'd-2' },
    conditions: [
      {
        type: 'Ready',
        status: 'False',
        reason: 'VRAMLimitReached',
        message: 'm',
        lastTransitionTime: '2026-01-02T03:04:05Z',
      },
    ],
  };

  it('get selects by the product that a job runs on', async () => {
    const selected = await kubectl('get', 'gpuj', '--field-selector=status.placement.product=A100', '-o=name');
    expect(selected.trim()).toBe('gpujob.orquanta.io/a-name-of-thirty-characters-30');
  });

  it('explain says what every field is for', async () => {
    expect(await kubectl('explain', 'gpuj', '--recursive')).toMatch(/template\t<Object> -required-/);
    for (const path of ['spec', 'spec.retry', 'spec.template.spec.containers', 'status.attempts.evidence']) {
      const said = saidOfFields(await kubectl('explain', `gpuj.${path}`));
      expect(said).not.toEqual([]);
      expect(said.filter(([, words]) => words === '')).toEqual([]);
    }
  });

  /** [name, first line of its description] of each field. */
  function saidOfFields(text: string): [string, string][] {
    const fields = text.slice(text.indexOf('FIELDS:')).matchAll(/^ {2}(\w+)\t<.*\n(?: {2}enum:.*\n)?(.*)/gm);
    return [...fields].map(([, name = '', words = '']) => [name, words.trim()]);
  }

  it('apply of what is there already changes nothing', async () => {
    const sample = join(root, 'config/samples/gpujob-gang.yaml');
    await kubectl('apply', '-f', sample);
    expect(await kubectl('apply', '-f', sample)).toContain('unchanged');
    expect(await kubectl('diff', '-f', sample)).toBe('');
  });
});
