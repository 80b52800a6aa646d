// What all policies together say of the VRAM of cards, for nodes whose labels name a product and no VRAM (GKE). A card is of the
// cluster and not of a policy, so where two policies differ the smaller size holds: nobody is promised more than any of them says.
import type { Inventory } from '../placement/inventory/inventory.ts';
import type { Catalogue } from '../placement/model.ts';
import { mebibytesRoundedDown, QuantityError, readQuantity } from '../resources/quantity.ts';
import type { SovereignPolicy } from '../resources/sovereignpolicy.ts';
import type { Store } from '../runtime/store.ts';
import { isEdit } from './edits.ts';

export function cardCatalogue(policies: Iterable<Pick<SovereignPolicy, 'spec'>>): Catalogue {
  const sizes = new Map<string, number>();
  for (const { spec } of policies) {
    for (const { product, vram } of spec.gpus ?? []) {
      const quantity = readQuantity(String(vram));
      if (quantity instanceof QuantityError) continue;
      sizes.set(product, Math.min(sizes.get(product) ?? Infinity, mebibytesRoundedDown(quantity)));
    }
  }
  return new Map([...sizes].map(([product, vramMebibytes]) => [product, { vramMebibytes }]));
}

/** Keeps the inventory at what the policies say, leading or not, so that a standby can begin at once. */
export function feedCatalogue(
  policies: Pick<Store<SovereignPolicy>, 'list' | 'subscribe'>,
  inventory: Pick<Inventory, 'setCatalogue'>,
): void {
  policies.subscribe((change) => {
    if (isEdit(change)) inventory.setCatalogue(cardCatalogue(policies.list()));
  });
}
