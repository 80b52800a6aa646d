// P11 by the chart: a second release beside the one that manages, in a namespace of its own. As a canary it looks on with rights to
// read and nothing else; one that would manage too refuses to start. On a control plane of its own.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Api } from '../../hack/api/client.ts';
import { type Cluster } from '../../hack/cluster/cluster.ts';
import { createNodes } from '../../hack/nodes/create.ts';
import { gpuNode, nvidiaCards } from '../../hack/nodes/node.ts';
import type { OperatorProcess } from '../../hack/operator/process.ts';
import { metricsOf } from '../robustness/metrics.ts';
import { freshCluster } from '../setup/fresh-cluster.ts';
import { type GPUJob, isTrue } from '../setup/gpujobs.ts';
import {
  type Installed,
  refusedToInstalled,
  requestsOfInstalled,
  startInstalled,
  untilLedBy,
} from '../setup/installed-operator.ts';
import { untilObserving } from '../setup/operator.ts';
import { rightsGranted, rightsUsed } from '../setup/rights.ts';
import { ownCluster, waitForObject } from '../setup/surroundings.ts';
import { canary } from './features.ts';
import { chart, helm } from './helm.ts';

const sample = join(chart, '../../config/samples/gpujob-minimal.yaml');
const jobs = '/apis/orquanta.io/v1alpha1/namespaces/default/gpujobs';

let cluster: Cluster;
let api: Api;

async function install(release: string, values: readonly string[] = []): Promise<Installed> {
  const namespace = `${release}-system`;
  const args = ['install', release, chart, `--namespace=${namespace}`, '--create-namespace', '--wait', '--timeout=60s'];
  await helm([...args, ...values], { kubeconfig: cluster.kubeconfig });
  return { cluster, api, namespace, fullName: release === 'orquanta' ? release : `${release}-orquanta` };
}

async function operate(installed: Installed, name: string): Promise<OperatorProcess> {
  const operator = await startInstalled(installed, { name });
  onTestFinished(() => operator.stop());
  return operator;
}

describe.runIf(ownCluster() !== undefined)('beside the release that manages, a second one', () => {
  let managing: Installed;
  beforeAll(async () => {
    cluster = await freshCluster();
    api = Api.fromKubeconfig(cluster.kubeconfig, 'e2e');
    await createNodes(api, [gpuNode({ name: 'gpu', cards: nvidiaCards.a10(1) })]);
    managing = await install('orquanta');
  });
  afterAll(async () => {
    await api.close();
    await cluster.stop();
  });

  it('that only looks on is installed, judges each run, and uses all of its rights, which are to list and to watch', async () => {
    await operate(managing, 'operator-managing');
    const looking = await install('canary', canary);
    const operator = await operate(looking, 'operator-canary');
    await untilObserving(operator);
    await cluster.kubectl(['apply', '--namespace=default', `--filename=${sample}`]);
    await waitForObject<GPUJob>(api, jobs, 'hello-gpu', {
      what: 'to complete',
      timeoutMilliseconds: 60_000,
      until: (job) => isTrue(job, 'Complete'),
    });
    const counted = [...(await metricsOf(operator)).matchAll(/^orquanta_canary_runs_total\{.*\} (\d+)$/gm)];
    expect(counted.reduce((sum, [, runs]) => sum + Number(runs), 0)).toBe(1);
    const granted = await rightsGranted(cluster, 'canary');
    expect(rightsUsed(requestsOfInstalled(looking))).toEqual(granted);
    expect(granted.filter((right) => !/ (list|watch)$/.test(right))).toEqual([]);
    expect(refusedToInstalled(looking)).toEqual([]);
  });

  it('that would manage as well is refused by Helm, whose CRDs have an owner, and without them by its operator', async () => {
    await expect(install('second')).rejects.toThrow(/CustomResourceDefinition "\S+" in namespace "" exists and cannot/);
    await operate(managing, 'operator-managing-still');
    await untilLedBy(managing, 'operator-managing-still');
    const second = await install('second', ['--set=crds.enabled=false,admissionPolicies.enabled=false']);
    const operator = await startInstalled(second, { name: 'operator-second', waitUntilReady: false });
    onTestFinished(() => operator.stop());
    expect(await operator.exited).toEqual({ code: 2, signal: null });
    expect(readFileSync(operator.logFile, 'utf8')).toMatch(
      /^orquanta: policy "default" is kept by the operator \S+ in namespace "orquanta-system".*policies\.manage=false/m,
    );
    expect(refusedToInstalled(second)).toEqual([]);
  });
});
