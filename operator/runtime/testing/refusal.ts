// What the in-memory API server says no with: the same Status objects, in the same words, as kube-apiserver 1.36.
import type { Resource } from '../resource.ts';
import type { ApiResponse } from '../transport.ts';

export class Refusal extends Error {
  readonly status: number;
  readonly reason: string;
  readonly details: object | undefined;
  readonly metadata: object;

  constructor(status: number, reason: string, message: string, details?: object, metadata: object = {}) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.details = details;
    this.metadata = metadata;
  }

  toStatus(): object {
    const { status: code, reason, message, details, metadata } = this;
    const about = details === undefined ? {} : { details };
    return { kind: 'Status', apiVersion: 'v1', metadata, status: 'Failure', message, reason, ...about, code };
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

export function expiredVersion(version: number, oldest: number): Refusal {
  return new Refusal(410, 'Expired', `too old resource version: ${version} (${oldest})`);
}

/** `rest` is a token for what comes after, as it is by then. */
export function expiredToken(rest: string): Refusal {
  const message = [
    'The provided continue parameter is too old to display a consistent list result.',
    'You can start a new list without the continue parameter, or use the continue token in this response to retrieve the',
    'remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were',
    'created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
  ].join(' ');
  return new Refusal(410, 'Expired', message, undefined, { continue: rest });
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
