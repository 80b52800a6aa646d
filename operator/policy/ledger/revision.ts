// A version as an apps/v1 ControllerRevision: immutable by the API server's own word, and its name is the lock by which of
// two writers only one makes version 8. Without owner: the ledger outlives the policy.
import { labels, managedBy } from '../../resources/labels.ts';
import type { ControllerRevision } from '../../runtime/kubernetes.ts';
import type { Version } from './version.ts';

export type RevisionManifest = Pick<ControllerRevision, 'revision'> & {
  apiVersion: 'apps/v1';
  kind: 'ControllerRevision';
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  data: Version;
};

/** What selects all versions of all policies. */
export const ledgerSelector = labels.policy;

export function revisionName(policy: string, version: number): string {
  return `${policy}-${version}`;
}

export function revisionOf(version: Version, namespace: string): RevisionManifest {
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: revisionName(version.policy, version.version),
      namespace,
      labels: { [labels.policy]: version.policy, [labels.managedBy]: managedBy },
    },
    revision: version.version,
    data: version,
  };
}
