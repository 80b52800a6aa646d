// SGLang at start-up: the static pool (weights and KV cache) has no room left. No sizes.
// Source: sglang, python/sglang/srt/mem_cache (MemoryPoolConfig.__post_init__), which adds the fraction in newer versions.
import { nothingRead } from './signature.ts';
import type { Signature } from './signature.ts';

/** SGLang chooses the fraction itself, by card and model; less than this was set by hand. */
const lowestDefaultFraction = 0.75;
const stated = /mem_fraction_static=(0?\.\d{1,6}|1\.0)/;

export const sglang: Signature = {
  id: 'sglang-static-memory',
  kind: 'exception',
  mark: /Not enough memory\. Please try to increase --mem-fraction-static/,
  read: ({ window }) => {
    const fraction = Number(stated.exec(window)?.[1]);
    const poolHint = fraction < lowestDefaultFraction ? `raise --mem-fraction-static, it is ${fraction}` : undefined;
    return { ...nothingRead, poolHint };
  },
};
