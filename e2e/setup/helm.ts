// Helm of the control plane's programs, as somebody at a shell runs it, with a home of its own. It knows no values.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Target } from '../../hack/operator/install.ts';

export const chart = join(import.meta.dirname, '..', '..', 'charts', 'orquanta');

/** Its standard output; rejects with Helm's own words. Its home is in the target's folder. */
export async function runHelm({ programs, kubeconfig, directory }: Target, args: readonly string[]): Promise<string> {
  const home = join(directory, 'helm');
  const env = {
    ...process.env,
    KUBECONFIG: kubeconfig,
    HELM_CACHE_HOME: home,
    HELM_CONFIG_HOME: home,
    HELM_DATA_HOME: home,
  };
  const { stdout } = await promisify(execFile)(programs.helm, [...args], { env, maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}
