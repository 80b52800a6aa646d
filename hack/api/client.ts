// A small Kubernetes client for the surroundings (cluster set-up, nodes, tests): JSON in, JSON out, pooled connections.
// It shares no code with the operator, so that a bug there can't hide itself in the tests.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Agent, request } from 'undici';
import { parse } from 'yaml';

export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    deletionTimestamp?: string;
    [field: string]: unknown;
  };
  [field: string]: unknown;
}

export interface WatchEvent<T = KubernetesObject> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: T;
}

/** The server said no; status is the HTTP status, the message is the server's own. */
export class ApiRefusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

interface Kubeconfig {
  'current-context': string;
  contexts: { name: string; context: { cluster: string; user: string } }[];
  clusters: {
    name: string;
    cluster: { server: string; 'certificate-authority'?: string; 'certificate-authority-data'?: string };
  }[];
  users: { name: string; user: Record<string, string | undefined> & { exec?: unknown } }[];
}

interface Access {
  server: string;
  ca?: string;
  cert?: string;
  key?: string;
  token?: string;
}

export function readKubeconfig(path: string): Access {
  const config = parse(readFileSync(path, 'utf8')) as Kubeconfig;
  const context = config.contexts.find(({ name }) => name === config['current-context'])?.context;
  const cluster = config.clusters.find(({ name }) => name === context?.cluster)?.cluster;
  const user = config.users.find(({ name }) => name === context?.user)?.user;
  if (cluster === undefined || user === undefined) throw new Error(`${path}: no usable current-context`);
  if (user.exec !== undefined) {
    throw new Error(`${path}: credentials from a plugin aren't supported here; use a token or a client certificate`);
  }
  const read = (file: string | undefined, data: string | undefined): string | undefined =>
    data !== undefined
      ? Buffer.from(data, 'base64').toString()
      : file && readFileSync(resolve(dirname(path), file), 'utf8');
  const values = {
    ca: read(cluster['certificate-authority'], cluster['certificate-authority-data']),
    cert: read(user['client-certificate'], user['client-certificate-data']),
    key: read(user['client-key'], user['client-key-data']),
    token: user['token'],
  };
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  return { server: cluster.server.replace(/\/$/, ''), ...given };
}

interface RequestOptions {
  body?: unknown;
  contentType?: string;
  signal?: AbortSignal;
}

export class Api {
  readonly server: string;
  readonly #agent: Agent;
  readonly #headers: Record<string, string>;

  constructor(access: Access, userAgent = 'orquanta-hack', connections?: number) {
    const { server, token, ...tls } = access;
    this.server = server;
    // Watches keep a connection each for as long as they last: no time limit on a silent body, and no limit by default.
    const limit = connections === undefined ? {} : { connections };
    this.#agent = new Agent({ connect: tls, bodyTimeout: 0, headersTimeout: 30_000, ...limit });
    this.#headers = {
      accept: 'application/json',
      'user-agent': userAgent,
      ...(token && { authorization: `Bearer ${token}` }),
    };
  }

  /** Beyond so many connections requests wait for a free one. */
  static fromKubeconfig(path: string, userAgent?: string, connections?: number): Api {
    return new Api(readKubeconfig(path), userAgent, connections);
  }

  async #send(method: string, path: string, { body, contentType, signal }: RequestOptions) {
    return request(this.server + path, {
      method: method as 'GET',
      dispatcher: this.#agent,
      headers: {
        ...this.#headers,
        ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  }

  /** The parsed answer, or an ApiRefusal for any status from 400 on. */
  async call<T = KubernetesObject>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const { statusCode, body } = await this.#send(method, path, options);
    const text = await body.text();
    if (statusCode < 400) return (text === '' || !/^[[{]/.test(text) ? text : JSON.parse(text)) as T;
    throw new ApiRefusal(statusCode, serverWords(text) ?? `${method} ${path}: HTTP ${statusCode}`);
  }

  get = <T = KubernetesObject>(path: string, signal?: AbortSignal): Promise<T> =>
    this.call<T>('GET', path, signal && { signal });
  create = <T = KubernetesObject>(path: string, body: unknown): Promise<T> => this.call<T>('POST', path, { body });
  delete = (path: string, body?: unknown): Promise<unknown> => this.call('DELETE', path, { body });
  patch = <T = KubernetesObject>(path: string, body: unknown): Promise<T> =>
    this.call<T>('PATCH', path, { body, contentType: 'application/merge-patch+json' });

  /** One watch, from a resourceVersion on, until the server ends it or the signal does. */
  async *watchOnce<T>(path: string, resourceVersion: string, signal: AbortSignal): AsyncGenerator<WatchEvent<T>> {
    const separator = path.includes('?') ? '&' : '?';
    const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=${resourceVersion}`;
    const { statusCode, body } = await this.#send('GET', `${path}${separator}${query}`, { signal });
    if (statusCode >= 400) throw new ApiRefusal(statusCode, (await body.text()).slice(0, 500));
    let rest = '';
    for await (const chunk of body.setEncoding('utf8') as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield JSON.parse(line) as WatchEvent<T>;
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

function serverWords(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { message?: string }).message;
  } catch {
    return text.slice(0, 500) || undefined;
  }
}
