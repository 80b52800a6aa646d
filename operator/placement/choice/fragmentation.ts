// How broken up the free cards are, for the metric: the share that is free and yet of no use. It measures; it decides nothing.
import { classKindViolation } from '../fit/fit.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { Workload } from '../model.ts';
import type { NodeClass } from '../inventory/node-class.ts';

/** What a typical workload asks; a plain Workload fits. */
export type TypicalAsk = Pick<
  Workload,
  'isolation' | 'allocation' | 'products' | 'constraints' | 'vramMebibytes' | 'gpus'
>;

/**
 * Permille of the free cards that the typical workloads could not use, on average over them (fragmentation as in "Beware of
 * Fragmentation", USENIX ATC'23, counted in whole cards). Without typical workloads: of the free cards, those on nodes that
 * are partly in use, because a whole node is what a gang needs. 0 when nothing is free.
 */
export function fragmentation(inventory: Inventory, typical: readonly TypicalAsk[] = []): number {
  let free = 0;
  let useless = 0;
  for (const bucket of freeBuckets(inventory)) {
    free += bucket.nodes * bucket.free * Math.max(1, typical.length);
    useless += bucket.nodes * uselessCards(bucket, typical);
  }
  return free === 0 ? 0 : Math.floor((useless * 1000) / free);
}

interface Bucket {
  readonly nodeClass: NodeClass;
  readonly poolIndex: number;
  readonly free: number;
  readonly nodes: number;
}

function* freeBuckets(inventory: Inventory): Iterable<Bucket> {
  for (const nodeClass of inventory.classes()) {
    const { ready, unschedulable, deleting } = nodeClass.example;
    if (!ready || unschedulable || deleting === true) continue;
    for (const [poolIndex, pool] of nodeClass.pools.entries()) {
      if (pool.refused !== undefined) continue;
      for (let free = 1; free <= pool.count; free += 1) {
        const nodes = nodeClass.withFree(poolIndex, free).length;
        if (nodes > 0) yield { nodeClass, poolIndex, free, nodes };
      }
    }
  }
}

function uselessCards(bucket: Bucket, typical: readonly TypicalAsk[]): number {
  const pool = bucket.nodeClass.pools[bucket.poolIndex];
  if (pool === undefined) return 0;
  if (typical.length === 0) return bucket.free < pool.count ? bucket.free : 0;
  return typical.reduce((sum, ask) => {
    const large = pool.vram.known && pool.vram.mebibytes >= ask.vramMebibytes;
    const usable = large && classKindViolation(ask, bucket.nodeClass.example, pool) === undefined;
    return sum + (usable ? bucket.free % ask.gpus : bucket.free);
  }, 0);
}
