// The operator's commands as somebody at a shell runs them: a process of its own with the kubeconfig of this file's control plane.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stripTypes } from '../../hack/cluster/components.ts';
import { ownSurroundings } from './surroundings.ts';

const program = join(import.meta.dirname, '..', '..', 'operator', 'main.ts');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Never rejects for its exit code. */
export function orquanta(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const env = { ...process.env, KUBECONFIG: ownSurroundings().kubeconfig, ...environment };
  return promisify(execFile)(process.execPath, [...stripTypes, program, ...args], { env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: unknown) => {
      const { code, stdout, stderr } = error as Ran;
      return { code, stdout, stderr };
    },
  );
}
