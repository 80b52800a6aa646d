// What Prometheus sees of how cards are held: found out node by node, and of the API server.
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import type { Inventory } from '../placement/inventory/inventory.ts';
import { cardModels, devicesOf, inventoryOf, nodeOf } from '../placement/testing/builders.ts';
import { gpujobMetrics } from './metrics.ts';

const cards = { ...cardModels.a100x80, count: 2 };

/** Device plugin, DRA, both, and DRA without shares. */
function aClusterOfAllWays(): Inventory {
  const inventory = inventoryOf([nodeOf('plugin', cards), nodeOf('both', cards)]);
  for (const name of ['claims', 'whole']) {
    inventory.setNode(nodeOf(name, cards, { allocatable: { 'nvidia.com/gpu': '0' } }));
  }
  inventory.setNode(nodeOf('none', cards, { allocatable: { 'nvidia.com/gpu': '0' } }));
  for (const name of ['both', 'claims']) inventory.setDevices(name, devicesOf(name, cards));
  inventory.setDevices('whole', devicesOf('whole', cards, false));
  return inventory;
}

function aProcess(inventory = aClusterOfAllWays()) {
  const registry = new Registry();
  const metrics = gpujobMetrics(registry, inventory);
  const seen = async (name: string) =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith(name) && !line.startsWith('#'));
  return { metrics, seen, inventory };
}

describe('the metric of GPU nodes', () => {
  it('counts each node by what holds its cards, and those whose cards can be divided', async () => {
    expect(await aProcess().seen('orquanta_gpu_nodes')).toEqual([
      'orquanta_gpu_nodes{allocation="DevicePlugin"} 1',
      'orquanta_gpu_nodes{allocation="DRA"} 2',
      'orquanta_gpu_nodes{allocation="Both"} 1',
      'orquanta_gpu_nodes{allocation="Shares"} 2',
    ]);
  });

  it('follows a node that moves from its device plugin to DRA', async () => {
    const { seen, inventory } = aProcess(inventoryOf([nodeOf('moves', cards)]));
    const ways = async () =>
      (await seen('orquanta_gpu_nodes')).flatMap((line) => /allocation="(\w+)"} 1$/.exec(line)?.[1] ?? []);
    expect(await ways()).toEqual(['DevicePlugin']);
    inventory.setDevices('moves', devicesOf('moves', cards, false));
    expect(await ways()).toEqual(['Both']);
    inventory.setNode(nodeOf('moves', cards, { allocatable: { 'nvidia.com/gpu': '0' } }));
    expect(await ways()).toEqual(['DRA']);
    inventory.setDevices('moves', devicesOf('moves', cards));
    expect(await ways()).toEqual(['DRA', 'Shares']);
  });
});

describe('the metric of the API by which cards are claimed', () => {
  it('says nothing before it is known, then 0 or 1 as it is at each scrape', async () => {
    const { metrics, seen } = aProcess();
    expect(await seen('orquanta_dra_served')).toEqual([]);
    let isServed = false;
    metrics.followClaims(() => isServed);
    expect(await seen('orquanta_dra_served')).toEqual(['orquanta_dra_served 0']);
    isServed = true;
    expect(await seen('orquanta_dra_served')).toEqual(['orquanta_dra_served 1']);
  });
});
