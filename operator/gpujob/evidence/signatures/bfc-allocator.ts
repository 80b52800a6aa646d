// The "best fit with coalescing" allocator below TensorFlow and XLA: its statistics, and its own words where the
// error that follows is lost. That an attempt "is not a failure" is seen in occurrences.ts.
// Sources: tensorflow#9790 (statistics), tensorflow#17092 and #43546 (both wordings), weathernext#73 (under JAX).
import { bytesBetween, findSize, sizeBetween } from '../size.ts';
import { nothingRead } from './signature.ts';
import type { Signature } from './signature.ts';

const limit = bytesBetween('\\bLimit:\\s{1,40}');
const inUse = bytesBetween('\\bInUse:\\s{1,40}');
const requested = sizeBetween('trying to allocate ');

export function readBFCStatistics(message: string): { limit: number | undefined; inUse: number | undefined } {
  const read = { limit: findSize(message, limit), inUse: findSize(message, inUse) };
  // One without the other may be anybody's "Limit:".
  return read.limit === undefined || read.inUse === undefined ? { limit: undefined, inUse: undefined } : read;
}

export const bfcAllocator: Signature = {
  id: 'bfc-allocator',
  kind: 'log',
  mark: /Allocator \(GPU_\d{1,3}_bfc\) ran out of memory trying to allocate/,
  read: ({ window, message }) => {
    const statistics = readBFCStatistics(message);
    return {
      ...nothingRead,
      requested: findSize(window, requested),
      used: statistics.inUse,
      poolLimit: statistics.limit,
    };
  },
};
