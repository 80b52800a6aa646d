// Intel's oneAPI runtimes: Unified Runtime and Level Zero result codes. OUT_OF_RESOURCES and DEVICE_LOST are not memory.
// Sources: physical-ai-studio#440, torch-xpu-ops#5432; older drivers print the ZE_ name.
import { nothingRead } from './signature.ts';
import type { Signature } from './signature.ts';

export const oneAPI: Signature = {
  id: 'oneapi',
  kind: 'exception',
  mark: /\b(?:UR|ZE)_RESULT_ERROR_OUT_OF_DEVICE_MEMORY\b/,
  read: () => nothingRead,
};
