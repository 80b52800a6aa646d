// The release that all e2e tests run under: the chart installs the CRDs, the warnings at admission, the service account and its
// rights. No Pod of it: each test starts its operators as processes.
import { Api } from '../../hack/api/client.ts';
import { type Account, type Target, untilCRDsEstablished } from '../../hack/operator/install.ts';
import { chart, runHelm } from './helm.ts';

export const account: Account = { name: 'orquanta', namespace: 'orquanta-system' };

/** Returns when the API server serves the kinds. On a cluster that was installed another way it takes over what is there. */
export async function installRelease(target: Target): Promise<void> {
  const values = ['replicaCount=0', 'rbac.userRoles.create=false', 'tests.enabled=false'];
  const how = ['--install', '--take-ownership', '--create-namespace', `--namespace=${account.namespace}`];
  await runHelm(target, ['upgrade', account.name, chart, ...how, `--set=${values.join(',')}`]);
  const api = Api.fromKubeconfig(target.kubeconfig, 'e2e');
  await untilCRDsEstablished(api);
  await api.close();
}
