// What every part of the contract suite starts from: a server, a client, and short words for what tests do all the time.
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { TestContext } from 'vitest';
import { ApiClient } from '../../client.ts';
import type { DeleteResult } from '../../client.ts';
import { systemClock } from '../../clock.ts';
import type { Clock } from '../../clock.ts';
import type { ApiErrorKind } from '../../errors.ts';
import { unfenced } from '../../fence.ts';
import type { Fence } from '../../fence.ts';
import type { Job, KubernetesObject } from '../../kubernetes.ts';
import { silentLog } from '../../log.ts';
import { metadataMessage } from '../../protobuf/kinds.ts';
import { Message, nested, textMap } from '../../protobuf/message.ts';
import { Reflector } from '../../reflector.ts';
import type { ReflectorOptions } from '../../reflector.ts';
import { jobs } from '../../resource.ts';
import type { Resource } from '../../resource.ts';
import type { Store } from '../../store.ts';
import type { Transport } from '../../transport.ts';
import type { Line } from './line.ts';

/** What one run of the suite needs of a server. */
export interface ContractServer {
  transport: Transport & { fenceWrites(fence: Fence): void };
  /** A namespace that exists and is empty. */
  namespace: string;
  /**
   * Makes all versions and continue tokens handed out so far Expired. Where that can't be brought about: why. The cases
   * that need it are then skipped with these words.
   */
  compact: (() => Promise<void>) | { impossible: string };
  /** Ends all connections without a word. */
  breakConnections: () => void;
  stop: () => Promise<void>;
}

export interface ConfigMap extends KubernetesObject {
  data?: Record<string, string>;
}

const configMaps: Resource<ConfigMap> = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};

/** The same, as those are read of which there are many. */
const configMapsInProtobuf: Resource<ConfigMap> = {
  ...configMaps,
  protobuf: new Message<ConfigMap>({ metadata: nested(1, metadataMessage), data: textMap(2) }),
};

/** Of no server that there is. */
export const unserved: Resource<ConfigMap> = {
  group: 'unserved.example.com',
  version: 'v1',
  plural: 'widgets',
  kind: 'Widget',
  namespaced: true,
};

type ReflectedWith = Partial<Pick<ReflectorOptions<ConfigMap>, 'labelSelector' | 'resource' | 'optional'>> & {
  line?: Line;
};

/** What lists and watches are asked for in. */
export type Encoding = 'JSON' | 'protobuf';

export class World {
  readonly clock: Clock = systemClock;
  #server: ContractServer | undefined;
  #client: ApiClient | undefined;
  #test = new AbortController();
  #names = 0;
  readonly configMaps: Resource<ConfigMap>;

  /** To be made within a describe: it starts the server before the tests and stops it after them. */
  constructor(startServer: () => Promise<ContractServer>, encoding: Encoding) {
    this.configMaps = encoding === 'protobuf' ? configMapsInProtobuf : configMaps;
    beforeAll(async () => {
      this.#server = await startServer();
      this.#client = new ApiClient(this.#server.transport, { fieldManager: 'contract' });
    });
    afterEach(() => {
      this.#test.abort();
      this.#test = new AbortController();
      this.server.transport.fenceWrites(unfenced);
    });
    afterAll(() => this.server.stop());
  }

  get server(): ContractServer {
    if (!this.#server) throw new Error('the server has not started yet');
    return this.#server;
  }

  /** For the start of a test that can't do without: where the server can't compact, the test ends here and says so. */
  compaction({ task, skip }: TestContext): () => Promise<void> {
    const { compact } = this.server;
    if (typeof compact === 'function') return compact;
    // Vitest's default reporter shows neither the skipped test nor why.
    process.stderr.write(`skipped: ${task.name} (${compact.impossible})\n`);
    return skip(compact.impossible);
  }

  get client(): ApiClient {
    if (!this.#client) throw new Error('the server has not started yet');
    return this.#client;
  }

  /** Aborted when the test ends. */
  get signal(): AbortSignal {
    return this.#test.signal;
  }

  abort(reason: Error): void {
    this.#test.abort(reason);
  }

  aName(): string {
    return `c${++this.#names}`;
  }

  inNamespace(): { namespace: string } {
    return { namespace: this.server.namespace };
  }

  keyFor(name: string): { namespace: string; name: string } {
    return { ...this.inNamespace(), name };
  }

  createMap(name: string, data: Record<string, string>, labels: Record<string, string> = {}): Promise<ConfigMap> {
    return this.client.create(this.configMaps, { metadata: { ...this.keyFor(name), labels }, data }, {}, this.signal);
  }

  setData(name: string, data: Record<string, string>): Promise<ConfigMap> {
    return this.client.patch(this.configMaps, this.keyFor(name), { data }, this.signal);
  }

  deleteMap({ metadata }: ConfigMap): Promise<DeleteResult> {
    const options = { uid: metadata.uid, propagationPolicy: 'Background' } as const;
    return this.client.delete(this.configMaps, metadata, options, this.signal);
  }

  /** Nobody's but the test's: the Job controller leaves alone what somebody else manages (KEP-4368). */
  createJob(name: string): Promise<Job> {
    const containers = [{ name: 'main', image: 'example.com/none' }];
    const spec = {
      managedBy: 'example.com/contract',
      suspend: true,
      template: { spec: { restartPolicy: 'Never', containers } },
    };
    return this.client.create(jobs, { metadata: this.keyFor(name), spec }, {}, this.signal);
  }

  /** Runs a reflector until the test ends. */
  reflect(store: Store<ConfigMap>, { line, ...own }: ReflectedWith = {}): Reflector<ConfigMap> {
    const { clock } = this;
    const client = line === undefined ? this.client : new ApiClient(line, { fieldManager: 'contract' });
    const around = { client, clock, ...this.inNamespace(), random: () => 0.5, log: silentLog };
    const reflector = new Reflector({ ...around, resource: this.configMaps, store, ...own });
    void reflector.run(this.signal);
    return reflector;
  }
}

export async function expectRefusal(attempt: Promise<unknown>, kind: ApiErrorKind, words: string): Promise<void> {
  const error: unknown = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: 'ApiError', kind });
  expect((error as Error).message).toContain(words);
}
