// config/ as kustomize renders it: the same objects as the chart's, the same bytes each time, and every one of them accepted by the
// real API server in a dry run. Nothing is installed here but a namespace and the kinds of Prometheus Operator.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { KubernetesObject } from '../../hack/api/client.ts';
import { documentsOf, kustomize } from '../../hack/installer/render.ts';
import { definitions, untilCRDsEstablished } from '../../hack/operator/install.ts';
import { rendered } from '../chart/helm.ts';
import { monitoringKinds } from '../chart/monitoring.ts';
import { adminApi, kubectl, ownCluster, ownSurroundings } from '../setup/surroundings.ts';
import { installer } from './command.ts';
import { byName, nameOf, objectsOf } from './objects.ts';

const root = join(import.meta.dirname, '../..');
const namespace = 'orquanta-system';
const api = adminApi();

/** Default: what is installed. */
const folder = (name = 'default'): Promise<string> => kustomize(ownSurroundings().programs, join(root, 'config', name));

async function temporaryFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'orquanta-e2e-installer-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

/** install.yaml and crds.yaml. */
async function built(...args: string[]): Promise<string[]> {
  const into = await temporaryFolder();
  const { code, stderr } = await installer(['build', `--into=${into}`, ...args]);
  if (code !== 0) throw new Error(stderr);
  return Promise.all(['install.yaml', 'crds.yaml'].map((name) => readFile(join(into, name), 'utf8')));
}

describe('the installer', () => {
  it('is the same in every byte when it is built again', async () => {
    const image = '--image=registry.example:5000/team/orquanta:1.2.3';
    expect(await built(image)).toEqual(await built(image));
  });

  it('is all of config/default, and the CRDs are a file of their own', async () => {
    const [install = '', crds = ''] = await built();
    expect(objectsOf(install)).toEqual(objectsOf(await folder()));
    const isDefinition = ({ kind }: KubernetesObject): boolean => kind === 'CustomResourceDefinition';
    expect(objectsOf(crds)).toEqual(objectsOf(install).filter(isDefinition));
    expect(objectsOf(crds)).toHaveLength(3);
  });

  it.each([
    'registry.example:5000/team/orquanta:1.2.3',
    `example/orquanta@sha256:${'a'.repeat(64)}`,
    `example/orquanta:1@sha256:${'a'.repeat(64)}`,
  ])('runs the image that it is told: %s', async (image) => {
    const [install = ''] = await built(`--image=${image}`);
    // Where there is a digest the tag says nothing.
    expect(imagesOf(objectsOf(install))).toEqual([image.replace(/:1@/, '@')]);
  });

  it('says which image can not be used, and writes nothing', async () => {
    const { code, stderr } = await installer(['build', '--image=Not/An Image']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('IMG: "Not/An Image" is no image')]);
  });
});

function imagesOf(objects: readonly KubernetesObject[]): string[] {
  const templates = objects.filter(({ kind }) => kind === 'Deployment').map(({ spec }) => spec) as {
    template: { spec: { containers: { image: string }[] } };
  }[];
  return templates.flatMap(({ template }) => template.spec.containers.map(({ image }) => image));
}

describe('config/default', () => {
  const isHook = ({ metadata }: KubernetesObject): boolean => metadata.annotations?.['helm.sh/hook'] !== undefined;

  it('holds what the chart renders when no value is set, object by object, and its namespace', async () => {
    const objects = objectsOf(await folder());
    const chart = (await rendered(namespace)).filter((object) => !isHook(object));
    const own = objects.filter(({ kind }) => kind === 'Namespace');
    expect(own.map(nameOf)).toEqual([`Namespace/${namespace}`]);
    expect(byName(objects.filter((object) => !own.includes(object)))).toEqual(byName(chart));
  });

  it.each([
    ['prometheus', 'ServiceMonitor', 'serviceMonitor.enabled=true'],
    ['network-policy', 'NetworkPolicy', 'networkPolicy.enabled=true'],
  ])('has beside it in %s the %s of the chart', async (name, wanted, value) => {
    const chart = (await rendered(namespace, [`--set=${value}`])).filter(({ kind }) => kind === wanted);
    expect(chart).toHaveLength(1);
    expect(byName(objectsOf(await folder(name)))).toEqual(byName(chart));
  });

  it('follows the overlay of docs/install.md into another namespace, with all that refers to it', async () => {
    const text = await documentedOverlay();
    const objects = objectsOf(text);
    const namesOfNamespaces = [...text.matchAll(/^ *namespace: ([\w-]+)$/gm)].map(([, name]) => name);
    expect(new Set(namesOfNamespaces)).toEqual(new Set(['gpu-operator']));
    const added = ['Namespace/gpu-operator', 'NetworkPolicy/orquanta', 'ServiceMonitor/orquanta'];
    expect(objects.map(nameOf)).toEqual(expect.arrayContaining(added));
    expect(imagesOf(objects)).toEqual(['registry.example.com/team/orquanta:0.1.0']);
    expect(objects.find(({ kind }) => kind === 'Deployment')?.['spec']).toMatchObject({ replicas: 2 });
  });
});

/** What kustomize makes of it, for the clone that this is. */
async function documentedOverlay(): Promise<string> {
  const overlay = await temporaryFolder();
  const page = await readFile(join(root, 'docs/install.md'), 'utf8');
  const [, example = ''] = /```yaml\n(# kustomization\.yaml,.*?)```/s.exec(page) ?? [];
  const content = example.replaceAll('- orquanta/config', `- ${relative(overlay, join(root, 'config'))}`);
  await writeFile(join(overlay, 'kustomization.yaml'), content);
  return kustomize(ownSurroundings().programs, overlay);
}

async function expectTaken(text: string): Promise<void> {
  const args = ['apply', '--server-side', '--force-conflicts', '--field-manager=installer', '--dry-run=server'];
  const said = await kubectl([...args, '--filename=-', '--output=name', '--validate=strict'], text);
  expect(said.trim().split('\n')).toHaveLength(objectsOf(text).length);
}

describe('the API server', () => {
  beforeAll(async () => {
    await kubectl(['apply', `--filename=${join(root, 'config/rbac/namespace.yaml')}`]);
    for (const kind of monitoringKinds) await api.create(definitions, kind);
    await untilCRDsEstablished(api);
  });
  afterAll(async () => {
    for (const { metadata } of monitoringKinds) await api.delete(`${definitions}/${metadata.name}`);
    await api.close();
  });

  it.each(['default', 'crd', 'admission', 'rbac', 'manager', 'user-roles', 'prometheus', 'network-policy', 'samples'])(
    'takes every object of config/%s',
    async (name) => {
      await expectTaken(await folder(name));
    },
  );

  const ownOnly = it.runIf(ownCluster() !== undefined); // another cluster may have a namespace of this name
  ownOnly('takes every object of the overlay of docs/install.md, where its namespace is there', async () => {
    await api.create('/api/v1/namespaces', { metadata: { name: 'gpu-operator' } });
    onTestFinished(async () => {
      await api.delete('/api/v1/namespaces/gpu-operator');
    });
    await expectTaken(await documentedOverlay());
  });

  it('takes them as well from a kubectl that applies on its own side', async () => {
    // The CRDs are the largest: the annotation that holds them whole ends at 256 KiB.
    const text = documentsOf(await folder(), (kind) => kind !== 'Namespace');
    const said = await kubectl(['apply', '--dry-run=server', '--filename=-', '--output=name'], text);
    expect(said.trim().split('\n')).toHaveLength(objectsOf(text).length);
  });
});
