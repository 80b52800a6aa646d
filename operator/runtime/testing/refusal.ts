// What the in-memory API server says no with: the same Status objects, in the same words, as kube-apiserver 1.36.
import type { Resource } from '../resource.ts';
import type { ApiResponse } from '../transport.ts';

export class Refusal extends Error {
  readonly status: number;
  readonly reason: string;
  readonly details: object;

  constructor(status: number, reason: string, message: string, details: object = {}) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.details = details;
  }

  toStatus(): object {
    const { status: code, reason, message, details } = this;
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code };
  }

  toResponse(): ApiResponse {
    return { status: this.status, body: this.toStatus() };
  }
}

export function notFound(resource: Resource, name: string): Refusal {
  return new Refusal(404, 'NotFound', `${qualified(resource)} "${name}" not found`, detailsOf(resource, name));
}

export function alreadyExists(resource: Resource, name: string): Refusal {
  return new Refusal(
    409,
    'AlreadyExists',
    `${qualified(resource)} "${name}" already exists`,
    detailsOf(resource, name),
  );
}

export function conflict(resource: Resource, name: string, why: string): Refusal {
  const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`;
  return new Refusal(409, 'Conflict', message, detailsOf(resource, name));
}

export function invalid(resource: Resource, name: string, why: string): Refusal {
  const kind = resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`;
  return new Refusal(422, 'Invalid', `${kind} "${name}" is invalid: ${why}`, detailsOf(resource, name));
}

export function badRequest(message: string): Refusal {
  return new Refusal(400, 'BadRequest', message);
}

export function expired(message: string): Refusal {
  return new Refusal(410, 'Expired', message);
}

/** Not a refusal of the real server: the in-memory one can't do it, and says so instead of pretending. */
export function notImplemented(what: string): Refusal {
  return new Refusal(501, 'NotImplemented', `the in-memory API server can't do this: ${what}`);
}

function qualified({ plural, group }: Resource): string {
  return group === '' ? plural : `${plural}.${group}`;
}

function detailsOf({ plural, group }: Resource, name: string): object {
  return { name, kind: plural, ...(group === '' ? {} : { group }) };
}
