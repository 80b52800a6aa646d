import { describe, expect, it } from 'vitest';
import { readCardPools } from './card-pools.ts';
import type { CardPool, Catalogue, NodeFacts } from '../model.ts';

const gfd = (product: string, memory: string, more: Record<string, string> = {}): Record<string, string> => ({
  'nvidia.com/gpu.product': product,
  'nvidia.com/gpu.memory': memory,
  ...more,
});

function nodeWith(
  labels: Record<string, string>,
  allocatable: Record<string, string>,
  capacity?: Record<string, string>,
): NodeFacts {
  const base = { name: 'node-a', labels, taints: [], unschedulable: false, ready: true, allocatable };
  return capacity === undefined ? base : { ...base, capacity };
}

function inWords(pool: CardPool): string {
  const vram = pool.vram.known ? `${pool.vram.mebibytes}` : pool.vram.reason;
  const refused = pool.refused === undefined ? '' : ` ${pool.refused.reason}`;
  return `${pool.count} ${pool.resourceName} ${pool.isolation} ${pool.product} ${vram}${refused}`;
}

interface Example {
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly allocatable: Record<string, string>;
  readonly capacity?: Record<string, string>;
  readonly catalogue?: Catalogue;
  readonly want: readonly string[];
}

const one = { 'nvidia.com/gpu': '1' };
const eight = { 'nvidia.com/gpu': '8' };

