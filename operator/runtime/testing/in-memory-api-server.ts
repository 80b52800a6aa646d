// An API server without a network, for speed: it answers requests as kube-apiserver 1.36 does, held to that by the
// contract suite which runs on both. What it can't do it refuses with 501. There are no namespaces to create, no
// defaults, no admission and no controllers in it; `collectGarbage` plays the one that deletes orphans.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { ApiError, errorFromResponse } from '../errors.ts';
import { unfenced } from '../fence.ts';
import type { Fence } from '../fence.ts';
import { fencedOff } from '../fenced-connect.ts';
import { apiVersionOf } from '../resource.ts';
import type { ApiRequest, ApiResponse, Transport } from '../transport.ts';
import { Collection, foregroundDeletion } from './collection.ts';
import type { AnyObject, Deletion, HistoryEntry, Surroundings } from './collection.ts';
import { EventStream } from './event-stream.ts';
import { ListPages } from './list-pages.ts';
import { mergePatch } from './merge-patch.ts';
import { Refusal, badRequest, expiredVersion, notImplemented } from './refusal.ts';
import { fieldPredicate, labelPredicate } from './selectors.ts';
import type { Predicate } from './selectors.ts';
import { builtInResources } from './served-resources.ts';
import type { ServedResource } from './served-resources.ts';

export { configMaps } from './served-resources.ts';
export type { ServedResource, Validate } from './served-resources.ts';

export interface InMemoryApiServerOptions {
  clock: Clock;
  /** Custom resources, or built-in ones with other rules; the built-in ones are listed in served-resources.ts. */
  resources?: readonly ServedResource[];
  newUID?: () => string;
}

/**
 * Stands between client and server: `serve()` has the request carried out and gives its answer. It may answer without
 * serving, throw an ApiError with or without having served (the answer got lost), or wait. Of a watch it sees the start.
 */
export type Interceptor = (request: ApiRequest, serve: () => Promise<ApiResponse>) => Promise<ApiResponse>;

/** Where a request goes. */
interface Target {
  collection: Collection;
  namespace: string | undefined;
  name: string | undefined;
  subresource: 'status' | undefined;
}

const bookmarkMilliseconds = 60_000;
/** A last one comes so long before a watch's end. */
const lastBookmarkMilliseconds = 2_000;

const understoodQuery = new Set([
  ...['fieldManager', 'dryRun', 'fieldValidation', 'timeout', 'labelSelector', 'fieldSelector', 'limit', 'continue'],
  ...['resourceVersion', 'resourceVersionMatch', 'watch', 'allowWatchBookmarks', 'timeoutSeconds'],
]);

export class InMemoryApiServer implements Transport {
  readonly #clock: Clock;
  readonly #collections = new Map<string, Collection>();
  readonly #pages = new ListPages();
  readonly #interceptors = new Set<Interceptor>();
  readonly #watches = new Set<{ stream: EventStream<object>; bookmark: () => void }>();
  #revision = 1;
  #compacted = 0;
  #fence: Fence = unfenced;

  constructor(options: InMemoryApiServerOptions) {
    this.#clock = options.clock;
    const surroundings: Surroundings = {
      clock: options.clock,
      newUID: options.newUID ?? randomUUID,
      nextRevision: () => ++this.#revision,
    };
    for (const served of [...builtInResources, ...(options.resources ?? [])]) {
      const path = `${apiVersionOf(served.resource)}/${served.resource.plural}`;
      this.#collections.set(path, new Collection(served, surroundings));
    }
  }

  fenceWrites(fence: Fence): void {
    this.#fence = fence;
  }

  async request(request: ApiRequest): Promise<ApiResponse> {
    // Never in the caller's own turn: over a network nothing is.
    await Promise.resolve();
    request.signal.throwIfAborted();
    if (request.lane === 'write' && !this.#fence.isHeld()) throw fencedOff();
    return this.#intercepted(request, () => this.#serve(request));
  }

  async *stream(request: ApiRequest): AsyncGenerator<unknown, void, undefined> {
    await Promise.resolve();
    request.signal.throwIfAborted();
    const watch = { stream: undefined as EventStream<object> | undefined };
    const answer = await this.#intercepted(request, () =>
      answered(() => {
        watch.stream = this.#watch(request);
        return { status: 200, body: undefined };
      }),
    );
    if (answer.status >= 400) throw errorFromResponse(answer);
    if (watch.stream) yield* aborting(watch.stream, request.signal);
  }

