// The journal as a file of bounded size: lines are appended, and once there are twice as many decisions as are kept, the older
// half goes. Placement never waits for it: what can't be written is counted, said once, and lost.
import { open, mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Log } from '../runtime/log.ts';
import type { Entry } from './entries.ts';
import { readEntries } from './read.ts';

export const keptDecisions = 1_000;
/** What the newest decisions may take together; a scene of a large cluster takes a few KiB. */
const maxKeptBytes = 32 * 1024 * 1024;
/** Lines that wait for a slow disk. */
const maxWaiting = 1_000;

export interface DecisionFileOptions {
  readonly path: string;
  readonly log: Log;
  readonly onLost: (entries: number) => void;
  readonly limits?: { readonly decisions: number; readonly bytes: number };
}

export class DecisionFile {
  readonly #options: DecisionFileOptions;
  readonly #limits: { readonly decisions: number; readonly bytes: number };
  #waiting: Entry[] = [];
  #writing: Promise<void> | undefined;
  /** Of the file as it stands; undefined before it was looked at, or after a failure. */
  #standing: { decisions: number; bytes: number } | undefined;
  #isFailing = false;

  constructor(options: DecisionFileOptions) {
    this.#options = options;
    this.#limits = options.limits ?? { decisions: keptDecisions, bytes: maxKeptBytes };
  }

  append(entry: Entry): void {
    if (this.#waiting.length >= maxWaiting) {
      this.#options.onLost(1);
      return;
    }
    this.#waiting.push(entry);
    this.#writing ??= this.#write();
  }

  /** Until everything that was appended is in the file, or lost. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    // What comes in the same tick is written together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const entries = this.#waiting;
      this.#waiting = [];
      try {
        await this.#writeAll(entries);
        this.#isFailing = false;
      } catch (error) {
        this.#fail(entries.length, error);
      }
    }
    this.#writing = undefined;
  }

  #fail(lost: number, error: unknown): void {
    const { path, log, onLost } = this.#options;
    this.#standing = undefined;
    onLost(lost);
    if (this.#isFailing) return;
    this.#isFailing = true;
    log.warn({ path, error: String(error) }, "decisions can't be written to their file; placement goes on without");
  }

  async #writeAll(entries: readonly Entry[]): Promise<void> {
    const { path } = this.#options;
    this.#standing ??= await this.#prepare();
    const text = entries.map(lineOf).join('');
    const file = await open(path, 'a', 0o600);
    try {
      await file.appendFile(text);
    } finally {
      await file.close();
    }
    this.#standing.decisions += decisionsIn(entries);
    this.#standing.bytes += Buffer.byteLength(text);
    const { decisions, bytes } = this.#limits;
    if (this.#standing.decisions >= 2 * decisions || this.#standing.bytes >= 2 * bytes) await this.#compact();
  }

  /** A line that a crash left unfinished is ended, so that the next one stands alone. */
  async #prepare(): Promise<{ decisions: number; bytes: number }> {
    const { path } = this.#options;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, 'a+', 0o600);
    try {
      const { size } = await file.stat();
      const last = Buffer.alloc(1);
      if (size > 0) await file.read(last, 0, 1, size - 1);
      if (size > 0 && last.toString() !== '\n') await file.appendFile('\n');
    } finally {
      await file.close();
    }
    const { entries } = await readEntries(path);
    return { decisions: decisionsIn(entries), bytes: (await stat(path)).size };
  }

  async #compact(): Promise<void> {
    const { path } = this.#options;
    const { entries } = await readEntries(path);
    const kept = newest(entries, this.#limits);
    const text = kept.map(lineOf).join('');
    // Beside it and renamed, so that a reader sees the one or the other.
    await writeFile(`${path}.new`, text, { mode: 0o600 });
    await rename(`${path}.new`, path);
    this.#standing = { decisions: decisionsIn(kept), bytes: Buffer.byteLength(text) };
  }
}

/** The newest decisions that fit into the limits, and the outcomes of these. */
function newest(entries: readonly Entry[], limits: { decisions: number; bytes: number }): readonly Entry[] {
  const kept = new Set<string>();
  let bytes = 0;
  for (const entry of entries.toReversed()) {
    bytes += Buffer.byteLength(lineOf(entry));
    if (kept.size >= limits.decisions || bytes > limits.bytes) break;
    if (entry.kind === 'Decision') kept.add(entry.decisionID);
  }
  return entries.filter(({ decisionID }) => kept.has(decisionID));
}

function lineOf(entry: Entry): string {
  return `${JSON.stringify(entry)}\n`;
}

function decisionsIn(entries: readonly Entry[]): number {
  return entries.filter(({ kind }) => kind === 'Decision').length;
}
