// Kubernetes' verbs, typed, over any transport. It keeps no state and retries nothing: what to do about a refusal is the
// caller's decision, by the error's kind.
import { errorFromResponse, errorFromStatus } from './errors.ts';
import type { KubernetesObject, ObjectMeta } from './kubernetes.ts';
import { type ListBody, listIn, protobufOrJSON, watchEventIn } from './protobuf/envelope.ts';
import type { Message } from './protobuf/message.ts';
import { apiVersionOf, collectionPath, objectPath } from './resource.ts';
import type { ObjectKey, Resource } from './resource.ts';
import type { ApiRequest, Lane, Transport } from './transport.ts';

/** One version of one object: enough to write to exactly what was read. */
export type Version = Pick<ObjectMeta, 'name' | 'uid' | 'resourceVersion'> & { namespace?: string };

/** What a create needs; apiVersion and kind are filled in from the resource. */
export type Draft<T extends KubernetesObject> = Partial<Omit<T, 'metadata' | 'apiVersion' | 'kind'>> & {
  metadata: Partial<ObjectMeta> & { name: string };
};

export interface ListOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  limit?: number;
  continue?: string;
  /** '0': any version the server has at hand. Absent: the newest. */
  resourceVersion?: string;
}

export interface ListPage<T> {
  items: T[];
  resourceVersion: string;
  /** There is more: pass it to the next call. */
  continue?: string;
}

export interface WatchOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  resourceVersion: string;
  timeoutSeconds: number;
}

export type WatchEvent<T> =
  { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T } | { type: 'BOOKMARK'; resourceVersion: string };

export interface CreateOptions {
  /** Checks everything and stores nothing. */
  dryRun?: boolean;
  /** Refuses fields that the server doesn't know. */
  strict?: boolean;
}

export interface DeleteOptions {
  uid: string;
  resourceVersion?: string;
  propagationPolicy: 'Background' | 'Foreground';
}

/** Deleting: finalizers or a grace period keep the object for now. */
export type DeleteResult = { kind: 'Deleted' } | { kind: 'Deleting'; object: KubernetesObject };

export interface ApiClientOptions {
  fieldManager: string;
  /** Sends every request but watches down this lane instead of 'read' and 'write'. */
  lane?: Lane;
  /** For requests that must fail sooner than the transport's own limit. */
  timeoutMilliseconds?: number;
}

type RequestFields = Omit<ApiRequest, 'lane' | 'timeoutMilliseconds'>;

export class ApiClient {
  readonly #transport: Transport;
  readonly #options: ApiClientOptions;

  constructor(transport: Transport, options: ApiClientOptions) {
    this.#transport = transport;
    this.#options = options;
  }

