// The last words of a training script that ran out of GPU memory, as torch 2.9, JAX 0.8 and vLLM 0.11 print them, with
// sizes that add up. It decides nothing.
import type { Framework } from './play.ts';

export interface Shortage {
  /** All in MiB, on one card. */
  cardMebibytes: number;
  peakMebibytes: number;
  neighbourMebibytes: number;
}

const bytesPerMebibyte = 1_048_576;
/** What a CUDA context takes before the first tensor, roughly. */
const contextMebibytes = 400;

/** As torch's format_size writes it. */
function torchSize(mebibytes: number): string {
  return mebibytes >= 1024 ? `${(mebibytes / 1024).toFixed(2)} GiB` : `${mebibytes.toFixed(2)} MiB`;
}

/** Memory grows block by block until the next one doesn't fit: a script never reveals its peak, only its next step. */
function lastSteps(limit: number, { peakMebibytes }: Shortage): { used: number; tried: number } {
  const tried = Math.min(2048, Math.max(2, Math.floor(peakMebibytes / 16) * 2));
  const blocks = Math.max(0, Math.floor((limit - contextMebibytes) / tried));
  const used = Math.min(contextMebibytes + blocks * tried, Math.max(0, limit));
  return { used, tried };
}

function torch(shortage: Shortage): string {
  const { cardMebibytes, neighbourMebibytes } = shortage;
  const { used, tried } = lastSteps(cardMebibytes - neighbourMebibytes, shortage);
  const allocated = Math.max(0, used - contextMebibytes) * 0.985;
  const reserved = Math.max(0, used - contextMebibytes) - allocated;
  const neighbour = neighbourMebibytes > 0 ? `Process 41873 has ${torchSize(neighbourMebibytes)} memory in use. ` : '';
  return `Traceback (most recent call last):
  File "/workspace/train.py", line 214, in <module>
    main()
  File "/workspace/train.py", line 187, in main
    loss = model(batch["input_ids"], labels=batch["labels"]).loss
  File "/usr/local/lib/python3.12/site-packages/torch/nn/modules/module.py", line 1775, in _wrapped_call_impl
    return self._call_impl(*args, **kwargs)
  File "/usr/local/lib/python3.12/site-packages/torch/nn/functional.py", line 2546, in linear
    return torch._C._nn.linear(input, weight, bias)
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate ${torchSize(tried)}. GPU 0 has a total capacity of ${torchSize(cardMebibytes)} of which ${torchSize(cardMebibytes - neighbourMebibytes - used)} is free. ${neighbour}Including non-PyTorch memory, this process has ${torchSize(used)} memory in use. Of the allocated memory ${torchSize(allocated)} is allocated by PyTorch, and ${torchSize(reserved)} is reserved by PyTorch but unallocated. If reserved but unallocated memory is large try setting PYTORCH_ALLOC_CONF=expandable_segments:True to avoid fragmentation.  See documentation for Memory Management  (https://pytorch.org/docs/stable/notes/cuda.html#environment-variables)
`;
}

function jax(shortage: Shortage, poolMebibytes: number): string {
  const limit = Math.max(0, Math.min(poolMebibytes, shortage.cardMebibytes - shortage.neighbourMebibytes));
  const { used, tried } = lastSteps(limit, shortage);
  const size = (mebibytes: number): string =>
    mebibytes >= 1024 ? `${(mebibytes / 1024).toFixed(2)}GiB` : `${mebibytes.toFixed(2)}MiB`;
  const stat = (name: string, mebibytes: number): string =>
    `${name}:`.padEnd(17) + String(Math.round(mebibytes * bytesPerMebibyte)).padStart(16);
  return `W0000 00:00:1763713265.120481     941 bfc_allocator.cc:501] Allocator (GPU_0_bfc) ran out of memory trying to allocate ${size(tried)} (rounded to ${tried * bytesPerMebibyte})requested by op
I0000 00:00:1763713265.121004     941 bfc_allocator.cc:1103] Stats:
${stat('Limit', limit)}
${stat('InUse', used)}
${stat('MaxInUse', used)}
W0000 00:00:1763713265.121030     941 bfc_allocator.cc:512] ****************************************************************************************************
Traceback (most recent call last):
  File "/workspace/train.py", line 96, in <module>
    state, metrics = train_step(state, batch)
                     ^^^^^^^^^^^^^^^^^^^^^^^^
jax.errors.JaxRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate ${tried * bytesPerMebibyte} bytes.
--------------------
For simplicity, JAX has removed its internal frames from the traceback of the following exception. Set JAX_TRACEBACK_FILTERING=off to include these.
`;
}

/** Most of what vLLM needs is weights and activations; the rest is room for one request's keys and values. */
const vllmCachePart = 0.2;

function vllm(shortage: Shortage, budgetMebibytes: number): string {
  const needed = (shortage.peakMebibytes * vllmCachePart) / 1024;
  const available =
    (budgetMebibytes - shortage.neighbourMebibytes - shortage.peakMebibytes * (1 - vllmCachePart)) / 1024;
  const error =
    available <= 0
      ? 'No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine.'
      : `To serve at least one request with the models's max seq len (32768), (${needed.toFixed(2)} GiB KV cache is needed, which is larger than the available KV cache memory (${available.toFixed(2)} GiB). Based on the available memory, the estimated maximum model length is ${Math.floor((32768 * available) / needed / 16) * 16}. Try increasing \`gpu_memory_utilization\` or decreasing \`max_model_len\` when initializing the engine.`;
  return `(EngineCore_DP0 pid=118) INFO 11-21 08:41:02 [gpu_model_runner.py:2653] Model loading took ${((shortage.peakMebibytes * (1 - vllmCachePart)) / 1024).toFixed(4)} GiB and 14.218302 seconds
(EngineCore_DP0 pid=118) INFO 11-21 08:41:09 [gpu_worker.py:298] Available KV cache memory: ${available.toFixed(2)} GiB
(EngineCore_DP0 pid=118) Traceback (most recent call last):
(EngineCore_DP0 pid=118)   File "/usr/local/lib/python3.12/site-packages/vllm/v1/core/kv_cache_utils.py", line 687, in check_enough_kv_cache_memory
(EngineCore_DP0 pid=118)     raise ValueError(
(EngineCore_DP0 pid=118) ValueError: ${error}
RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}
`;
}

/** usableMebibytes: what the framework itself lets the script have of the card. */
export function lastWords(framework: Framework, shortage: Shortage, usableMebibytes: number): string {
  if (framework === 'jax') return jax(shortage, usableMebibytes);
  if (framework === 'vllm') return vllm(shortage, usableMebibytes);
  return torch(shortage);
}

/** What a kubelet keeps of a log as termination message: the last 80 lines, of those the last 2,048 bytes. */
export function endOfLog(log: string): string {
  const lines = log.trimEnd().split('\n').slice(-80).join('\n');
  const bytes = Buffer.from(lines);
  return bytes.length <= 2048 ? lines : bytes.subarray(-2048).toString('utf8').replace(/^�+/, '');
}
