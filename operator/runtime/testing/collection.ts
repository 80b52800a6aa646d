// The objects of one kind in the in-memory API server, with the rules a write must pass and the history a watch needs.
// It knows no paths, no HTTP and no JSON; objects handed out are copies.
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../clock.ts';
import type { KubernetesObject, ObjectMeta } from '../kubernetes.ts';
import { keyOf } from '../resource.ts';
import type { ObjectKey } from '../resource.ts';
import { alreadyExists, badRequest, conflict, invalid, notFound, notImplemented } from './refusal.ts';
import type { ServedResource } from './served-resources.ts';

/** Any object, as loosely as JSON has it. */
export type AnyObject = KubernetesObject & Record<string, unknown>;

/** One change: what was there before, what is there after. */
export interface HistoryEntry {
  revision: number;
  before: AnyObject | undefined;
  /** For a deletion too: the last state, at the revision of the deletion. */
  object: AnyObject;
  deleted: boolean;
}

export interface WriteOptions {
  dryRun: boolean;
  strict: boolean;
}

export interface Deletion {
  preconditions?: { uid?: string; resourceVersion?: string };
  propagationPolicy?: string;
  gracePeriodSeconds?: number;
}

/** What all collections of a server share. */
export interface Surroundings {
  clock: Clock;
  newUID: () => string;
  nextRevision: () => number;
}

export const foregroundDeletion = 'foregroundDeletion';

const namePattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

export class Collection {
  readonly served: ServedResource;
  readonly #surroundings: Surroundings;
  readonly #objects = new Map<string, AnyObject>();
  readonly #listeners = new Set<(entry: HistoryEntry) => void>();
  #history: HistoryEntry[] = [];

  constructor(served: ServedResource, surroundings: Surroundings) {
    this.served = served;
    this.#surroundings = surroundings;
  }