  /** The same client with other options, for instance another lane. */
  with(options: Partial<ApiClientOptions>): ApiClient {
    return new ApiClient(this.#transport, { ...this.#options, ...options });
  }

  get<T extends KubernetesObject>(resource: Resource<T>, key: ObjectKey, signal: AbortSignal): Promise<T> {
    return this.#send<T>({ method: 'GET', path: objectPath(resource, key), signal });
  }

  list<T extends KubernetesObject>(
    resource: Resource<T>,
    options: ListOptions,
    signal: AbortSignal,
  ): Promise<ListPage<T>> {
    return this.#list<T>(resource, options, signal, resource.protobuf && protobufOrJSON);
  }

  /** The same list, but only each object's metadata travels. */
  listMetadata(
    resource: Resource,
    options: ListOptions,
    signal: AbortSignal,
  ): Promise<ListPage<{ metadata: ObjectMeta }>> {
    return this.#list(resource, options, signal, partialObjectMetadataList);
  }

  /** Ends when the server ends it. An ERROR line is thrown as the ApiError it stands for. */
  async *watch<T extends KubernetesObject>(
    resource: Resource<T>,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const { namespace, timeoutSeconds, ...selection } = options;
    const lines = this.#transport.stream({
      method: 'GET',
      path: collectionPath(resource, namespace),
      query: { ...selection, watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(timeoutSeconds) },
      ...(resource.protobuf ? { accept: protobufOrJSON } : {}),
      lane: 'watch',
      signal,
    });
    for await (const line of lines) yield watchEvent<T>(wireEvent(line, resource));
  }

  create<T extends KubernetesObject>(
    resource: Resource<T>,
    object: Draft<T>,
    options: CreateOptions,
    signal: AbortSignal,
  ): Promise<T> {
    return this.#create<T, T>(resource, object, options, signal, undefined);
  }

  /** As `create`, where nobody reads the rest of the answer: server and client needn't write it out and parse it again. */
  createForMetadata<T extends KubernetesObject>(
    resource: Resource<T>,
    object: Draft<T>,
    options: CreateOptions,
    signal: AbortSignal,
  ): Promise<Pick<T, 'metadata'>> {
    return this.#create(resource, object, options, signal, partialObjectMetadata);
  }

  /** Replaces the object if it is still at the version it carries. */
  replace<T extends KubernetesObject>(resource: Resource<T>, object: T, signal: AbortSignal): Promise<T> {
    return this.#send<T>({
      method: 'PUT',
      path: objectPath(resource, object.metadata),
      query: this.#writeQuery(),
      body: typed(resource, object),
      signal,
    });
  }

  /** A JSON merge patch (RFC 7386): null removes a field, a list replaces the whole list. */
  patch<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    mergePatch: object,
    signal: AbortSignal,
  ): Promise<T> {
    return this.#send<T>({
      method: 'PATCH',
      path: objectPath(resource, key),
      query: this.#writeQuery(),
      body: mergePatch,
      contentType: 'application/merge-patch+json',
      signal,
    });
  }

  /**
   * Replaces the status of exactly this version of exactly this object; anything else is a Conflict. Only the status travels: the
   * server takes the rest from what it has (customresource.statusStrategy), and needn't merge a patch into it.
   */
  replaceStatus<T extends KubernetesObject>(
    resource: Resource<T>,
    of: { metadata: Version },
    status: object,
    signal: AbortSignal,
  ): Promise<T> {
    const { name, namespace, uid, resourceVersion } = of.metadata;
    const metadata = { name, uid, resourceVersion, ...(namespace === undefined ? {} : { namespace }) };
    return this.#send<T>({
      method: 'PUT',
      path: `${objectPath(resource, metadata)}/status`,
      query: this.#writeQuery(),
      body: typed(resource, { metadata, status }),
      signal,
    });
  }

  /** A question that the server answers and keeps nothing of: a standby may ask it, too. Gives the answer's status. */
  async review<Status>(resource: Resource, spec: object, signal: AbortSignal): Promise<Status> {
    const path = collectionPath(resource, undefined);
    const request = { method: 'POST', path, body: typed(resource, { spec }), signal } as const;
    return (await this.#send<{ status: Status }>(request, 'review')).status;
  }

  async delete(resource: Resource, key: ObjectKey, options: DeleteOptions, signal: AbortSignal): Promise<DeleteResult> {
    const { propagationPolicy, ...preconditions } = options;
    const body = await this.#send<KubernetesObject>({
      method: 'DELETE',
      path: objectPath(resource, key),
      body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy, preconditions },
      signal,
    });
    return isStillThere(body) ? { kind: 'Deleting', object: body } : { kind: 'Deleted' };
  }

  #create<T extends KubernetesObject, Answer>(
    resource: Resource<T>,
    object: Draft<T>,
    { dryRun = false, strict = false }: CreateOptions,
    signal: AbortSignal,
    accept: string | undefined,
  ): Promise<Answer> {
    const query = this.#writeQuery();
    if (dryRun) query['dryRun'] = 'All';
    if (strict) query['fieldValidation'] = 'Strict';
    return this.#send<Answer>({
      method: 'POST',
      path: collectionPath(resource, object.metadata.namespace),
      query,
      body: typed(resource, object),
      ...(accept === undefined ? {} : { accept }),
      signal,
    });
  }

  async #list<T>(
    resource: Resource,
    options: ListOptions,
    signal: AbortSignal,
    accept: string | undefined,
  ): Promise<ListPage<T>> {
    const { namespace, limit, ...query } = options;
    const body = await this.#send<WireList<T> | Buffer>({
      method: 'GET',
      path: collectionPath(resource, namespace),
      query: limit === undefined ? query : { ...query, limit: String(limit) },
      ...(accept === undefined ? {} : { accept }),
      signal,
    });
    const { items, metadata } = Buffer.isBuffer(body) ? listIn(body, messageOf<T>(resource)) : body;
    const page = { items: items ?? [], resourceVersion: metadata.resourceVersion };
    return metadata.continue ? { ...page, continue: metadata.continue } : page;
  }

  #writeQuery(): Record<string, string> {
    return { fieldManager: this.#options.fieldManager };
  }

  async #send<T>(request: RequestFields, itsLane?: Lane): Promise<T> {
    const lane = itsLane ?? this.#options.lane ?? (request.method === 'GET' ? 'read' : 'write');
    const { timeoutMilliseconds } = this.#options;
    const limit = timeoutMilliseconds === undefined ? {} : { timeoutMilliseconds };
    const response = await this.#transport.request({ ...request, lane, ...limit });
    if (response.status >= 400) throw errorFromResponse(response);
    return response.body as T;
  }
}

/** Every server since 1.15 knows them; one that doesn't answers 406. */
const partialObjectMetadata = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const partialObjectMetadataList = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

interface WireList<T> extends Omit<ListBody<T>, 'items'> {
  /** null for an empty list of PartialObjectMetadata (seen on 1.36.3). */
  items: T[] | null;
}

type WireEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  | { type: 'BOOKMARK'; object: KubernetesObject }
  | { type: 'ERROR'; object: unknown };

/** A server sends protobuf only where it was asked for. */
function messageOf<T>({ plural, protobuf }: Resource): Message<T & object> {
  if (protobuf === undefined) throw new Error(`${plural} came as protobuf, which nobody asked for`);
  return protobuf as unknown as Message<T & object>;
}

function wireEvent<T extends KubernetesObject>(line: unknown, resource: Resource<T>): WireEvent<T> {
  return (Buffer.isBuffer(line) ? watchEventIn(line, messageOf<T>(resource)) : line) as WireEvent<T>;
}

function watchEvent<T>(line: WireEvent<T>): WatchEvent<T> {
  switch (line.type) {
    case 'ERROR':
      throw errorFromStatus(line.object);
    case 'BOOKMARK':
      return { type: 'BOOKMARK', resourceVersion: line.object.metadata.resourceVersion };
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return line;
  }
}

function typed(resource: Resource, object: object): object {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object };
}

/** A DELETE is answered with a Status or, by some resources also after the end, with the object. */
function isStillThere(body: KubernetesObject): boolean {
  if (body.kind === 'Status') return false;
  const { finalizers, deletionGracePeriodSeconds } = body.metadata;
  return (finalizers?.length ?? 0) > 0 || (deletionGracePeriodSeconds ?? 0) > 0;
}
