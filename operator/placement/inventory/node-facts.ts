// What placement reads of a Node object. Pure reading; nothing is judged here.
import { hamiAnnotations, settledRegister } from '../cards/hami.ts';
import type { NodeFacts, Taint } from '../model.ts';

/** The parts of a Node that placement reads; client-node's type as it is in JSON fits. */
export interface NodeShape {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>> | undefined;
    readonly annotations?: Readonly<Record<string, string>> | undefined;
    readonly deletionTimestamp?: string | undefined;
  };
  readonly spec?:
    { readonly taints?: readonly Taint[] | undefined; readonly unschedulable?: boolean | undefined } | undefined;
  readonly status?:
    | {
        readonly allocatable?: Readonly<Record<string, string>> | undefined;
        readonly capacity?: Readonly<Record<string, string>> | undefined;
        readonly conditions?: readonly { readonly type: string; readonly status: string }[] | undefined;
      }
    | undefined;
}

export function nodeFacts(node: NodeShape): NodeFacts {
  const { metadata, spec, status } = node;
  const register = settledRegister(metadata.annotations);
  return {
    name: metadata.name,
    labels: metadata.labels ?? {},
    ...(register === undefined ? {} : { annotations: { [hamiAnnotations.register]: register } }),
    taints: (spec?.taints ?? []).map(({ key, value, effect }) => ({
      key,
      ...(value === undefined ? {} : { value }),
      effect,
    })),
    unschedulable: spec?.unschedulable ?? false,
    // No condition yet is a kubelet that hasn't reported: not ready.
    ready: (status?.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True'),
    allocatable: status?.allocatable ?? {},
    capacity: status?.capacity ?? {},
    deleting: metadata.deletionTimestamp !== undefined,
  };
}
