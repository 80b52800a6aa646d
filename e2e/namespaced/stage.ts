// A release of the chart that is limited to two namespaces, on a control plane of a file's own, and a stage on both of them and on
// a third one that nobody watches. The chart is installed without a Pod, as its operators are processes here.
import { afterAll, beforeAll, test } from 'vitest';
import { Api } from '../../hack/api/client.ts';
import type { Cluster } from '../../hack/cluster/cluster.ts';
import { untilCRDsEstablished } from '../../hack/operator/install.ts';
import type { OperatorProcess } from '../../hack/operator/process.ts';
import { chart, helm } from '../chart/helm.ts';
import { DRAStage } from '../setup/dra.ts';
import { freshCluster } from '../setup/fresh-cluster.ts';
import { createNamespace, Stage } from '../setup/gpujobs.ts';
import { type Installed, startInstalled } from '../setup/installed-operator.ts';

export const watched = ['team-a', 'team-b'] as const;
export const unwatched = 'team-c';

/** What the chart is installed with; the lease's times are those for which design.md promises a standby within 6 s. */
const values = [
  `watchNamespaces={${watched.join(',')}}`,
  'rbac.userRoles.create=false,tests.enabled=false,replicaCount=0',
  'leaderElection.leaseDuration=5s,leaderElection.renewDeadline=3500ms,leaderElection.retryPeriod=500ms',
  // The Redis of the tests is this machine's.
  'extraArgs={--heat-allow-local}',
];

export interface Release extends Installed {
  operate(name: string): Promise<OperatorProcess>;
}

/** For a whole file. `prepare` is done before its first operator starts. */
export function releaseForFile(firstOperator: string, prepare: (api: Api) => Promise<void>) {
  let release: Release | undefined;
  let first: OperatorProcess | undefined;
  beforeAll(async () => {
    release = await install(await freshCluster());
    await prepare(release.api);
    first = await release.operate(firstOperator);
  });
  afterAll(async () => {
    await release?.api.close();
    await release?.cluster.stop();
  });
  return { release: () => release!, first: () => first!, scenario: scenarioOn(() => release!.cluster) };
}

async function install(cluster: Cluster): Promise<Release> {
  const api = Api.fromKubeconfig(cluster.kubeconfig, 'e2e');
  const namespace = 'orquanta-system';
  for (const name of [...watched, unwatched]) await createNamespace(api, name);
  const args = ['install', 'orquanta', chart, `--namespace=${namespace}`, '--create-namespace'];
  await helm([...args, `--set=${values.join(',')}`], { kubeconfig: cluster.kubeconfig });
  await untilCRDsEstablished(api);
  const installed: Installed = { cluster, api, namespace };
  return { ...installed, operate: (name) => startInstalled(installed, { name }) };
}

/** The same nodes for all three. */
export interface Teams {
  readonly a: Stage;
  readonly b: Stage;
  /** Nobody watches it. */
  readonly stranger: Stage;
}

/** One test at a time: what it leaves in the namespaces goes before the next one. */
function scenarioOn(cluster: () => Cluster) {
  return test.extend<{ teams: Teams; dra: DRAStage }>({
    teams: async ({ task }, use) => {
      const a = await Stage.open(task.name, { cluster: cluster(), namespaces: [...watched, unwatched] });
      await use({ a, b: await a.neighbour(), stranger: await a.neighbour() });
      await a.close();
    },
    /** With a policy under which sizes are what they look like, and strangers where nobody watches. */
    dra: async ({ teams }, use) => {
      const dra = await DRAStage.open(teams.a, teams.stranger);
      await use(dra);
      await dra.close();
    },
  });
}
