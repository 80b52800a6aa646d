// The transport over HTTP/1.1 and undici: one pool of connections per lane, so that no lane ever waits for another, and a
// fence in the sockets of the write lane. It retries nothing but a request whose token had just been replaced.
import { Pool, buildConnector } from 'undici';
import type { Dispatcher } from 'undici';
import type { Clock } from './clock.ts';
import type { Connection } from './connection.ts';
import { withDeadline } from './deadline.ts';
import { ApiError, errorFromResponse, isApiError } from './errors.ts';
import { unfenced } from './fence.ts';
import type { Fence } from './fence.ts';
import { fencedConnect, fencedOff } from './fenced-connect.ts';
import { jsonLines } from './json-lines.ts';
import type { RequestLabels } from './metrics.ts';
import type { ApiRequest, ApiResponse, Lane, Transport } from './transport.ts';
import { protobufType, statusIn } from './protobuf/envelope.ts';
import { frames } from './protobuf/frames.ts';
import { mustKeepToItsLane } from './unfenced-lanes.ts';

export interface HttpTransportOptions {
  connection: Connection;
  /** Carries the identity of the process: the audit log is how one finds out who wrote what. */
  userAgent: string;
  clock: Clock;
  /** Called once per answer; code '<error>' when there was none, as client-go has it. */
  onResponse?: (labels: RequestLabels) => void;
  /** A stream that brings no byte for so long is dead: the server sends a bookmark about once a minute. */
  silenceMilliseconds?: number;
}

/** A watch holds its connection for minutes: a cap there would starve every other watch. */
const maxConnections: Readonly<Record<Lane, number | null>> = { read: 64, write: 64, watch: null, lease: 2, review: 4 };

const timeLimitMilliseconds: Readonly<Record<Lane, number>> = {
  read: 60_000,
  write: 15_000,
  /** Until the answer's head: the body has no end but silence. */
  watch: 30_000,
  lease: 5_000,
  /** As long as controller-runtime gives a TokenReview (pkg/metrics/filters). */
  review: 10_000,
};

const defaultSilenceMilliseconds = 150_000;

/** Shorter than the 90 s after which kube-apiserver closes an idle connection itself. */
const keepAliveMilliseconds = 60_000;

export class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions;
  readonly #host: string;
  /** Of the server's own path, such as a proxy's; mostly ''. */
  readonly #pathPrefix: string;
  readonly #pools: Readonly<Record<Lane, Pool>>;
  #fence: Fence = unfenced;

  constructor(options: HttpTransportOptions) {
    this.#options = options;
    const { host, pathname } = new URL(options.connection.server);
    this.#host = host;
    this.#pathPrefix = pathname.replace(/\/$/, '');
    this.#pools = {
      read: this.#pool('read'),
      write: this.#pool('write'),
      watch: this.#pool('watch'),
      lease: this.#pool('lease'),
      review: this.#pool('review'),
    };
  }

  /** From now on no byte of a write leaves without this fence being held. */
  fenceWrites(fence: Fence): void {
    this.#fence = fence;
  }

  async request(request: ApiRequest): Promise<ApiResponse> {
    const limit = this.#timeLimit(request);
    return this.#observed(request, () =>
      withDeadline(this.#options.clock, limit, request.signal, async (signal) => {
        const answer = await this.#authorized(request, signal, limit);
        return { ...head(answer), body: await parsedBody(answer) };
      }),
    );
  }

  async *stream(request: ApiRequest): AsyncGenerator<unknown, void, undefined> {
    // The body lives on after the time limit for its head, so it hangs on a signal of its own.
    const body = new AbortController();
    const onAbort = () => {
      body.abort(request.signal.reason);
    };
    request.signal.addEventListener('abort', onAbort, { once: true });
    try {
      const answer = await this.#observed(request, () => this.#startStream(request, body));
      if (answer.statusCode >= 400) throw await refusal(answer);
      const chunks = answer.body as AsyncIterable<Buffer>;
      yield* isProtobuf(answer.headers) ? frames(chunks) : jsonLines(chunks);
    } catch (error) {
      request.signal.throwIfAborted();
      throw asApiError(error);
    } finally {
      request.signal.removeEventListener('abort', onAbort);
      body.abort();
    }
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#pools).map((pool) => pool.destroy()));
  }

  #pool(lane: Lane): Pool {
    const { connection, silenceMilliseconds = defaultSilenceMilliseconds } = this.#options;
    const connect = buildConnector({ ...tlsOptions(connection), allowH2: false, timeout: 10_000 });
    return new Pool(new URL(connection.server).origin, {
      connect: lane === 'write' ? fencedConnect(connect, () => this.#fence) : connect,
      connections: maxConnections[lane],
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: keepAliveMilliseconds,
      // withDeadline bounds everything but a stream's silence.
      headersTimeout: 0,
      bodyTimeout: lane === 'watch' ? silenceMilliseconds : 0,
    });
  }

  /** A write must have ended before somebody else may hold the fence. */
  #timeLimit(request: ApiRequest): number {
    const limit = request.timeoutMilliseconds ?? timeLimitMilliseconds[request.lane];
    if (request.lane !== 'write') return limit;
    if (!this.#fence.isHeld()) throw fencedOff();
    return Math.min(limit, this.#fence.remainingMilliseconds());
  }

  #startStream(request: ApiRequest, body: AbortController): Promise<Dispatcher.ResponseData> {
    const limit = this.#timeLimit(request);
    return withDeadline(this.#options.clock, limit, request.signal, (signal) => {
      const onTimeUp = () => {
        body.abort(signal.reason);
      };
      signal.addEventListener('abort', onTimeUp, { once: true });
      return this.#authorized(request, body.signal).finally(() => {
        signal.removeEventListener('abort', onTimeUp);
      });
    });
  }

  /** A bound service account token is replaced about once an hour: at a 401 it is read again, once. */
  async #authorized(
    request: ApiRequest,
    signal: AbortSignal,
    serverLimitMilliseconds?: number,
  ): Promise<Dispatcher.ResponseData> {
    const { token } = this.#options.connection;
    const answer = await this.#send(request, signal, serverLimitMilliseconds);
    if (answer.statusCode !== 401 || !token) return answer;
    await answer.body.dump();
    token.refused();
    return this.#send(request, signal, serverLimitMilliseconds);
  }

  async #send(
    request: ApiRequest,
    signal: AbortSignal,
    serverLimitMilliseconds: number | undefined,
  ): Promise<Dispatcher.ResponseData> {
    mustKeepToItsLane(request);
    const { connection, userAgent } = this.#options;
    const headers: Record<string, string> = { accept: request.accept ?? 'application/json', 'user-agent': userAgent };
    const token = await connection.token?.token();
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    if (request.body !== undefined) headers['content-type'] = request.contentType ?? 'application/json';
    return this.#pools[request.lane].request({
      method: request.method,
      path: this.#pathPrefix + pathWithQuery(request, serverLimitMilliseconds),
      headers,
      body: request.body === undefined ? null : JSON.stringify(request.body),
      signal,
    });
  }

  /** Counts the outcome, and gives every failure without an answer its kind. */
  async #observed<T extends { status: number } | { statusCode: number }>(
    request: ApiRequest,
    send: () => Promise<T>,
  ): Promise<T> {
    const count = (code: string) => this.#options.onResponse?.({ code, host: this.#host, method: request.method });
    try {
      const answer = await send();
      count(String('status' in answer ? answer.status : answer.statusCode));
      return answer;
    } catch (error) {
      request.signal.throwIfAborted();
      count('<error>');
      throw asApiError(error);
    }
  }
}

