// Helm of the control plane's programs on the chart, as somebody at a shell runs it, with a home of its own. It knows no values.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import type { KubernetesObject } from '../../hack/api/client.ts';
import { ownSurroundings } from '../setup/surroundings.ts';

export const chart = join(import.meta.dirname, '..', '..', 'charts', 'orquanta');

export interface HelmOptions {
  /** Default: that of this file's lane. */
  readonly kubeconfig?: string;
}

/** Its standard output; rejects with Helm's own words. */
export async function helm(args: readonly string[], options: HelmOptions = {}): Promise<string> {
  const { programs, kubeconfig, directory } = ownSurroundings();
  const home = join(directory, 'helm');
  const env = {
    ...process.env,
    KUBECONFIG: options.kubeconfig ?? kubeconfig,
    HELM_CACHE_HOME: home,
    HELM_CONFIG_HOME: home,
    HELM_DATA_HOME: home,
  };
  const { stdout } = await promisify(execFile)(programs.helm, [...args], { env, maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/** The release is named `orquanta`. */
export function render(namespace: string, values: readonly string[] = []): Promise<string> {
  return helm(['template', 'orquanta', chart, `--namespace=${namespace}`, ...values]);
}

export async function rendered(namespace: string, values: readonly string[] = []): Promise<KubernetesObject[]> {
  return parseAllDocuments(await render(namespace, values))
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null);
}

/** The objects of a folder of the repository. */
export function sourcesOf(folder: string): KubernetesObject[] {
  const path = join(chart, '../..', folder);
  const files = readdirSync(path).filter((name) => name.endsWith('.yaml'));
  return files.flatMap((name) =>
    parseAllDocuments(readFileSync(join(path, name), 'utf8')).map((document) => document.toJS() as KubernetesObject),
  );
}
