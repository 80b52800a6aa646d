// Rights as sorted lists of "group/resource verb": those that a release of the chart grants, and those that requests used.
import type { Cluster } from '../../hack/cluster/cluster.ts';
import type { AuditEvent } from './surroundings.ts';

export type Audited = AuditEvent & { annotations?: Record<string, string> };

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

export interface Role {
  readonly metadata: { readonly namespace?: string };
  readonly rules: readonly Rule[];
}

/** By what is in the cluster; all that a release grants, it grants its operator, but the roles for people. */
export async function rightsGranted(
  cluster: Cluster,
  release: string,
  counts: (role: Role) => boolean = () => true,
): Promise<string[]> {
  const selector = `--selector=app.kubernetes.io/instance=${release}`;
  const text = await cluster.kubectl(['get', 'clusterroles,roles', '--all-namespaces', selector, '--output=json']);
  const { items } = JSON.parse(text) as { items: Role[] };
  return rightsOf(items.filter(counts));
}

/** In sum, whatever scope they are granted in. */
export function rightsOf(roles: readonly Pick<Role, 'rules'>[]): string[] {
  return sorted(
    roles.flatMap(({ rules }) =>
      rules.flatMap(({ apiGroups, resources, verbs }) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource) => verbs.map((verb) => `${group}/${resource} ${verb}`)),
        ),
      ),
    ),
  );
}

export function rightsUsed(events: readonly AuditEvent[]): string[] {
  return sorted(
    events.flatMap(({ verb, objectRef }) => {
      if (objectRef === undefined) return [];
      const { apiGroup = '', resource, subresource } = objectRef;
      return [`${apiGroup}/${resource}${subresource === undefined ? '' : `/${subresource}`} ${verb}`];
    }),
  );
}

function sorted(rights: readonly string[]): string[] {
  return [...new Set(rights)].sort();
}
