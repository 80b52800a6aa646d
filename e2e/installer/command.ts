// hack/installer as `make deploy` and its like run it: a process of its own on the cluster of a kubeconfig. Never rejects for its
// exit code.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stripTypes } from '../../hack/cluster/components.ts';

const program = join(import.meta.dirname, '../../hack/installer/main.ts');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function installer(args: readonly string[], kubeconfig = ''): Promise<Ran> {
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  return promisify(execFile)(process.execPath, [...stripTypes, program, ...args], { env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: unknown) => {
      const { code, stdout, stderr } = error as Ran;
      return { code, stdout, stderr };
    },
  );
}
