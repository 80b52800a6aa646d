// What docs/argocd.md has people run, run; and what the example Applications ask of the chart and of config/default, rendered.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { KubernetesObject } from '../../hack/api/client.ts';
import { helm } from '../chart/helm.ts';
import { gpujob, gpujobsOf } from '../robustness/jobs.ts';
import { adminApi, kubectl, ownSurroundings } from '../setup/surroundings.ts';
import { actionTests, kinds, kindsWithActions, recorded, textOf } from './customizations.ts';

const root = join(import.meta.dirname, '..', '..');
const api = adminApi();

async function namespaceNamed(name: string): Promise<void> {
  await api.create('/api/v1/namespaces', { metadata: { name } });
  onTestFinished(async () => {
    await api.delete(`/api/v1/namespaces/${name}`);
  });
}

/** As somebody at a shell in the repository, with the control plane's kubectl before any other. */
async function shell(command: string): Promise<void> {
  const { programs, kubeconfig } = ownSurroundings();
  const env = {
    ...process.env,
    KUBECONFIG: kubeconfig,
    PATH: `${join(programs.kubectl, '..')}:${process.env['PATH'] ?? ''}`,
  };
  await promisify(execFile)('sh', ['-euc', command], { cwd: root, env });
}

/** Every block of the page that is marked as one for a shell. */
async function commandsOf(page: string): Promise<string[]> {
  const text = await readFile(join(root, page), 'utf8');
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
}

it('the commands of docs/argocd.md do what it says: argocd-cm has the very Lua files, and keeps what it had', async () => {
  await Promise.all(['argocd', 'ml'].map(namespaceNamed));
  const path = '/api/v1/namespaces/argocd/configmaps';
  await api.create(path, { metadata: { name: 'argocd-cm' }, data: { 'timeout.reconciliation': '180s' } });
  await api.create(gpujobsOf('ml'), gpujob({ name: 'train' }));
  const commands = await commandsOf('docs/argocd.md');
  expect(commands.length).toBeGreaterThanOrEqual(2);
  for (const command of commands) await shell(command);
  const { data } = (await api.get(`${path}/argocd-cm`)) as unknown as { data: Record<string, string> };
  expect(data['timeout.reconciliation']).toBe('180s');
  for (const kind of kinds) {
    expect(data[`resource.customizations.health.orquanta.io_${kind}`]).toBe(textOf(kind, 'health.lua'));
    const ignored = parse(data[`resource.customizations.ignoreResourceUpdates.orquanta.io_${kind}`] ?? '{}') as Ignored;
    const fields = ignored.jsonPointers ?? [];
    expect(fields.length, kind).toBeGreaterThan(0);
    // Each is one of status, and none that health is read from.
    for (const field of fields) expect(field).toMatch(/^\/status\/(?!conditions|observedGeneration)\w+$/);
  }
  for (const kind of kindsWithActions) {
    const actions = parse(data[`resource.customizations.actions.orquanta.io_${kind}`] ?? '') as Actions;
    expect(actions['discovery.lua']).toBe(textOf(kind, 'actions', 'discovery.lua'));
    const tried = new Set(actionTests(kind).actionTests.map(({ action }) => action));
    expect(actions.definitions.map(({ name }) => name)).toEqual([...tried].sort());
    for (const { name, ...action } of actions.definitions) {
      expect(action['action.lua']).toBe(textOf(kind, 'actions', name, 'action.lua'));
    }
  }
  const { metadata } = await api.get(`${gpujobsOf('ml')}/train`);
  expect(metadata.annotations?.['orquanta.io/retry']).toMatch(/^\d+$/);
});

interface Ignored {
  readonly jsonPointers?: readonly string[];
}

interface Actions {
  readonly 'discovery.lua': string;
  readonly definitions: readonly { readonly name: string; readonly 'action.lua': string }[];
}

interface Application {
  readonly spec: {
    readonly source: {
      readonly path: string;
      readonly helm?: { readonly valuesObject: object };
      readonly kustomize?: { readonly patches: object[] };
    };
    readonly ignoreDifferences?: readonly { readonly kind: string; readonly jsonPointers: readonly string[] }[];
    readonly syncPolicy: { readonly syncOptions: readonly string[] };
  };
}

async function applicationOf(name: string): Promise<Application['spec']> {
  const text = await readFile(join(root, 'config/argocd/applications', name), 'utf8');
  return (parse(text) as Application).spec;
}

