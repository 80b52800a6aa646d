// Values pushed at one end, awaited at the other: a watch without a network.

export class EventStream<T> implements AsyncIterable<T> {
  readonly #values: T[] = [];
  #wake: () => void = () => undefined;
  #ended = false;
  #error: Error | undefined;
  #onEnd: () => void = () => undefined;

  /** Called once, when the stream ends. */
  onEnd(callback: () => void): void {
    this.#onEnd = callback;
  }

  push(value: T): void {
    if (this.#ended) return;
    this.#values.push(value);
    this.#wake();
  }

  /** What was pushed before is still delivered; then the stream ends, or breaks with the error. */
  end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#onEnd();
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const value = this.#values.shift();
      if (value !== undefined) yield value;
      else if (!this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
      else if (this.#error) throw this.#error;
      else return;
    }
  }
}
