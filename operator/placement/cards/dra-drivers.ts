// What the vendors' DRA drivers call things: the attributes and capacities of their devices, and the device classes that stand
// for them. A driver that isn't here offers another kind of device, and is left alone. Read in the drivers' own code:
// kubernetes-sigs/dra-driver-nvidia-gpu 95932046, ROCm/k8s-gpu-dra-driver 85df81a1, intel/intel-resource-drivers-for-kubernetes
// 1da939fa, Project-HAMi/k8s-dra-driver ebeaad9.
import type { Isolation, Vendor } from '../model.ts';

/** The values of a device's attributes; those of the driver's own domain without it. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface DeviceKind {
  readonly isolation: Isolation;
  readonly deviceClass: string;
  /** As the same card's node label names it, so that a job's list of products holds either way. */
  readonly product: string;
  /** What tells this kind from others behind the same class, by attribute. */
  readonly match: Readonly<Record<string, string>>;
}

export interface DRADriver {
  readonly vendor: Vendor;
  /** The key of the taint that keeps others off its nodes. */
  readonly taint: string;
  readonly deviceClasses: readonly string[];
  /** Whether it holds each claim to its share of the memory, or only keeps account. */
  readonly fencesShares: boolean;
  /** The first of these that a device has tells its card from all others of the node. */
  readonly identities: readonly string[];
  /** Undefined: nothing to compute on, or nothing that can be asked for by its memory. */
  readonly kind: (attributes: Attributes) => DeviceKind | undefined;
}

/** The capacity that is the card's memory: all of them call it so. */
export const memoryCapacity = 'memory';

const pciBusID = 'resource.kubernetes.io/pciBusID';

function text(value: string | number | boolean | undefined): string {
  return value === undefined ? '' : String(value);
}

/** GPU feature discovery writes `NVIDIA A100-SXM4-80GB` as NVIDIA-A100-SXM4-80GB; Intel's rules write `Flex 170` as Flex_170. */
function labelName(product: string | number | boolean | undefined, between: '-' | '_' = '-'): string {
  return text(product).trim().replace(/\s+/g, between);
}

/** A slice of a dynamic layout doesn't exist yet, and has no uuid: it is told by its card and its profile. */
function nvidiaKind({ type, productName, profile }: Attributes): DeviceKind | undefined {
  const card = labelName(productName);
  if (type === 'gpu') {
    return { isolation: 'Exclusive', deviceClass: 'gpu.nvidia.com', product: card, match: { type } };
  }
  if (type !== 'mig' || profile === undefined) return undefined;
  const match = { type, profile: text(profile) };
  // No label has a plus: 1g.5gb+me is 1g.5gb.me there.
  const product = `${card}-MIG-${text(profile).replaceAll('+', '.')}`;
  return { isolation: 'MIG', deviceClass: 'mig.nvidia.com', product, match };
}

/**
 * `computePartition` stands on the six ways in which one card could be partitioned on demand; which of them is real is known
 * only after the first claim, so nothing can be promised of them.
 */
function amdKind({ type, productName, partitionProfile, computePartition }: Attributes): DeviceKind | undefined {
  if (computePartition !== undefined) return undefined;
  const product = text(productName);
  const deviceClass = 'gpu.amd.com';
  if (type === 'amdgpu') return { isolation: 'Exclusive', deviceClass, product, match: { type } };
  if (type !== 'amdgpu-partition' || partitionProfile === undefined) return undefined;
  const match = { type, partitionProfile: text(partitionProfile) };
  return { isolation: 'MIG', deviceClass, product: `${product}-${text(partitionProfile)}`, match };
}

/** Virtual functions share their card's memory without saying so, and a card bound to vfio is a virtual machine's. */
function intelKind({ type, model, driver }: Attributes): DeviceKind | undefined {
  if ((type !== undefined && type !== 'gpu') || text(driver).includes('vfio')) return undefined;
  const match: Record<string, string> = type === undefined ? {} : { type: text(type) };
  return { isolation: 'Exclusive', deviceClass: 'gpu.intel.com', product: labelName(model, '_'), match };
}

/** HAMi's fences each share by its own library. */
function hamiKind({ type, productName }: Attributes): DeviceKind | undefined {
  if (type !== 'hami-gpu') return undefined;
  return { isolation: 'Exclusive', deviceClass: hami, product: labelName(productName), match: { type } };
}

const hami = 'hami-core-gpu.project-hami.io';

const drivers: Readonly<Record<string, DRADriver>> = {
  'gpu.nvidia.com': {
    vendor: 'NVIDIA',
    taint: 'nvidia.com/gpu',
    deviceClasses: ['gpu.nvidia.com', 'mig.nvidia.com'],
    fencesShares: false,
    identities: ['uuid', 'parentUUID'],
    kind: nvidiaKind,
  },
  [hami]: {
    vendor: 'NVIDIA',
    taint: 'nvidia.com/gpu',
    deviceClasses: [hami],
    fencesShares: true,
    identities: ['uuid'],
    kind: hamiKind,
  },
  'gpu.amd.com': {
    vendor: 'AMD',
    taint: 'amd.com/gpu',
    deviceClasses: ['gpu.amd.com'],
    fencesShares: false,
    identities: [pciBusID, 'pciAddr'],
    kind: amdKind,
  },
  'gpu.intel.com': {
    vendor: 'Intel',
    taint: 'gpu.intel.com/i915',
    deviceClasses: ['gpu.intel.com'],
    fencesShares: false,
    identities: [pciBusID, 'pciAddress'],
    kind: intelKind,
  },
};

/** By the name under which they publish their ResourceSlices; it holds no other name, not even `constructor`. */
export const draDrivers = Object.assign(Object.create(null), drivers) as typeof drivers;
