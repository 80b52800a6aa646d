// Before all e2e tests: a control plane for each lane (or the existing one) with the chart, KWOK and the container actor; after
// them it is gone, also when they fail, are interrupted or killed. It creates no nodes and starts no operator.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { playNodesOf, startCluster, stopCluster } from '../../hack/cluster/cluster.ts';
import { existingKubeconfig } from '../../hack/cluster/existing.ts';
import type { Programs } from '../../hack/cluster/programs.ts';
import { Api } from '../../hack/api/client.ts';
import { createUnlearningDefault } from './default-policy.ts';
import { installRelease } from './release.ts';

export interface Surroundings {
  kubeconfig: string;
  /** Where the processes' logs and pid files are; of a cluster of ours also everything else. */
  directory: string;
  /** false: someone else's cluster. Its API server can't be killed, its audit log can't be read. */
  isOurs: boolean;
  programs: Programs;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** By lane. */
    surroundings: Surroundings[];
  }
}

async function start(directory: string, say: (line: string) => void): Promise<Surroundings> {
  const options = { directory, diesWithStarter: true, say, signal: AbortSignal.timeout(20 * 60_000) };
  const existing = existingKubeconfig(process.env);
  if (existing === undefined) {
    const cluster = await startCluster(options);
    return { kubeconfig: cluster.kubeconfig, directory, isOurs: true, programs: cluster.programs };
  }
  say(`USE_EXISTING_CLUSTER is set: testing on the cluster of ${existing}`);
  return { kubeconfig: existing, directory, isOurs: false, programs: await playNodesOf(existing, options) };
}

async function prepare(surroundings: Surroundings): Promise<void> {
  await installRelease(surroundings);
  const api = Api.fromKubeconfig(surroundings.kubeconfig, 'e2e');
  await createUnlearningDefault(api);
  await api.close();
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const directories = Array.from({ length: project.config.maxWorkers }, () =>
    mkdtempSync(join(tmpdir(), 'orquanta-e2e-')),
  );
  const surroundings: Surroundings[] = [];
  // One after the other: they share the build, and its progress would be printed twice.
  for (const directory of directories) {
    surroundings.push(await start(directory, say));
    await prepare(surroundings.at(-1)!);
  }
  project.provide('surroundings', surroundings);
  return async () => {
    await Promise.all(directories.map((directory) => stopCluster(directory)));
  };
}
