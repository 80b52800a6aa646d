// What may go past the fence: whatever changes nothing. It stops a write that is sent down a lane without a fence by mistake; the
// lease's own lane isn't judged here.
import { ApiError } from './errors.ts';
import { collectionPath } from './resource.ts';
import { subjectAccessReviews, tokenReviews } from './reviews.ts';
import type { ApiRequest } from './transport.ts';

/** The answer is all that a POST there makes. */
const reviewPaths: ReadonlySet<string> = new Set(
  [tokenReviews, subjectAccessReviews].map((resource) => collectionPath(resource, undefined)),
);

export function mustKeepToItsLane(request: ApiRequest): void {
  if (keepsToItsLane(request)) return;
  const { method, path, lane } = request;
  throw new ApiError('FencedOff', `${method} ${path} is a write: it must not go down the ${lane} lane, past the fence`);
}

function keepsToItsLane({ lane, method, path }: ApiRequest): boolean {
  switch (lane) {
    case 'read':
    case 'watch':
      return method === 'GET';
    case 'review':
      return method === 'POST' && reviewPaths.has(path);
    case 'write':
    case 'lease':
      return true;
  }
}
