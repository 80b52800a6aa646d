// What a node has left besides its cards.
import { hasAmount } from '../fit/fit.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { NodeEntry } from '../inventory/node-class.ts';
import type { ResourceAmounts } from '../model.ts';

/** The first resource of which a node has too little left. */
export function shortResource(inventory: Inventory, entry: NodeEntry, perWorker: ResourceAmounts): string | undefined {
  const used = inventory.usedAmounts(entry.facts.name);
  for (const name in perWorker) {
    const there = entry.allocatable[name];
    const left = there === undefined ? undefined : there - (used.get(name) ?? 0);
    if (!hasAmount(name, left, perWorker[name] ?? 0)) return name;
  }
  return undefined;
}