async function sourceOf(name: string): Promise<Application['spec']['source']> {
  return (await applicationOf(name)).source;
}

/** A folder with one file, which goes when the test ends. */
async function inFolder(file: string, content: object): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'orquanta-gitops-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, file), JSON.stringify(content));
  return folder;
}

const kept = { 'argocd.argoproj.io/sync-wave': '-1', 'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false' };

function crdsIn(manifests: string): KubernetesObject[] {
  const objects = parseAllDocuments(manifests).map((document) => document.toJS() as KubernetesObject | null);
  return objects.filter((object) => object?.kind === 'CustomResourceDefinition') as KubernetesObject[];
}

it('the Application for Helm gives the chart values that it takes, and the CRDs come first and stay', async () => {
  const { path, helm: options } = await sourceOf('orquanta-helm.yaml');
  const folder = await inFolder('values.json', options?.valuesObject ?? {});
  const crds = crdsIn(
    await helm(['template', 'orquanta', join(root, path), `--values=${join(folder, 'values.json')}`]),
  );
  expect(crds).toHaveLength(kinds.length);
  for (const { metadata } of crds) expect(metadata.annotations).toMatchObject(kept);
});

it('the Application for kustomize patches what is there, and the CRDs come first and stay', async () => {
  const { path, kustomize } = await sourceOf('orquanta-kustomize.yaml');
  const folder = await inFolder('kustomization.yaml', {});
  const overlay = { resources: [relative(folder, join(root, path))], patches: kustomize?.patches };
  await writeFile(join(folder, 'kustomization.yaml'), JSON.stringify(overlay));
  const crds = crdsIn(await kubectl(['kustomize', folder]));
  expect(crds).toHaveLength(kinds.length);
  for (const { metadata } of crds) expect(metadata.annotations).toMatchObject(kept);
});

/** The pointers of the fields that two specs have otherwise. */
function changesOf(before: unknown, after: unknown, path: string): string[] {
  if (typeof (before ?? after) !== 'object') return isDeepStrictEqual(before, after) ? [] : [path];
  const [old, young] = [before ?? {}, after ?? {}] as [Record<string, unknown>, Record<string, unknown>];
  return Object.keys({ ...old, ...young }).flatMap((key) => changesOf(old[key], young[key], `${path}/${key}`));
}

it('the Application for jobs lets stand all that an action writes into a spec, and applies on the server', async () => {
  const { ignoreDifferences = [], syncPolicy } = await applicationOf('gpu-jobs.yaml');
  const written = kindsWithActions.map((kind) => {
    const changes = actionTests(kind).actionTests.flatMap(({ inputPath, expectedOutputPath }) => {
      const [before, after] = [inputPath, expectedOutputPath].map((path) => recorded(kind, 'actions', path).spec);
      return changesOf(before, after, '/spec');
    });
    return [kind, [...new Set(changes)]];
  });
  expect(ignoreDifferences.map(({ kind, jsonPointers }) => [kind, jsonPointers])).toEqual(written);
  expect(syncPolicy.syncOptions).toEqual(
    expect.arrayContaining(['ServerSideApply=true', 'RespectIgnoreDifferences=true', 'CreateNamespace=true']),
  );
});

interface OfFlux {
  readonly kind: string;
  readonly spec: {
    readonly values?: object;
    readonly path?: string;
    readonly prune?: boolean;
    readonly chart?: { readonly spec: { readonly chart: string } };
  };
}

async function ofFlux(name: string): Promise<OfFlux['spec']> {
  return (parse(await readFile(join(root, 'config/flux', name), 'utf8')) as OfFlux).spec;
}

it('the HelmRelease of Flux gives the chart values that it takes, and neither way of Flux takes a CRD along', async () => {
  const { chart, values = {} } = await ofFlux('helmrelease.yaml');
  const folder = await inFolder('values.json', values);
  const path = join(root, chart?.spec.chart ?? 'none');
  const crds = crdsIn(await helm(['template', 'orquanta', path, `--values=${join(folder, 'values.json')}`]));
  expect(crds).toHaveLength(kinds.length);
  for (const { metadata } of crds) expect(metadata.annotations).toMatchObject({ 'helm.sh/resource-policy': 'keep' });
  const { path: folderOfOperator = 'none', prune } = await ofFlux('operator.yaml');
  expect(crdsIn(await kubectl(['kustomize', join(root, folderOfOperator)]))).toHaveLength(kinds.length);
  expect(prune).toBe(false);
});
