// What the operator asked of the API server, counted from the server's own audit log. It believes nothing the operator says.
import { closeSync, openSync, readSync, statSync } from 'node:fs';

interface AuditEvent {
  readonly verb: string;
  readonly userAgent?: string;
  readonly objectRef?: { readonly resource: string; readonly subresource?: string };
  readonly responseStatus?: { readonly code: number };
}

/** Requests by "verb resource[/subresource]", refused ones with their status behind it. */
export type RequestCounts = ReadonlyMap<string, number>;

/** Where the log ends now: pass it to requestsSince. */
export function endOfLog(auditLog: string): number {
  return statSync(auditLog).size;
}

function readFrom(file: string, position: number): string {
  const length = endOfLog(file) - position;
  const bytes = Buffer.alloc(length);
  const descriptor = openSync(file, 'r');
  try {
    return bytes.toString('utf8', 0, readSync(descriptor, bytes, 0, length, position));
  } finally {
    closeSync(descriptor);
  }
}

function nameOf({ verb, objectRef, responseStatus }: AuditEvent): string {
  const resource = [objectRef?.resource, objectRef?.subresource].filter(Boolean).join('/');
  const code = responseStatus?.code ?? 0;
  return `${verb} ${resource}${code >= 400 ? ` (${code})` : ''}`;
}

/** The operator's requests answered since the log had this length. */
export function requestsSince(auditLog: string, position: number): RequestCounts {
  const counts = new Map<string, number>();
  for (const line of readFrom(auditLog, position).split('\n')) {
    if (!line.includes('"userAgent":"orquanta/')) continue;
    const name = nameOf(JSON.parse(line) as AuditEvent);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}
