// The CRD of the observers on the real API server: the table of good and bad objects means there what it means to zod, and
// kubectl shows what a user expects.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, type KubernetesObject } from '../../hack/api/client.ts';
import { runKubectl } from '../../hack/cluster/kubectl.ts';
import { customResourceDefinition } from '../../hack/generate/crd.ts';
import type { JSONSchema } from '../../hack/generate/structural.ts';
import { heatObserverDefinition } from '../../operator/resources/heatobserver.ts';
import { badHeatObservers, goodHeatObservers, observer } from '../../operator/resources/testing/heatobservers.ts';
import { refusal } from '../setup/refusal.ts';
import { ownSurroundings } from '../setup/surroundings.ts';

const { kubeconfig, programs } = ownSurroundings();
const namespace = `heat-schema-${randomBytes(4).toString('hex')}`;
const path = `/apis/orquanta.io/v1alpha1/namespaces/${namespace}/heatobservers`;
const api = Api.fromKubeconfig(kubeconfig, 'heat-schema-e2e');
const kubectl = (...args: string[]) => runKubectl(programs, kubeconfig, [`--namespace=${namespace}`, ...args]);

beforeAll(() => api.create('/api/v1/namespaces', { metadata: { name: namespace } }));

afterAll(async () => {
  await api.delete(`/api/v1/namespaces/${namespace}`);
  await api.close();
});

describe('the API server accepts', () => {
  it.each(goodHeatObservers)('$name', async ({ object }) => {
    expect(await refusal(api.create(`${path}?dryRun=All&fieldValidation=Strict`, object))).toBeUndefined();
  });
});

describe('the API server refuses', () => {
  it.each(badHeatObservers)('$name, in a dry run and in earnest', async ({ object, says }) => {
    expect(await refusal(api.create(`${path}?dryRun=All`, object))).toContain(says);
    expect(await refusal(api.create(path, object))).toContain(says);
  });

  it('and has created none of them', async () => {
    const { items } = await api.get<{ items: KubernetesObject[] }>(path);
    expect(items).toEqual([]);
  });

  it('a prefix for the early observation alone: there is no such field', async () => {
    const object = observer({ early: { lookupPrefix: 'other:' } });
    expect(await refusal(api.create(`${path}?dryRun=All&fieldValidation=Strict`, object))).toContain(
      'unknown field "spec.early"',
    );
  });
});

describe('an update', () => {
  it('may change where plans come from and how heat is looked up', async () => {
    await api.create(path, observer({}, { name: 'moves' }));
    const spec = { redis: { url: 'redis://other' }, lookupPrefix: 'other:', streams: { plans: 'others' } };
    expect(await refusal(api.patch(`${path}/moves`, { spec }))).toBeUndefined();
  });

  it('is held to the same rules', async () => {
    expect(await refusal(api.patch(`${path}/moves`, { spec: { lookupPrefix: null } }))).toContain('Required value');
  });
});

const shownStatus = {
  observedGeneration: 1,
  conditions: [
    {
      type: 'Ready',
      status: 'Unknown',
      reason: 'Connecting',
      message: 'connects to redis:6379',
      lastTransitionTime: '2026-01-02T03:04:05Z',
      observedGeneration: 1,
    },
  ],
  coverage: 1000,
  earlyCoverage: 60,
  observed: 1_234_567_890,
  skipped: 1,
  redisErrors: 2,
  parseErrors: 3,
  lag: 4,
  lastObservationTime: '2026-01-02T03:04:05.678Z',
  lastHandledVerify: '1767323045',
};

describe('the status', () => {
  it('begins at observedGeneration -1, whatever the user writes, and the spec stays as written', async () => {
    const written = observer({}, { name: 'fresh' });
    const stored = await api.create(path, { ...written, status: { observed: 7 } });
    expect(stored['status']).toEqual({ observedGeneration: -1 });
    expect(stored['spec']).toEqual(written['spec']);
  });

  it('takes all its fields', async () => {
    const { status } = await api.patch<KubernetesObject & { status: unknown }>(`${path}/fresh/status`, {
      status: shownStatus,
    });
    expect(status).toEqual(shownStatus);
  });

  it('has no coverage beyond all', async () => {
    const words = await refusal(api.patch(`${path}/fresh/status`, { status: { coverage: 1001 } }));
    expect(words).toContain('should be less than or equal to 1000');
  });
});

/** Every object below the kind, with its path as `kubectl explain` takes it. */
function objectsOf(schema: JSONSchema, path: string): { path: string; fields: [string, JSONSchema][] }[] {
  const { properties = {}, items } = schema;
  if (items !== undefined) return objectsOf(items as JSONSchema, path);
  const fields = Object.entries(properties) as [string, JSONSchema][];
  const below = fields.flatMap(([name, field]) => objectsOf(field, `${path}.${name}`));
  return fields.length === 0 ? [] : [{ path, fields }, ...below];
}

const crd = customResourceDefinition(heatObserverDefinition).spec;
const { properties } = crd.versions[0]!.schema.openAPIV3Schema;

describe('kubectl', () => {
  it.each(['spec', 'status'].flatMap((part) => objectsOf(properties?.[part] as JSONSchema, `heatobserver.${part}`)))(
    'explains every field of $path',
    async ({ path, fields }) => {
      const said = (await kubectl('explain', path)).replaceAll(/\s+/g, ' ');
      const missing = fields.filter(([name, { description = '?' }]) => {
        const from = said.indexOf(` ${name} <`);
        return from === -1 || !said.slice(from).includes(description);
      });
      expect(missing).toEqual([]);
    },
  );

  it('get shows a line of at most 80 characters, by short name and by category', async () => {
    const name = 'a-name-of-thirty-characters-30';
    await api.create(path, observer({}, { name }));
    await api.patch(`${path}/${name}/status`, { status: shownStatus });
    const [header, row] = (await kubectl('get', 'heat', name)).split('\n') as [string, string];
    expect(header.trim().split(/ {2,}/)).toEqual('NAME READY COVERAGE OBSERVED AGE'.split(' '));
    expect(row).toMatch(/^a-name-of-thirty-characters-30 {3}Unknown {3}1000 {7}1234567890 {3}\d+m?s$/);
    expect(Math.max(header.trimEnd().length, row.length)).toBeLessThanOrEqual(80);
    expect(await kubectl('get', 'orquanta')).toContain(`heatobserver.orquanta.io/${name}`);
  });

  it('get -o wide adds the early coverage, the lag and the message', async () => {
    const [header, row] = (await kubectl('get', 'heat', 'fresh', '-o=wide')).split('\n') as [string, string];
    expect(header.trim().split(/ {2,}/).slice(5)).toEqual(['EARLY-COVERAGE', 'LAG', 'MESSAGE']);
    expect(row).toMatch(/ 60 +4 +connects to redis:6379$/);
  });
});
