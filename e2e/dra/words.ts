// Last words of a container on a share of a card, as its libraries write them. Made to order: which share it had, only the test
// knows.

/** HAMi's library, which fences a share: what would have been used, and the share. */
export function ownUse(shareGibibytes: number, neededGibibytes: number): string {
  const bytes = (gibibytes: number): number => gibibytes * 2 ** 30;
  return `[HAMI-core ERROR (pid:71 thread=140199 allocator.c:53)]: Device 0 OOM ${bytes(neededGibibytes)} / ${bytes(shareGibibytes)}`;
}

/** vLLM before it has counted. */
export const withoutSizes =
  'ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine.';

/** torch on a share of 10 GiB, of which another process holds 4. */
export const neighboursUse =
  'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 10.00 GiB of which 1.00 GiB is free. Process 41873 has 4.00 GiB memory in use. Including non-PyTorch memory, this process has 5.00 GiB memory in use. Of the allocated memory 4.50 GiB is allocated by PyTorch, and 100.00 MiB is reserved by PyTorch but unallocated.';
