// The image without a container engine: what image/Dockerfile builds and copies, laid out in a folder, and the operator in it run as
// the image's user on the real control plane. What only an engine can show (layers, platforms) isn't shown.
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import type { KubernetesObject } from '../../hack/api/client.ts';
import { freePort } from '../../hack/cluster/ports.ts';
import { gpuNode, nvidiaCards } from '../../hack/nodes/node.ts';
import { kubeconfigOfAccount, serviceAccount } from '../../hack/operator/install.ts';
import { heatObserver, heatObserversOf, untilReady } from '../heat/observed.ts';
import { heat, publish, redisForTest, until, untilObserved } from '../heat/stage.ts';
import { operatorKubeconfig } from '../setup/operator.ts';
import { adminApi, kubectl, namespaceFor, nodesFor, ownSurroundings, waitForObject } from '../setup/surroundings.ts';
import { Container, type Running, setWritable } from './container.ts';
import { argumentOf } from './dockerfile.ts';
import { type Layout, layOut, root } from './layout.ts';

const api = adminApi();
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');

let folder: string;
let layout: Layout;
let container: Container;
let kubeconfig: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orquanta-e2e-image-'));
  await chmod(folder, 0o755);
  layout = await layOut(folder);
  container = await Container.of(layout, folder);
  kubeconfig = await openKubeconfig();
});
afterAll(async () => {
  await setWritable(folder, true);
  await rm(folder, { recursive: true });
  await api.close();
});

/** That of the operator's account, for whichever user the image has. */
async function openKubeconfig(): Promise<string> {
  await operatorKubeconfig();
  const credentials = join(folder, 'credentials');
  await mkdir(credentials);
  const path = await kubeconfigOfAccount({ ...ownSurroundings(), directory: folder }, serviceAccount());
  for (const name of await readdir(credentials)) await chmod(join(credentials, name), 0o644);
  return path;
}

interface Operator extends Running {
  /** Of its own, for the health check too. */
  readonly environment: Readonly<Record<string, string>>;
  end(): Promise<void>;
}

/** Leads when this resolves. */
async function operate(args: readonly string[]): Promise<Operator> {
  const probe = `127.0.0.1:${await freePort()}`;
  const environment = {
    KUBECONFIG: kubeconfig,
    POD_NAMESPACE: serviceAccount().namespace,
    ORQUANTA_HEALTH_PROBE_BIND_ADDRESS: probe,
    ORQUANTA_METRICS_BIND_ADDRESS: '0',
  };
  const running = container.start(args, environment);
  const end = async (): Promise<void> => {
    running.child.kill('SIGCONT');
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ code: 0 });
  };
  onTestFinished(() => void running.child.kill('SIGKILL'));
  await until('the operator to lead', async () => {
    if (running.child.exitCode !== null) throw new Error(running.output());
    return (await isReady(probe)) && running.output().includes('leading');
  });
  return { ...running, environment, end };
}

async function isReady(address: string): Promise<boolean> {
  try {
    return (await fetch(`http://${address}/readyz`)).ok;
  } catch {
    return false; // it doesn't listen yet
  }
}

async function untilComplete(namespace: string): Promise<void> {
  type Seen = KubernetesObject & { status: { conditions?: { type: string; status: string }[] } };
  await waitForObject<Seen>(api, `/apis/orquanta.io/v1alpha1/namespaces/${namespace}/gpujobs`, 'hello-gpu', {
    what: 'to be complete',
    timeoutMilliseconds: 60_000,
    until: ({ status }) =>
      status.conditions?.some(({ type, status: is }) => type === 'Complete' && is === 'True') ?? false,
  });
}

/** Names and times of all files. */
async function stateOf(tree: string): Promise<string[]> {
  const names = (await readdir(tree, { recursive: true })).sort();
  return Promise.all(names.map(async (name) => `${name} ${String((await stat(join(tree, name))).mtimeMs)}`));
}

