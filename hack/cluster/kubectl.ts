// kubectl of the same version as the cluster, with a kubeconfig that is always named: never the user's own by accident.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { Programs } from './programs.ts';

/** Its standard output; rejects with kubectl's own words. */
export async function runKubectl(
  programs: Programs,
  kubeconfig: string,
  args: readonly string[],
  input = '',
): Promise<string> {
  const child = spawn(programs.kubectl, [`--kubeconfig=${kubeconfig}`, ...args]);
  const code = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  child.stdin.end(input);
  const [status, output, errors] = await Promise.all([code, text(child.stdout), text(child.stderr)]);
  if (status === 0) return output;
  throw new Error(`kubectl ${args.join(' ')}: ${errors.trim()}`);
}
