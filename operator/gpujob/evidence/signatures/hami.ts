// HAMi-core's own check: a container's share of a card, in bytes: what it would have used, and its limit. The limit is the
// share, so it counts as the capacity.
// Source: HAMi-core, src/allocator/allocator.c (oom_check); HAMi#662 and #1003; HAMi-core pull 100 (an underflowed use).
import { bytesBetween, findSize } from '../size.ts';
import { nothingRead } from './signature.ts';
import type { Signature } from './signature.ts';

const wanted = bytesBetween('Device \\d{1,3} OOM ', ' \\/');
const limit = bytesBetween('OOM \\d{1,20} \\/ ');

export const hami: Signature = {
  id: 'hami',
  kind: 'log',
  mark: /\[HAMI-core ERROR .{0,100}\]: Device \d{1,3} OOM \d{1,20} \/ \d{1,20}/,
  read: ({ window }) => ({ ...nothingRead, needed: findSize(window, wanted), capacity: findSize(window, limit) }),
};
