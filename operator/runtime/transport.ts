// What the runtime needs of a connection to an API server: one request, one stream of values. No Kubernetes verbs
// here; those are the client's.

/**
 * Lanes never wait for each other: each has its own connections. Only the write lane is fenced; what goes down `read`, `watch`
 * and `review` must change nothing (unfenced-lanes.ts).
 */
export type Lane = 'read' | 'write' | 'watch' | 'lease' | 'review';

export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With a leading slash, each segment encoded, without a query. */
  path: string;
  query?: Readonly<Record<string, string>>;
  body?: unknown;
  contentType?: string;
  accept?: string;
  lane: Lane;
  signal: AbortSignal;
  timeoutMilliseconds?: number;
}

export interface ApiResponse {
  status: number;
  /** Parsed where the answer is JSON, its bytes where it is protobuf, text otherwise; a refusal in protobuf is its Status. */
  body: unknown;
  retryAfterSeconds?: number;
}

export interface Transport {
  /**
   * Resolves with any answer, a refusal too. Rejects with an ApiError (Unreachable, Timeout, FencedOff) when there is
   * none, and with the signal's reason when that is aborted.
   */
  request(request: ApiRequest): Promise<ApiResponse>;
  /**
   * One parsed JSON line, or the bytes of one protobuf message, after the other, until the server ends the stream. Throws an
   * ApiError when the start is refused or the connection breaks, and the signal's reason when that is aborted. Leaving the loop
   * frees the connection.
   */
  stream(request: ApiRequest): AsyncIterable<unknown>;
  close(): Promise<void>;
}
