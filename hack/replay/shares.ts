// Replays a scene on a cluster whose cards are held by claims, and reads off the claims how much is allocated: once when all
// cards there are have been asked for, and at the end. Nodes and operator must be there already.
import type { Api, KubernetesObject } from '../api/client.ts';
import { waitFor } from '../api/wait.ts';
import { type Held, heldOf } from './held.ts';
import { sharingJobOf, weightsAlone } from './objects.ts';
import { type Replayed, type ReplayOptions, replay } from './replay.ts';
import type { SharesScene } from './shares-scene.ts';

export const policies = '/apis/orquanta.io/v1alpha1/sovereignpolicies';

export interface SharesReplayed {
  readonly replayed: Replayed;
  readonly whenFull: Held;
  readonly atEnd: Held;
}

export type SharesOptions = Pick<ReplayOptions, 'api' | 'namespace' | 'bar' | 'signal'>;

/** Its policy is named like the namespace, and is gone with the cluster or by the caller. */
export async function replayShares(scene: SharesScene, options: SharesOptions): Promise<SharesReplayed> {
  const { tasks, nodes, tasksToFull } = scene;
  const { api, namespace: policyName } = options;
  await api.create(policies, weightsAlone(policyName));
  await untilInForce(api, policyName);
  const seen: { whenFull?: Held } = {};
  const atRest = async (): Promise<void> => {
    seen.whenFull = await heldOf(api, nodes);
  };
  const replayed = await replay({
    ...options,
    tasks,
    speed: 0,
    submission: 'WhenSettled',
    jobOf: (task, speed) => sharingJobOf(task, speed, policyName),
    pause: { afterTasks: tasksToFull, atRest },
  });
  const atEnd = await heldOf(api, nodes);
  return { replayed, whenFull: seen.whenFull ?? atEnd, atEnd };
}

interface PolicyState extends KubernetesObject {
  status?: { version?: number };
}

/** Before that a job would wait for its policy, and lose its place in the order. */
async function untilInForce(api: Api, name: string): Promise<void> {
  await waitFor<PolicyState>(api, `${policies}?fieldSelector=metadata.name=${name}`, {
    what: `the policy ${name} to be in force`,
    timeoutMilliseconds: 60_000,
    until: ([policy]) => policy?.status?.version !== undefined,
  });
}
