import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Listing } from './feed.ts';
import type { KubernetesObject } from './kubernetes.ts';
import { keyOf } from './resource.ts';
import { compareVersions } from './resource-version.ts';
import { Store } from './store.ts';
import type { Change } from './store.ts';

interface Thing extends KubernetesObject {
  colour: string;
}

const thing = (name: string, version: number, more: { uid?: string; colour?: string } = {}): Thing => ({
  metadata: { namespace: 'a', name, uid: more.uid ?? `uid-of-${name}`, resourceVersion: `${version}` },
  colour: more.colour ?? 'red',
});

function aStore(listed: readonly Thing[] = [], version = 10) {
  const store = new Store<Thing>({ indexes: { colour: ({ colour }) => [colour] } });
  const listing = store.feed().startListing();
  listing.add(listed);
  listing.finish(`${version}`);
  const changes: string[] = [];
  store.subscribe(({ type, object }: Change<Thing>) => changes.push(`${type} ${object.metadata.uid}`));
  return { store, changes };
}

const relist = (store: Store<Thing>, items: readonly Thing[], version: number) => {
  const listing = store.feed().startListing();
  listing.add(items);
  listing.finish(`${version}`);
};

const versions = (store: Store<Thing>) =>
  Object.fromEntries([...store.list()].map(({ metadata }) => [keyOf(metadata), metadata.resourceVersion]));

describe('a store fed namespace by namespace', () => {
  const inNamespace = (namespace: string, name: string, version: number): Thing => {
    const { metadata, colour } = thing(name, version);
    return { metadata: { ...metadata, namespace }, colour };
  };

  function twoFeeds() {
    const store = new Store<Thing>();
    return { store, one: store.feed('one'), other: store.feed('other') };
  }

  it('is synced when each namespace has been listed', () => {
    const { store, one, other } = twoFeeds();
    one.startListing().finish('5');
    expect([store.synced, one.synced, other.synced]).toEqual([false, true, false]);
    other.startListing().finish('3');
    expect(store.synced).toBe(true);
  });

  it('takes from one watch what is older than all that another has told', () => {
    const { store, one, other } = twoFeeds();
    one.apply({ type: 'BOOKMARK', resourceVersion: '100' });
    other.apply({ type: 'ADDED', object: inNamespace('other', 'x', 7) });
    expect(versions(store)).toEqual({ 'other/x': '7' });
    expect([one.resourceVersion, other.resourceVersion]).toEqual(['100', '7']);
  });

  it('keeps what the listing of another namespace does not hold', () => {
    const { store, one, other } = twoFeeds();
    other.apply({ type: 'ADDED', object: inNamespace('other', 'x', 7) });
    one.apply({ type: 'ADDED', object: inNamespace('one', 'x', 8) });
    one.startListing().finish('9');
    expect(versions(store)).toEqual({ 'other/x': '7' });
    expect([[...one.list()].length, [...other.list()].length]).toEqual([0, 1]);
  });

  it('lets no event of its own watch undo a delete of ours, whatever another has told', () => {
    const { store, one, other } = twoFeeds();
    const gone = inNamespace('one', 'x', 8);
    one.apply({ type: 'ADDED', object: gone });
    store.absorbDelete({ ...gone.metadata, resourceVersion: '9' });
    other.startListing().finish('20');
    one.apply({ type: 'MODIFIED', object: inNamespace('one', 'x', 9) });
    expect(store.size).toBe(0);
  });

  it('is synced by its feeds alone, also when it holds an answer from where none tells of', () => {
    const { store, one, other } = twoFeeds();
    store.absorb(inNamespace('third', 'x', 1));
    one.startListing().finish('5');
    other.startListing().finish('5');
    expect([store.synced, store.size]).toEqual([true, 1]);
  });
});

