// True out-of-memory texts and what must be read from each. Word for word as people reported them; where the source begins
// with "form:", the words are true and some numbers, or the end of the sentence, are ours.
import { describe, expect, it } from 'vitest';
import { blames } from '../../resources/gpujob.ts';
import type { Cause, FailedCard } from './cause.ts';
import { card, cards, python, readMessage } from './testing.ts';

interface Case {
  name: string;
  source: string;
  message: string;
  on: FailedCard;
  want: { kind: Cause['kind']; signature: string } & Record<string, unknown>;
}

const allocatorDocumentation =
  ' If reserved but unallocated memory is large try setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True to avoid fragmentation.  See documentation for Memory Management  (https://pytorch.org/docs/stable/notes/cuda.html#environment-variables)';

const cases: Case[] = [
  {
    name: 'torch 2.1: own use near the capacity of an 80 GB card, with "capacty"',
    source: 'Lightning-AI/litgpt, tutorials/oom.md',
    message: python(
      'OutOfMemoryError: CUDA out of memory. Tried to allocate 2.22 GiB. GPU 0 has a total capacty of 79.15 GiB of which 228.38 MiB is free. Including non-PyTorch memory, this process has 78.93 GiB memory in use. Of the allocated memory 76.28 GiB is allocated by PyTorch, and 2.14 GiB is reserved by PyTorch but unallocated. If reserved but unallocated memory is large try setting max_split_size_mb to avoid fragmentation.  See documentation for Memory Management and PYTORCH_CUDA_ALLOC_CONF',
    ),
    on: cards.a10080,
    want: {
      kind: 'OutOfMemory',
      signature: 'torch',
      blame: 'OwnUse',
      trusted: true,
      requestedMebibytes: 2274,
      usedMebibytes: 80_825,
      capacityMebibytes: 81_049,
      neededMebibytes: 83_098,
    },
  },
  {
    name: 'torch 2.6 in a rank of torchrun, on GPU 6',
    source: 'a slurm job log, H20 96 GB',
    message:
      '[rank6]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 6 has a total capacity of 94.97 GiB of which 1.21 GiB is free. Including non-PyTorch memory, this process has 93.75 GiB memory in use. Of the allocated memory 91.23 GiB is allocated by PyTorch, and 1.40 GiB is reserved by PyTorch but unallocated.' +
      allocatorDocumentation,
    on: card(97_871, { gpus: 8 }),
    want: { kind: 'OutOfMemory', signature: 'torch', requestedMebibytes: 2048, neededMebibytes: 98_048 },
  },
  {
    name: 'torch 2.10: PYTORCH_ALLOC_CONF, one allocation larger than the card',
    source: 'a MONAI issue, torch 2.10.0+cu128, RTX 4090',
    message: python(
      'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 32.00 GiB. GPU 0 has a total capacity of 23.52 GiB of which 23.05 GiB is free. Including non-PyTorch memory, this process has 386.00 MiB memory in use. Of the allocated memory 0 bytes is allocated by PyTorch, and 0 bytes is reserved by PyTorch but unallocated. If reserved but unallocated memory is large try setting PYTORCH_ALLOC_CONF=expandable_segments:True to avoid fragmentation.  See documentation for Memory Management  (https://pytorch.org/docs/stable/notes/cuda.html#environment-variables)',
    ),
    on: cards.rtx4090,
    want: { kind: 'OutOfMemory', signature: 'torch', requestedMebibytes: 32_768, neededMebibytes: 33_154 },
  },
  {
    name: 'torch: another process holds the memory, and without it the allocation would fit',
    source: 'a whisper tool, torch 2.9, 8 GB laptop card beside ollama',
    message:
      'Error processing Record-028.aac: CUDA out of memory. Tried to allocate 24.00 MiB. GPU 0 has a total capacity of 7.60 GiB of which 15.38 MiB is free. Process 3936 has 5.38 GiB memory in use. Including non-PyTorch memory, this process has 2.19 GiB memory in use. Of the allocated memory 217.80 MiB is allocated by PyTorch, and 50.20 MiB is reserved by PyTorch but unallocated. If reserved but unallocated memory is large try setting PYTORCH_ALLOC_CONF=expandable_segments:True to avoid fragmentation.  See documentation for Memory Management  (https://pytorch.org/docs/stable/notes/cuda.html#environment-variables)',
    on: card(8188),
    want: {
      kind: 'NeighbourOutOfMemory',
      signature: 'torch',
      blame: 'Neighbour',
      usedMebibytes: 2243,
      usedByOthersMebibytes: 5510,
    },
  },
  {
    name: 'torch: a neighbour on an H200, though our own use is far larger',
    source: 'form: incident note of a robotics lab, job 2792 (its two last sentences in torch’s order)',
    message:
      'CUDA out of memory. Tried to allocate 1.24 GiB. GPU 2 has a total capacity of 139.80 GiB of which 623.38 MiB is free. Process 2951793 has 15.88 GiB memory in use. Including non-PyTorch memory, this process has 123.29 GiB memory in use.',
    on: cards.h200,
    want: { kind: 'NeighbourOutOfMemory', signature: 'torch', usedByOthersMebibytes: 16_262 },
  },
  {
    name: 'torch in a container: "Process N" is ourselves, because NVML knows the host’s PIDs',
    source: 'bitsandbytes tutorial, Colab T4, torch 2.1',
    message: python(
      'OutOfMemoryError: CUDA out of memory. Tried to allocate 5.96 GiB. GPU 0 has a total capacty of 14.76 GiB of which 5.68 GiB is free. Process 9533 has 9.08 GiB memory in use. Of the allocated memory 7.46 GiB is allocated by PyTorch, and 646.60 MiB is reserved by PyTorch but unallocated. If reserved but unallocated memory is large try setting max_split_size_mb to avoid fragmentation.  See documentation for Memory Management and PYTORCH_CUDA_ALLOC_CONF',
    ),
    on: cards.t4,
    want: {
      kind: 'OutOfMemory',
      signature: 'torch',
      usedMebibytes: 9298,
      usedByOthersMebibytes: 0,
      neededMebibytes: 15_401,
    },
  },
  {
    name: 'torch: much reserved but unallocated is fragmentation',
    source: 'pytorch#138002, ROCm, RX 7900 XT',
    message:
      '!!! Exception during processing !!! HIP out of memory. Tried to allocate 6.64 GiB. GPU 0 has a total capacity of 19.92 GiB of which 6.22 GiB is free. Of the allocated memory 5.34 GiB is allocated by PyTorch, and 7.10 GiB is reserved by PyTorch but unallocated. If reserved but unallocated memory is large try setting PYTORCH_HIP_ALLOC_CONF=expandable_segments:True to avoid fragmentation.',
    on: card(20_464),
    want: { kind: 'Fragmentation', signature: 'torch', blame: 'Fragmentation', requestedMebibytes: 6800 },
  },
  {
    name: 'torch: fragmented, but even all of it together would not have been enough',
    source: 'murong-xu/CADS#4',
    message: python(
      'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 22.78 GiB. GPU 0 has a total capacity of 31.47 GiB of which 12.73 GiB is free. Including non-PyTorch memory, this process has 18.73 GiB memory in use. Of the allocated memory 9.08 GiB is allocated by PyTorch, and 9.35 GiB is reserved by PyTorch but unallocated.' +
        allocatorDocumentation,
    ),
    on: card(32_768),
    want: { kind: 'OutOfMemory', signature: 'torch', neededMebibytes: 42_507 },
  },
  {
    name: 'torch: a set fraction refused, the card had room',
    source: 'a notebook on an A40, torch 2.6: a neighbour is there too, but the fraction was the reason',
    message: python(
      'OutOfMemoryError: CUDA out of memory. Tried to allocate 996.00 MiB. GPU 0 has a total capacity of 44.43 GiB of which 9.06 GiB is free. Process 2102129 has 17.54 GiB memory in use. Including non-PyTorch memory, this process has 17.81 GiB memory in use. 17.69 GiB allowed; Of the allocated memory 17.44 GiB is allocated by PyTorch, and 59.88 MiB is reserved by PyTorch but unallocated.' +
        allocatorDocumentation,
    ),
    on: cards.l40s,
    want: { kind: 'PoolCap', signature: 'torch', blame: 'PoolCap' },
  },
  {
    name: 'torch on ROCm: a set fraction, private pools',
    source: 'ROCm/TheRock#2118, MI300X',
    message:
      'torch.OutOfMemoryError: HIP out of memory. Tried to allocate 2.00 MiB. GPU 0 has a total capacity of 255.98 GiB of which 244.65 GiB is free. 1.05 GiB allowed; Of the allocated memory 1017.01 MiB is allocated by PyTorch, with 17.00 MiB allocated in private pools (e.g., HIP Graphs), and 54.99 MiB is reserved by PyTorch but unallocated.' +
      allocatorDocumentation,
    on: card(262_144),
    want: { kind: 'PoolCap', signature: 'torch', requestedMebibytes: 2 },
  },
  {
    name: 'torch: a fraction is set, but the card itself was full',
    source: 'a battery of experiments on an 8 GB card, wrapped there too',
    message: python(
      'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.60 GiB.\nGPU 0 has a total capacity of 8.00 GiB of which 453.00 MiB is free.\n6.80 GiB allowed; Of the allocated memory 6.41 GiB is allocated by PyTorch.',
    ),
    on: card(8192),
    want: { kind: 'OutOfMemory', signature: 'torch', requestedMebibytes: 1639, neededMebibytes: 9378 },
  },
  {
    name: 'torch on ROCm: no process list, an unexplained 182 GiB is somebody else’s',
    source: 'form: a shared MI300X node',
    message:
      'torch.OutOfMemoryError: HIP out of memory. Tried to allocate 512.00 MiB. GPU 0 has a total capacity of 191.69 GiB of which 0 bytes is free. 50.00 GiB allowed; Of the allocated memory 9.58 GiB is allocated by PyTorch, and 120.00 MiB is reserved by PyTorch but unallocated.',
    on: card(196_592),
    want: { kind: 'NeighbourOutOfMemory', signature: 'torch', usedMebibytes: 9930 },
  },
  {
    name: 'torch: refused with 7 GiB free, so a limit outside the program is in force',
    source: 'Comfy-Org/ComfyUI#9529',
    message:
      'HIP out of memory. Tried to allocate 432.00 MiB. GPU 0 has a total capacity of 15.92 GiB of which 7.12 GiB is free. Of the allocated memory 8.08 GiB is allocated by PyTorch, and 321.96 MiB is reserved by PyTorch but unallocated.',
    on: card(16_368),
    want: { kind: 'PoolCap', signature: 'torch' },
  },
  {
    name: 'torch under WSL: NVML’s "not available" is printed as 17179869184 GiB and is no size',
    source: 'vllm, "OOM when running LLMs in WSL using vLLM", RTX 3050',
    message: python(
      'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 34.00 MiB. GPU 0 has a total capacity of 4.00 GiB of which 0 bytes is free. Including non-PyTorch memory, this process has 17179869184.00 GiB memory in use. Of the allocated memory 3.35 GiB is allocated by PyTorch, and 125.23 MiB is reserved by PyTorch but unallocated.',
    ),
    on: card(4096),
    want: { kind: 'OutOfMemory', signature: 'torch', trusted: true, usedMebibytes: 4096, neededMebibytes: 4130 },
  },
  {
    name: 'torch 1.12: the wording in brackets; 1.38 GiB nobody accounts for is the driver’s context',
    source: 'CompVis/taming-transformers#194',
    message: python(
      'torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.39 GiB (GPU 0; 6.00 GiB total capacity; 4.04 GiB already allocated; 478.00 MiB free; 4.15 GiB reserved in total by PyTorch) If reserved memory is >> allocated memory try setting max_split_size_mb to avoid fragmentation.  See documentation for Memory Management and PYTORCH_CUDA_ALLOC_CONF',
    ),
    on: card(6144),
    want: {
      kind: 'OutOfMemory',
      signature: 'torch',
      requestedMebibytes: 1424,
      usedMebibytes: 5666,
      neededMebibytes: 7090,
    },
  },
  {
    name: 'torch 1.5: the wording in brackets, 1.67 GiB of 15.9 reserved but not allocated',
    source: '2KangHo/vdsr_pytorch#2, P100',
    message: python(
      'RuntimeError: CUDA out of memory. Tried to allocate 512.00 MiB (GPU 0; 15.90 GiB total capacity; 13.13 GiB already allocated; 415.88 MiB free; 14.80 GiB reserved in total by PyTorch)',
    ),
    on: card(16_280),
    want: { kind: 'Fragmentation', signature: 'torch', requestedMebibytes: 512 },
  },
  {
    name: 'torch 1.x: own use on a 4 GB card, a quarter of it the driver’s',
    source: 'Strawberry-Eat-Mango/PCT_Pytorch#27',
    message: python(
      'RuntimeError: CUDA out of memory. Tried to allocate 16.00 MiB (GPU 0; 3.94 GiB total capacity; 2.98 GiB already allocated; 14.25 MiB free; 3.00 GiB reserved in total by PyTorch) If reserved memory is >> allocated memory try setting max_split_size_mb to avoid fragmentation.  See documentation for Memory Management and PYTORCH_CUDA_ALLOC_CONF',
    ),
    on: card(4040),
    want: { kind: 'OutOfMemory', signature: 'torch', usedMebibytes: 4021, neededMebibytes: 4037 },
  },
  {
    name: 'torch 1.1: "cached", and KiB',
    source: 'shllln/GenerativeGraph#5, K80',
    message: python(
      'RuntimeError: CUDA out of memory. Tried to allocate 1024.00 KiB (GPU 0; 11.17 GiB total capacity; 10.90 GiB already allocated; 576.00 KiB free; 30.96 MiB cached)',
    ),
    on: card(11_441),
    want: { kind: 'OutOfMemory', signature: 'torch', requestedMebibytes: 1, usedMebibytes: 11_438 },
  },
  {
    name: 'torch 1.x: 4.94 GiB reserved but not allocated',
    source: 'rshaojimmy/MADDoG#11, T4',
    message: python(
      'RuntimeError: CUDA out of memory. Tried to allocate 2.87 GiB (GPU 0; 14.76 GiB total capacity; 8.77 GiB already allocated; 19.75 MiB free; 13.71 GiB reserved in total by PyTorch)',
    ),
    on: cards.t4,
    want: { kind: 'Fragmentation', signature: 'torch' },
  },
  {
    name: 'torch’s Intel extension: what is held and asked together is an eighth of the card',
    source: 'intel-extension-for-pytorch#629',
    message: python(
      'RuntimeError: XPU out of memory. Tried to allocate 1.71 GiB (GPU 0; 15.56 GiB total capacity; 176.00 MiB already allocated; 176.00 MiB reserved in total by PyTorch)',
    ),
    on: card(16_288),
    want: { kind: 'PoolCap', signature: 'torch', requestedMebibytes: 1752, usedMebibytes: 176 },
  },
  {
    name: 'JAX with buffer statistics: the program’s total, over XLA’s 75 % of the card',
    source: 'patrickbryant1/AFProfile#8, RTX 3080 Ti',
    message: python(
      `jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 4770354232 bytes.
BufferAssignment OOM Debugging.
BufferAssignment stats:
             parameter allocation:  372.76MiB
              constant allocation:    48.5KiB
        maybe_live_out allocation:    9.64GiB
     preallocated temp allocation:    4.44GiB
                 total allocation:   14.44GiB
              total fragmentation:  680.30MiB (4.60%)`,
    ),
    on: card(12_288),
    want: { kind: 'OutOfMemory', signature: 'xla', requestedMebibytes: 4550, neededMebibytes: 19_716 },
  },
  {
    name: 'JAX: a size in GiB, larger than any card',
    source: 'an MXFP8 ladder on GB200, 2026',
    message: python('jax.errors.JaxRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 851.61GiB'),
    on: card(188_416),
    want: { kind: 'OutOfMemory', signature: 'xla', requestedMebibytes: 872_049, neededMebibytes: 1_162_732 },
  },
  {
    name: 'JAX: a request alone says nothing about the need',
    source: 'google-deepmind/alphafold#1023',
    message: python(
      'jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 7406166528 bytes.',
    ),
    on: cards.rtx4090,
    want: { kind: 'OutOfMemory', signature: 'xla', requestedMebibytes: 7064, neededMebibytes: undefined },
  },
  {
    name: 'JAX before 0.3: "Resource exhausted", in the words of the executor',
    source: 'kingoflolz/mesh-transformer-jax#66',
    message: python(
      'RuntimeError: Resource exhausted: Failed to allocate request for 32.00MiB (33554432B) on device ordinal 0',
    ),
    on: cards.v100,
    want: { kind: 'OutOfMemory', signature: 'xla', requestedMebibytes: 32 },
  },
  {
    name: 'JAX with BFC statistics: the pool had 75 % of the card, the card had room',
    source: 'form: tensorflow#9790 for the statistics’ form, jax’s pool of 75 % of 24 GB',
    message: `2026-01-05 10:00:00.000001: I external/xla/xla/tsl/framework/bfc_allocator.cc:1110] Stats: 
Limit:                     18251776000
InUse:                     17179869184
MaxInUse:                  17716740096
2026-01-05 10:00:00.000002: W external/xla/xla/tsl/framework/bfc_allocator.cc:501] Allocator (GPU_0_bfc) ran out of memory trying to allocate 2.00GiB (rounded to 2147483648)requested by op 
${python('jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 2147483648 bytes.')}`,
    on: cards.rtx4090,
    want: { kind: 'PoolCap', signature: 'xla', usedMebibytes: 16_384, requestedMebibytes: 2048 },
  },
  {
    name: 'TensorFlow: the tensor’s size follows from shape and type',
    source: 'Azure/MachineLearningNotebooks#880',
    message: `ResourceExhaustedError: 2 root error(s) found.
  (0) Resource exhausted: OOM when allocating tensor with shape[16,112,112,147] and type float on /job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc
\t [[{{node resnet_v1_50/conv1/ExtractImagePatches}}]]
Hint: If you want to see a list of allocated tensors when OOM happens, add report_tensor_allocations_upon_oom to RunOptions for current allocation info.`,
    on: cards.v100,
    want: { kind: 'OutOfMemory', signature: 'tensorflow', requestedMebibytes: 113 },
  },
  {
    name: 'the BFC allocator’s own words, where the error behind them is lost',
    source: 'tensorflow#17092, P100',
    message:
      '2018-02-17 14:02:53.755140: W tensorflow/core/common_runtime/bfc_allocator.cc:275] Allocator (GPU_0_bfc) ran out of memory trying to allocate 8.49GiB.  Current allocation summary follows.',
    on: card(16_280),
    want: { kind: 'OutOfMemory', signature: 'bfc-allocator', requestedMebibytes: 8694 },
  },
  {
    name: 'vLLM 0.6: no room for the KV cache',
    source: 'vllm#10439',
    message: `ERROR 11-18 18:07:28 engine.py:366]     raise ValueError("No available memory for the cache blocks. "
ERROR 11-18 18:07:28 engine.py:366] ValueError: No available memory for the cache blocks. Try increasing \`gpu_memory_utilization\` when initializing the engine.`,
    on: cards.rtx4090,
    want: { kind: 'OutOfMemory', signature: 'vllm-kv-cache', neededMebibytes: undefined },
  },
  {
    name: 'vLLM 0.3: the context is longer than the KV cache',
    source: 'QwenLM/Qwen3#295',
    message: python(
      "ValueError: The model's max seq len (32768) is larger than the maximum number of tokens that can be stored in KV cache (7344). Try increasing `gpu_memory_utilization` or decreasing `max_model_len` when initializing the engine.",
    ),
    on: cards.rtx4090,
    want: { kind: 'OutOfMemory', signature: 'vllm-kv-cache', neededMebibytes: undefined },
  },
  {
    name: 'vLLM 0.15: the KV cache lacks 20.82 GiB',
    source: 'vllm#34076, two cards; the smaller one fails',
    message:
      "(EngineCore_DP0 pid=1094) ValueError: To serve at least one request with the models's max seq len (262144), (24.0 GiB KV cache is needed, which is larger than the available KV cache memory (3.18 GiB). Based on the available memory, the estimated maximum model length is 34736. Try increasing `gpu_memory_utilization` or decreasing `max_model_len` when initializing the engine.\nRuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}",
    on: card(16_303),
    want: { kind: 'OutOfMemory', signature: 'vllm-kv-cache', neededMebibytes: 39_992 },
  },
  {
    name: 'vLLM with a utilization below its default: the pool is to blame, not the card',
    source: 'form: worker.py’s log of vLLM 0.8 at 0.40, and vllm#10439’s error',
    message: `INFO 06-26 17:46:00 [worker.py:291] the current vLLM instance can use total_gpu_memory (23.65GiB) x gpu_memory_utilization (0.40) = 9.46GiB
INFO 06-26 17:46:00 [worker.py:291] model weights take 9.70GiB; non_torch_memory takes 0.07GiB; PyTorch activation peak memory takes 1.12GiB; the rest of the memory reserved for KV Cache is -1.43GiB.
ValueError: No available memory for the cache blocks. Try increasing \`gpu_memory_utilization\` when initializing the engine.`,
    on: cards.rtx4090,
    want: {
      kind: 'PoolCap',
      signature: 'vllm-kv-cache',
      hint: 'gpu_memory_utilization is 0.4: vLLM may use more of this card, up to 0.95',
    },
  },
  {
    name: 'vLLM 0.9 at start-up: somebody holds 20 GiB',
    source: 'ovg-project/kvcached#29',
    message: python(
      'ValueError: Free memory on device (59.32/79.15 GiB) on startup is less than desired GPU memory utilization (0.9, 71.24 GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.',
    ),
    on: cards.a10080,
    want: { kind: 'NeighbourOutOfMemory', signature: 'vllm-startup', usedByOthersMebibytes: 20_306 },
  },
  {
    name: 'vLLM 0.11 at start-up: nobody but the driver is there, too much was asked',
    source: 'form: vLLM on an idle MI355X at 0.95 (17 of 288 GiB are the driver’s)',
    message:
      'ValueError: Free memory on device cuda:3 (271.02/287.98 GiB) on startup is less than desired GPU memory utilization (0.95, 273.58 GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.',
    on: card(294_896),
    want: { kind: 'PoolCap', signature: 'vllm-startup' },
  },
  {
    name: 'vLLM: the sampler doesn’t fit beside the cache, a smaller pool is asked for',
    source: 'vllm/v1/worker/gpu_model_runner.py',
    message: python(
      'RuntimeError: CUDA out of memory occurred when warming up sampler with 256 dummy requests. Please try lowering `max_num_seqs` or `gpu_memory_utilization` when initializing the engine.',
    ),
    on: cards.l40s,
    want: { kind: 'PoolCap', signature: 'vllm-warm-up' },
  },
  {
    name: 'SGLang: no room in the static pool',
    source: 'sglang, MemoryPoolConfig',
    message: python('RuntimeError: Not enough memory. Please try to increase --mem-fraction-static.'),
    on: cards.l4,
    want: { kind: 'OutOfMemory', signature: 'sglang-static-memory' },
  },
  {
    name: 'PaddlePaddle: held and requested',
    source: 'a PaddleOCR log, RTX 4090',
    message: `----------------------
Error Message Summary:
----------------------
ResourceExhaustedError: 

Out of memory error on GPU 0. Cannot allocate 128.000000MB memory on GPU 0, 23.431824GB memory has been allocated and available memory is only 97.625000MB.

Please check whether there is any other process using GPU 0.`,
    on: cards.rtx4090,
    want: { kind: 'OutOfMemory', signature: 'paddle', requestedMebibytes: 128, neededMebibytes: 24_123 },
  },
  {
    name: 'CuPy 6 and later: thousands signs',
    source: 'cupy#2537',
    message:
      'Exception in main training loop: Out of memory allocating 25,600,000 bytes (allocated so far: 3,635,267,072 bytes).',
    on: card(4096),
    want: {
      kind: 'OutOfMemory',
      signature: 'cupy',
      requestedMebibytes: 25,
      usedMebibytes: 3467,
      neededMebibytes: 3492,
    },
  },
  {
    name: 'CuPy: a limit that was set',
    source: 'form: cupy#2242',
    message: python(
      'cupy.cuda.memory.OutOfMemoryError: Out of memory allocating 1,073,741,824 bytes (allocated so far: 1,073,741,824 bytes, limit set to: 1,610,612,736 bytes).',
    ),
    on: cards.rtx4090,
    want: { kind: 'PoolCap', signature: 'cupy' },
  },
  {
    name: 'CuPy 4: the total has the request in it',
    source: 'cupy#1912',
    message: python(
      'cupy.cuda.memory.OutOfMemoryError: out of memory to allocate 1073741824 bytes (total 12373894656 bytes)',
    ),
    on: card(12_288),
    want: { kind: 'OutOfMemory', signature: 'cupy', requestedMebibytes: 1024, neededMebibytes: 11_801 },
  },
  {
    name: 'RMM: the pool’s maximum',
    source: 'form: rmm, pool_memory_resource.hpp',
    message: python(
      'MemoryError: std::bad_alloc: out_of_memory: RMM failure at:/opt/conda/include/rmm/mr/device/pool_memory_resource.hpp:276: Maximum pool size exceeded',
    ),
    on: cards.a100,
    want: { kind: 'PoolCap', signature: 'rapids-pool' },
  },
  {
    name: 'XGBoost: free and requested on the following lines',
    source: 'form: xgboost#9793 and device_vector.cu',
    message:
      python(`xgboost.core.XGBoostError: [14:02:11] /workspace/src/c_api/../data/../common/device_helpers.cuh:431: Memory allocation error on worker 0: std::bad_alloc: cudaErrorMemoryAllocation: out of memory
- Free memory: 1207107584
- Requested memory: 4294967296`),
    on: cards.v100,
    want: { kind: 'OutOfMemory', signature: 'xgboost', requestedMebibytes: 4096 },
  },
  {
    name: 'llama.cpp: a model larger than the card',
    source: 'ggml-org/llama.cpp#20431',
    message: `ggml_backend_cuda_buffer_type_alloc_buffer: allocating 144817.04 MiB on device 0: cudaMalloc failed: out of memory
alloc_tensor_range: failed to allocate CUDA0 buffer of size 151851674624
llama_model_load: error loading model: unable to allocate CUDA0 buffer`,
    on: cards.a10080,
    want: { kind: 'OutOfMemory', signature: 'llama-cpp', requestedMebibytes: 144_818, neededMebibytes: 144_818 },
  },
  {
    name: 'TensorRT: the requested size',
    source: 'a Stable Diffusion engine, TensorRT 10.13',
    message: `[E] [defaultAllocator.cpp::allocate::57] Error Code 1: Cuda Runtime (In allocate at common/dispatch/defaultAllocator.cpp:57)
[W] Requested amount of GPU memory (20132809216 bytes) could not be allocated. There may not be enough free memory for allocation to succeed.
[E] [executionContext.cpp::initializeExecutionContext::625] Error Code 2: OutOfMemory (Requested size was 20132809216 bytes.)`,
    on: cards.v100,
    want: { kind: 'OutOfMemory', signature: 'tensorrt', requestedMebibytes: 19_201, neededMebibytes: 19_201 },
  },
  {
    name: 'HAMi-core: what the share would have held, and its limit; torch’s error behind it says nothing',
    source: 'Project-HAMi/HAMi#662',
    message: `[HAMI-core Msg(30:140387636202368:libvgpu.c:855)]: Initialized
[HAMI-core ERROR (pid:30 thread=140382094939712 allocator.c:53)]: Device 0 OOM 3171158016 / 3145728000
Traceback (most recent call last):
  File "/data/test_pytorch.py", line 69, in <module>
    run_gpu_stress_test()
RuntimeError: CUDA error: unrecognized error code`,
    on: card(24_564, { shared: true }),
    want: { kind: 'OutOfMemory', signature: 'hami', capacityMebibytes: 3000, neededMebibytes: 3025 },
  },
  {
    name: 'oneAPI: the runtime’s result code',
    source: 'open-edge-platform/physical-ai-studio#440',
    message: `terminate called after throwing an instance of 'sycl::_V1::exception'
  what():  Enqueue process failed.
level_zero backend failed with error: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)
Fatal Python error: Aborted`,
    on: card(12_216),
    want: { kind: 'OutOfMemory', signature: 'oneapi' },
  },
  {
    name: 'cuBLAS: its handle couldn’t be allocated',
    source: 'QwenLM/Qwen3#873',
    message: python('RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`'),
    on: cards.t4,
    want: { kind: 'OutOfMemory', signature: 'cublas' },
  },
  {
    name: 'numba: the driver’s name for it, with an error of the clean-up behind it',
    source: 'form: NVIDIA/cudf#185',
    message: `numba.cuda.cudadrv.driver.CudaAPIError: [2] Call to cuMemAlloc results in CUDA_ERROR_OUT_OF_MEMORY

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/opt/app/etl.py", line 20, in <module>
ValueError: buffer is empty`,
    on: cards.t4,
    want: { kind: 'OutOfMemory', signature: 'cuda-runtime' },
  },
  {
    name: 'ONNX Runtime: CUDA failure 2',
    source: 'form: ONNX Runtime’s CUDA_CALL',
    message:
      'onnxruntime.capi.onnxruntime_pybind11_state.RuntimeException: [ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : CUDA failure 2: out of memory ; GPU=0 ; hostname=worker-3 ; file=cuda_call.cc ; line=121 ; expr=cudaMalloc((void**)&p, size);',
    on: cards.t4,
    want: { kind: 'OutOfMemory', signature: 'cuda-runtime' },
  },
  {
    name: 'CTranslate2 (faster-whisper)',
    source: 'faster-whisper’s error',
    message: python('RuntimeError: CUDA failed with error out of memory'),
    on: cards.t4,
    want: { kind: 'OutOfMemory', signature: 'cuda-runtime' },
  },
];

describe('true out-of-memory texts', () => {
  it.each(cases)('are recognised: $name', ({ message, on, want }) => {
    const cause: Record<string, unknown> = { ...readMessage(message, on) };
    expect(Object.fromEntries(Object.keys(want).map((key) => [key, cause[key]]))).toEqual(want);
  });

  it('have every blame among them that status knows, and no other', () => {
    const causes = cases.map(({ message, on }): Cause => readMessage(message, on));
    expect(new Set(causes.flatMap((cause) => ('blame' in cause ? [cause.blame] : [])))).toEqual(new Set(blames));
  });

  it('stand in the table in at least twenty wordings', () => {
    expect(new Set(cases.map((one) => one.message)).size).toBeGreaterThanOrEqual(20);
  });
});
