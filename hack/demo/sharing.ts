// The demo's cards that jobs can share: sets up the node whose driver divides them, follows who holds what of them, and takes it
// all away again. What that shows is the stories' business.
import { type Api, ApiRefusal, type KubernetesObject } from '../api/client.ts';
import { follow } from '../api/follow.ts';
import { createDRANodes, deleteDRANodes } from '../nodes/create.ts';
import { type DRANode, deviceClasses } from '../nodes/slices.ts';
import { type Claim, type Holding, Holdings } from './holdings.ts';

const dra = '/apis/resource.k8s.io/v1';

/** A device class that is there already, as a real driver's, is left as it is, and so not labelled as ours. */
export async function setUpSharing(
  api: Api,
  nodes: readonly DRANode[],
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  if (nodes.length === 0) return;
  for (const deviceClass of deviceClasses) {
    const ours = { ...deviceClass, metadata: { ...deviceClass.metadata, labels } };
    await api.create(`${dra}/deviceclasses`, ours).catch((error: unknown) => {
      if (!(error instanceof ApiRefusal && error.status === 409)) throw error;
    });
  }
  await createDRANodes(api, nodes);
}

/** Until the signal fires: each holding when it begins. */
export function followHoldings(
  api: Api,
  namespace: string,
  onHolding: (holding: Holding) => void,
  signal: AbortSignal,
): Promise<void> {
  const holdings = new Holdings();
  const onList = (claims: Claim[]): void => {
    holdings.keepOnly(claims);
    for (const claim of claims) holdings.see(claim).forEach(onHolding);
  };
  const onChange = (type: string, claim: Claim): void => {
    if (type === 'DELETED') holdings.gone(claim);
    else holdings.see(claim).forEach(onHolding);
  };
  return follow<Claim>(api, `${dra}/namespaces/${namespace}/resourceclaims`, { onList, onChange }, signal);
}

/** From a cluster of the user's: these nodes with what was published of their cards, and the device classes with the label. */
export async function takeSharingAway(api: Api, nodes: readonly DRANode[], labelSelector: string): Promise<void> {
  await deleteDRANodes(api, nodes);
  const path = `${dra}/deviceclasses?labelSelector=${labelSelector}`;
  const { items } = await api.get<{ items: KubernetesObject[] }>(path).catch((error: unknown) => {
    if (error instanceof ApiRefusal && error.status === 404) return { items: [] }; // no such API
    throw error;
  });
  for (const { metadata } of items) await api.delete(`${dra}/deviceclasses/${metadata.name}`);
}
