// Test files run side by side, each lane on a control plane of its own: most of an e2e test is waiting, and what one file does
// to its API server must not be another's surprise.
import { existingKubeconfig } from '../../hack/cluster/existing.ts';

/** On a cluster of the user's there is one. */
export function lanes(environment: NodeJS.ProcessEnv): number {
  return existingKubeconfig(environment) === undefined ? 2 : 1;
}

/** From 0: of this test file's worker. */
export function laneOfWorker(): number {
  return Number(process.env['VITEST_POOL_ID'] ?? '1') - 1;
}
