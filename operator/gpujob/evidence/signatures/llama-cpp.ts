// llama.cpp and what is built on ggml (Ollama, whisper.cpp). It says what it asked for and not what it holds.
// Sources: llama.cpp#20431, #11476, #16725 (ROCm prints the same), pull 26297 (retries without pipeline parallelism).
import { findSize, sizeBetween } from '../size.ts';
import { nothingRead } from './signature.ts';
import type { Signature } from './signature.ts';

const requested = sizeBetween('allocating ', ' on device');

export const llamaCpp: Signature = {
  id: 'llama-cpp',
  kind: 'log',
  mark: /allocating [\d.,]{1,16} MiB on device \d{1,3}: (?:cuda|hip)Malloc failed: out of memory/,
  read: ({ window }) => ({ ...nothingRead, requested: findSize(window, requested) }),
};