describe('a store', () => {
  it('is synced once a listing is complete, not before', () => {
    const store = new Store<Thing>();
    const listing = store.feed().startListing();
    listing.add([thing('x', 1)]);
    expect([store.synced, store.size, store.feed().resourceVersion]).toEqual([false, 1, '0']);
    listing.finish('5');
    expect([store.synced, store.size, store.feed().resourceVersion]).toEqual([true, 1, '5']);
  });

  it('compares versions as numbers of any length', () => {
    expect(compareVersions('9', '10')).toBeLessThan(0);
    expect(compareVersions('90071992547409931', '90071992547409930')).toBeGreaterThan(0);
    expect(compareVersions('7', '7')).toBe(0);
  });

  it('tells of each change, with what was there before', () => {
    const { store } = aStore();
    const changes: Change<Thing>[] = [];
    const unsubscribe = store.subscribe((change) => changes.push(change));
    const [first, second] = [thing('x', 11), thing('x', 12)];
    store.feed().apply({ type: 'ADDED', object: first });
    store.feed().apply({ type: 'MODIFIED', object: second });
    store.feed().apply({ type: 'DELETED', object: thing('x', 13) });
    unsubscribe();
    store.feed().apply({ type: 'ADDED', object: thing('y', 14) });
    expect(changes).toEqual([
      { type: 'added', key: 'a/x', object: first },
      { type: 'modified', key: 'a/x', object: second, previous: first },
      { type: 'deleted', key: 'a/x', object: second },
    ]);
  });

  it('takes a new uid under an old name for a deletion and an addition', () => {
    const { store, changes } = aStore([thing('x', 5, { uid: 'old' })]);
    store.feed().apply({ type: 'MODIFIED', object: thing('x', 11, { uid: 'new' }) });
    expect(changes).toEqual(['deleted old', 'added new']);
  });

  it('never lets an old event replace the answer to our own write', () => {
    const { store } = aStore([thing('x', 5)]);
    store.absorb(thing('x', 12));
    store.feed().apply({ type: 'MODIFIED', object: thing('x', 11) });
    expect(versions(store)).toEqual({ 'a/x': '12' });
  });

  it('never brings back what our own delete removed', () => {
    const { store, changes } = aStore([thing('x', 5)]);
    store.absorbDelete(thing('x', 5).metadata);
    store.feed().apply({ type: 'MODIFIED', object: thing('x', 11) });
    store.absorb(thing('x', 11));
    relist(store, [thing('x', 11)], 11);
    expect(store.size).toBe(0);
    expect(changes).toEqual(['deleted uid-of-x']);
  });

  it('takes an object made again under the name our own delete freed', () => {
    const { store } = aStore([thing('x', 5, { uid: 'old' })]);
    store.absorbDelete(thing('x', 5, { uid: 'old' }).metadata);
    store.absorb(thing('x', 13, { uid: 'new' }));
    store.feed().apply({ type: 'DELETED', object: thing('x', 12, { uid: 'old' }) });
    expect(store.get('a/x')?.metadata.uid).toBe('new');
  });

  it('keeps an object of our own that is newer than a listing without it, and drops an older one', () => {
    const { store } = aStore([thing('old', 5)]);
    store.absorb(thing('ours', 25));
    relist(store, [], 20);
    expect(versions(store)).toEqual({ 'a/ours': '25' });
  });

  it('ignores an answer that comes after the watch has told the end of it', () => {
    const { store } = aStore([thing('x', 5)]);
    store.feed().apply({ type: 'DELETED', object: thing('x', 12) });
    store.absorb(thing('x', 11));
    expect(store.size).toBe(0);
  });

  it('stores what transform leaves, in pages and in events', () => {
    const store = new Store<Thing>({ transform: ({ metadata }) => ({ metadata, colour: 'none' }) });
    relist(store, [thing('x', 1)], 1);
    store.feed().apply({ type: 'ADDED', object: thing('y', 2) });
    expect([...store.list()].map(({ colour }) => colour)).toEqual(['none', 'none']);
  });

  it('finds by index what is there now', () => {
    const { store } = aStore([thing('x', 5), thing('y', 6, { colour: 'blue' })]);
    store.feed().apply({ type: 'MODIFIED', object: thing('x', 11, { colour: 'blue' }) });
    store.feed().apply({ type: 'DELETED', object: thing('y', 12) });
    expect(store.byIndex('colour', 'blue').map(({ metadata }) => metadata.name)).toEqual(['x']);
    expect(store.byIndex('colour', 'red')).toEqual([]);
    expect(() => store.byIndex('size', 'red')).toThrow('no index "size"');
  });

  it('wakes who waits for a condition, and rejects with the reason of an aborted signal', async () => {
    const { store } = aStore();
    const abort = new AbortController();
    const waiting = store.until(() => store.size === 1, abort.signal);
    const never = store.until(() => store.size === 9, abort.signal);
    store.feed().apply({ type: 'ADDED', object: thing('x', 11) });
    await waiting;
    abort.abort(new Error('enough'));
    await expect(never).rejects.toThrow('enough');
  });
});