function tlsOptions(connection: Connection): buildConnector.BuildOptions {
  const { ca, clientCertificate, serverName, insecureSkipTLSVerify } = connection;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(clientCertificate ? { cert: clientCertificate.certificate, key: clientCertificate.key } : {}),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(insecureSkipTLSVerify ? { rejectUnauthorized: false } : {}),
  };
}

/**
 * The server is told our time limit as well (`timeout`, kube-apiserver's request deadline), so that a request that is
 * stuck in its queues doesn't take effect after we have given it up.
 */
function pathWithQuery(request: ApiRequest, limitMilliseconds: number | undefined): string {
  const query = new URLSearchParams(request.query);
  if (limitMilliseconds !== undefined) query.set('timeout', `${Math.max(1, Math.floor(limitMilliseconds))}ms`);
  return `${request.path}${query.size > 0 ? `?${query.toString()}` : ''}`;
}

function head(answer: Dispatcher.ResponseData): Omit<ApiResponse, 'body'> {
  const retryAfter = Number(answer.headers['retry-after']);
  const status = answer.statusCode;
  // Number('') is 0 and a date is NaN; the API server sends whole seconds.
  return retryAfter > 0 ? { status, retryAfterSeconds: retryAfter } : { status };
}

async function refusal(answer: Dispatcher.ResponseData): Promise<ApiError> {
  return errorFromResponse({ ...head(answer), body: await parsedBody(answer) });
}

async function parsedBody({ body, headers, statusCode }: Dispatcher.ResponseData): Promise<unknown> {
  if (isProtobuf(headers)) {
    const bytes = Buffer.from(await body.arrayBuffer());
    return statusCode >= 400 ? statusIn(bytes) : bytes;
  }
  const text = await body.text();
  return String(headers['content-type']).startsWith('application/json') ? JSON.parse(text) : text;
}

function isProtobuf(headers: Dispatcher.ResponseData['headers']): boolean {
  return String(headers['content-type']).startsWith(protobufType);
}

/** Whatever undici, TLS or the socket say: no answer came. Their words name addresses and causes, never headers. */
function asApiError(error: unknown): ApiError {
  if (isApiError(error)) return error;
  const words = error instanceof Error ? error.message : String(error);
  return new ApiError('Unreachable', `the API server gave no answer: ${words}`, { cause: error });
}
