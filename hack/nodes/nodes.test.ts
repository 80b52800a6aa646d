// The inventories others count on.
import { describe, expect, it } from 'vitest';
import { demoNodes, nodes } from './inventory.ts';
import { nvidiaCards } from './node.ts';

describe('the demo inventory', () => {
  const inventory = demoNodes();
  const vram = inventory.map(({ metadata }) => Number(metadata.labels['nvidia.com/gpu.memory'] ?? '0'));

  it('holds the VRAM sizes the demo tells of', () => {
    expect([...new Set(vram)].sort((a, b) => a - b)).toEqual([0, 15360, 16160, 22888, 23028, 24564, 39538, 81920]);
  });

  it('has a pool for a gang of 4 x 8 cards', () => {
    const pool = inventory.filter(({ metadata }) => metadata.labels['example.com/pool'] === 'gang');
    expect(pool.map(({ status }) => status.allocatable['nvidia.com/gpu'])).toEqual(['8', '8', '8', '8']);
  });

  it('has only nodes that KWOK plays, each with its own name', () => {
    expect(inventory.every(({ metadata }) => metadata.labels['type'] === 'kwok')).toBe(true);
    expect(new Set(inventory.map(({ metadata }) => metadata.name)).size).toBe(inventory.length);
  });
});

it('uniform nodes are all alike but for their names', () => {
  const [first, second, ...others] = nodes(2, nvidiaCards.a100x80(8));
  expect(others).toEqual([]);
  expect(first?.metadata.name).toBe('node-0');
  expect(second?.status).toEqual(first?.status);
  expect(first?.status.capacity['nvidia.com/gpu']).toBe('8');
});
