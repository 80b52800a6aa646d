// Inventories as data: the mixed one of the demo and of everyday tests, and uniform ones for benches.
import { type Cards, type NodeObject, amd, gpuNode, nvidia, nvidiaCards } from './node.ts';
import { type DRANode, draNode } from './slices.ts';

/** One node of nearly everything that field-notes.md tells of, and a pool of four 8-card nodes for gangs. */
export function demoNodes(): NodeObject[] {
  const single: [string, Cards][] = [
    ['t4-0', nvidiaCards.t4(4)],
    ['t4-1', nvidiaCards.t4(4)],
    ['v100-0', nvidiaCards.v100(4)],
    ['l4-0', nvidiaCards.l4(2)],
    ['a10-0', nvidiaCards.a10(2)],
    ['rtx4090-0', nvidiaCards.rtx4090(2)],
    ['a100-40-0', nvidiaCards.a100x40(4)],
    ['a100-80-0', nvidiaCards.a100x80(4)],
    ['mi210-0', amd('AMD_Instinct_MI210', '64G', 4)],
    ['unknown-0', nvidia('NVIDIA-GB10', undefined, 1)],
  ];
  const pool = Array.from({ length: 4 }, (_, index) =>
    gpuNode({ name: `gang-${index}`, cards: nvidiaCards.a100x40(8), labels: { 'example.com/pool': 'gang' } }),
  );
  return [...single.map(([name, cards]) => gpuNode({ name, cards })), ...pool];
}

/** Beside them one whose two cards are held by claims and divided by VRAM, so that jobs can share one. */
export function demoDRANodes(): DRANode[] {
  return draNodes(1, nvidiaCards.a100x80(2));
}

/** Nodes all alike, e.g. nodes(125, nvidiaCards.a100x80(8)). */
export function nodes(count: number, cards: Cards, prefix = 'node'): NodeObject[] {
  return Array.from({ length: count }, (_, index) => gpuNode({ name: `${prefix}-${index}`, cards }));
}

/** The same by claims, e.g. draNodes(2, nvidiaCards.a100x80(8)). */
export function draNodes(count: number, cards: Cards, prefix = 'dra'): DRANode[] {
  return Array.from({ length: count }, (_, index) => draNode({ name: `${prefix}-${index}` }, cards));
}
