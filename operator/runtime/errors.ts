// The one catalogue of what can go wrong between us and the API server. Callers decide by `kind`, never by the text;
// the text is the server's own words and never holds a header or a token.
import type { Status } from './kubernetes.ts';
import type { ApiResponse } from './transport.ts';

/** Kind to stable code: the code is what logs and metrics show, and what a search finds. */
const codes = {
  NotFound: 'API_NOT_FOUND',
  AlreadyExists: 'API_ALREADY_EXISTS',
  Conflict: 'API_CONFLICT',
  Expired: 'API_EXPIRED',
  Invalid: 'API_INVALID',
  BadRequest: 'API_BAD_REQUEST',
  Forbidden: 'API_FORBIDDEN',
  Unauthorized: 'API_UNAUTHORIZED',
  TooManyRequests: 'API_TOO_MANY_REQUESTS',
  Unavailable: 'API_UNAVAILABLE',
  Timeout: 'API_TIMEOUT',
  Unreachable: 'API_UNREACHABLE',
  FencedOff: 'API_FENCED_OFF',
  Unexpected: 'API_UNEXPECTED',
} as const;

export type ApiErrorKind = keyof typeof codes;

export interface ApiErrorFields {
  status?: number | undefined;
  retryAfterMilliseconds?: number | undefined;
  details?: Status | undefined;
  cause?: unknown;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly kind: ApiErrorKind;
  readonly code: string;
  /** The HTTP status, or that of a Status object in a watch; undefined when no answer came. */
  readonly status: number | undefined;
  readonly retryAfterMilliseconds: number | undefined;
  readonly details: Status | undefined;

  constructor(kind: ApiErrorKind, message: string, fields: ApiErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.kind = kind;
    this.code = codes[kind];
    this.status = fields.status;
    this.retryAfterMilliseconds = fields.retryAfterMilliseconds;
    this.details = fields.details;
  }
}

export function isApiError(error: unknown, ...kinds: ApiErrorKind[]): error is ApiError {
  return error instanceof ApiError && (kinds.length === 0 || kinds.includes(error.kind));
}

/** The error an answer with a status of 400 or more stands for. */
export function errorFromResponse(response: ApiResponse): ApiError {
  const details = isStatus(response.body) ? response.body : undefined;
  const retryAfterSeconds = response.retryAfterSeconds ?? details?.details?.retryAfterSeconds;
  return new ApiError(kindOf(response.status, details?.reason), wordsOf(response, details), {
    status: response.status,
    retryAfterMilliseconds: retryAfterSeconds === undefined ? undefined : retryAfterSeconds * 1000,
    details,
  });
}

/** The error an ERROR line of a watch stands for: its object is a Status that carries the code an answer would have. */
export function errorFromStatus(status: unknown): ApiError {
  const code = isStatus(status) ? (status.code ?? 500) : 500;
  return errorFromResponse({ status: code, body: status });
}

/** Reasons that say more than their HTTP status does (k8s.io/apimachinery/pkg/apis/meta/v1, StatusReason). */
const kindByReason: Readonly<Record<string, ApiErrorKind>> = {
  AlreadyExists: 'AlreadyExists',
  Expired: 'Expired',
  Gone: 'Expired',
  Invalid: 'Invalid',
  ServerTimeout: 'Timeout',
  Timeout: 'Timeout',
};

const kindByStatus: Readonly<Record<number, ApiErrorKind>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  504: 'Timeout',
};

function kindOf(status: number, reason: string | undefined): ApiErrorKind {
  const byReason = reason === undefined ? undefined : kindByReason[reason];
  return byReason ?? kindByStatus[status] ?? (status >= 500 ? 'Unavailable' : 'Unexpected');
}

function wordsOf(response: ApiResponse, details: Status | undefined): string {
  if (details?.message) return details.message;
  const text = typeof response.body === 'string' ? response.body.trim().slice(0, 512) : '';
  return text || `the API server answered ${response.status}`;
}

function isStatus(body: unknown): body is Status {
  return typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status';
}
