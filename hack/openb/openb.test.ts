// The trace as published, against the counts its README states; the VRAM a share of a card stands for, by hand-made tasks.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openbNode, vramRequest } from './cards.ts';
import { traceTask } from './testing.ts';
import { readTrace } from './trace.ts';

const folder = process.env['TRACE'] ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'openb');
const isThere = existsSync(folder);

describe(`the openb trace${isThere ? '' : ` (skipped: there is no folder ${folder}; name it with TRACE)`}`, () => {
  it.skipIf(!isThere)('has the nodes and cards its README counts', () => {
    const { nodes } = readTrace(folder);
    const cards: Record<string, number> = {};
    for (const node of nodes) cards[node.model] = (cards[node.model] ?? 0) + node.cards;
    expect(nodes).toHaveLength(1213);
    expect(cards).toEqual({ G2: 4392, T4: 842, G3: 312, P100: 265, V100M32: 204, V100M16: 195, A10: 2 });
  });

  it.skipIf(!isThere)('has 8,152 tasks, of which 1,088 need no GPU', () => {
    const { tasks } = readTrace(folder);
    expect(tasks).toHaveLength(8152);
    expect(tasks.filter(({ cards }) => cards === 0)).toHaveLength(1088);
    expect(tasks.filter(({ lifeSeconds }) => lifeSeconds === undefined || lifeSeconds < 0)).toHaveLength(0);
  });

  it.skipIf(!isThere)('gives every task with cards a VRAM that some card in it has', () => {
    for (const list of ['default', 'gpuspec10'] as const) {
      const { nodes, tasks } = readTrace(folder, list);
      const cards = nodes.map(openbNode).map(({ metadata: { labels } }) => ({
        product: labels['nvidia.com/gpu.product'] ?? '',
        vram: Number(labels['nvidia.com/gpu.memory']),
      }));
      const largest = new Map(cards.map(({ product, vram }) => [product, vram]));
      for (const request of tasks.filter(({ cards: count }) => count > 0).map(vramRequest)) {
        const products = request.allow.length > 0 ? request.allow : [...largest.keys()];
        expect(products.some((product) => (largest.get(product) ?? 0) >= request.requiredVRAMMebibytes)).toBe(true);
      }
    }
  });
});

describe('the VRAM of a share', () => {
  it.each([
    {
      title: 'of any card is a share of the smallest card there is',
      own: { shareMillis: 460 },
      want: { requiredVRAMMebibytes: 7065, allow: [] },
    },
    { title: 'of the whole is the whole of it', own: {}, want: { requiredVRAMMebibytes: 15360, gpus: 1 } },
    {
      title: 'of a named model is a share of that',
      own: { shareMillis: 500, models: ['V100M32'] },
      want: { requiredVRAMMebibytes: 16255, allow: ['Tesla-V100-SXM2-32GB'] },
    },
    {
      title: 'of one of several models is a share of the smallest',
      own: { models: ['V100M32', 'V100M16'] },
      want: { requiredVRAMMebibytes: 16160, allow: ['Tesla-V100-SXM2-32GB', 'Tesla-V100-SXM2-16GB'] },
    },
    { title: 'is never below what a GPUJob may ask', own: { shareMillis: 1 }, want: { requiredVRAMMebibytes: 64 } },
    {
      title: 'on several cards is the whole of each',
      own: { cards: 8 },
      want: { requiredVRAMMebibytes: 15360, gpus: 8 },
    },
  ])('$title', ({ own, want }) => {
    expect(vramRequest(traceTask(own))).toMatchObject(want);
  });

  it('refuses a model it does not know', () => {
    expect(() => vramRequest(traceTask({ models: ['H900'] }))).toThrow('openb has a card model H900');
  });
});
