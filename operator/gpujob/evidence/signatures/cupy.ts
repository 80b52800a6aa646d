// CuPy (and Chainer) memory pool. A limit set with set_limit is a pool cap, stated in the text.
// Source: cupy/cuda/memory.pyx; cupy#1912 (until 6.0, the total has the request in it) and cupy#2242 (since then).
import { bytesBetween, findSize } from '../size.ts';
import { nothingRead } from './signature.ts';
import type { Signature } from './signature.ts';

const requested = bytesBetween('out of memory (?:allocating|to allocate) ', ' bytes');
const held = bytesBetween('allocated so far: ', ' bytes');
const heldAndRequested = bytesBetween('\\(total ', ' bytes');
const limit = bytesBetween('limit set to:? ', ' bytes');

export const cupy: Signature = {
  id: 'cupy',
  kind: 'exception',
  mark: /out of memory (?:allocating|to allocate) [\d,.]{1,27} bytes \((?:allocated so far|total)/i,
  read: ({ window }) => {
    const asked = findSize(window, requested);
    const total = findSize(window, heldAndRequested);
    const usedOld = total === undefined || asked === undefined ? undefined : Math.max(0, total - asked);
    return {
      ...nothingRead,
      requested: asked,
      used: findSize(window, held) ?? usedOld,
      poolLimit: findSize(window, limit),
    };
  },
};
