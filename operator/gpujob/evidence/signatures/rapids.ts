// RAPIDS and XGBoost: RMM's pool at its maximum, and XGBoost's allocation failure.
// Sources: rmm, detail/arena.hpp (RMM_FAIL "Maximum pool size exceeded"); xgboost#9793 and src/common/device_vector.cu (free and
// requested memory, plain bytes until 2.1).
import { bytesBetween, findSize, sizeBetween } from '../size.ts';
import { nothingRead } from './signature.ts';
import type { Signature } from './signature.ts';

export const rapidsPool: Signature = {
  id: 'rapids-pool',
  kind: 'exception',
  mark: /\bMaximum pool size exceeded/,
  read: ({ message }) =>
    /\brmm\b|\bRMM\b|rapids|cudf/.test(message)
      ? { ...nothingRead, poolHint: "raise the RMM pool's maximum size, or leave it unset" }
      : undefined,
};

const free = [sizeBetween('Free memory: '), bytesBetween('Free memory: ')];
const requested = [sizeBetween('Requested memory: '), bytesBetween('Requested memory: ')];

export const xgboost: Signature = {
  id: 'xgboost',
  kind: 'exception',
  mark: /Memory allocation error on worker \d{1,6}: /,
  read: ({ window }) =>
    /cudaErrorMemoryAllocation|CUDA|device/.test(window)
      ? { ...nothingRead, requested: findSize(window, ...requested), free: findSize(window, ...free) }
      : undefined,
};