/** A server with three names, and a client that sees it through a lagging watch, relists, and its own answers. */
type Step =
  { do: 'write' | 'delete'; name: string; absorb: 'now' | 'late' | 'no' } | { do: 'watch' } | { do: 'relist' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constantFrom('write' as const, 'write' as const, 'delete' as const),
    name: fc.constantFrom('x', 'y', 'z'),
    absorb: fc.constantFrom('now' as const, 'late' as const, 'no' as const),
  }),
  fc.constant({ do: 'watch' as const }),
  fc.constant({ do: 'watch' as const }),
  fc.constant({ do: 'relist' as const }),
);

class Model {
  readonly store = new Store<Thing>({ indexes: { colour: ({ colour }) => [colour] } });
  readonly server = new Map<string, Thing>();
  #log: { version: number; event: { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: Thing } }[] = [];
  #late: (() => void)[] = [];
  #version = 0;
  #watched = 0;
  /** A listing whose first page has come. */
  #listing: { listing: Listing<Thing>; rest: Thing[]; version: number } | undefined;

  constructor() {
    this.#relist();
    this.#relist();
  }

  run(step: Step): void {
    if (step.do === 'watch') this.watchOne();
    else if (step.do === 'relist') this.#relist();
    else if (step.do === 'write') this.#absorb(step.absorb, this.#write(step.name));
    else this.#absorb(step.absorb, this.#delete(step.name));
  }

  watchOne(): boolean {
    if (this.#listing) return false;
    const next = this.#log.find(({ version }) => version > this.#watched);
    if (!next) return false;
    this.#watched = next.version;
    this.store.feed().apply(next.event);
    return true;
  }

  /** The first call brings the first page, the second the other one: anything may happen between, but a watch. */
  #relist(): void {
    if (this.#listing) {
      const { listing, rest, version } = this.#listing;
      listing.add(rest);
      listing.finish(`${version}`);
      this.#watched = version;
      this.#listing = undefined;
      return;
    }
    const [first, ...rest] = this.server.values();
    this.#listing = { listing: this.store.feed().startListing(), rest, version: this.#version };
    this.#listing.listing.add(first ? [first] : []);
  }

  settle(): void {
    if (this.#listing) this.#relist();
    for (const absorb of this.#late.splice(0)) absorb();
    while (this.watchOne());
  }

  #write(name: string): (() => void) | undefined {
    const old = this.server.get(name);
    const version = ++this.#version;
    const object = thing(name, version, { uid: old?.metadata.uid ?? `${name}-${version}`, colour: `c${version % 3}` });
    this.server.set(name, object);
    this.#log.push({ version, event: { type: old ? 'MODIFIED' : 'ADDED', object } });
    return () => {
      this.store.absorb(object);
    };
  }

  #delete(name: string): (() => void) | undefined {
    const old = this.server.get(name);
    if (!old) return undefined;
    const version = ++this.#version;
    this.server.delete(name);
    const metadata = { ...old.metadata, resourceVersion: `${version}` };
    this.#log.push({ version, event: { type: 'DELETED', object: { ...old, metadata } } });
    return () => {
      this.store.absorbDelete(old.metadata);
    };
  }

  #absorb(when: 'now' | 'late' | 'no', absorb: (() => void) | undefined): void {
    if (!absorb || when === 'no') return;
    if (when === 'now') absorb();
    else this.#late.push(absorb);
  }
}

describe('K3: any interleaving of listing, watch and our own answers', () => {
  it('ends in the state of the server', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const model = new Model();
        for (const step of steps) model.run(step);
        model.settle();
        const wanted = Object.fromEntries([...model.server.values()].map((o) => [keyOf(o.metadata), o]));
        expect(Object.fromEntries([...model.store.list()].map((o) => [keyOf(o.metadata), o]))).toEqual(wanted);
        for (const colour of ['c0', 'c1', 'c2']) {
          const names = (objects: Iterable<Thing>) => [...objects].map(({ metadata }) => metadata.name).sort();
          const found = names(model.store.byIndex('colour', colour));
          expect(found).toEqual(names([...model.server.values()].filter((o) => o.colour === colour)));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('never goes back: no name to an older version, no uid to life after its end', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const model = new Model();
        const newest = new Map<string, string>();
        const ended = new Set<string>();
        model.store.subscribe(({ type, key, object }) => {
          const { uid, resourceVersion } = object.metadata;
          if (type === 'deleted') {
            ended.add(uid);
            return;
          }
          expect(ended.has(uid)).toBe(false);
          expect(compareVersions(resourceVersion, newest.get(key) ?? '0')).toBeGreaterThan(0);
          newest.set(key, resourceVersion);
        });
        for (const step of steps) model.run(step);
        model.settle();
      }),
      { numRuns: 1_000 },
    );
  });
});