  close(): Promise<void> {
    this.breakWatches();
    return Promise.resolve();
  }

  /** Returns how to stop it. The one added last is asked first. */
  intercept(interceptor: Interceptor): () => void {
    this.#interceptors.add(interceptor);
    return () => {
      this.#interceptors.delete(interceptor);
    };
  }

  /** All watches break, as a lost connection does. */
  breakWatches(): void {
    for (const { stream } of this.#watches) stream.end(new ApiError('Unreachable', 'the connection was lost'));
  }

  /** All watches end as if their time were over. */
  endWatches(): void {
    for (const { stream } of this.#watches) stream.end();
  }

  /** Forgets all history: versions and continue tokens handed out so far, the newest too, are Expired from here on. */
  compact(): void {
    this.#compacted = ++this.#revision;
    this.#pages.forget();
    for (const collection of this.#collections.values()) collection.forgetHistory();
  }

  /** What comes once a minute by itself, now. */
  sendBookmarks(): void {
    for (const { bookmark } of this.#watches) bookmark();
  }

  /** Plays the garbage collector until it has nothing left to do. */
  collectGarbage(): void {
    while ([...this.#collections.values()].some((collection) => this.#collectIn(collection)));
  }

  #collectIn(collection: Collection): boolean {
    const everything = [...this.#collections.values()].flatMap((other) => other.all());
    const alive = new Map(everything.map((object) => [object.metadata.uid, object]));
    let changed = false;
    for (const object of collection.all()) {
      const owners = object.metadata.ownerReferences ?? [];
      const isOrphan = owners.length > 0 && owners.every(({ uid }) => !isOwning(alive.get(uid)));
      if (isOrphan && !object.metadata.deletionTimestamp) {
        collection.delete(object.metadata, { propagationPolicy: 'Background' }, false);
        changed = true;
      }
      if (isWaitingForDependents(object) && !hasDependents(object, everything)) {
        collection.update(object.metadata, withoutForegroundDeletion, plainWrite);
        changed = true;
      }
    }
    return changed;
  }

  async #intercepted(request: ApiRequest, answer: () => ApiResponse): Promise<ApiResponse> {
    let serve = () => Promise.resolve(answer());
    for (const interceptor of this.#interceptors) {
      const inner = serve;
      serve = () => interceptor(request, inner);
    }
    const response = await serve();
    request.signal.throwIfAborted();
    return response;
  }

  #serve(request: ApiRequest): ApiResponse {
    return answered(() => {
      const target = this.#target(request);
      switch (request.method) {
        case 'GET':
          return { status: 200, body: this.#read(request, target) };
        case 'POST':
          return { status: 201, body: this.#create(request, target) };
        case 'PUT':
        case 'PATCH':
          return { status: 200, body: this.#update(request, target) };
        case 'DELETE':
          return { status: 200, body: this.#delete(request, target) };
      }
    });
  }

  #target({ path, query }: ApiRequest): Target {
    const match =
      /^\/(?:api|apis\/([^/]+))\/([^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+)(?:\/([^/]+))?)?$/.exec(path);
    const [, group, version = '', namespace, plural = '', name, subresource] = match ?? [];
    const collection = this.#collections.get(`${group === undefined ? '' : `${group}/`}${version}/${plural}`);
    if (!collection) throw new Refusal(404, 'NotFound', 'the server could not find the requested resource');
    if (subresource !== undefined && (subresource !== 'status' || !collection.served.status)) {
      throw notImplemented(`the subresource ${subresource} of ${plural}`);
    }
    const unknown = Object.keys(query ?? {}).find((key) => !understoodQuery.has(key));
    if (unknown !== undefined) throw notImplemented(`the query parameter ${unknown}`);
    return { collection, namespace, name, subresource: subresource === undefined ? undefined : 'status' };
  }

  #read(request: ApiRequest, target: Target): object {
    if (target.name === undefined) return this.#list(request, target);
    const object = target.collection.get(keyIn(target));
    return isMetadataOnly(request) ? partialObjectMetadata(object) : object;
  }

  #list(request: ApiRequest, { collection, namespace }: Target): object {
    const { resource, builtIn } = collection.served;
    const query = request.query ?? {};
    this.#refuseOtherMatches(query);
    const selects = selection(query, collection, namespace);
    const page = this.#pages.page(query, this.#revision, () => collection.all().filter(selects));
    const isSelected = query['labelSelector'] !== undefined || query['fieldSelector'] !== undefined;
    const metadata = {
      resourceVersion: String(page.revision),
      ...(page.continue === undefined ? {} : { continue: page.continue }),
      ...(page.remaining === undefined || isSelected ? {} : { remainingItemCount: page.remaining }),
    };
    if (isMetadataOnly(request)) {
      const items = page.items.map(partialObjectMetadata);
      return { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items };
    }
    const items = builtIn ? page.items.map(withoutType) : page.items;
    return { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata, items };
  }

  #refuseOtherMatches(query: Readonly<Record<string, string>>): void {
    const { resourceVersion = '0', resourceVersionMatch, limit = '0' } = query;
    if (resourceVersionMatch !== undefined && resourceVersionMatch !== 'NotOlderThan') {
      throw notImplemented(`resourceVersionMatch=${resourceVersionMatch}`);
    }
    if (resourceVersionMatch === undefined && resourceVersion !== '0' && limit !== '0') {
      throw notImplemented('resourceVersion with a limit, which asks for exactly that version');
    }
    if (Number(resourceVersion) > this.#revision) {
      throw new Refusal(
        504,
        'Timeout',
        `Timeout: Too large resource version: ${resourceVersion}, current: ${this.#revision}`,
      );
    }
  }

  #create(request: ApiRequest, { collection, namespace, name }: Target): object {
    if (name !== undefined) throw notImplemented('POST to an object');
    const draft = bodyOf(request);
    const { resource } = collection.served;
    const expected = apiVersionOf(resource);
    if (draft.kind !== resource.kind || draft.apiVersion !== expected) {
      throw badRequest(`the object provided is unrecognized: must be of type ${resource.kind} in ${expected}`);
    }
    if ((draft.metadata as Partial<AnyObject['metadata']>).name === undefined) throw notImplemented('generateName');
    const created = collection.create(namespace, draft, writeOptions(request, collection));
    return isMetadataOnly(request) ? partialObjectMetadata(created) : created;
  }

  #update(request: ApiRequest, target: Target): object {
    const { collection, subresource } = target;
    if (isMetadataOnly(request)) throw notImplemented('an update that is answered with metadata only');
    const replaces = request.method === 'PUT';
    const change = replaces ? () => bodyOf(request) : patching(request);
    return collection.update(keyIn(target), change, { ...writeOptions(request, collection), subresource, replaces });
  }

  #delete(request: ApiRequest, target: Target): object {
    const { collection } = target;
    const deletion = (request.body ?? {}) as Deletion;
    if (deletion.propagationPolicy === 'Orphan') throw notImplemented('propagationPolicy Orphan');
    const { dryRun } = writeOptions(request, collection);
    const { object, gone } = collection.delete(keyIn(target), deletion, dryRun);
    if (!gone || collection.served.answersDeleteWithObject) return object;
    const details = { name: object.metadata.name, kind: collection.served.resource.plural, uid: object.metadata.uid };
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
  }

  #watch(request: ApiRequest): EventStream<object> {
    const { collection, namespace, name } = this.#target(request);
    const query = request.query ?? {};
    if (name !== undefined) throw notImplemented('a watch of one object by its path');
    if (isMetadataOnly(request)) throw notImplemented('a watch of metadata only');
    this.#refuseOtherMatches(query);
    const selects = selection(query, collection, namespace);
    const stream = new EventStream<object>();
    const from = Number(query['resourceVersion'] ?? '0');
    if (from !== 0 && from < this.#compacted) {
      stream.push({ type: 'ERROR', object: expiredVersion(from, this.#compacted).toStatus() });
      stream.end();
      return stream;
    }
    const tell = (entry: HistoryEntry) => {
      const event = eventFor(entry, selects);
      if (event) stream.push(event);
    };
    if (from === 0) for (const object of collection.all().filter(selects)) stream.push({ type: 'ADDED', object });
    else collection.since(from).forEach(tell);
    this.#keepOpen(stream, collection, query, collection.subscribe(tell));
    return stream;
  }

  #keepOpen(
    stream: EventStream<object>,
    { served: { resource } }: Collection,
    query: Readonly<Record<string, string>>,
    unsubscribe: () => void,
  ): void {
    const bookmark = () => {
      if (query['allowWatchBookmarks'] !== 'true') return;
      const metadata = { resourceVersion: String(this.#revision), creationTimestamp: null };
      stream.push({ type: 'BOOKMARK', object: { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata } });
    };
    const watch = { stream, bookmark };
    const everyMinute = () => {
      bookmark();
      minute = this.#clock.setTimeout(everyMinute, bookmarkMilliseconds);
    };
    let minute = this.#clock.setTimeout(everyMinute, bookmarkMilliseconds);
    const { timeoutSeconds = '1800' } = query;
    const timeout = Number(timeoutSeconds) * 1000;
    const last = this.#clock.setTimeout(
      () => {
        if (timeout > lastBookmarkMilliseconds) bookmark();
      },
      Math.max(0, timeout - lastBookmarkMilliseconds),
    );
    const end = this.#clock.setTimeout(() => {
      stream.end();
    }, timeout);
    this.#watches.add(watch);
    stream.onEnd(() => {
      this.#watches.delete(watch);
      unsubscribe();
      minute.cancel();
      last.cancel();
      end.cancel();
    });
  }
}

const plainWrite = { dryRun: false, strict: false, subresource: undefined };

function answered(serve: () => ApiResponse): ApiResponse {
  try {
    return serve();
  } catch (error) {
    if (error instanceof Refusal) return error.toResponse();
    throw error;
  }
}

async function* aborting(stream: EventStream<object>, signal: AbortSignal): AsyncGenerator<object, void, undefined> {
  const onAbort = () => {
    stream.end();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const event of stream) {
      signal.throwIfAborted();
      yield structuredClone(event);
    }
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', onAbort);
    stream.end();
  }
}

