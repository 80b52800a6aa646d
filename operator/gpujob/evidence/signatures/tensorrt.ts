// TensorRT and what runs it (Triton, TensorRT-LLM, torch2trt). A tactic that is skipped for lack of memory is no failure: that
// is seen in occurrences.ts.
// Source: TensorRT's defaultAllocator.cpp and executionContext.cpp messages, as printed by trtexec 8 to 10.
import { bytesBetween, findSize } from '../size.ts';
import { nothingRead } from './signature.ts';
import type { Signature } from './signature.ts';

const requested = [
  bytesBetween('Requested amount of GPU memory \\(', ' bytes'),
  bytesBetween('Requested size was ', ' bytes'),
];

export const tensorRT: Signature = {
  id: 'tensorrt',
  kind: 'log',
  mark: /Requested amount of GPU memory \(\d{1,20} bytes\) could not be allocated|Error Code 2: OutOfMemory/,
  read: ({ window }) => ({ ...nothingRead, requested: findSize(window, ...requested) }),
};
