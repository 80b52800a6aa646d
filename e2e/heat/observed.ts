// A HeatObserver as the tests of this room make it and wait for it, through the API server alone.
import type { Api, KubernetesObject } from '../../hack/api/client.ts';
import { waitForObject } from '../setup/surroundings.ts';
import { prefix } from './stage.ts';

export interface HeatObserverState extends KubernetesObject {
  status: {
    conditions?: { type: string; status: string; reason: string; message: string }[];
    coverage?: number;
    observed?: number;
    lastHandledVerify?: string;
  };
}

export const heatObserversOf = (namespace: string): string =>
  `/apis/orquanta.io/v1alpha1/namespaces/${namespace}/heatobservers`;

export function heatObserver(name: string, url: string, spec: Record<string, unknown> = {}): KubernetesObject {
  return {
    apiVersion: 'orquanta.io/v1alpha1',
    kind: 'HeatObserver',
    metadata: { name },
    spec: { lookupPrefix: prefix, golden: 'Skip', ...spec, redis: { url, ...(spec['redis'] as object | undefined) } },
  };
}

export function conditionOf({ status }: HeatObserverState, type: string) {
  return status.conditions?.find((condition) => condition.type === type);
}

export function untilReady(api: Api, namespace: string, name: string, reason: string): Promise<HeatObserverState> {
  return waitForObject<HeatObserverState>(api, heatObserversOf(namespace), name, {
    what: `to be ${reason}`,
    timeoutMilliseconds: 60_000,
    until: (observer) => conditionOf(observer, 'Ready')?.reason === reason,
  });
}
