// A proxy in front of the API server that strikes its client at a chosen write request: before the server hears of it, or
// after the server has carried it out and before the client hears that. It changes no request and no answer.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { join } from 'node:path';
import { type Dispatcher, Pool } from 'undici';
import { onTestFinished } from 'vitest';
import { readKubeconfig } from '../../hack/api/client.ts';
import { writeKubeconfig } from '../../hack/cluster/credentials.ts';
import { operatorKubeconfig } from '../setup/operator.ts';
import { ownSurroundings } from '../setup/surroundings.ts';

export const cuts = ['before the server hears of it', 'after the server has done it'] as const;
export type Cut = (typeof cuts)[number];

export interface Plan {
  cut: Cut;
  /** Counted from 1. */
  atWrite: number;
  /** Ends the client, or freezes it; resolves when that is done. */
  strike: () => Promise<void>;
  /** The client gets the server's answer in the end: it is only frozen. */
  answerAnyway?: boolean;
}

/** Leases and events aren't what a job's state is made of, and come when they like. */
function isWriteOfState({ method = 'GET', url = '' }: IncomingMessage): boolean {
  return method !== 'GET' && !/^\/apis\/(coordination|events)\.k8s\.io\//.test(url);
}

const hopByHop: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'host', 'transfer-encoding']);

function endToEnd(headers: IncomingMessage['headers']): Record<string, string | string[]> {
  const kept = Object.entries(headers).filter(([name, value]) => value !== undefined && !hopByHop.has(name));
  return Object.fromEntries(kept) as Record<string, string | string[]>;
}

export class WriteCutter {
  readonly #upstream: Pool;
  readonly #server: Server;
  #plan: Plan | undefined;
  #writes: string[] = [];
  #cut: Promise<void> | undefined;

  private constructor(kubeconfig: string) {
    const { server, ca } = readKubeconfig(kubeconfig);
    this.#upstream = new Pool(server, { connect: { ...(ca && { ca }) }, bodyTimeout: 0, headersTimeout: 0 });
    this.#server = createServer({ requestTimeout: 0, keepAliveTimeout: 300_000 }, (request, response) => {
      // A client that was killed breaks off whatever was under way.
      this.#handle(request, response).catch(() => response.destroy());
    });
  }

  static async start(kubeconfig: string): Promise<WriteCutter> {
    const proxy = new WriteCutter(kubeconfig);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Counts anew; without a plan nobody is ended. */
  arm(plan: Plan | undefined): void {
    this.#plan = plan;
    this.#writes = [];
    this.#cut = undefined;
  }

  /** The write requests since then, as "POST /apis/…". */
  get writes(): readonly string[] {
    return this.#writes;
  }

  /** Resolves when the client was struck; undefined as long as the write it waits for hasn't come. */
  get cut(): Promise<void> | undefined {
    return this.#cut;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await this.#upstream.destroy();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const plan = isWriteOfState(request) ? this.#count(request) : undefined;
    if (plan === undefined) {
      await this.#pass(request, response);
      return;
    }
    const answer = plan.cut === 'after the server has done it' ? await this.#carryOut(request) : undefined;
    this.#plan = undefined;
    this.#cut = plan.strike();
    await this.#cut;
    if (answer === undefined || plan.answerAnyway !== true) response.destroy();
    else response.writeHead(answer.statusCode, answer.headers).end(answer.body);
  }

  /** The plan, if this is the write it speaks of. */
  #count({ method = '', url = '' }: IncomingMessage): Plan | undefined {
    this.#writes.push(`${method} ${url.replace(/\?.*/, '')}`);
    return this.#writes.length === this.#plan?.atWrite ? this.#plan : undefined;
  }

  async #carryOut(request: IncomingMessage) {
    const { statusCode, headers, body } = await this.#upstream.request({
      ...head(request),
      body: await buffer(request),
    });
    return { statusCode, headers: endToEnd(headers), body: Buffer.from(await body.arrayBuffer()) };
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => {
      gone.abort();
    });
    const body = request.method === 'GET' ? null : await buffer(request);
    const answer = await this.#upstream.request({ ...head(request), body, signal: gone.signal });
    response.writeHead(answer.statusCode, endToEnd(answer.headers));
    response.flushHeaders();
    for await (const chunk of answer.body as AsyncIterable<Buffer>) response.write(chunk);
    response.end();
  }
}

function head({
  method = 'GET',
  url = '/',
  headers,
}: IncomingMessage): Pick<Dispatcher.RequestOptions, 'method' | 'path' | 'headers'> {
  return { method, path: url, headers: endToEnd(headers) };
}

/** For as long as the test runs, with a kubeconfig that leads an operator through it. */
export async function writeCutterForTest(): Promise<{ cutter: WriteCutter; kubeconfig: string }> {
  const surroundings = ownSurroundings();
  const direct = await operatorKubeconfig();
  const cutter = await WriteCutter.start(direct);
  onTestFinished(() => cutter.close());
  const credentials = join(surroundings.directory, 'credentials');
  const kubeconfig = join(credentials, 'counted.kubeconfig');
  const caFile = join(credentials, 'operator-ca.crt'); // unused over plain HTTP, but a kubeconfig has one
  const { token = '' } = readKubeconfig(direct);
  writeKubeconfig(kubeconfig, { url: cutter.url, caFile, name: 'orquanta', token });
  return { cutter, kubeconfig };
}
