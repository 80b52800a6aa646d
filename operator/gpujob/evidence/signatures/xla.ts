// JAX and everything else on XLA. RESOURCE_EXHAUSTED alone also means disk, gRPC or a kernel's shared memory, so the words
// about device memory must follow it.
// Sources: patrickbryant1/AFProfile#8 (with BufferAssignment statistics), jax#13428, jax#788 ("Resource exhausted" before
// jaxlib 0.3), mesh-transformer-jax#66 ("Failed to allocate request for"); "while trying to allocate 60.91GiB" in newer jaxlib.
import { findSize, sizeBetween } from '../size.ts';
import { readBFCStatistics } from './bfc-allocator.ts';
import { nothingRead } from './signature.ts';
import type { Signature } from './signature.ts';

/** XLA_PYTHON_CLIENT_MEM_FRACTION's default (JAX documentation, "GPU memory allocation"): the pool is 75 % of the card. */
export const defaultPoolFraction = 0.75;

const requested = sizeBetween('(?:trying to allocate|allocating|allocate request for) ');
const programTotal = sizeBetween('total allocation:\\s{1,12}');

export const xla: Signature = {
  id: 'xla',
  kind: 'exception',
  mark: /\bRESOURCE[_ ]EXHAUSTED: (?:[^:]{0,80}: )?(?:Out of memory (?:while trying to allocate|allocating)|Failed to allocate request for)/i,
  read: ({ window, message, cardMebibytes }) => {
    // "Out of memory allocating N bytes" names no device and is said of main memory too.
    const saysWhere = /while trying to allocate|on device ordinal/i.test(window) || /\bGPU|cuda|rocm/i.test(message);
    if (!saysWhere) return undefined;
    const { limit, inUse } = readBFCStatistics(message);
    const fraction = limit !== undefined && cardMebibytes !== undefined ? limit / cardMebibytes : defaultPoolFraction;
    return {
      ...nothingRead,
      requested: findSize(window, requested),
      used: inUse,
      poolLimit: limit,
      poolFraction: fraction > 0 && fraction <= 1 ? fraction : 1,
      needed: findSize(window, programTotal),
    };
  },
};
