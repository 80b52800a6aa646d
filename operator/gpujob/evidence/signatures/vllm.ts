// vLLM at start-up: no room for its KV cache, or not the room it was told to take. Out-of-memory while it serves is
// torch's own text. gpu_memory_utilization is a pool cap, and to blame only where it was set below its default.
// Sources: vllm#2248 and #10439 (cache blocks), #2418 (max seq len), #16118 and #34076 (GiB wording), #20305, kvcached#29
// and pytorch#175666 (free memory on start-up); vllm/v1/core/kv_cache_utils.py; worker.py's "the current vLLM instance can use …".
import { findSize, parseLocalizedNumber, sizeBetween } from '../size.ts';
import { nothingRead } from './signature.ts';
import type { Reading, Signature } from './signature.ts';

/** CacheConfig.gpu_memory_utilization's default. */
const defaultUtilization = 0.9;
/** The most that is reasonable to ask for: the driver's context needs the rest. */
const maxUtilization = 0.95;

const utilization = /gpu[_-]memory[_-]utilization[`'"]{0,2}\s{0,2}[:= ]\s{0,2}\(?(0?\.\d{1,4}|1\.0)/i;
const total = sizeBetween('total_gpu_memory \\(');
const weights = sizeBetween('model weights take ');
const nonTorch = sizeBetween('non_torch_memory takes ');
const activations = sizeBetween('activation peak memory takes ');
const cacheNeeded = sizeBetween('[(\\s]', ' KV cache is needed');
const cacheAvailable = sizeBetween('available KV cache memory \\(');
const startUp = /Free memory on device(?: [a-z]{2,8}:\d{1,3})? \(([\d.]{1,12})\/([\d.]{1,12}) GiB\)/i;
const desired = sizeBetween('utilization \\([\\d.]{1,6}, ');

export const vllmKeyValueCache: Signature = {
  id: 'vllm-kv-cache',
  kind: 'exception',
  readsWholeLine: true,
  mark: /No available memory for the cache blocks|larger than the maximum number of tokens that can be stored in KV cache|larger than the available KV cache memory/i,
  read: ({ window, message, cardMebibytes }) => {
    const part = readUtilization(message);
    const profile = readProfile(message, part);
    const missing = missingCache(window);
    const capacity = profile.capacity ?? cardMebibytes;
    // The whole pool is in use and the cache lacks `missing` more: the card must be that much larger, over its part.
    const needed =
      missing === undefined || capacity === undefined
        ? profile.needed
        : capacity + missing / (part ?? defaultUtilization);
    return { ...nothingRead, ...profile, needed, poolHint: hintFor(part, capacity, missing, profile) };
  },
};

export const vllmStartUp: Signature = {
  id: 'vllm-startup',
  kind: 'exception',
  mark: /Free memory on device .{0,40}on startup is less than desired GPU memory utilization/i,
  read: ({ window }) => {
    const match = startUp.exec(window);
    const free = gibibytes(match?.[1]);
    const capacity = gibibytes(match?.[2]);
    const others = free === undefined || capacity === undefined ? undefined : Math.max(0, capacity - free);
    // Nothing of ours is on the card yet: what isn't free is the driver's and other processes'.
    return {
      ...nothingRead,
      requested: findSize(window, desired),
      used: 0,
      free,
      capacity,
      others,
      poolHint: 'vLLM asks for more of the card than is free: lower gpu_memory_utilization',
    };
  },
};

/** The cache has taken its part and the sampler no longer fits beside it: the text itself asks for a smaller pool. */
export const vllmWarmUp: Signature = {
  id: 'vllm-warm-up',
  kind: 'exception',
  mark: /out of memory occurred when warming up (?:sampler|pooler)/i,
  read: () => ({ ...nothingRead, poolHint: "lower vLLM's max_num_seqs or gpu_memory_utilization" }),
};

function readUtilization(message: string): number | undefined {
  const value = Number(utilization.exec(message)?.[1]);
  return value > 0 && value <= 1 ? value : undefined;
}

function readProfile(message: string, part: number | undefined): Pick<Reading, 'capacity' | 'used' | 'needed'> {
  const parts = [weights, nonTorch, activations].map((pattern) => findSize(message, pattern) ?? 0);
  const used = parts.reduce((sum, size) => sum + size, 0);
  const capacity = findSize(message, total);
  if (used === 0) return { capacity, used: undefined, needed: undefined };
  return { capacity, used, needed: used / (part ?? defaultUtilization) };
}

function missingCache(window: string): number | undefined {
  const needed = findSize(window, cacheNeeded);
  const available = findSize(window, cacheAvailable);
  return needed === undefined || available === undefined ? undefined : Math.max(0, needed - available);
}

function hintFor(
  part: number | undefined,
  capacity: number | undefined,
  missing: number | undefined,
  profile: Pick<Reading, 'used'>,
): string | undefined {
  if (part === undefined || part >= defaultUtilization || capacity === undefined) return undefined;
  const gain = (maxUtilization - part) * capacity;
  const lacks = missing ?? (profile.used === undefined ? undefined : profile.used - part * capacity);
  return lacks !== undefined && lacks < gain
    ? `gpu_memory_utilization is ${part}: vLLM may use more of this card, up to ${maxUtilization}`
    : undefined;
}

function gibibytes(text: string | undefined): number | undefined {
  const value = text === undefined ? undefined : parseLocalizedNumber(text);
  return value === undefined ? undefined : value * 1024;
}
