// Which versions may be forgotten: one whose failure could still be told again must stay, or it would be told as a new one.
import type { GPUJob } from '../resources/gpujob.ts';
import type { Store } from '../runtime/store.ts';
import { isFailure, type Version } from './ledger/version.ts';

/** Only once the GPUJob's status says which version its failure made, or the GPUJob is gone. */
export function mayForget({ cause }: Version, gpujobs: Pick<Store<GPUJob>, 'get'>): boolean {
  if (!isFailure(cause)) return true;
  const gpujob = gpujobs.get(`${cause.namespace}/${cause.name}`);
  if (gpujob?.metadata.uid !== cause.uid) return true;
  const { attempts = [], neverFits } = gpujob.status ?? {};
  if (cause.kind === 'NeverFits') return (neverFits?.run ?? 0) >= cause.run && neverFits?.policyVersion !== undefined;
  // Status keeps the last ten attempts: one that is older was there once.
  const oldest = attempts[0]?.run ?? 0;
  return (
    cause.run < oldest || attempts.some(({ run, policyVersion }) => run === cause.run && policyVersion !== undefined)
  );
}
