// openb's cards as a DRA driver publishes them, and a task's share of one as VRAM. The trace's shares are parts of a card whatever
// its model, so every card has the same VRAM here: the products stay apart, the sizes don't.
import { nvidia } from '../nodes/node.ts';
import { type DRANode, draNode } from '../nodes/slices.ts';
import { modelOf } from './cards.ts';
import type { TraceNode, TraceTask } from './trace.ts';

/** So that the least share in the trace, 50 of 1000, is above the 64Mi that a GPUJob asks at least. */
const mebibytesPerMille = 16;

export const cardMebibytes = 1000 * mebibytesPerMille;

export const sharesAssumption = `A task asks a share of "a card" of any model: every card is published with ${cardMebibytes}Mi, so that 1/1000 of any of them is ${mebibytesPerMille}Mi.`;

export function openbDRANode({ name, cpuMillis, memoryMebibytes, cards, model }: TraceNode): DRANode {
  return draNode({ name, cpuMillis, memoryMebibytes }, nvidia(modelOf(model).product, cardMebibytes, cards));
}

/** What the task says in a GPUJob. Only for tasks with cards. */
export interface ShareRequest {
  readonly requiredVRAMMebibytes: number;
  readonly gpus: number;
  readonly isolation: 'Shared' | 'Exclusive';
  /** Products it is bound to; empty: any. */
  readonly allow: readonly string[];
}

export function shareRequest({ cards, shareMillis, models }: TraceTask): ShareRequest {
  return {
    requiredVRAMMebibytes: shareMillis * mebibytesPerMille,
    gpus: cards,
    isolation: shareMillis < 1000 ? 'Shared' : 'Exclusive',
    allow: models.map((model) => modelOf(model).product),
  };
}
