// Which of a numbered few changed, for readers that look in now and then: each remembers how far it has read. What everybody
// could have read long ago is forgotten; who comes too late looks at all of them again.

export class ChangeLog {
  #entries: number[] = [];
  /** Of the first entry still there. */
  #start = 0;

  get end(): number {
    return this.#start + this.#entries.length;
  }

  /** `size`: of how many. To read more entries than a few times that would cost more than to look at all. */
  add(index: number, size: number): void {
    this.#entries.push(index);
    if (this.#entries.length <= 4 * size + 64) return;
    this.#start += this.#entries.length;
    this.#entries = [];
  }

  /** Undefined: forgotten, so any may have changed. */
  since(position: number): readonly number[] | undefined {
    return position < this.#start ? undefined : this.#entries.slice(position - this.#start);
  }
}
