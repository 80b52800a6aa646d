// The bare words of CUDA, HIP and their libraries, from any program: no sizes. What is said of pinned host memory is not
// about the card, and NOT_INITIALIZED is only often, not always, for lack of memory.
// Sources: numba (cudf#185), ONNX Runtime ("CUDA failure 2"), CTranslate2 ("CUDA failed with error out of memory"), MXNet
// ("cudaMalloc retry failed"), NCCL ("Cuda failure 2 'out of memory'"), bitsandbytes (ops.cu), torch's CUDA_CHECK; pinned memory:
// sleap#2001, llama.cpp#9629; cuBLAS: QwenLM/Qwen3#873.
import { nothingRead } from './signature.ts';
import type { Signature } from './signature.ts';

const hostMemory = /\bon host\b|pinned|pin_memory|HostAlloc|host_malloc|HostRegister/i;

export const cublas: Signature = {
  id: 'cublas',
  kind: 'exception',
  mark: /\b(?:CUBLAS|CUDNN|CUSOLVER|CUSPARSE|HIPBLAS)_STATUS_ALLOC_FAILED\b/,
  read: () => nothingRead,
};

export const cudaRuntime: Signature = {
  id: 'cuda-runtime',
  kind: 'exception',
  mark: new RegExp(
    [
      String.raw`\b(?:CUDA|HIP) (?:runtime |driver )?error(?: ?\(2\) ?)?: out of memory`,
      String.raw`\b(?:cudaErrorMemoryAllocation|hipErrorOutOfMemory|CUDA_ERROR_OUT_OF_MEMORY)\b`,
      String.raw`\bCUDA failure 2: out of memory`,
      String.raw`\bCuda failure (?:2 )?'out of memory'`,
      String.raw`\bCUDA failed with error out of memory`,
      String.raw`\b(?:cuda|hip)Malloc(?:Async|Managed)?(?: retry)? failed: out of memory`,
      String.raw`\bError out of memory at line \d{1,6} in file \S{0,200}\.cu\b`,
    ].join('|'),
    'i',
  ),
  read: ({ window }) => (hostMemory.test(window.slice(0, 300)) ? undefined : nothingRead),
};
