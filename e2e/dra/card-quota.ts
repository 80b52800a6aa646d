// A ResourceQuota on cards that are held by claims, which the API server counts by their device class.
import type { Api, KubernetesObject } from '../../hack/api/client.ts';
import { waitFor } from '../../hack/api/wait.ts';
import { driver } from '../../hack/nodes/slices.ts';

const counted = `${driver}.deviceclass.resource.k8s.io/devices`;

interface Quota extends KubernetesObject {
  status?: { hard?: Record<string, string>; used?: Record<string, string> };
}

/** Until it counts: a quota that nobody has counted yet refuses nothing. */
export async function cardQuota(api: Api, namespace: string, cards: number): Promise<void> {
  const quotas = `/api/v1/namespaces/${namespace}/resourcequotas`;
  await api.create(quotas, { metadata: { name: 'quota' }, spec: { hard: { [counted]: String(cards) } } });
  await waitFor<Quota>(api, quotas, {
    what: `the quota of ${namespace} to count`,
    timeoutMilliseconds: 60_000,
    until: (seen) => seen.some(({ status }) => status?.hard?.[counted] !== undefined && status.used !== undefined),
  });
}