function keyIn({ namespace, name }: Target): { namespace?: string; name: string } {
  if (name === undefined) throw notImplemented('this method on a whole collection');
  return namespace === undefined ? { name } : { namespace, name };
}

/** Through JSON, so that undefined vanishes and nothing is shared; read as Go reads it, which knows no half of a surrogate pair. */
function bodyOf(request: ApiRequest): AnyObject {
  const reviver = (_key: string, value: unknown) => (typeof value === 'string' ? value.toWellFormed() : value);
  return JSON.parse(JSON.stringify(request.body), reviver) as AnyObject;
}

function patching(request: ApiRequest): (current: AnyObject) => AnyObject {
  if (request.contentType !== 'application/merge-patch+json')
    throw notImplemented(`patches of type ${request.contentType}`);
  return (current) => mergePatch(current, bodyOf(request)) as AnyObject;
}

function writeOptions({ query }: ApiRequest, { served }: Collection): { dryRun: boolean; strict: boolean } {
  const strict = query?.['fieldValidation'] === 'Strict';
  if (strict && !served.validate)
    throw notImplemented(`fieldValidation=Strict of ${served.resource.plural} (no validate)`);
  return { dryRun: query?.['dryRun'] === 'All', strict };
}

function selection(
  query: Readonly<Record<string, string>>,
  { served }: Collection,
  namespace: string | undefined,
): Predicate {
  const byLabels = labelPredicate(query['labelSelector']);
  const byFields = fieldPredicate(query['fieldSelector'], served.selectableFields ?? []);
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) && byLabels(object) && byFields(object);
}

