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
export function rollbackRequest({ metadata, status }: SovereignPolicy): RollbackRequest | undefined {
  const token = metadata.annotations?.[annotations.rollback]?.slice(0, maxTokenLength);
  if (token === undefined || token === '' || token === status?.lastHandledRollback) return undefined;
  const version = /^(\d{1,15})(@.*)?$/.exec(token)?.[1];
  return { token, toVersion: version === undefined ? undefined : Number(version) };
}

/** `orquanta.io/reset: "<anything new>"` */
export function resetRequest({ metadata, status }: SovereignPolicy): string | undefined {
  const token = metadata.annotations?.[annotations.reset]?.slice(0, maxTokenLength);
  return token === undefined || token === '' || token === status?.lastHandledReset ? undefined : token;
}