describe('image/Dockerfile', () => {
  it('names its base by version and digest, with the Node that this project brings', async () => {
    const [, version] = /^version=(.+)$/m.exec(await read('hack/node.sh')) ?? [];
    const base = argumentOf(await read('image/Dockerfile'), 'NODE_IMAGE');
    expect(base).toMatch(new RegExp(`^node:${String(version)}-trixie-slim@sha256:[0-9a-f]{64}$`));
    expect(layout.stage.base).toBe('${NODE_IMAGE}');
  });

  it('runs as the user of the manifests, who has a number and no name', async () => {
    const manager = parse(await read('config/manager/manager.yaml')) as {
      spec: { template: { spec: { securityContext: { runAsUser: number; runAsGroup: number } } } };
    };
    const { runAsUser, runAsGroup } = manager.spec.template.spec.securityContext;
    expect(layout.stage.user).toBe(`${runAsUser}:${runAsGroup}`);
    expect(runAsUser).toBeGreaterThan(0);
  });

  it('is built from the sources of the operator, and from nothing else of this folder', () => {
    const tops = new Set(layout.context.map((path) => path.split('/')[0]));
    const wanted = ['.npmrc', 'LICENSE', 'hack', 'operator', 'package-lock.json', 'package.json', 'tsconfig.json'];
    expect([...tops].sort()).toEqual(wanted);
    expect(layout.context.filter((path) => /\.test\.ts$|\/testing\//.test(path))).toEqual([]);
  });

  it('leaves a tree with the programs, their license and the list of their packages', async () => {
    const files = await readdir(join(layout.tree, layout.stage.workdir));
    const named = files.filter((name) => !/^(chunk|kubeconfig(-plugin)?|pino-pretty)-\w+\.mjs|LEGAL/.test(name));
    const programs = ['healthcheck.mjs', 'heat-thread.mjs', 'orquanta.mjs'];
    expect(named.sort()).toEqual(['LICENSE', ...programs, 'sbom.cdx.json']);
    const bill = JSON.parse(await readFile(join(layout.tree, layout.stage.workdir, 'sbom.cdx.json'), 'utf8')) as {
      components: { name: string; version: string }[];
    };
    const { dependencies } = JSON.parse(await read('package.json')) as { dependencies: Record<string, string> };
    const versions = new Map(bill.components.map(({ name, version }) => [name, version]));
    for (const [name, version] of Object.entries(dependencies))
      expect([name, versions.get(name)]).toEqual([name, version]);
  });
});

describe('the operator of the image', () => {
  it('can write nowhere in its tree', async () => {
    const { code, output } = await container.evaluate(`require('fs').writeFileSync('tried', '')`);
    expect(code).not.toBe(0);
    // Root alone could: a test that isn't root runs as its own user, on a tree without a single writable folder.
    expect(output).toMatch(/EACCES|EROFS/);
  });

  it('leads, takes a job to its end and stops when it is told to, and leaves its tree as it was', async () => {
    const before = await stateOf(layout.tree);
    const namespace = await namespaceFor(api, 'image');
    await nodesFor(api, [gpuNode({ name: `image-${namespace.slice(-6)}`, cards: nvidiaCards.a10(1) })]);
    const operator = await operate([`--watch-namespace=${namespace}`]);
    await kubectl([
      'apply',
      `--namespace=${namespace}`,
      `--filename=${join(root, 'config/samples/gpujob-minimal.yaml')}`,
    ]);
    await untilComplete(namespace);
    await operator.end();
    expect(await stateOf(layout.tree)).toEqual(before);
  });

  it('is well for its health check while it works, and not when it hangs or is gone', async () => {
    const namespace = await namespaceFor(api, 'image health');
    const operator = await operate([`--watch-namespace=${namespace}`]);
    expect(await container.healthcheck(operator.environment)).toEqual({ code: 0, output: '' });
    operator.child.kill('SIGSTOP');
    const hangs = await container.healthcheck(operator.environment);
    expect(hangs.code).toBe(1);
    expect(hangs.output).toContain("/healthz can't be reached");
    await operator.end();
    expect(await container.healthcheck(operator.environment)).toMatchObject({ code: 1 });
  });

  it('writes lines for people where it is told to', async () => {
    const namespace = await namespaceFor(api, 'image text');
    const operator = await operate([`--watch-namespace=${namespace}`, '--log-format=text']);
    expect(operator.output()).toMatch(/INFO.*: /);
    expect(operator.output()).not.toContain('{"level"');
    await operator.end();
  });

  it('observes heat on a real Redis, in its thread', async () => {
    const server = await redisForTest();
    const client = await server.client();
    const namespace = await namespaceFor(api, 'image heat');
    const operator = await operate([`--watch-namespace=${namespace}`, '--heat-allow-local']);
    await api.create(
      heatObserversOf(namespace),
      heatObserver('one', server.url, { late: { maxWaitMilliseconds: 500 } }),
    );
    await untilReady(api, namespace, 'one', 'Observing');
    await heat(client, 'a');
    for (const plan of ['a', 'b']) await publish(client, plan);
    const seen = await untilObserved(client, 4);
    expect(seen.filter(({ heat_found }) => heat_found === '1').map(({ plan_id }) => plan_id)).toEqual(['a', 'a']);
    await operator.end();
  });

  it('knows the commands for people', async () => {
    const { code, output } = await container.start(['compare', 'policy', '--help']).ended;
    expect([code, output]).toEqual([0, expect.stringContaining('orquanta compare policy')]);
  });
});
