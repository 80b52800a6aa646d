// A job that wants a part of a card where none is shared is told how there could be some.
import { describe, expect, it } from 'vitest';
import { cardModels, devicesOf, inventoryOf, nodeOf, verdictOf, workloadOf } from '../testing/builders.ts';

const cards = { ...cardModels.a100x80, count: 2 };
const byPlugin = nodeOf('plugin', cards);
const byClaim = nodeOf('claims', cards, { allocatable: { 'nvidia.com/gpu': '0' } });
const shared = workloadOf('job', { isolation: 'Shared' });

function saidOf(...nodes: readonly (typeof byPlugin)[]): string {
  const inventory = inventoryOf([]);
  for (const node of nodes) {
    if (node.name === 'claims') inventory.setDevices(node.name, devicesOf(node.name, cards, false));
    inventory.setNode(node);
  }
  return verdictOf(inventory, shared);
}

describe('a job that wants a part of a card where none is shared', () => {
  it.each([
    [
      'device plugins',
      [byPlugin],
      'for shares set up time-slicing or MPS in the device plugin, or DRA with a driver that publishes them',
    ],
    [
      'claims',
      [byClaim],
      'for shares by DRA the driver must publish them, with DRAConsumableCapacity on in API server and scheduler',
    ],
  ])('hears what to do where %s hold the cards', (_title, nodes, help) => {
    expect(saidOf(...nodes)).toBe(
      `NoMatchingCards: 0 of 1 nodes have cards of the right kind: 1 without Shared cards (Exclusive here); ${help}`,
    );
  });

  it('hears nothing of it where cards are shared that it may not use', () => {
    const inventory = inventoryOf([]);
    inventory.setDevices('claims', devicesOf('claims', cards));
    inventory.setNode(byClaim);
    const other = { ...shared, products: { allow: ['NVIDIA-L4'], deny: [] } };
    expect(verdictOf(inventory, other)).toBe(
      'NoMatchingCards: 0 of 1 nodes have cards of the right kind: 1 of another product (NVIDIA-A100-SXM4-80GB)',
    );
  });
});
