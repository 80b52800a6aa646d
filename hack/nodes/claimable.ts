// Whether a cluster lets jobs share a card by claims. It asks and changes nothing.
import { type Api, ApiRefusal } from '../api/client.ts';
import { draNodes } from './inventory.ts';
import { nvidiaCards } from './node.ts';
import { sliceOf } from './slices.ts';

interface Slice {
  metadata: { name: string };
  spec: { devices: { allowMultipleAllocations?: boolean }[] };
}

const collection = '/apis/resource.k8s.io/v1/resourceslices';

const noClaims =
  'this cluster has no ResourceClaims: it does not serve resource.k8s.io/v1, as Kubernetes does from 1.34 on';
const wholeCardsOnly =
  'this cluster has ResourceClaims, but none for a part of a card: its feature gate DRAConsumableCapacity is off (from Kubernetes 1.36 on it is on)';

/** In words; undefined: it does let them. A server whose feature gate is off drops the field, and says nothing. */
export async function whyNoShares(api: Api): Promise<string | undefined> {
  const [probe] = draNodes(1, nvidiaCards.t4(1), 'orquanta-probe').map(sliceOf);
  try {
    const { spec } = await api.create<Slice>(`${collection}?dryRun=All`, probe);
    return spec.devices.some(({ allowMultipleAllocations }) => allowMultipleAllocations) ? undefined : wholeCardsOnly;
  } catch (error) {
    if (!(error instanceof ApiRefusal && error.status === 404)) throw error;
    return noClaims;
  }
}
