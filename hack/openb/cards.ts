// What openb's card models are to a GPU feature discovery, and how much VRAM a task's share of "a card" is. Every
// assumption is a sentence in `assumptions`, for the replay to print.
import { type NodeObject, gpuNode, nvidia } from '../nodes/node.ts';
import type { TraceNode, TraceTask } from './trace.ts';

interface Model {
  product: string;
  /** As nvidia.com/gpu.memory reports it (shared/data/openb/README.md). */
  vramMebibytes: number;
}

const models: Record<string, Model> = {
  T4: { product: 'Tesla-T4', vramMebibytes: 15360 },
  P100: { product: 'Tesla-P100-PCIE-16GB', vramMebibytes: 16280 },
  V100M16: { product: 'Tesla-V100-SXM2-16GB', vramMebibytes: 16160 },
  V100M32: { product: 'Tesla-V100-SXM2-32GB', vramMebibytes: 32510 },
  A10: { product: 'NVIDIA-A10', vramMebibytes: 23028 },
  G2: { product: 'Undisclosed-G2', vramMebibytes: 23028 },
  G3: { product: 'Undisclosed-G3', vramMebibytes: 81920 },
};

/** Of all models the smallest: what "a card" is at least, wherever the task lands. */
const anyCardMebibytes = Math.min(...Object.values(models).map(({ vramMebibytes }) => vramMebibytes));

export const assumptions: readonly string[] = [
  'The models G2 and G3 are undisclosed: G2 is taken as a card of 23028 MiB (as an A10), G3 of 81920 MiB (as an A100-80).',
  `A task asks a share of "a card": its VRAM is that share of the smallest card it may run on (${anyCardMebibytes} MiB where it names none).`,
];

export function modelOf(name: string): Model {
  const model = models[name];
  if (model === undefined) throw new Error(`openb has a card model ${name} that hack/openb/cards.ts doesn't know`);
  return model;
}

export function openbNode({ name, cpuMillis, memoryMebibytes, cards, model }: TraceNode): NodeObject {
  const { product, vramMebibytes } = modelOf(model);
  return gpuNode({ name, cpuMillis, memoryMebibytes, cards: nvidia(product, vramMebibytes, cards) });
}

/** What the task would say in a GPUJob. Only for tasks with cards. */
export interface VRAMRequest {
  requiredVRAMMebibytes: number;
  gpus: number;
  /** Products it is bound to; empty: any. */
  allow: readonly string[];
}

/** GPUJobs ask at least 64Mi (design.md). */
const leastMebibytes = 64;

export function vramRequest(task: TraceTask): VRAMRequest {
  const allowed = task.models.map(modelOf);
  const card = Math.min(
    ...allowed.map(({ vramMebibytes }) => vramMebibytes),
    allowed.length > 0 ? Infinity : anyCardMebibytes,
  );
  return {
    requiredVRAMMebibytes: Math.max(leastMebibytes, Math.floor((card * task.shareMillis) / 1000)),
    gpus: task.cards,
    allow: allowed.map(({ product }) => product),
  };
}
