// Builders and true sentences for the evidence tests; no product code imports it.
import type { Cause, FailedCard, TerminatedContainer } from './cause.ts';
import { readEvidence } from './read.ts';

export function terminated(message: string, more: Partial<TerminatedContainer> = {}): TerminatedContainer {
  return { container: 'main', exitCode: 1, reason: 'Error', message, ...more };
}

export function card(capacityMebibytes: number | undefined, more: Partial<FailedCard> = {}): FailedCard {
  return { capacityMebibytes, gpus: 1, ...more };
}

export function readMessage(message: string, on: FailedCard, more: Partial<TerminatedContainer> = {}): Cause {
  return readEvidence([terminated(message, more)], on);
}

/** Label values of shared/field-notes.md, and of cards near to them. */
export const cards = {
  t4: card(15_360),
  v100: card(16_160),
  l4: card(23_034),
  rtx4090: card(24_564),
  a100: card(40_960),
  l40s: card(46_068),
  a10080: card(81_920),
  h200: card(143_771),
} as const;

const traceback = `Traceback (most recent call last):
  File "/workspace/train.py", line 118, in <module>
    loss.backward()
  File "/usr/local/lib/python3.12/dist-packages/torch/_tensor.py", line 581, in backward
    torch.autograd.backward(`;

/** A Python program that died of `exception`. */
export function python(exception: string): string {
  return `${traceback}\n${exception}\n`;
}

/** A torch 2.4 to 2.8 text. */
export function torchText(sizes: {
  tried: string;
  capacity: string;
  free: string;
  used?: string;
  allocated: string;
  unallocated: string;
  before?: string;
  after?: string;
}): string {
  const own =
    sizes.used === undefined ? '' : `Including non-PyTorch memory, this process has ${sizes.used} memory in use. `;
  return (
    `torch.OutOfMemoryError: CUDA out of memory. Tried to allocate ${sizes.tried}. GPU 0 has a total capacity of ${sizes.capacity} of which ${sizes.free} is free. ` +
    `${sizes.before ?? ''}${own}${sizes.after ?? ''}Of the allocated memory ${sizes.allocated} is allocated by PyTorch, and ${sizes.unallocated} is reserved by PyTorch but unallocated. ` +
    'If reserved but unallocated memory is large try setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True to avoid fragmentation.  See documentation for Memory Management  (https://pytorch.org/docs/stable/notes/cuda.html#environment-variables)'
  );
}
