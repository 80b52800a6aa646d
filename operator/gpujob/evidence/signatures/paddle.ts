// PaddlePaddle: one sentence with what was asked, held and free.
// Source: PaddlePaddle's ResourceExhaustedError summary ("Out of memory error on GPU 0. Cannot allocate 128.000000MB …"); newer
// versions add "(actual using allocated memory …)" after "has been allocated".
import { findSize, sizeBetween } from '../size.ts';
import { nothingRead } from './signature.ts';
import type { Signature } from './signature.ts';

const requested = sizeBetween('Cannot allocate ', ' memory on GPU');
const held = sizeBetween('memory on GPU \\d{1,3}, ', ' memory has been allocated');
const free = sizeBetween('available memory is only ');

export const paddle: Signature = {
  id: 'paddle',
  kind: 'exception',
  mark: /Out of memory error on GPU \d{1,3}\. Cannot allocate/,
  read: ({ window }) => ({
    ...nothingRead,
    requested: findSize(window, requested),
    // "0.000000B has been allocated" stands where Paddle couldn't ask.
    used: findSize(window, held) || undefined,
    free: findSize(window, free),
  }),
};
