// All signatures, the most telling first: where one failure is told twice (HAMi-core below torch, BFC below JAX), the text
// that says more is read. A new family is one more file and one line here.
import { bfcAllocator } from './bfc-allocator.ts';
import { cublas, cudaRuntime } from './cuda-runtime.ts';
import { cupy } from './cupy.ts';
import { hami } from './hami.ts';
import { llamaCpp } from './llama-cpp.ts';
import { oneAPI } from './oneapi.ts';
import { paddle } from './paddle.ts';
import { rapidsPool, xgboost } from './rapids.ts';
import { sglang } from './sglang.ts';
import type { Signature } from './signature.ts';
import { tensorflow } from './tensorflow.ts';
import { tensorRT } from './tensorrt.ts';
import { torch, torchTail } from './torch.ts';
import { vllmKeyValueCache, vllmStartUp, vllmWarmUp } from './vllm.ts';
import { xla } from './xla.ts';

export const signatures: readonly Signature[] = [
  vllmKeyValueCache,
  vllmStartUp,
  vllmWarmUp,
  sglang,
  torch,
  torchTail,
  paddle,
  xla,
  tensorflow,
  bfcAllocator,
  cupy,
  rapidsPool,
  xgboost,
  llamaCpp,
  tensorRT,
  hami,
  oneAPI,
  cublas,
  cudaRuntime,
];
