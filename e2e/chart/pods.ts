// The Pods among what the chart renders to, as somebody would create them by hand.
import type { KubernetesObject } from '../../hack/api/client.ts';

export interface Pod extends KubernetesObject {
  spec: { serviceAccountName?: string };
}

function isPod(object: KubernetesObject): object is Pod {
  return object.kind === 'Pod';
}

/** Each workload's Pod under the workload's name, the operator's as `operator`, and the Pods that stand by themselves. */
export function podsOf(objects: readonly KubernetesObject[]): Pod[] {
  return objects.flatMap((object) => {
    if (isPod(object)) return [object];
    if (object.kind !== 'Deployment') return [];
    const { template } = object['spec'] as { template: Pod };
    const name = object.metadata.name === 'orquanta' ? 'operator' : object.metadata.name;
    return [{ ...template, apiVersion: 'v1', kind: 'Pod', metadata: { ...template.metadata, name } }];
  });
}

export function podOf(objects: readonly KubernetesObject[]): Pod {
  return podsOf(objects).find(({ metadata }) => metadata.name === 'operator')!;
}

/** The one that every namespace has. */
export function withDefaultAccount({ metadata: { name, labels }, spec, ...rest }: Pod): Pod {
  return {
    ...rest,
    metadata: { name, ...(labels ? { labels } : {}) },
    spec: { ...spec, serviceAccountName: 'default' },
  };
}
