// What people ask of a policy by annotation, with a token, as Flux does it: a value that was carried out stands in status, and
// only another value is another request.
import { annotations } from '../resources/labels.ts';
import type { SovereignPolicy } from '../resources/sovereignpolicy.ts';

export interface RollbackRequest {
  readonly token: string;
  /** Undefined: the annotation doesn't say. */
  readonly toVersion: number | undefined;
}

const maxTokenLength = 256;

/** `orquanta.io/rollback: "<version>@<anything new>"`; undefined where there is none, or where it was carried out. */
export function rollbackRequest(policy: SovereignPolicy): RollbackRequest | undefined {
  const token = newToken(policy, annotations.rollback, policy.status?.lastHandledRollback);
  if (token === undefined) return undefined;
  const version = /^(\d{1,15})(@.*)?$/.exec(token)?.[1];
  return { token, toVersion: version === undefined ? undefined : Number(version) };
}

/** `orquanta.io/reset: "<anything new>"` */
export function resetRequest(policy: SovereignPolicy): string | undefined {
  return newToken(policy, annotations.reset, policy.status?.lastHandledReset);
}

function newToken({ metadata }: SovereignPolicy, annotation: string, handled: string | undefined): string | undefined {
  // A cut through a surrogate pair would come back from the server as another text: a new token, and in the ledger a false seal.
  const token = metadata.annotations?.[annotation]?.slice(0, maxTokenLength).toWellFormed();
  return token === '' || token === handled ? undefined : token;
}
