// What a test does to a process of its own control plane, and always takes back.
import { ownCluster } from './surroundings.ts';

/** How many tests of this file want it still at this moment. */
let holders = 0;

/** Nothing that the controller manager does happens while the work is done: no Job gets a Pod. */
export async function withoutJobController<T>(work: () => Promise<T>): Promise<T> {
  const pid = ownCluster()?.pids().get('kube-controller-manager');
  if (pid === undefined) throw new Error('there is no controller manager of ours');
  holders += 1;
  process.kill(pid, 'SIGSTOP');
  try {
    return await work();
  } finally {
    holders -= 1;
    if (holders === 0) process.kill(pid, 'SIGCONT');
  }
}
