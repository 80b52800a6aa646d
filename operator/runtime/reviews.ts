// Kubernetes' questions about others: whose token is this, and may they do that. The server answers and keeps nothing.
import type { ApiClient } from './client.ts';
import type { Resource } from './resource.ts';

export const tokenReviews: Resource = {
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'tokenreviews',
  kind: 'TokenReview',
  namespaced: false,
};

export const subjectAccessReviews: Resource = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'subjectaccessreviews',
  kind: 'SubjectAccessReview',
  namespaced: false,
};

/** authentication.k8s.io/v1 UserInfo. */
export interface User {
  readonly username: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface TokenReviewStatus {
  readonly authenticated?: boolean;
  readonly user?: User;
  /** Why the token could not be judged, or is none. */
  readonly error?: string;
}

export interface AccessReviewStatus {
  readonly allowed: boolean;
}

export function reviewToken(client: ApiClient, token: string, signal: AbortSignal): Promise<TokenReviewStatus> {
  return client.review<TokenReviewStatus>(tokenReviews, { token }, signal);
}

/** Of what is no resource, such as /metrics. */
export function reviewAccess(
  client: ApiClient,
  user: User,
  wish: { path: string; verb: string },
  signal: AbortSignal,
): Promise<AccessReviewStatus> {
  const { username, uid, groups, extra } = user;
  const spec = { user: username, uid, groups, extra, nonResourceAttributes: wish };
  return client.review<AccessReviewStatus>(subjectAccessReviews, spec, signal);
}
