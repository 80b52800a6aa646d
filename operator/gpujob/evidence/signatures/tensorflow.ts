// TensorFlow: "OOM when allocating tensor with shape[…]". The same words are used for main memory, so the text must name a
// GPU. The tensor's size follows from its shape and type.
// Sources: tensorflow#136, tensorflow/models#7142, MachineLearningNotebooks#880, tensorflow#4735 (no device but in the node).
import { mebibytesOf } from '../size.ts';
import { readBFCStatistics } from './bfc-allocator.ts';
import { nothingRead } from './signature.ts';
import type { Signature } from './signature.ts';

const tensor = /allocating tensor with shape\s?\[([\d, ]{1,120})\](?: and type (\w{1,20}))?/;
const bytesPerElement: Readonly<Record<string, number>> = {
  float: 4,
  double: 8,
  half: 2,
  bfloat16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  complex64: 8,
};

export const tensorflow: Signature = {
  id: 'tensorflow',
  kind: 'exception',
  mark: /OOM when allocating tensor with shape/,
  read: ({ window, message }) => {
    if (!/GPU_\d{1,3}_bfc|\/(?:device:)?gpu:\d/i.test(window)) return undefined;
    const statistics = readBFCStatistics(message);
    return {
      ...nothingRead,
      requested: tensorMebibytes(window),
      used: statistics.inUse,
      poolLimit: statistics.limit,
    };
  },
};

function tensorMebibytes(window: string): number | undefined {
  const match = tensor.exec(window);
  const bytes = bytesPerElement[match?.[2]?.toLowerCase() ?? ''];
  if (match === null || bytes === undefined) return undefined;
  const elements = (match[1] ?? '').split(',').reduce((product, size) => product * Number(size), 1);
  return mebibytesOf(elements * bytes);
}
