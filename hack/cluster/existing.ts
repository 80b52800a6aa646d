// A cluster the user points at (USE_EXISTING_CLUSTER=1, as in kubebuilder's envtest). It only finds the kubeconfig;
// nothing in hack/ ever starts or stops such a cluster.
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

/** The kubeconfig of the cluster to use, or undefined where one of our own is wanted. */
export function existingKubeconfig(environment: NodeJS.ProcessEnv): string | undefined {
  const wanted = environment['USE_EXISTING_CLUSTER'] ?? '';
  if (wanted === '' || wanted === '0' || wanted === 'false') return undefined;
  if (wanted !== '1' && wanted !== 'true') {
    throw new Error(`USE_EXISTING_CLUSTER=${wanted}: write 1 to use the cluster of KUBECONFIG, or unset it`);
  }
  const [first] = (environment['KUBECONFIG'] || join(homedir(), '.kube', 'config')).split(delimiter);
  const path = resolve(first ?? '');
  if (!existsSync(path)) {
    throw new Error(
      `USE_EXISTING_CLUSTER=1, but there is no file ${path}; set KUBECONFIG to your cluster's kubeconfig`,
    );
  }
  return path;
}
