// What the chart renders to, and the folders of the repository that hold the same.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubernetesObject } from '../../hack/api/client.ts';
import { chart, runHelm } from '../setup/helm.ts';
import { ownSurroundings } from '../setup/surroundings.ts';

export { chart } from '../setup/helm.ts';

export interface HelmOptions {
  /** Default: that of this file's lane. */
  readonly kubeconfig?: string;
}

/** Its standard output; rejects with Helm's own words. */
export function helm(args: readonly string[], options: HelmOptions = {}): Promise<string> {
  return runHelm({ ...ownSurroundings(), ...options }, args);
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
