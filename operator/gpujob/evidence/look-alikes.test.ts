// Texts that speak of memory, CUDA or exhausted resources and are no evidence that the card was too small: none of them may
// ever grow a job's VRAM.
import { describe, expect, it } from 'vitest';
import type { Cause, TerminatedContainer } from './cause.ts';
import { cards, python, readMessage, torchText } from './testing.ts';

interface Case {
  name: string;
  message: string;
  more?: Partial<TerminatedContainer>;
  want?: Cause['kind'];
}

const torchOutOfMemory = torchText({
  tried: '2.00 GiB',
  capacity: '23.52 GiB',
  free: '123.75 MiB',
  used: '23.39 GiB',
  allocated: '21.81 GiB',
  unallocated: '1.12 GiB',
});

const cases: Case[] = [
  {
    name: 'a traceback with cuda in its paths',
    message: `Traceback (most recent call last):
  File "/usr/local/cuda-12.4/lib/python3.12/site-packages/torch/cuda/memory.py", line 70, in __init__
    self.out_of_memory_handler(cuda=True)
FileNotFoundError: [Errno 2] No such file or directory: '/data/cuda/memory/train.bin'`,
  },
  {
    name: 'RESOURCE_EXHAUSTED of a disk',
    message: python(
      'tensorflow.python.framework.errors_impl.ResourceExhaustedError: RESOURCE_EXHAUSTED: /checkpoints/model.ckpt.data-00000-of-00001; No space left on device',
    ),
  },
  {
    name: 'RESOURCE_EXHAUSTED of gRPC',
    message: python(
      'grpc._channel._InactiveRpcError: <_InactiveRpcError of RPC that terminated with: status = StatusCode.RESOURCE_EXHAUSTED details = "Received message larger than max (5242880 vs. 4194304)"',
    ),
  },
  {
    name: 'RESOURCE_EXHAUSTED of a kernel’s shared memory (ROCm/rocm-jax#404)',
    message: python(
      'jax.errors.JaxRuntimeError: RESOURCE_EXHAUSTED: Shared memory size limit exceeded: requested 73728, available: 65536',
    ),
  },
  {
    name: 'Triton’s OutOfResources, which is shared memory of a kernel',
    message: python(
      'triton.runtime.errors.OutOfResources: out of resource: shared memory, Required: 180224, Hardware limit: 166912. Reducing block sizes or `num_stages` may help.',
    ),
  },
  {
    name: 'XLA’s CPU client out of main memory',
    message: python(
      'jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory allocating 137438953472 bytes.',
    ),
  },
  {
    name: 'TensorFlow out of main memory',
    message:
      'tensorflow.python.framework.errors_impl.ResourceExhaustedError: OOM when allocating tensor with shape[25088,4096] and type float on /job:localhost/replica:0/task:0/device:CPU:0 by allocator cpu',
  },
  {
    name: 'Python’s MemoryError',
    message: python(
      'MemoryError: Unable to allocate 29.8 GiB for an array with shape (4000000000,) and data type float64',
    ),
  },
  { name: 'fork without memory', message: python('OSError: [Errno 12] Cannot allocate memory') },
  {
    name: 'torch’s allocator for main memory',
    message: python(
      "RuntimeError: [enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 68719476736 bytes. Error code 12 (Cannot allocate memory)",
    ),
  },
  {
    name: 'a DataLoader’s shared memory',
    message: python(
      "RuntimeError: DataLoader worker (pid 4182) is killed by signal: Bus error. It is possible that dataloader's workers are out of shared memory. Please try to raise your shared memory limit.",
    ),
  },
  {
    name: 'the words "out of memory" alone',
    message:
      'worker: out of memory\nfatal error: runtime: out of memory\nruntime: cannot map pages in arena address space',
  },
  {
    name: 'libobs’ "Out of memory while trying to allocate"',
    message: 'fatal: Out of memory while trying to allocate 8294400 bytes',
  },
  {
    name: 'an illegal memory access',
    message: python(
      'RuntimeError: CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be incorrect.',
    ),
  },
  { name: 'a device-side assert', message: python('RuntimeError: CUDA error: device-side assert triggered') },
  {
    name: 'cuBLAS not initialized, which is often but not surely for lack of memory',
    message: python('RuntimeError: CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`'),
  },
  {
    name: 'an NCCL failure',
    message: python(
      'torch.distributed.DistBackendError: NCCL error in: /pytorch/torch/csrc/distributed/c10d/ProcessGroupNCCL.cpp:2251, unhandled system error (run with NCCL_DEBUG=INFO for details), NCCL version 2.21.5\nncclSystemError: System call (e.g. socket, malloc) or external library call failed or device error.',
    ),
  },
  {
    name: 'oneAPI out of resources',
    message: python('RuntimeError: level_zero backend failed with error: 40 (UR_RESULT_ERROR_OUT_OF_RESOURCES)'),
  },
  {
    name: 'pinned host memory (talmolab/sleap#2001)',
    message: `2024-10-22 09:22:17.233972: E tensorflow/stream_executor/cuda/cuda_driver.cc:802] failed to alloc 34359738368 bytes on host: CUDA_ERROR_OUT_OF_MEMORY: out of memory
2024-10-22 09:22:17.234031: W .\\tensorflow/core/common_runtime/device/device_host_allocator.h:46] could not allocate pinned host memory of size: 34359738368`,
  },
  {
    name: 'llama.cpp’s pinned memory (llama.cpp#9629)',
    message: 'ggml_cuda_host_malloc: failed to allocate 1900,00 MiB of pinned memory: invalid argument',
  },
  {
    name: 'ONNX Runtime’s arena, which doesn’t say of which device',
    message:
      'onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate memory for requested buffer of size 3151872',
  },
  {
    name: 'a BFC allocation that was tried and "is not a failure" (tensorflow#43546)',
    message:
      '2020-09-24 21:35:23.363348: W tensorflow/core/common_runtime/bfc_allocator.cc:246] Allocator (GPU_0_bfc) ran out of memory trying to allocate 1.02GiB with freed_by_count=0. The caller indicates that this is not a failure, but may mean that there could be performance gains if more memory were available.\nKilled by the scheduler',
  },
  {
    name: 'vLLM’s profiling disturbed by another process',
    message: python(
      'AssertionError: Error in memory profiling. Initial free memory 10.71 GiB, current free memory 11.3 GiB. This happens when other processes sharing the same container release GPU memory while vLLM is profiling during initialization.',
    ),
  },
  {
    name: 'torch asked for a negative size',
    message: python('torch.OutOfMemoryError: CUDA out of memory. Tried to allocate more than 1EB memory.'),
  },
  {
    name: 'a help text that quotes the words',
    message: `usage: train.py [-h] --batch-size N
  --batch-size N   if you get "CUDA error: out of memory", use a smaller one
If you see CUDA out of memory, lower --batch-size.
Troubleshooting: the error "CUDA error: out of memory" has its own page.
When running on small cards, avoid CUDA error: out of memory by --fp16.
train.py: error: the following arguments are required: --batch-size`,
  },
  {
    name: 'source lines of a traceback that look for the words',
    message: `Traceback (most recent call last):
  File "/app/serve.py", line 80, in main
    if "CUDA error: out of memory" in str(error):
  File "/app/vllm/worker.py", line 493, in check
    raise ValueError("No available memory for the cache blocks. "
KeyError: 'model'`,
  },
  {
    name: 'torch’s out-of-memory was caught, and the program died of something else',
    message: `step 10: ${torchOutOfMemory}
step 10 done on the CPU
step 11 loss 0.33
Traceback (most recent call last):
  File "/workspace/train.py", line 201, in <module>
    save(model)
PermissionError: [Errno 13] Permission denied: '/checkpoints/last.pt'`,
  },
  {
    name: 'torch’s out-of-memory was survived by a smaller batch, then the data ended the program',
    message: `| WARNING | ${torchOutOfMemory}
attempting to recover from OOM in forward/backward pass
| INFO | epoch 002: 40 / 900 loss=4.1
assertion failed: shard 7 is empty`,
  },
  {
    name: 'TensorRT skipped a tactic',
    message: `[W] Requested amount of GPU memory (20132809216 bytes) could not be allocated. There may not be enough free memory for allocation to succeed.
[W] Skipping tactic 3 due to insufficient memory on requested size of 20132809216 detected for tactic 0x0000.
[E] Could not find any implementation for node {ForeignNode[onnx::MatMul_1]}`,
  },
  { name: 'exit code 137 without a word', message: '', more: { exitCode: 137 } },
  {
    name: 'exit code 137 with a true torch text: who killed it isn’t known, and it wasn’t CUDA',
    message: python(torchOutOfMemory),
    more: { exitCode: 137 },
  },
  {
    name: 'signal 9 with a true torch text',
    message: python(torchOutOfMemory),
    more: { exitCode: 255, signal: 9 },
  },
  {
    name: 'OOMKilled with a true torch text',
    message: python(torchOutOfMemory),
    more: { exitCode: 1, reason: 'OOMKilled' },
    want: 'HostOutOfMemory',
  },
  { name: 'OOMKilled', message: '', more: { exitCode: 137, reason: 'OOMKilled' }, want: 'HostOutOfMemory' },
  { name: 'an empty message', message: '' },
];

describe('look-alikes', () => {
  it.each(cases)('are no evidence: $name', ({ message, more, want }) => {
    expect(readMessage(message, cards.rtx4090, more).kind).toBe(want ?? 'ApplicationError');
  });

  it('the same torch text, uncaught and with exit code 1, is evidence', () => {
    expect(readMessage(python(torchOutOfMemory), cards.rtx4090).kind).toBe('OutOfMemory');
  });
});
