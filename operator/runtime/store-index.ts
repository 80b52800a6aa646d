// One index of a store: value to objects, kept up to date change by change. It knows nothing of versions.

export class StoreIndex<T> {
  readonly #valuesOf: (object: T) => readonly string[];
  readonly #buckets = new Map<string, Map<string, T>>();

  constructor(valuesOf: (object: T) => readonly string[]) {
    this.#valuesOf = valuesOf;
  }

  get(value: string): readonly T[] {
    return [...(this.#buckets.get(value)?.values() ?? [])];
  }

  values(): readonly string[] {
    return [...this.#buckets.keys()];
  }

  add(key: string, object: T): void {
    for (const value of this.#valuesOf(object)) this.#bucket(value).set(key, object);
  }

  remove(key: string, object: T): void {
    for (const value of this.#valuesOf(object)) {
      const bucket = this.#buckets.get(value);
      bucket?.delete(key);
      if (bucket?.size === 0) this.#buckets.delete(value);
    }
  }

  #bucket(value: string): Map<string, T> {
    const existing = this.#buckets.get(value);
    if (existing) return existing;
    const bucket = new Map<string, T>();
    this.#buckets.set(value, bucket);
    return bucket;
  }
}