/** What a change looks like to somebody who sees only what he selects. */
function eventFor({ before, object, deleted }: HistoryEntry, selects: Predicate): object | undefined {
  const was = before !== undefined && selects(before);
  const is = !deleted && selects(object);
  if (was && !is) return { type: 'DELETED', object };
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object };
  return undefined;
}

function isMetadataOnly({ accept }: ApiRequest): boolean {
  // It has no protobuf, as no server has any for a custom resource: who takes JSON as well gets that.
  if (accept === undefined || accept.split(', ').includes('application/json')) return false;
  if (accept.includes('as=PartialObjectMetadata')) return true;
  throw notImplemented(`the media type ${accept}`);
}

function partialObjectMetadata({ metadata }: AnyObject): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
}

function withoutType(object: AnyObject): object {
  return { ...object, kind: undefined, apiVersion: undefined };
}

function isOwning(owner: AnyObject | undefined): boolean {
  return owner !== undefined && !isWaitingForDependents(owner);
}

function isWaitingForDependents({ metadata }: AnyObject): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers?.includes(foregroundDeletion) ?? false);
}

function hasDependents({ metadata: { uid } }: AnyObject, everything: readonly AnyObject[]): boolean {
  return everything.some(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid));
}

function withoutForegroundDeletion(object: AnyObject): AnyObject {
  const finalizers = object.metadata.finalizers?.filter((finalizer) => finalizer !== foregroundDeletion) ?? [];
  return { ...object, metadata: { ...object.metadata, finalizers } };
}
