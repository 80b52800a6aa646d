// Helm of the control plane's programs, as somebody at a shell runs it, with a home of its own. It knows no values.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Programs } from '../../hack/cluster/programs.ts';

export const chart = join(import.meta.dirname, '..', '..', 'charts', 'orquanta');

export interface HelmTarget {
  readonly kubeconfig: string;
  /** Where its home is. */
  readonly directory: string;
  readonly programs: Programs;
}

/** Its standard output; rejects with Helm's own words. */
export async function runHelm(target: HelmTarget, args: readonly string[]): Promise<string> {
  const { programs, kubeconfig, directory } = target;
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