const nvidia: Example[] = [
  ...[
    ['Tesla-V100-SXM2-16GB', 16160],
    ['Tesla-T4', 15360],
    ['NVIDIA-A100-SXM4-40GB', 39538],
    ['NVIDIA-RTX-4000-Ada-Generation', 20475],
    ['NVIDIA-GeForce-RTX-4090', 24564],
    ['NVIDIA-A40', 46068],
    ['NVIDIA-A100-SXM4-80GB', 81920],
    ['NVIDIA-L4', 22888],
  ].map(([product, memory]) => ({
    name: `a ${product} has the ${memory} MiB that its label says`,
    labels: gfd(String(product), String(memory)),
    allocatable: one,
    want: [`1 nvidia.com/gpu Exclusive ${product} ${memory}`],
  })),
  {
    name: 'a vGPU has what its guest sees, and is the whole card of its node',
    labels: gfd('GRID-A100D-40C', '40960', { 'nvidia.com/vgpu.present': 'true' }),
    allocatable: one,
    want: ['1 nvidia.com/gpu Exclusive GRID-A100D-40C 40960'],
  },
  {
    name: 'old GFD wrote bytes: a value of 1,048,576 or more is bytes',
    labels: gfd('Tesla-T4', String(15360 * 1_048_576)),
    allocatable: one,
    want: ['1 nvidia.com/gpu Exclusive Tesla-T4 15360'],
  },
  {
    name: 'one below the smallest byte value is still mebibytes',
    labels: gfd('Odd', '1048575'),
    allocatable: one,
    want: ['1 nvidia.com/gpu Exclusive Odd 1048575'],
  },
  {
    name: 'memory 0 is a misconfigured MIG, not a card without memory',
    labels: gfd('NVIDIA-A100-SXM4-40GB-MIG-INVALID', '0', {
      'nvidia.com/gpu.replicas': '0',
      'nvidia.com/gpu.count': '0',
    }),
    allocatable: one,
    want: ['1 nvidia.com/gpu MIG NVIDIA-A100-SXM4-40GB-MIG-INVALID MIGMisconfigured'],
  },
  {
    name: 'a GB10 has unified memory and no memory label: its VRAM is unknown',
    labels: { 'nvidia.com/gpu.product': 'NVIDIA-GB10', 'nvidia.com/gpu.count': '1' },
    allocatable: one,
    want: ['1 nvidia.com/gpu Exclusive NVIDIA-GB10 NotInCatalogue'],
  },
  {
    name: 'a node whose feature discovery has not run yet offers cards of unknown VRAM',
    labels: {},
    allocatable: eight,
    want: ['8 nvidia.com/gpu Exclusive  NoVRAMLabel'],
  },
  {
    name: 'a memory label that is no number is unreadable, and no number is guessed',
    labels: gfd('Tesla-T4', '16GB'),
    allocatable: one,
    want: ['1 nvidia.com/gpu Exclusive Tesla-T4 UnreadableLabel'],
  },
  {
    name: 'time-slicing does not divide the label: a share is the card divided by its replicas',
    labels: gfd('Tesla-T4-SHARED', '15360', {
      'nvidia.com/gpu.replicas': '4',
      'nvidia.com/gpu.sharing-strategy': 'time-slicing',
      'nvidia.com/gpu.count': '2',
    }),
    allocatable: eight,
    want: ['8 nvidia.com/gpu Shared Tesla-T4-SHARED 3840'],
  },
  {
    name: 'an MPS client has at most total divided by replicas',
    labels: gfd('NVIDIA-A100-SXM4-80GB-SHARED', '81920', {
      'nvidia.com/gpu.replicas': '3',
      'nvidia.com/gpu.sharing-strategy': 'mps',
      'nvidia.com/gpu.count': '1',
    }),
    allocatable: { 'nvidia.com/gpu': '3' },
    want: ['3 nvidia.com/gpu Shared NVIDIA-A100-SXM4-80GB-SHARED 27306'],
  },
  {
    name: 'a renamed shared resource is shared although the product has no suffix',
    labels: gfd('Tesla-T4', '15360', { 'nvidia.com/gpu.replicas': '2' }),
    allocatable: { 'nvidia.com/gpu.shared': '2' },
    want: ['2 nvidia.com/gpu.shared Shared Tesla-T4 7680'],
  },
  {
    name: 'a shared card without a number of replicas has unknown VRAM',
    labels: gfd('Tesla-T4-SHARED', '15360'),
    allocatable: eight,
    want: ['8 nvidia.com/gpu Shared Tesla-T4-SHARED UnreadableLabel'],
  },
  {
    name: 'replicas 1 is an unshared card',
    labels: gfd('Tesla-T4', '15360', { 'nvidia.com/gpu.replicas': '1', 'nvidia.com/gpu.sharing-strategy': 'none' }),
    allocatable: one,
    want: ['1 nvidia.com/gpu Exclusive Tesla-T4 15360'],
  },
  {
    name: 'MIG "single" puts the slice\'s size on the card\'s label; replicas 0 there means unshared',
    labels: gfd('NVIDIA-A100-SXM4-40GB-MIG-1g.5gb', '4864', {
      'nvidia.com/gpu.replicas': '0',
      'nvidia.com/gpu.count': '7',
    }),
    allocatable: { 'nvidia.com/gpu': '7' },
    want: ['7 nvidia.com/gpu MIG NVIDIA-A100-SXM4-40GB-MIG-1g.5gb 4864'],
  },
  {
    name: 'a slice is not held against what an instance type says of the whole card',
    labels: gfd('NVIDIA-A100-SXM4-40GB-MIG-1g.5gb', '4864', { 'karpenter.k8s.aws/instance-gpu-memory': '40960' }),
    allocatable: { 'nvidia.com/gpu': '7' },
    want: ['7 nvidia.com/gpu MIG NVIDIA-A100-SXM4-40GB-MIG-1g.5gb 4864'],
  },
  {
    name: 'MIG "mixed" has labels and a resource per profile, beside whole cards',
    labels: gfd('NVIDIA-A100-SXM4-40GB', '39538', {
      'nvidia.com/mig-1g.5gb.memory': '4864',
      'nvidia.com/mig-1g.5gb.product': 'NVIDIA-A100-SXM4-40GB-MIG-1g.5gb',
      'nvidia.com/mig-3g.20gb.me.memory': '19968',
    }),
    allocatable: { 'nvidia.com/gpu': '2', 'nvidia.com/mig-1g.5gb': '7', 'nvidia.com/mig-3g.20gb.me': '1' },
    want: [
      '2 nvidia.com/gpu Exclusive NVIDIA-A100-SXM4-40GB 39538',
      '7 nvidia.com/mig-1g.5gb MIG NVIDIA-A100-SXM4-40GB-MIG-1g.5gb 4864',
      '1 nvidia.com/mig-3g.20gb.me MIG NVIDIA-A100-SXM4-40GB-MIG-3g.20gb.me 19968',
    ],
  },
  {
    name: "a profile's name is never taken for its memory, which lies below it",
    labels: gfd('NVIDIA-A100-SXM4-40GB', '39538'),
    allocatable: { 'nvidia.com/mig-1g.5gb': '7' },
    want: ['7 nvidia.com/mig-1g.5gb MIG NVIDIA-A100-SXM4-40GB-MIG-1g.5gb NotInCatalogue'],
  },
  {
    name: 'a time-sliced slice is a share of the slice',
    labels: {
      'nvidia.com/mig-1g.10gb.memory': '9728',
      'nvidia.com/mig-1g.10gb.replicas': '2',
      'nvidia.com/mig-1g.10gb.product': 'H100-MIG-1g.10gb-SHARED',
    },
    allocatable: { 'nvidia.com/mig-1g.10gb': '14' },
    want: ['14 nvidia.com/mig-1g.10gb Shared H100-MIG-1g.10gb-SHARED 4864'],
  },
  {
    name: 'cards are out of service while MIG is reconfigured',
    labels: gfd('NVIDIA-A100-SXM4-40GB', '39538', { 'nvidia.com/mig.config.state': 'pending' }),
    allocatable: one,
    want: ['1 nvidia.com/gpu Exclusive NVIDIA-A100-SXM4-40GB 39538 MIGReconfiguring'],
  },
  {
    name: 'cards are out of service after a failed MIG configuration',
    labels: gfd('NVIDIA-A100-SXM4-40GB', '39538', { 'nvidia.com/mig.config.state': 'failed' }),
    allocatable: one,
    want: ['1 nvidia.com/gpu Exclusive NVIDIA-A100-SXM4-40GB 39538 MIGReconfiguring'],
  },
  {
    name: 'cards are in service once MIG says success and the driver upgrade is done',
    labels: gfd('NVIDIA-A100-SXM4-40GB', '39538', {
      'nvidia.com/mig.config.state': 'success',
      'nvidia.com/gpu-driver-upgrade-state': 'upgrade-done',
    }),
    allocatable: one,
    want: ['1 nvidia.com/gpu Exclusive NVIDIA-A100-SXM4-40GB 39538'],
  },
  {
    name: 'cards are out of service while the driver is upgraded',
    labels: gfd('Tesla-T4', '15360', { 'nvidia.com/gpu-driver-upgrade-state': 'wait-for-jobs-required' }),
    allocatable: one,
    want: ['1 nvidia.com/gpu Exclusive Tesla-T4 15360 DriverUpgrading'],
  },
  {
    name: 'a node that only waits for its turn to upgrade still works',
    labels: gfd('Tesla-T4', '15360', { 'nvidia.com/gpu-driver-upgrade-state': 'upgrade-required' }),
    allocatable: one,
    want: ['1 nvidia.com/gpu Exclusive Tesla-T4 15360'],
  },
  {
    name: 'more cards than the labels count are of a second model: the VRAM behind the resource name is unknown',
    labels: gfd('Tesla-P4', '7680', { 'nvidia.com/gpu.count': '2', 'nvidia.com/gpu.replicas': '1' }),
    allocatable: { 'nvidia.com/gpu': '3' },
    want: ['3 nvidia.com/gpu Exclusive Tesla-P4 MixedModels'],
  },
  {
    name: 'fewer cards than the labels count are a card that fell out, not a second model',
    labels: gfd('Tesla-T4', '15360', { 'nvidia.com/gpu.count': '8', 'nvidia.com/gpu.replicas': '1' }),
    allocatable: { 'nvidia.com/gpu': '7' },
    want: ['7 nvidia.com/gpu Exclusive Tesla-T4 15360'],
  },
];

