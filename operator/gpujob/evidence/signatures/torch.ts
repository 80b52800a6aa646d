// torch's caching allocator, all wordings since 1.0, on CUDA, ROCm, XPU and the vendors' forks (NPU, MUSA). It finds out
// which of the listed processes is ours; it doesn't say who is to blame.
// Source: pytorch, c10/cuda/CUDACachingAllocator.cpp (the OutOfMemoryError text and reportProcessMemoryInfo); the
// older wordings from issues pytorch#59778 (1.x), cherubicXN/afm_cvpr2019#8 (1.1, "cached"), Synthintel0/MyGirlGPT#11 (2.1).
import { findSize, findSizes, sizeBetween } from '../size.ts';
import { nothingRead } from './signature.ts';
import type { Reading, Signature } from './signature.ts';

const tried = sizeBetween('tried to allocate ');
const capacityNew = sizeBetween('total capaci?ty of '); // "capacty" until 2.2
const capacityOld = sizeBetween('GPU\\s{1,3}\\d{1,3}; ', ' total capacity');
const capacityNPU = sizeBetween('NPU \\d{1,3}; ', ' total capacity');
const freeNew = sizeBetween('of which ', ' is free');
const freeOld = sizeBetween('; ', ' free');
const ownProcess = sizeBetween('this process has ', ' memory in use');
const listedProcess = sizeBetween('Process \\d{1,10} has ', ' memory in use');
const allowed = sizeBetween('\\s', ' allowed;');
const allocatedNew = sizeBetween('Of the allocated memory ', ' is allocated');
const allocatedOld = sizeBetween('; ', ' already allocated');
const unallocatedNew = sizeBetween('\\s', ' is reserved by PyTorch but unallocated');
const reservedOld = sizeBetween('; ', ' reserved in total');
const cachedOld = sizeBetween('; ', ' cached');

const maxListedProcesses = 64;

/**
 * NVML lists processes by the host's PIDs, torch knows its own by the container's: inside a container "this process"
 * is missing and our own use stands there as "Process 414660". Ours is the smallest entry that holds what torch
 * reserved, and at most this much more: CUDA context, cuBLAS workspaces, NCCL (1 GiB on a T4 in the texts seen).
 */
const maxContextMebibytes = 2048;
const maxContextPermille = 100;
const printedRoundingMebibytes = 32;

/**
 * Without a list (ROCm, torch before 2.1) memory nobody accounts for is a neighbour's only from this share of the card on,
 * and when it is more than a context: 0.93 of 3.94 GiB were the driver's own in Strawberry-Eat-Mango/PCT_Pytorch#27.
 */
const unexplainedPermille = 200;

export const torch: Signature = {
  id: 'torch',
  kind: 'exception',
  mark: /\b[A-Z]{2,6} out of memory\. Tried to/,
  read: ({ window }) => {
    const reading = readTorch(window);
    return reading.requested === undefined ? undefined : reading;
  },
};

/** The text's second half alone: Kubernetes keeps a log's last 2,048 bytes, and more may have followed the error. */
export const torchTail: Signature = {
  id: 'torch-tail',
  kind: 'exception',
  readsWholeLine: true,
  mark: /is allocated by PyTorch, .{0,120}reserved by PyTorch but unallocated|reserved in total by PyTorch\)/,
  read: ({ window }) => readTorch(window),
};

function readTorch(window: string): Reading {
  // The next rank's text may follow in the same window.
  const second = window.indexOf(' out of memory. Tried to', 40);
  const text = second === -1 ? window : window.slice(0, second);
  const sizes = {
    ...nothingRead,
    requested: findSize(text, tried),
    capacity: findSize(text, capacityNew, capacityOld, capacityNPU),
    free: findSize(text, freeNew, freeOld),
    poolLimit: findSize(text, allowed),
  };
  const allocated = findSize(text, allocatedNew, allocatedOld);
  const reservedUnallocated = readUnallocated(text, allocated);
  const reserved = allocated === undefined ? undefined : allocated + (reservedUnallocated ?? 0);
  return { ...sizes, reservedUnallocated, ...attribute(text, sizes, reserved) };
}

function readUnallocated(text: string, allocated: number | undefined): number | undefined {
  const stated = findSize(text, unallocatedNew, cachedOld);
  if (stated !== undefined) return stated;
  const reserved = findSize(text, reservedOld);
  return reserved === undefined || allocated === undefined ? undefined : Math.max(0, reserved - allocated);
}

type Attribution = Pick<Reading, 'used' | 'others'>;

function attribute(text: string, sizes: Reading, reserved: number | undefined): Attribution {
  const own = findSize(text, ownProcess);
  const listed = findSizes(text, listedProcess, maxListedProcesses).sort((a, b) => a - b);
  if (own !== undefined) return { used: own, others: sum(listed) };
  if (listed.length > 0) return attributeByList(listed, sizes.capacity, reserved);
  return attributeByRest(sizes, reserved);
}

function attributeByList(
  listed: readonly number[],
  capacity: number | undefined,
  reserved: number | undefined,
): Attribution {
  if (reserved === undefined) return { used: undefined, others: undefined };
  const context = Math.max(maxContextMebibytes, ((capacity ?? 0) * maxContextPermille) / 1000);
  const ours = listed.find((size) => size >= reserved - printedRoundingMebibytes && size <= reserved + context);
  return { used: ours ?? reserved, others: sum(listed) - (ours ?? 0) };
}

function attributeByRest({ capacity, free }: Reading, reserved: number | undefined): Attribution {
  if (capacity === undefined || free === undefined) return { used: reserved, others: undefined };
  const held = Math.max(0, capacity - free);
  if (reserved === undefined) return { used: undefined, others: undefined };
  const unexplained = held - reserved;
  const tooMuch = Math.max(maxContextMebibytes, (capacity * unexplainedPermille) / 1000);
  return unexplained >= tooMuch
    ? { used: reserved, others: unexplained }
    : { used: Math.max(held, reserved), others: undefined };
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}
