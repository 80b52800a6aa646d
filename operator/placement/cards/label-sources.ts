// One small function per source of GPU labels: what it says about a card's size, and how exactly. It reads labels only;
// which source is believed is decided in vram.ts.
import { readQuantity, QuantityError, mebibytesRoundedDown } from '../../resources/quantity.ts';

export type Labels = Readonly<Record<string, string>>;

/** What one source says about the VRAM of one physical card (of one slice, where the source describes slices). */
export type SourceReading =
  | { readonly kind: 'Size'; readonly source: string; readonly mebibytes: number }
  | { readonly kind: 'Misconfigured'; readonly source: string; readonly detail: string }
  | { readonly kind: 'Mixed'; readonly source: string; readonly detail: string }
  | { readonly kind: 'Unreadable'; readonly source: string; readonly detail: string };

/** GFD wrote bytes once; no card has a tebibyte, and none has a mebibyte only (shared/field-notes.md). */
const smallestByteValue = 1_048_576n;
const bytesPerMebibyte = 1_048_576n;

/** `nvidia.com/gpu.memory` or `nvidia.com/mig-1g.5gb.memory`: MiB rounded down; bytes in old GFD; 0 is a broken MIG layout. */
export function readGFDMemory(labels: Labels, prefix: string): SourceReading | undefined {
  const source = `${prefix}.memory`;
  const text = labels[source];
  if (text === undefined) return undefined;
  const value = wholeNumber(text);
  if (value === undefined) return unreadable(source, text);
  if (value === 0n) return { kind: 'Misconfigured', source, detail: `${source} is 0: MIG is misconfigured` };
  return size(source, value >= smallestByteValue ? value / bytesPerMebibyte : value);
}

/**
 * `amd.com/gpu.vram`: GiB per card, rounded to the nearest whole by AMD's labeller (ROCm/k8s-device-plugin, cmd/k8s-node-labeller).
 * A card behind `64G` has at least 63.5Gi, and that is what is promised. Mixed nodes carry counts per size instead.
 */
export function readAMDMemory(labels: Labels): SourceReading | undefined {
  return readAMDPrefix(labels, 'amd.com/gpu.vram') ?? readAMDPrefix(labels, 'beta.amd.com/gpu.vram');
}

function readAMDPrefix(labels: Labels, source: string): SourceReading | undefined {
  const sizes = sizesCountedUnder(labels, `${source}.`);
  if (sizes.length > 1) return { kind: 'Mixed', source, detail: `${source} counts cards of ${sizes.join(' and ')}` };
  const text = labels[source] ?? sizes[0];
  if (text === undefined) return undefined;
  return readRoundedGibibytes(source, text);
}

function sizesCountedUnder(labels: Labels, prefix: string): string[] {
  return Object.keys(labels)
    .filter((key) => key.startsWith(prefix) && labels[key] !== '0')
    .map((key) => key.slice(prefix.length))
    .sort();
}

const halfGibibyteInMebibytes = 512n;

function readRoundedGibibytes(source: string, text: string): SourceReading {
  const match = /^(\d{1,6})([MGT])i?B?$/i.exec(text);
  if (match === null) return unreadable(source, text);
  const value = BigInt(match[1] ?? '0');
  const unit = (match[2] ?? 'G').toUpperCase();
  if (value === 0n) return unreadable(source, text);
  if (unit === 'M') return size(source, value);
  const gibibytes = unit === 'T' ? value * 1024n : value;
  return size(source, gibibytes * 1024n - halfGibibyteInMebibytes);
}

/**
 * `gpu.intel.com/memory.max`: bytes, the sum over the node's cards (intel-device-plugins-for-kubernetes, gpu_nfdhook).
 * The number of cards is in `gpu-numbers` ('0.1.2') or `millicores` (1000 a card); otherwise the devices offered count.
 */
export function readIntelMemory(labels: Labels, offeredDevices: number): SourceReading | undefined {
  const source = 'gpu.intel.com/memory.max';
  const text = labels[source];
  if (text === undefined) return undefined;
  const cards = intelCardCount(labels) ?? offeredDevices;
  const quantity = readQuantity(text);
  if (quantity instanceof QuantityError || cards < 1) return unreadable(source, text);
  const mebibytes = Math.floor(mebibytesRoundedDown(quantity) / cards);
  return mebibytes > 0 ? size(source, BigInt(mebibytes)) : unreadable(source, text);
}

/** Physical Intel cards of the node, where a label says so. */
export function intelCardCount(labels: Labels): number | undefined {
  const numbers = labels['gpu.intel.com/gpu-numbers'];
  if (numbers !== undefined && /^\d+(\.\d+)*$/.test(numbers)) return numbers.split('.').length;
  const millicores = wholeNumber(labels['gpu.intel.com/millicores'] ?? '');
  return millicores !== undefined && millicores >= 1000n ? Number(millicores / 1000n) : undefined;
}

/** `karpenter.k8s.aws/instance-gpu-memory`: MiB per card, as EC2 describes the instance type. */
export function readKarpenterMemory(labels: Labels, vendor: string): SourceReading | undefined {
  const source = 'karpenter.k8s.aws/instance-gpu-memory';
  const text = labels[source];
  const manufacturer = labels['karpenter.k8s.aws/instance-gpu-manufacturer'] ?? vendor;
  if (text === undefined || manufacturer.toLowerCase() !== vendor.toLowerCase()) return undefined;
  const value = wholeNumber(text);
  return value === undefined || value === 0n ? unreadable(source, text) : size(source, value);
}

/** `gpu.nvidia.com/vram` (CoreWeave): whole decimal GB, rounded; at least half a GB less than it says is really there. */
export function readCoreWeaveMemory(labels: Labels): SourceReading | undefined {
  const source = 'gpu.nvidia.com/vram';
  const text = labels[source];
  if (text === undefined) return undefined;
  const gigabytes = wholeNumber(text);
  if (gigabytes === undefined || gigabytes === 0n) return unreadable(source, text);
  return size(source, (gigabytes * 1_000_000_000n - 500_000_000n) / bytesPerMebibyte);
}

function size(source: string, mebibytes: bigint): SourceReading {
  return { kind: 'Size', source, mebibytes: Number(mebibytes) };
}

function unreadable(source: string, text: string): SourceReading {
  return { kind: 'Unreadable', source, detail: `${source} is ${JSON.stringify(text)}` };
}

/** Plain digits only; at most 18, so that no label can make a number that isn't exact. */
export function wholeNumber(text: string): bigint | undefined {
  return /^\d{1,18}$/.test(text) ? BigInt(text) : undefined;
}
