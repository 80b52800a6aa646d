// A GPU node as the API server would hold it: the labels a GPU feature discovery sets, and what the device plugin makes
// allocatable. It only makes objects; create.ts sends them.

/** One kind of card on a node. */
export interface Cards {
  resourceName: string;
  count: number;
  labels: Record<string, string>;
}

export interface NodeShape {
  name: string;
  cards?: Cards;
  cpuMillis?: number;
  memoryMebibytes?: number;
  labels?: Record<string, string>;
  taints?: { key: string; value?: string; effect: string }[];
}

export interface NodeObject {
  apiVersion: 'v1';
  kind: 'Node';
  metadata: { name: string; labels: Record<string, string>; annotations: Record<string, string> };
  spec: { taints?: { key: string; value?: string; effect: string }[] };
  status: { capacity: Record<string, string>; allocatable: Record<string, string> };
}

/** NVIDIA's device plugin and GPU feature discovery, unshared whole cards. memoryMebibytes undefined: no such label. */
export function nvidia(product: string, memoryMebibytes: number | undefined, count: number): Cards {
  const memory = memoryMebibytes === undefined ? {} : { 'nvidia.com/gpu.memory': String(memoryMebibytes) };
  return {
    resourceName: 'nvidia.com/gpu',
    count,
    labels: {
      'nvidia.com/gpu.present': 'true',
      'nvidia.com/gpu.product': product,
      'nvidia.com/gpu.count': String(count),
      'nvidia.com/gpu.replicas': '1',
      'nvidia.com/gpu.sharing-strategy': 'none',
      'nvidia.com/mig.capable': 'false',
      ...memory,
    },
  };
}

/** AMD's node labeller: VRAM as a rounded string, per card. */
export function amd(product: string, vram: string, count: number): Cards {
  return {
    resourceName: 'amd.com/gpu',
    count,
    labels: { 'amd.com/gpu.product-name': product, 'amd.com/gpu.vram': vram, 'amd.com/gpu.family': 'AI' },
  };
}

/** GKE names the accelerator and says nothing of its VRAM; its own device plugin sets no other label. */
export function gke(accelerator: string, count: number): Cards {
  return {
    resourceName: 'nvidia.com/gpu',
    count,
    labels: {
      'cloud.google.com/gke-accelerator': accelerator,
      'cloud.google.com/gke-accelerator-count': String(count),
    },
  };
}

/** On every GPU node of GKE. */
export const gkeTaint = { key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' } as const;

/** What NVIDIA's cards report as nvidia.com/gpu.memory, in MiB (shared/field-notes.md). */
export const nvidiaCards = {
  t4: (count: number) => nvidia('Tesla-T4', 15360, count),
  v100: (count: number) => nvidia('Tesla-V100-SXM2-16GB', 16160, count),
  l4: (count: number) => nvidia('NVIDIA-L4', 22888, count),
  a10: (count: number) => nvidia('NVIDIA-A10', 23028, count),
  rtx4090: (count: number) => nvidia('NVIDIA-GeForce-RTX-4090', 24564, count),
  a100x40: (count: number) => nvidia('NVIDIA-A100-SXM4-40GB', 39538, count),
  a100x80: (count: number) => nvidia('NVIDIA-A100-SXM4-80GB', 81920, count),
} as const;

/** Marks a node as KWOK's to play; a real kubelet's node never has it. */
export const playedLabel = { type: 'kwok' } as const;

export function gpuNode(shape: NodeShape): NodeObject {
  const { name, cards, cpuMillis = 96_000, memoryMebibytes = 786_432, labels = {}, taints } = shape;
  const resources = {
    cpu: `${cpuMillis}m`,
    memory: `${memoryMebibytes}Mi`,
    pods: '250',
    'ephemeral-storage': '1Ti',
    ...(cards && { [cards.resourceName]: String(cards.count) }),
  };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        ...playedLabel,
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        ...cards?.labels,
        ...labels,
      },
      annotations: { 'node.alpha.kubernetes.io/ttl': '0' },
    },
    spec: taints === undefined ? {} : { taints },
    status: { capacity: resources, allocatable: resources },
  };
}