  /** In the order of their keys, as etcd has them. */
  all(): AnyObject[] {
    return [...this.#objects.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => structuredClone(object));
  }

  since(revision: number): readonly HistoryEntry[] {
    return this.#history.filter((entry) => entry.revision > revision);
  }

  forgetHistory(): void {
    this.#history = [];
  }

  subscribe(listener: (entry: HistoryEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  get(key: ObjectKey): AnyObject {
    return structuredClone(this.#mustHave(key));
  }

  create(namespace: string | undefined, draft: AnyObject, options: WriteOptions): AnyObject {
    const { resource, status, initialStatus } = this.served;
    const object = structuredClone(draft);
    const { name } = object.metadata;
    if (!namePattern.test(name)) throw invalid(resource, name, `metadata.name: Invalid value: "${name}"`);
    if ((object.metadata.namespace ?? namespace) !== namespace) {
      throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
    }
    if (namespace !== undefined) object.metadata.namespace = namespace;
    if (this.#objects.has(keyOf(object.metadata))) throw alreadyExists(resource, name);
    object.metadata.uid = this.#surroundings.newUID();
    object.metadata.creationTimestamp = this.#timestamp();
    if (status) {
      object.metadata.generation = 1;
      delete object['status'];
      if (initialStatus) object['status'] = structuredClone(initialStatus);
    }
    this.#validate(object, options, undefined);
    return options.dryRun ? object : this.#commit(object, undefined);
  }

  /** `change` gets a copy and returns the object as the client wants it. */
  update(
    key: ObjectKey,
    change: (current: AnyObject) => AnyObject,
    options: WriteOptions & { subresource: 'status' | undefined; replaces?: boolean },
  ): AnyObject {
    const current = this.#mustHave(key);
    const wanted = change(structuredClone(current));
    if (options.replaces) this.#refuseOtherObject(current, wanted.metadata);
    this.#refuseOtherVersion(current, wanted.metadata);
    const next = this.#merged(current, wanted, options.subresource);
    this.#validate(next, options, current);
    if (isDeepStrictEqual(next, current) || options.dryRun) return structuredClone(next);
    if (
      next.metadata.deletionTimestamp &&
      !next.metadata.finalizers?.length &&
      !next.metadata.deletionGracePeriodSeconds
    ) {
      return this.#remove(next, current);
    }
    return this.#commit(next, current);
  }

  /** The object that is left in place for now, or its last state when it is gone. */
  delete(key: ObjectKey, deletion: Deletion, dryRun: boolean): { object: AnyObject; gone: boolean } {
    const current = this.#mustHave(key);
    this.#refuseOtherTarget(current, deletion.preconditions ?? {});
    const marked = this.#markedForDeletion(current, deletion);
    const gone = !marked.metadata.finalizers?.length && !marked.metadata.deletionGracePeriodSeconds;
    if (dryRun || (!gone && isDeepStrictEqual(marked, current))) return { object: structuredClone(marked), gone };
    return { object: gone ? this.#remove(marked, current) : this.#commit(marked, current), gone };
  }

  #markedForDeletion(current: AnyObject, deletion: Deletion): AnyObject {
    const marked = structuredClone(current);
    const { metadata } = marked;
    const grace = deletion.gracePeriodSeconds ?? this.served.gracePeriodSeconds?.(current) ?? 0;
    // A second DELETE may shorten the grace period, never lengthen it.
    metadata.deletionGracePeriodSeconds = Math.min(metadata.deletionGracePeriodSeconds ?? grace, grace);
    metadata.deletionTimestamp ??= this.#timestamp();
    if (deletion.propagationPolicy === 'Foreground' && !metadata.finalizers?.includes(foregroundDeletion)) {
      metadata.finalizers = [...(metadata.finalizers ?? []), foregroundDeletion];
    }
    return marked;
  }

  #mustHave(key: ObjectKey): AnyObject {
    const object = this.#objects.get(keyOf(key));
    if (!object) throw notFound(this.served.resource, key.name);
    return object;
  }

  #refuseOtherVersion(current: AnyObject, wanted: Partial<ObjectMeta>): void {
    const { resource } = this.served;
    const { name, uid, resourceVersion } = current.metadata;
    if (wanted.name !== name) throw badRequest('the name of the object does not match the name on the URL');
    if (wanted.resourceVersion === undefined) throw notImplemented('an unconditional update');
    if (wanted.resourceVersion !== resourceVersion) {
      const why = 'the object has been modified; please apply your changes to the latest version and try again';
      throw conflict(resource, name, why);
    }
    if (wanted.uid !== undefined && wanted.uid !== uid) {
      throw invalid(resource, name, `metadata.uid: Invalid value: "${wanted.uid}": field is immutable`);
    }
  }

  /** The uid in the body of a PUT is a precondition. */
  #refuseOtherObject(current: AnyObject, wanted: Partial<ObjectMeta>): void {
    const { name, uid } = current.metadata;
    if (wanted.uid === undefined || wanted.uid === uid) return;
    const why = `Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${uid}`;
    throw conflict(this.served.resource, name, why);
  }

  #refuseOtherTarget(current: AnyObject, wanted: { uid?: string; resourceVersion?: string }): void {
    const { resource } = this.served;
    const { name, uid, resourceVersion } = current.metadata;
    if (wanted.uid !== undefined && wanted.uid !== uid) {
      throw conflict(
        resource,
        name,
        `the UID in the precondition (${wanted.uid}) does not match the UID in record (${uid})`,
      );
    }
    if (wanted.resourceVersion !== undefined && wanted.resourceVersion !== resourceVersion) {
      const why = `the ResourceVersion in the precondition (${wanted.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion})`;
      throw conflict(resource, name, why);
    }
  }

  /** A write to the object leaves the status alone, a write to the status everything else; the system's fields stay. */
  #merged(current: AnyObject, wanted: AnyObject, subresource: 'status' | undefined): AnyObject {
    const { apiVersion, kind, metadata } = current;
    if (subresource === 'status') return withStatus(current, wanted['status']);
    const { uid, resourceVersion, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation } =
      metadata;
    const system = {
      uid,
      resourceVersion,
      creationTimestamp,
      deletionTimestamp,
      deletionGracePeriodSeconds,
      generation,
    };
    const kept = Object.fromEntries(Object.entries(system).filter(([, value]) => value !== undefined));
    const own: AnyObject = { ...wanted, apiVersion, kind, metadata: { ...wanted.metadata, ...kept } } as AnyObject;
    if (!this.served.status) return own;
    const next = withStatus(own, current['status']);
    if (!isDeepStrictEqual(content(next), content(current))) next.metadata.generation = (generation ?? 0) + 1;
    return next;
  }

  #validate(object: AnyObject, { strict }: WriteOptions, previous: AnyObject | undefined): void {
    const { resource, validate } = this.served;
    const options = previous ? { previous } : {};
    const wrong = validate?.(object, { strict: false, ...options });
    if (wrong !== undefined) throw invalid(resource, object.metadata.name, wrong);
    const strictlyWrong = strict ? validate?.(object, { strict, ...options }) : undefined;
    if (strictlyWrong !== undefined) throw badRequest(`strict decoding error: ${strictlyWrong}`);
  }

  #commit(object: AnyObject, before: AnyObject | undefined): AnyObject {
    const revision = this.#surroundings.nextRevision();
    object.metadata.resourceVersion = String(revision);
    this.#objects.set(keyOf(object.metadata), object);
    return this.#record({ revision, before, object, deleted: false });
  }

  #remove(object: AnyObject, before: AnyObject): AnyObject {
    const revision = this.#surroundings.nextRevision();
    object.metadata.resourceVersion = String(revision);
    this.#objects.delete(keyOf(object.metadata));
    return this.#record({ revision, before, object, deleted: true });
  }

  #record(entry: HistoryEntry): AnyObject {
    this.#history.push(entry);
    for (const listener of this.#listeners) listener(entry);
    return structuredClone(entry.object);
  }

  #timestamp(): string {
    return new Date(this.#surroundings.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }
}

function withStatus(object: AnyObject, status: unknown): AnyObject {
  const next = structuredClone(object);
  if (status === undefined) delete next['status'];
  else next['status'] = structuredClone(status);
  return next;
}

/** What a change of makes a new generation: everything but metadata and status. */
function content(object: AnyObject): object {
  return { ...object, metadata: undefined, status: undefined };
}