const otherSources: Example[] = [
  {
    name: 'AMD: a rounded 64G is at least 63.5Gi',
    labels: { 'amd.com/gpu.vram': '64G', 'amd.com/gpu.product-name': 'AMD_Instinct_MI250' },
    allocatable: { 'amd.com/gpu': '8' },
    want: ['8 amd.com/gpu Exclusive AMD_Instinct_MI250 65024'],
  },
  {
    name: 'AMD: an older labeller writes under beta.amd.com only',
    labels: { 'beta.amd.com/gpu.vram.16G': '1', 'beta.amd.com/gpu.family.AI': '1' },
    allocatable: { 'amd.com/gpu': '1' },
    want: ['1 amd.com/gpu Exclusive  15872'],
  },
  {
    name: 'AMD: both prefixes say the same',
    labels: { 'amd.com/gpu.vram': '191G', 'beta.amd.com/gpu.vram': '191G', 'beta.amd.com/gpu.vram.191G': '8' },
    allocatable: { 'amd.com/gpu': '8' },
    want: ['8 amd.com/gpu Exclusive  195072'],
  },
  {
    name: 'AMD: a mixed node carries a count per size, and no card can be told from another',
    labels: { 'amd.com/gpu.vram.16G': '1', 'amd.com/gpu.vram.32G': '2' },
    allocatable: { 'amd.com/gpu': '3' },
    want: ['3 amd.com/gpu Exclusive  MixedModels'],
  },
  {
    name: 'AMD: a size without a unit is unreadable',
    labels: { 'amd.com/gpu.vram': '64' },
    allocatable: { 'amd.com/gpu': '1' },
    want: ['1 amd.com/gpu Exclusive  UnreadableLabel'],
  },
  {
    name: 'Intel: bytes, the sum over the node, divided by its cards',
    labels: {
      'gpu.intel.com/memory.max': String(2 * 16_225_243_136),
      'gpu.intel.com/gpu-numbers': '0.1',
      'gpu.intel.com/product': 'Flex_170',
    },
    allocatable: { 'gpu.intel.com/i915': '2' },
    want: ['2 gpu.intel.com/i915 Exclusive Flex_170 15473'],
  },
  {
    name: 'Intel: without a count label the devices offered are the cards',
    labels: { 'gpu.intel.com/memory.max': String(4 * 1024 * 1_048_576) },
    allocatable: { 'gpu.intel.com/xe': '4' },
    want: ['4 gpu.intel.com/xe Exclusive  1024'],
  },
  {
    name: 'Intel: more devices than cards are shares of them',
    labels: { 'gpu.intel.com/memory.max': String(16_384 * 1_048_576), 'gpu.intel.com/millicores': '1000' },
    allocatable: { 'gpu.intel.com/i915': '4' },
    want: ['4 gpu.intel.com/i915 Shared  4096'],
  },
  {
    name: 'Intel: the label is often absent, and then the VRAM is unknown',
    labels: {},
    allocatable: { 'gpu.intel.com/i915': '1' },
    want: ['1 gpu.intel.com/i915 Exclusive  NoVRAMLabel'],
  },
  {
    name: 'Intel: two drivers on a node share one sum, so neither is known',
    labels: { 'gpu.intel.com/memory.max': '34359738368' },
    allocatable: { 'gpu.intel.com/i915': '1', 'gpu.intel.com/xe': '1' },
    want: ['1 gpu.intel.com/i915 Exclusive  MixedModels', '1 gpu.intel.com/xe Exclusive  MixedModels'],
  },
  {
    name: 'Karpenter: MiB per card, before GFD has run',
    labels: {
      'karpenter.k8s.aws/instance-gpu-memory': '22888',
      'karpenter.k8s.aws/instance-gpu-name': 'l4',
      'karpenter.k8s.aws/instance-gpu-count': '4',
      'karpenter.k8s.aws/instance-gpu-manufacturer': 'nvidia',
    },
    allocatable: { 'nvidia.com/gpu': '4' },
    want: ['4 nvidia.com/gpu Exclusive l4 22888'],
  },
  {
    name: 'Karpenter: a nominal size a little above the measured one is no contradiction, and the measured one counts',
    labels: gfd('Tesla-T4', '15360', { 'karpenter.k8s.aws/instance-gpu-memory': '16384' }),
    allocatable: one,
    want: ['1 nvidia.com/gpu Exclusive Tesla-T4 15360'],
  },
  {
    name: 'two sources with two sizes are believed neither',
    labels: gfd('NVIDIA-A100-SXM4-40GB', '39538', { 'karpenter.k8s.aws/instance-gpu-memory': '81920' }),
    allocatable: one,
    want: ['1 nvidia.com/gpu Exclusive NVIDIA-A100-SXM4-40GB SourcesDisagree'],
  },
  {
    name: 'CoreWeave: whole decimal GB, rounded; an 80 GB card shows 81, and has at least 80.5 GB',
    labels: { 'gpu.nvidia.com/vram': '81', 'gpu.nvidia.com/class': 'H100_NVLINK_80GB' },
    allocatable: eight,
    want: ['8 nvidia.com/gpu Exclusive H100_NVLINK_80GB 76770'],
  },
  {
    name: 'CoreWeave beside GFD: the measured size counts',
    labels: gfd('NVIDIA-H100-80GB-HBM3', '81559', { 'gpu.nvidia.com/vram': '81' }),
    allocatable: eight,
    want: ['8 nvidia.com/gpu Exclusive NVIDIA-H100-80GB-HBM3 81559'],
  },
  {
    name: 'GKE: a name without VRAM is unknown unless the catalogue knows it',
    labels: { 'cloud.google.com/gke-accelerator': 'nvidia-l4' },
    allocatable: one,
    want: ['1 nvidia.com/gpu Exclusive nvidia-l4 NotInCatalogue'],
  },
  {
    name: 'GKE: the catalogue knows it',
    labels: { 'cloud.google.com/gke-accelerator': 'nvidia-l4' },
    allocatable: one,
    catalogue: new Map([['nvidia-l4', { vramMebibytes: 22888 }]]),
    want: ['1 nvidia.com/gpu Exclusive nvidia-l4 22888'],
  },
  {
    name: 'GKE: a shared card is divided by its clients, whatever the catalogue says of the card',
    labels: {
      'cloud.google.com/gke-accelerator': 'nvidia-l4',
      'cloud.google.com/gke-gpu-sharing-strategy': 'time-sharing',
      'cloud.google.com/gke-max-shared-clients-per-gpu': '2',
    },
    allocatable: { 'nvidia.com/gpu': '2' },
    catalogue: new Map([['nvidia-l4', { vramMebibytes: 22888 }]]),
    want: ['2 nvidia.com/gpu Shared nvidia-l4-SHARED 11444'],
  },
  {
    name: 'GKE: a partition is a slice, not the card in the catalogue',
    labels: {
      'cloud.google.com/gke-accelerator': 'nvidia-tesla-a100',
      'cloud.google.com/gke-gpu-partition-size': '1g.5gb',
    },
    allocatable: { 'nvidia.com/gpu': '7' },
    catalogue: new Map([['nvidia-tesla-a100', { vramMebibytes: 40536 }]]),
    want: ['7 nvidia.com/gpu MIG nvidia-tesla-a100-MIG-1g.5gb NotInCatalogue'],
  },
  {
    name: 'the catalogue never overrules what was measured',
    labels: gfd('Tesla-T4', '15360'),
    allocatable: one,
    catalogue: new Map([['Tesla-T4', { vramMebibytes: 99999 }]]),
    want: ['1 nvidia.com/gpu Exclusive Tesla-T4 15360'],
  },
  { name: 'a node without cards has no pool', labels: gfd('Tesla-T4', '15360'), allocatable: { cpu: '8' }, want: [] },
  { name: 'a resource of nobody we know is no card', labels: {}, allocatable: { 'example.com/fpga': '2' }, want: [] },
  { name: 'an amount that cannot be read is no card', labels: {}, allocatable: { 'nvidia.com/gpu': 'many' }, want: [] },
];

describe('readCardPools', () => {
  it.each([...nvidia, ...otherSources])('$name', ({ labels, allocatable, capacity, catalogue, want }) => {
    expect(readCardPools(nodeWith(labels, allocatable, capacity), catalogue ?? new Map()).map(inWords)).toEqual(want);
  });

  it('remembers the cards that are installed while the device plugin restarts', () => {
    const node = nodeWith(
      gfd('Tesla-T4', '15360', { 'nvidia.com/gpu.count': '4' }),
      { 'nvidia.com/gpu': '0' },
      { 'nvidia.com/gpu': '4' },
    );
    expect(readCardPools(node, new Map())).toMatchObject([{ count: 0, installed: 4 }]);
  });

  it('says why VRAM is unknown', () => {
    const disagreeing = nodeWith(gfd('X', '39538', { 'karpenter.k8s.aws/instance-gpu-memory': '81920' }), one);
    expect(readCardPools(disagreeing, new Map())[0]?.vram).toEqual({
      known: false,
      reason: 'SourcesDisagree',
      detail: 'nvidia.com/gpu.memory says 39538Mi, karpenter.k8s.aws/instance-gpu-memory says 81920Mi',
    });
  });
});
