// A way to the server that one client has to itself: it can be dead for a while although the server lives, and it counts
// what went over it. It changes no request and no answer.
import { ApiError } from '../../errors.ts';
import type { ApiRequest, ApiResponse, Transport } from '../../transport.ts';

export class Line implements Transport {
  readonly #transport: Transport;
  #cut = new AbortController();
  #lists = 0;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** How often a list was asked for, page by page. */
  get lists(): number {
    return this.#lists;
  }

  request(request: ApiRequest): Promise<ApiResponse> {
    if (request.method === 'GET' && !this.#cut.signal.aborted) this.#lists += 1;
    return this.#transport.request(this.#over(request));
  }

  stream(request: ApiRequest): AsyncIterable<unknown> {
    return this.#transport.stream(this.#over(request));
  }

  /** Whoever made the transport closes it. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  /** What is under way breaks, and nothing gets through until it is mended. */
  cut(): void {
    this.#cut.abort(new ApiError('Unreachable', 'the line is cut'));
  }

  mend(): void {
    this.#cut = new AbortController();
  }

  #over(request: ApiRequest): ApiRequest {
    return { ...request, signal: AbortSignal.any([request.signal, this.#cut.signal]) };
  }
}
