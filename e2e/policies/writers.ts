// Several processes that teach one policy at the same time, under the operator's own account.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { operatorKubeconfig } from '../setup/operator.ts';

/** Their exit codes. */
export async function runWriters(policy: string, writers: number, failuresEach: number): Promise<(number | null)[]> {
  const kubeconfig = await operatorKubeconfig();
  const program = join(import.meta.dirname, 'writer.ts');
  const run = async (_: unknown, writer: number) => {
    const args = ['--disable-warning=ExperimentalWarning', program, policy, String(writer), String(failuresEach)];
    const child = spawn(process.execPath, args, { env: { ...process.env, KUBECONFIG: kubeconfig }, stdio: 'inherit' });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  };
  return Promise.all(Array.from({ length: writers }, run));
}
