// Where the programs of a control plane come from: KUBEBUILDER_ASSETS for those that are there, the pinned Go module for
// the rest. It never downloads a program and never touches PATH.
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { buildPrograms } from './build.ts';

export const programNames = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
  'kwok',
  'helm',
] as const;
export type ProgramName = (typeof programNames)[number];

/** Absolute paths. */
export type Programs = Record<ProgramName, string>;

export interface ProgramSource {
  programs: Programs;
  /** One line for people: where they are from. */
  description: string;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Builds what is missing, so the first call may take five minutes; later ones take milliseconds. */
export async function findPrograms(
  environment: NodeJS.ProcessEnv,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<ProgramSource> {
  const assets = environment['KUBEBUILDER_ASSETS'];
  const given = assets ? programNames.filter((name) => isProgram(join(assets, name))) : [];
  if (assets && given.length === 0) {
    throw new Error(
      `KUBEBUILDER_ASSETS=${assets} holds none of ${programNames.join(', ')}; unset it to build them from hack/control-plane`,
    );
  }
  const missing = programNames.filter((name) => !given.includes(name));
  if (assets) say(`From KUBEBUILDER_ASSETS: ${given.join(', ')}; built from hack/control-plane: ${missing.join(', ')}`);
  const built = await buildPrograms(environment, say, signal);
  const programs = Object.fromEntries(
    programNames.map((name) => [name, join(assets && given.includes(name) ? assets : built, name)]),
  ) as Programs;
  return { programs, description: assets ? `${assets} and ${built}` : built };
}
