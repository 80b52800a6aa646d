// The VRAM of the card a Pod sits on, read from the node by its own rules: an independent second reading, so that a
// mistake in the operator's shows as an out-of-memory. It must not import the operator's.

interface Labelled {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** On a Node whose labels don't tell the truth, or tell nothing: what its cards really have, in MiB. */
export const trueVRAMAnnotation = 'play.orquanta.io/true-vram-mebibytes';

const positive = (text: string | undefined): number | undefined => {
  const value = Number(text);
  return text !== undefined && Number.isFinite(value) && value > 0 ? value : undefined;
};

/** 64G or 65536M, as AMD's labeller writes it: binary units in truth. */
function amdVRAM(text: string | undefined): number | undefined {
  const match = /^(\d+)([GM])i?$/.exec(text ?? '');
  return match === null ? undefined : Number(match[1]) * (match[2] === 'G' ? 1024 : 1);
}

function nvidiaVRAM(labels: Record<string, string>): number | undefined {
  const memory = positive(labels['nvidia.com/gpu.memory']);
  if (memory === undefined) return positive(labels['karpenter.k8s.aws/instance-gpu-memory']);
  // Old feature discovery wrote bytes; no card has a tebibyte.
  const card = memory >= 1_048_576 ? Math.floor(memory / 1_048_576) : memory;
  // A client of MPS gets at most its part; time-slicing limits nobody.
  const clients =
    labels['nvidia.com/gpu.sharing-strategy'] === 'mps' ? Number(labels['nvidia.com/gpu.replicas'] ?? '1') : 1;
  return Math.floor(card / Math.max(1, clients));
}

/** MiB on one card of this resource, or undefined where nobody can know. */
export function cardMebibytes(node: Labelled, resourceName: string): number | undefined {
  const { labels = {}, annotations = {} } = node;
  const stated = positive(annotations[trueVRAMAnnotation]);
  if (stated !== undefined) return stated;
  if (resourceName.startsWith('nvidia.com/mig-')) return positive(labels[`${resourceName}.memory`]);
  if (resourceName.startsWith('nvidia.com/')) return nvidiaVRAM(labels);
  if (resourceName.startsWith('amd.com/'))
    return amdVRAM(labels['amd.com/gpu.vram'] ?? labels['beta.amd.com/gpu.vram']);
  return undefined;
}
